"""What lists of machines and of identities say is behind an alarm: agents to remove, and leavers who kept a licence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Exists, OuterRef

from accounts.models import Account
from accounts.roots import families_of
from accounts.templatetags.recon_ui import units
from ingest.models import FileOwner, IdentityLine, LegInput
from recon.models.sweep import TO_REMOVE
from recon.sweep_counts import NOBODY, counted

_WORDS: Final = {"stale": "stale", "never": "never checked in", "duplicate": "standing twice"}


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep would remove of one customer's machines, by what is wrong with them."""

    stale: int = 0
    never: int = 0
    duplicate: int = 0

    @property
    def machines(self) -> int:
        return self.stale + self.never + self.duplicate

    @property
    def words(self) -> str:
        return ", ".join(f"{units(count)} {words}" for name, words in _WORDS.items() if (count := getattr(self, name)))


def swept_behind(account: Account) -> dict[int, Swept] | None:
    """By customer, of the newest agent list, what is kept on purpose left out; None where no list has been looked through."""
    given = counted(account)
    if not given.is_counted:
        return None
    rows = given.to_remove.order_by().values_list("organization", "kind").annotate(machines=Count("pk"))
    found: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(TO_REMOVE, 0))
    for pk, kind, machines in rows:
        found[given.roots.get(pk or NOBODY, pk or NOBODY)][kind] += machines
    return {pk: Swept(**kinds) for pk, kinds in found.items()}


def leavers_behind(account: Account, organizations: Collection[int]) -> Mapping[int, int] | None:
    """How many billable identities of each customer are disabled, in the newest list of identities; None where there is none.

    Who is not in the list has no figure, and neither has who shows none in a list that is not whole.
    """
    lists = LegInput.objects.filter(cycle__account=account, leg="identities", ended_at__isnull=True, source_file__state="imported")
    lists = lists.filter(source_file__tombstone__isnull=True)
    given = lists.select_related("source_file").order_by("-cycle__start").first()
    if given is None:
        return None
    newest = given.source_file_id
    families = families_of(account, organizations)
    shown_for = {member: pk for pk, family in families.items() for member in family}
    owners = FileOwner.objects.filter(source_file=newest, organization__in=shown_for)
    whose = {number: shown_for[pk] for number, pk in owners.values_list("number", "organization_id") if pk is not None}
    of_it = Exists(owners.filter(source_file=OuterRef("source_file"), number=OuterRef("owner")))
    rows = IdentityLine.objects.filter(of_it, source_file=newest, is_billable=True, is_enabled=False).order_by()
    is_whole = not given.partial and not given.source_file.rejected
    found = dict.fromkeys(whose.values(), 0) if is_whole else {}
    for owner, count in rows.values_list("owner").annotate(count=Count("pk")):
        found[whose[owner]] = found.get(whose[owner], 0) + count
    return found
