"""Rows that wait for their Organization: nothing is guessed, a person says whose they are, and that is remembered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Account, Alias, BillingCycle, Organization, User
from accounts.names import normalise
from ingest.models import LegInput, RejectedLine, SourceFile, UsageLine
from ingest.services.intake import Refused
from recon.services.months import changed, newest


@dataclass
class Waiting:
    """One name that fits nobody alone: its spellings, where it stands, and who it could be."""

    name_key: str
    spellings: set[str] = field(default_factory=set)
    places: list[UsageLine] = field(default_factory=list)
    candidates: list[Organization] = field(default_factory=list)

    @property
    def name(self) -> str:
        return min(self.spellings)

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.places)


def _waiting_lines(account: Account) -> QuerySet[UsageLine]:
    """Rows of the files that serve a month now. Those of a replaced or withdrawn file wait again when it is used again."""
    served = LegInput.objects.filter(cycle__account=account, ended_at__isnull=True).values("source_file")
    return UsageLine.objects.filter(organization__isnull=True, source_file__in=served)


def waiting(account: Account) -> list[Waiting]:
    """The account's queue, by name."""
    queue: dict[str, Waiting] = {}
    for line in _waiting_lines(account).select_related("source_file").order_by("name", "source_file", "line"):
        one = queue.setdefault(normalise(line.name), Waiting(normalise(line.name)))
        one.spellings.add(line.name)
        one.places.append(line)
    alike: dict[str, list[Organization]] = defaultdict(list)
    for organization in Organization.objects.filter(account=account, name_key__in=[key[:500] for key in queue]):
        alike[organization.name_key].append(organization)
    for key, one in queue.items():
        one.candidates = alike[key[:500]]
    return sorted(queue.values(), key=lambda one: one.name)


def count_waiting(account: Account) -> int:
    return len(set(map(normalise, _waiting_lines(account).values_list("name", flat=True).distinct())))


def settle(account: Account, name_key: str, *, organization: Organization | None, by: User) -> Organization:
    """Say whose a waiting name is: a known Organization, or (None) one of its own. Remembered as an alias.

    Raises Refused when the name no longer waits.
    """
    with transaction.atomic():
        lines = [line for line in _waiting_lines(account).order_by("name", "pk") if normalise(line.name) == name_key]
        if not lines:
            raise Refused("That name no longer waits to be matched.")
        if organization is None:
            organization = Organization.objects.create(account=account, name=min(line.name for line in lines))
        _remember(account, lines[0].name, organization, by=by)
        spellings, files = {line.name for line in lines}, {line.source_file_id for line in lines}
        once_imported = SourceFile.objects.filter(account=account, state=SourceFile.State.IMPORTED)
        for model in (UsageLine, RejectedLine):
            named = model._default_manager.filter(organization__isnull=True, source_file__in=once_imported, name__in=spellings)
            named.update(organization=organization)
        served = LegInput.objects.filter(source_file__in=files, ended_at__isnull=True).values("cycle")
        cycles = list(BillingCycle.objects.filter(pk__in=served).select_related("account").order_by("start"))
        for cycle in cycles:
            changed(cycle, by=by)
        for served_by in cycles or (None,):
            audit.record(
                "recon.name.matched", f"{min(spellings)} to {organization}", account=account, actor=by, cycle=served_by,
                revision=newest(served_by).revision if served_by else None,
                after={"organization": organization.pk, "spellings": sorted(spellings), "rows": len(lines)},
            )  # fmt: skip
    return organization


def _remember(account: Account, name: str, organization: Organization, *, by: User) -> None:
    """Confirm an alias. A name that was settled otherwise before, and waits again, means the newest answer from now on."""
    before = Alias.objects.filter(account=account, name_key=normalise(name)[:500], revoked_at__isnull=True)
    if before.filter(organization=organization).exists():
        return
    before.update(revoked_at=timezone.now())
    Alias.objects.create(account=account, organization=organization, name=name, confirmed_by=by)
