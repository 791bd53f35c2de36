"""What tenants hold licences for: billable identities by customer, for the check of ITDR against Microsoft.

A month asks it where a tenant was confirmed before its cycle ended: what is connected later says nothing about the months before. A
customer is checked where each of its tenants was counted for the cycle, lately and whole; one tenant that was not leaves the customer
unchecked, and a customer without a tenant is unknown. Nothing here is ever zero for want of an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from django.db.models import Q
from django.utils import timezone

from accounts.models import BillingCycle, Tenant, TenantCount
from accounts.templatetags.recon_ui import plural
from ingest.models import DirectoryLicence, DirectorySnapshot, DirectoryUser, LegInput
from recon.engine import COUNTED_BY_MICROSOFT, LegTable
from recon.engine.identities import classify
from recon.exclusion_lists import excluded_in
from recon.models import Reconciliation

LEG: Final = "microsoft"
#: Counted longer than this before the cycle's end (or, while it goes on, before now), a tenant says too little about that end.
STALE: Final = timedelta(days=3)
_USER: Final = ("source_file_id", "line", "user_id", "upn")
_HELD: Final = ("source_file_id", "owner", "sku_id", "sku", "state", "is_trial")


@dataclass(frozen=True, slots=True)
class CountedTenant:
    """One tenant in a cycle. ``billable`` is None where that is not known, and ``why`` says why; ``as_of`` is when it was counted."""

    tenant: Tenant
    billable: int | None
    why: str = ""
    as_of: datetime | None = None
    file: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Counted:
    """What a cycle's tenants were counted. ``tenants`` is empty where the month does not ask."""

    tenants: Sequence[CountedTenant] = ()
    version: LegInput | None = None
    roots: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_asked(self) -> bool:
        return bool(self.tenants)

    @cached_property
    def by_customer(self) -> dict[int, list[CountedTenant]]:
        """By the Organization that each counts under."""
        found: dict[int, list[CountedTenant]] = defaultdict(list)
        for one in self.tenants:
            if one.tenant.organization_id is not None:
                found[self.roots.get(one.tenant.organization_id, one.tenant.organization_id)].append(one)
        return dict(found)

    def billable(self, organization: int) -> int | None:
        """All of a customer's tenants together; None where one of them is not known, or there is none."""
        counts = [one.billable for one in self.by_customer.get(organization, ())]
        return None if not counts or None in counts else sum(count for count in counts if count is not None)

    def why(self, organization: int) -> str:
        """Why a customer is not checked."""
        tenants = self.by_customer.get(organization)
        if not tenants:
            return "No tenant of this customer is connected."
        return " ".join(f"{one.tenant}: {one.why}" for one in tenants if one.why)

    def described(self) -> dict[str, Any]:
        """What a month's totals keep of it, and its signature covers."""
        return {
            "list": self.version.source_file.sha256 if self.version else None,
            "tenants": [
                {
                    "tenant": one.tenant.guid or one.tenant.name, "organization": str(one.tenant.organization), "billable": one.billable,
                    "why": one.why, "as_of": one.as_of.isoformat() if one.as_of else None, "sha256": one.sha256,
                }
                for one in self.tenants
            ],
        }  # fmt: skip


def counted_in(cycle: BillingCycle, roots: Mapping[int, int] | None = None) -> Counted:
    """Every tenant that speaks for a cycle. ``roots`` say under which Organization another one counts."""
    tenants = list(_tenants_of(cycle))
    if not tenants:
        return Counted()
    version, excluded = excluded_in(cycle)
    snapshots = {one.tenant_id: one for one in _snapshots(cycle, tenants)}
    billable = _billable(list(snapshots.values()), excluded)
    stated = {one.tenant_id: one for one in TenantCount.objects.filter(cycle=cycle, tenant__in=tenants).order_by("at", "pk")}
    signed = _signed(cycle, list(snapshots.values()))
    found = [
        signed.get(one.pk) or _counted(cycle, one, snapshots.get(one.pk), stated.get(one.pk), billable, has_list=version is not None)
        for one in tenants
    ]
    return Counted(found, version, roots or {})


def leg_of(counted: Counted, organizations: pd.DataFrame) -> LegTable:
    """The leg as the engine takes it: a line for each customer that is known, and the customers that are not."""
    place = dict(zip(organizations["pk"].tolist(), organizations["root"].tolist(), strict=True))
    whose = {place[pk]: counted.billable(pk) for pk in counted.by_customer if pk in place}
    known = {where: units for where, units in whose.items() if units is not None}
    lines = pd.DataFrame(
        {
            "organization": np.array(list(known), dtype=np.int64),
            "product": pd.Series([COUNTED_BY_MICROSOFT] * len(known), dtype="str"),
            "quantity": np.array(list(known.values()), dtype=np.int64),
            "unit_price": pd.array([None] * len(known), dtype="Int64"),
        }
    )
    unknown = [(where, COUNTED_BY_MICROSOFT) for where, units in whose.items() if units is None]
    return LegTable(lines, pd.DataFrame(sorted(unknown), columns=["organization", "product"]), partial=True)


