"""Whose rows are whose: a reading's names, keys and ids against the Organizations of an account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from django.db.models import Max
from django.utils import timezone

from accounts.matching import FORMER, KNOWN, Matches, match
from accounts.models import Account, Alias, CustomerShare, FormerName, Organization, User
from accounts.names import normalise, normalise_all
from accounts.roots import roots_of
from ingest import bulk
from ingest.models import LegInput, RejectedLine, SourceFile, UsageLine
from ingest.sources.reading import Reading
from recon.models import Reconciliation, SignedInput
from recon.services import merging
from recon.services.months import changed, cycles_served

_FILE: Final = 0
_TEXTS: Final = ["organization", "organization_id", "organization_key"]
_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass
class Plan:
    """What an import will do. ``lines`` and ``rejected`` have ``pk``, their Organization (0: a person has to say).

    ``told`` are ids and keys that the file tells of known Organizations; ``renamed`` known ones with their new names;
    ``met`` Organizations that were only a name, with the identified one whose name that is.
    """

    lines: pd.DataFrame
    rejected: pd.DataFrame
    told: list[Organization] = field(default_factory=list)
    renamed: list[tuple[Organization, str, date]] = field(default_factory=list)
    met: dict[int, int] = field(default_factory=dict)


def identify(source_file: SourceFile, reading: Reading) -> Plan:
    """Match a reading's rows, making the Organizations that it is the first to name. What else it teaches waits in the plan."""
    account = source_file.account
    known = _known(account)
    matches = _matches(account, known, reading)
    first, last = len(known), len(known) + len(reading.lines)
    pk_of, met = _best(known, matches, first)
    met = {one: other for one, other in met.items() if _root(known, one) != _root(known, other)}
    entities = matches.entity[first:last]
    told = _told(known, reading.lines, entities, pk_of)
    renamed = _renamed(source_file, known, reading.lines, entities, pk_of)
    _create(account, reading.lines, entities, pk_of)
    named = (reading.rejected[_TEXTS] != "").any(axis=1).to_numpy(dtype=bool)
    refused = matches.entity[last : last + len(reading.rejected)]
    return Plan(
        lines=reading.lines.assign(pk=pk_of[entities]),
        rejected=reading.rejected.assign(pk=np.where(named, pk_of[refused], 0)),
        told=told,
        renamed=renamed,
        met=met,
    )


def whose(account: Account, lists: Sequence[pd.DataFrame]) -> list[_Ints]:
    """The Organization of each name, id and key, list by list; 0 where nobody can tell. Makes none, and teaches none anything."""
    known = _known(account)
    former, aliases = _former(account), _aliases(account, known)
    found = []
    for texts in lists:
        matches = _match(known, [texts], former, aliases)
        pk_of, _ = _best(known, matches, len(known))
        found.append(pk_of[matches.entity[len(known) : len(known) + len(texts)]])
    return found


def apply(plan: Plan, account: Account, *, by: User) -> None:
    """Keep what the file taught, in the transaction in which it begins to count. What people decided since it was read comes first."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    bulk.update(Organization, ["huntress_id", "key"], [(told.pk, told.huntress_id, told.key) for told in plan.told])
    for organization, name, until in plan.renamed:
        FormerName.objects.get_or_create(organization=organization, name=organization.name, defaults={"until": until})
        Organization.objects.filter(pk=organization.pk).update(name=name, name_key=normalise(name)[:500])
    _rename_roots(plan, account)
    for only_a_name, organization_pk in plan.met.items():
        _join(only_a_name, organization_pk, account, by=by)


def _rename_roots(plan: Plan, account: Account) -> None:
    """A customer that goes by the name of one of its members takes that one's new name, too."""
    roots = roots_of(account) if plan.renamed else {}
    for member, name, until in plan.renamed:
        known_as = Organization.objects.filter(pk=roots.get(member.pk, 0), name=member.name)
        if known_as.update(name=name, name_key=normalise(name)[:500]):
            FormerName.objects.get_or_create(organization_id=roots[member.pk], name=member.name, defaults={"until": until})


