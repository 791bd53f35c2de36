"""Whose rows are whose: the Organizations as large lists and price lists name them, against the account's. Makes no Organization."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Final

import pandas as pd
from django.db import transaction
from django.db.models import Q, Sum

from accounts.models import Account
from ingest import bulk
from ingest.models import AgentLine, FileOwner, LegInput, RowIssue, SourceFile
from ingest.sources.agents_rows import Owners
from recon.services.identities import whose

_TEXTS: Final = ["organization", "organization_id", "organization_key"]
_NAMED: Final = 5
CODE: Final = "unmatched_organizations"
#: What the rows of a kind are called, one and several.
_NOUNS: Final = {
    "agents": ("agent", "agents"),
    "prices": ("price", "prices"),
    "live": ("count", "counts"),
    "identities": ("identity", "identities"),
}


def store_owners(source_file: SourceFile, owners: Owners, loaded: Callable[[int], None] = lambda rows: None) -> None:
    """Keep the Organizations that a list names, each with the one of the account that it is, or none."""
    spelt = pd.DataFrame(list(owners.numbers), columns=_TEXTS, dtype="str")
    (found,) = whose(source_file.account, [spelt])
    columns = ["source_file_id", "number", "name", "huntress_id", "key", "organization_id", "rows"]
    records = zip(spelt.itertuples(index=False, name=None), found.tolist(), owners.rows, strict=True)
    rows = (
        (source_file.pk, number, name[:500], its_id[:64], key[:256], pk or None, count)
        for number, ((name, its_id, key), pk, count) in enumerate(records)
    )
    bulk.load(FileOwner, columns, rows, loaded)
    tell_unmatched([source_file.pk])


def match_owners(account: Account, unsettled: Collection[int] = ()) -> int:
    """Match again what no Organization was known for, after a new alias, a decision or a new Organization. Returns how many changed.

    ``unsettled`` are Organizations whose names may no longer be theirs: an alias was revoked.
    """
    lists = FileOwner.objects.filter(source_file__account=account, source_file__state=SourceFile.State.IMPORTED)
    waiting = lists.filter(Q(organization__isnull=True) | Q(organization__in=unsettled))
    columns = ("pk", "source_file_id", "organization_id", "name", "huntress_id", "key")
    # All of such a list's names speak, as they did when it came: one spelt in two ways is nobody's to decide.
    rows = FileOwner.objects.filter(source_file__in=waiting.values("source_file")).order_by("source_file", "number").values_list(*columns)
    by_file: dict[int, list[tuple[int, int | None, str, str, str]]] = defaultdict(list)
    for pk, source_file, organization, *texts in rows.iterator(chunk_size=20_000):
        by_file[source_file].append((pk, organization, *texts))
    if not by_file:
        return 0
    spelt = [pd.DataFrame([texts for _, _, *texts in of_file], columns=_TEXTS, dtype="str") for of_file in by_file.values()]
    news = [
        (pk, organization or None)
        for of_file, found in zip(by_file.values(), whose(account, spelt), strict=True)
        for (pk, before, *_), organization in zip(of_file, found.tolist(), strict=True)
        if (before is None or before in unsettled) and organization != (before or 0)
    ]
    with transaction.atomic():
        bulk.update(FileOwner, ["organization_id"], news, kind="bigint")
        tell_unmatched(list(by_file))
    return len(news)


def name_owners(account: Account) -> int:
    """Name what lists have by Huntress' id alone, as Huntress' own newest list of Organizations does. Returns how many got a name.

    Agents by API have no other word for whose they are. The name is kept with the list, and teaches no Organization anything.
    """
    bare = FileOwner.objects.filter(source_file__account=account, source_file__state=SourceFile.State.IMPORTED, name="")
    bare = bare.filter(source_file__kind="agents").exclude(huntress_id="")
    ids = dict(bare.values_list("pk", "huntress_id"))
    lists = LegInput.objects.filter(cycle__account=account, leg="live", ended_at__isnull=True, source_file__state=SourceFile.State.IMPORTED)
    newest = lists.order_by("-cycle__start").values_list("source_file", flat=True).first() if ids else None
    if newest is None:
        return 0
    names = dict(FileOwner.objects.filter(source_file=newest).exclude(name="").values_list("huntress_id", "name"))
    named = [(pk, names[its_id]) for pk, its_id in ids.items() if its_id in names]
    with transaction.atomic():
        bulk.update(FileOwner, ["name"], named)
    return len(named)


def tell_unmatched(source_files: Collection[int]) -> None:
    """Say of each list whose agents or prices wait, and how many; where none do any more, say nothing."""
    RowIssue.objects.filter(source_file__in=source_files, code=CODE).delete()
    waiting = FileOwner.objects.filter(source_file__in=source_files, organization__isnull=True)
    counts = dict(waiting.order_by().values_list("source_file").annotate(rows_waiting=Sum("rows")))
    lists = dict(SourceFile.objects.filter(pk__in=counts).values_list("pk", "kind"))
    named: dict[int, list[str]] = defaultdict(list)
    for owner in waiting.order_by("source_file", "-rows", "number").iterator(chunk_size=20_000):
        named[owner.source_file_id].append(str(owner))
    RowIssue.objects.bulk_create(
        RowIssue(source_file_id=pk, level="warning", code=CODE, message=_message(named[pk], rows, lists[pk])) for pk, rows in counts.items()
    )


def _message(names: list[str], rows: int, kind: str) -> str:
    listed = ", ".join(f"“{name[:60]}”" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    what = "this Organization is" if len(names) == 1 else "these Organizations are"
    noun, nouns = _NOUNS[kind]
    return f"{listed}{more}: {what} not known here, so {rows:,} {f'{noun} waits' if rows == 1 else f'{nouns} wait'} to be matched."


def hostnames_of(organizations: Iterable[int], source_file: SourceFile) -> dict[int, frozenset[str]]:
    """The hosts that a list has for each of some Organizations, case-folded. Whom it has none for is not in it."""
    owners = FileOwner.objects.filter(source_file=source_file, organization__in=list(organizations))
    organization_of = dict(owners.values_list("number", "organization_id"))
    lines = AgentLine.objects.filter(source_file=source_file, owner__in=owners.values("number"))
    found: dict[int, set[str]] = defaultdict(set)
    for owner, hostname in lines.order_by().values_list("owner", "hostname").iterator(chunk_size=20_000):
        if (pk := organization_of.get(owner)) is not None:
            found[pk].add(hostname.casefold())
    return {pk: frozenset(hosts) for pk, hosts in found.items()}