def _tenants_of(cycle: BillingCycle) -> Any:
    end = _end_of(cycle)
    known = Tenant.objects.filter(account=cycle.account_id, organization__isnull=False, confirmed_at__lt=end)
    return known.filter(Q(removed_at__isnull=True) | Q(removed_at__gte=end)).select_related("organization").order_by("pk")


def _end_of(cycle: BillingCycle) -> datetime:
    return datetime.combine(cycle.end, time(), ZoneInfo(cycle.account.time_zone))


def _snapshots(cycle: BillingCycle, tenants: Sequence[Tenant]) -> list[DirectorySnapshot]:
    given = DirectorySnapshot.objects.filter(cycle=cycle, tenant__in=tenants, superseded_at__isnull=True)
    return list(given.select_related("tenant__organization", "source_file__tombstone"))


def _signed(cycle: BillingCycle, snapshots: Sequence[DirectorySnapshot]) -> dict[int, CountedTenant]:
    """By tenant, what was signed of users who were purged since: who they were is gone, and how many stays."""
    purged = [one for one in snapshots if hasattr(one.source_file, "tombstone")]
    month = Reconciliation.objects.filter(cycle=cycle, state=Reconciliation.State.SIGNED).order_by("-revision").first() if purged else None
    kept = {said["sha256"]: said for said in month.totals.get("microsoft", {}).get("tenants", [])} if month else {}
    return {
        one.tenant_id: CountedTenant(one.tenant, said["billable"], said["why"], one.as_of, one.source_file_id, one.source_file.sha256)
        for one in purged
        if (said := kept.get(one.source_file.sha256))
    }


def _counted(
    cycle: BillingCycle,
    tenant: Tenant,
    snapshot: DirectorySnapshot | None,
    stated: TenantCount | None,
    billable: Mapping[int, int],
    *,
    has_list: bool,
) -> CountedTenant:
    if snapshot is None:
        if stated is not None:
            return CountedTenant(tenant, stated.identities, as_of=stated.at)
        return CountedTenant(tenant, None, "was not counted for this cycle.")
    why = _why_not(cycle, snapshot, has_list=has_list)
    known = None if why else billable.get(snapshot.source_file_id, 0)
    return CountedTenant(tenant, known, why, snapshot.as_of, snapshot.source_file_id, snapshot.source_file.sha256)


def _why_not(cycle: BillingCycle, snapshot: DirectorySnapshot, *, has_list: bool) -> str:
    if hasattr(snapshot.source_file, "tombstone"):
        return f"its users were purged on {snapshot.source_file.tombstone.at:%Y-%m-%d}."
    if not has_list:
        return "there is no exclusion list for this cycle, so nobody can say whose licences are billed."
    if not snapshot.is_whole:
        return "what was counted lacks users or their licences."
    until = min(_end_of(cycle), timezone.now())
    age = until - snapshot.as_of
    if age > STALE:
        when = "before the cycle ended" if until == _end_of(cycle) else "ago"
        return f"it was counted {plural(age.days, 'day')} {when}."
    return ""


def _billable(snapshots: Sequence[DirectorySnapshot], excluded: frozenset[str]) -> dict[int, int]:
    """Billable identities by file. Who was deleted before it was counted is not among them."""
    files = [one.source_file_id for one in snapshots]
    if not files:
        return {}
    users = pd.DataFrame(
        list(DirectoryUser.objects.filter(source_file__in=files, deleted_at__isnull=True).values_list(*_USER)),
        columns=["tenant", "line", "user", "upn"],
    )
    held = pd.DataFrame(
        list(DirectoryLicence.objects.filter(source_file__in=files).values_list(*_HELD)),
        columns=["tenant", "identity", "sku_id", "sku", "state", "is_trial"],
    )
    # A person whom two pages brought is one, under the first of their lines.
    users["user"] = users["user"].where(users["user"] != "", users["upn"])  # a list names nobody's id
    first = users.sort_values("line").drop_duplicates(["tenant", "user"])
    verdicts = classify(first.rename(columns={"line": "identity"})[["tenant", "identity"]], held, excluded)
    counts = first.loc[verdicts["billable"].to_numpy(dtype=bool), "tenant"].value_counts()
    return {int(file): int(count) for file, count in counts.items()}