def _join(only_a_name: int, organization: int, account: Account, *, by: User) -> None:
    """Rows, decisions, aliases and the split of a bare name go to the Organization it turned out to be; what is signed stays as it was."""
    roots = roots_of(account)
    if roots.get(only_a_name, only_a_name) == roots.get(organization, organization):
        return
    files = list(UsageLine.objects.filter(organization=only_a_name).values_list("source_file", flat=True).distinct().order_by())
    files = [file for file in files if not SignedInput.objects.filter(source_file=file).exists()]
    UsageLine.objects.filter(organization=only_a_name, source_file__in=files).update(organization=organization)
    RejectedLine.objects.filter(organization=only_a_name, source_file__in=files).update(organization=organization)
    merging.gather(Reconciliation.objects.filter(cycle__account=account), {only_a_name: organization})
    if not CustomerShare.objects.filter(organization=organization, ended_at__isnull=True).exists():
        CustomerShare.objects.filter(organization=only_a_name, ended_at__isnull=True).update(organization=organization)
    Alias.objects.filter(organization=only_a_name).update(organization=organization)
    if Organization.objects.filter(merged_into=only_a_name).exists():  # who counts under the bare name counts with it from now on
        Organization.objects.filter(pk=only_a_name, merged_into__isnull=True).update(merged_into=organization)
    for cycle in cycles_served(account, files):
        changed(cycle, by=by)


def _known(account: Account) -> pd.DataFrame:
    """Every Organization, merged ones too, with its ``root`` and what files know it by (``known_as``)."""
    rows = Organization.objects.filter(account=account).order_by("pk").values_list("pk", "name", "huntress_id", "key", "name_key")
    roots = roots_of(account)
    records = [(pk, name, huntress_id or "", key or "", norm, roots.get(pk, pk)) for pk, name, huntress_id, key, norm in rows]
    types = {"pk": "int64"} | dict.fromkeys((*_TEXTS, "name_key"), "str") | {"root": "int64"}
    known = pd.DataFrame(records, columns=["pk", *_TEXTS, "name_key", "root"]).astype(types)
    return known.assign(known_as=_own_names(known) if roots else known["organization"])


def _own_names(known: pd.DataFrame) -> pd.Series[str]:
    """What several of one customer are called alike must not look like several customers.

    A root is known by its old name where it took over a member's; else one of them has the name, and the others their id or key alone.
    """
    alike = known[known.duplicated(["root", "name_key"], keep=False)]
    former: dict[int, list[str]] = defaultdict(list)
    for pk, name in FormerName.objects.filter(organization__in=alike["root"].tolist()).values_list("organization_id", "name"):
        former[pk].append(name)
    names, taken = known["organization"].copy(), set(known["name_key"])
    for _, sharers in alike.groupby(["root", "name_key"]):
        root, is_there = int(sharers["root"].iloc[0]), bool((sharers["pk"] == sharers["root"]).any())
        own = next((name for name in former[root] if is_there and normalise(name)[:500] not in taken), "")
        if own:
            names[known["pk"] == root] = own
        rest = sharers[sharers["pk"] != root]
        spare = rest if is_there and not own else rest.iloc[1:]
        names[spare.index[(spare["organization_id"] != "") | (spare["organization_key"] != "")]] = ""
    return names


def _root(known: pd.DataFrame, pk: int) -> int:
    """Who a known Organization counts under."""
    place = int(known["pk"].searchsorted(pk))
    return int(known["root"].iloc[place])


def _matches(account: Account, known: pd.DataFrame, reading: Reading) -> Matches:
    """Match known Organizations, the reading's lines, its rejected rows and former names, in that order."""
    return _match(known, [reading.lines, reading.rejected], _former(account), _aliases(account, known))


def _match(known: pd.DataFrame, lists: Sequence[pd.DataFrame], former: pd.DataFrame, aliases: pd.DataFrame) -> Matches:
    parts = [(known.assign(organization=known["known_as"]), KNOWN), *((frame, _FILE) for frame in lists), (former, FORMER)]
    texts = pd.concat([frame[_TEXTS].astype("str") for frame, _ in parts], ignore_index=True)
    sources = np.concatenate([np.full(len(frame), source, dtype=np.int64) for frame, source in parts])
    return match(texts.assign(source=sources), aliases=aliases)


def _former(account: Account) -> pd.DataFrame:
    rows = FormerName.objects.filter(organization__account=account).values_list("name", "organization__huntress_id", "organization__key")
    return pd.DataFrame([(name, its_id or "", key or "") for name, its_id, key in rows if its_id or key], columns=_TEXTS)


def _aliases(account: Account, known: pd.DataFrame) -> pd.DataFrame:
    place = {pk: index for index, pk in enumerate(known["pk"])}
    rows = Alias.objects.filter(account=account, revoked_at__isnull=True).values_list("name", "organization_id")
    return pd.DataFrame([(name, place[pk]) for name, pk in rows], columns=["alias", "reference"])


def _best(known: pd.DataFrame, matches: Matches, count: int) -> tuple[_Ints, dict[int, int]]:
    """Each entity's Organization (0: none yet, and for NOBODY), and those that were only a name of another one."""
    pk_of = np.zeros(matches.count + 1, dtype=np.int64)
    entities = pd.DataFrame(
        {
            "entity": matches.entity[:count],
            "pk": known["pk"],
            "bare": (known["organization_id"] == "") & (known["organization_key"] == ""),
            "keyed": known["organization_id"] == "",
        }
    ).sort_values(["entity", "bare", "keyed", "pk"])
    best = entities.drop_duplicates("entity")
    pk_of[best["entity"].to_numpy()] = best["pk"].to_numpy()
    second = entities[entities["entity"].duplicated()]
    met = dict(zip(second["pk"].tolist(), pk_of[second["entity"].to_numpy()].tolist(), strict=True))
    return pk_of, met


def _told(known: pd.DataFrame, lines: pd.DataFrame, entities: _Ints, pk_of: _Ints) -> list[Organization]:
    """Known Organizations that learn the id or the key that they lack."""
    told = lines.assign(pk=pk_of[entities])
    told = told[(told["pk"] > 0) & ((told["organization_id"] != "") | (told["organization_key"] != ""))]
    news = told.sort_values("line").drop_duplicates("pk").merge(known, on="pk", suffixes=("", "_known"))
    learns_id = (news["organization_id_known"] == "") & (news["organization_id"] != "")
    learns_key = (news["organization_key_known"] == "") & (news["organization_key"] != "")
    columns = ["pk", "organization_id_known", "organization_id", "organization_key_known", "organization_key"]
    return [
        Organization(pk=pk, huntress_id=id_known or its_id or None, key=key_known or key or None)
        for pk, id_known, its_id, key_known, key in _plain(news[learns_id | learns_key], columns)
    ]


def _renamed(
    source_file: SourceFile, known: pd.DataFrame, lines: pd.DataFrame, entities: _Ints, pk_of: _Ints
) -> list[tuple[Organization, str, date]]:
    """Known Organizations whose id or key comes with another name in the newest billed report."""
    cycle = source_file.cycle
    later = LegInput.objects.filter(leg="billed", ended_at__isnull=True, cycle__account=source_file.account_id)
    if source_file.kind != "billed" or cycle is None or later.filter(cycle__start__gt=cycle.start).exists():
        return []
    identified = (lines["organization_id"] != "") | (lines["organization_key"] != "")
    now = lines.assign(pk=pk_of[entities])[identified & (lines["organization"] != "")]
    now = now[now["pk"] > 0].sort_values(["pk", "organization"]).drop_duplicates("pk")
    changed = now.merge(known, on="pk", suffixes=("", "_known"))
    changed = changed[changed["organization"] != changed["organization_known"]]
    called = _plain(changed, ["pk", "organization_known", "organization"])
    return [(Organization(pk=pk, name=before), name[:500], cycle.start) for pk, before, name in called]


def _create(account: Account, lines: pd.DataFrame, entities: _Ints, pk_of: _Ints) -> None:
    """Make the Organizations that the file is the first to name, under the smallest of its spellings."""
    new = lines.assign(entity=entities)
    new = new[(new["entity"] >= 0) & (pk_of[entities] == 0)].sort_values(["entity", "organization", "line"])
    new = new.drop_duplicates("entity")
    told = _plain(new, _TEXTS)
    names = [(name or key or its_id)[:500] for name, its_id, key in told]
    identities = [(its_id or None, key or None) for _, its_id, key in told]
    of_account, now = Organization.objects.filter(account=account), timezone.now()
    last = of_account.aggregate(last=Max("pk"))["last"] or 0
    columns = ["account_id", "created_at", "name", "name_key", "huntress_id", "key"]
    named = zip(names, normalise_all(names), identities, strict=True)
    bulk.load(Organization, columns, ((account.pk, now, name, name_key[:500], *identity) for name, name_key, identity in named))
    made = of_account.filter(pk__gt=last).values_list("name", "huntress_id", "key", "pk").order_by("-pk")
    pk_of_made = {(name, (its_id, key)): pk for name, its_id, key, pk in made.iterator(chunk_size=20_000)}
    pk_of[new["entity"].to_numpy()] = [pk_of_made[one] for one in zip(names, identities, strict=True)]


def _plain(frame: pd.DataFrame, columns: list[str]) -> list[list[Any]]:
    """Rows of Python's own values."""
    rows: list[list[Any]] = frame[columns].astype(object).to_numpy().tolist()
    return rows
