"""One Organization: what it is called, who counts with it, what it was billed cycle by cycle, and what people decided of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import F, Q

from accounts.models import Account, Alias, AuditEvent, FormerName, Organization
from accounts.products import BY_CODE, CODES
from accounts.roots import families_of
from accounts.templatetags.recon_ui import cycle_range, day
from recon.audit_page import sentence
from recon.listing import histories, months_before
from recon.models import Question, Reconciliation, Variance
from recon.organization_live import OrganizationLive, Point
from recon.services import organizations
from recon.services import questions as service

_DECISIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Member:
    """An Organization that counts under this one, with the answer that made it so; null where none is on record."""

    organization: Organization
    merge: Question | None


@dataclass(frozen=True, slots=True)
class Line:
    """One product over the cycles, oldest first; null where no complete report was imported. ``live`` is empty where none was pulled."""

    product: str
    billed: list[int | None]
    live: list[Point]

    @property
    def live_units(self) -> list[int | None]:
        return [one.units for one in self.live]


@dataclass(frozen=True)
class OrganizationPage:
    account: Account
    organization: Organization

    @cached_property
    def family(self) -> list[int]:
        return families_of(self.account, [self.organization.pk])[self.organization.pk]

    @cached_property
    def root(self) -> Organization | None:
        """Under whom it counts, where it is a member."""
        if self.organization.merged_into_id is None:
            return None
        return Organization.objects.get(pk=self.family[0])

    @cached_property
    def members(self) -> list[Member]:
        """Its members; of a member, itself, so that its own page can take it out again."""
        pks = [self.organization.pk] if self.root else self.family[1:]
        found = list(Organization.objects.filter(pk__in=pks).order_by("name", "pk"))
        merges = organizations.merges_of(self.account, found) if found else {}
        return [Member(one, merges.get(one.pk)) for one in found]

    @cached_property
    def former_names(self) -> list[FormerName]:
        return list(FormerName.objects.filter(organization__in=self.family).select_related("organization").order_by("-until", "name"))

    @cached_property
    def aliases(self) -> list[Alias]:
        """Names that mean it, or a member of it, now."""
        current = Alias.objects.filter(organization__in=self.family, revoked_at__isnull=True)
        return list(current.select_related("organization", "confirmed_by").order_by("name", "pk"))

    @cached_property
    def shares(self) -> list[Any]:
        return list(self.organization.shares.filter(ended_at__isnull=True).order_by("customer_key"))

    @cached_property
    def open_questions(self) -> list[service.Entry]:
        named = Q(subject__in=self.family) | Q(candidate__in=self.family)
        return [service.entry(one) for one in service.waiting(self.account).filter(named).defer("undo")]

    # --- its twelve cycles

    @cached_property
    def months(self) -> list[Reconciliation]:
        newest = Reconciliation.objects.filter(cycle__account=self.account, run__gt=0).select_related("cycle")
        last = newest.order_by("-cycle__start", "-revision").first()
        return months_before(last) if last else []

    @cached_property
    def lines(self) -> list[Line]:
        """What was billed of each product, members included: one line, whatever it was called and by whatever id."""
        named = Variance.objects.filter(reconciliation__in=self.months, run=F("reconciliation__run"), organization__in=self.family)
        products = set(named.values_list("product", flat=True).distinct().order_by())
        rows = [Variance(organization_id=self.family[0], product=code) for code in CODES if code in products]
        if not rows:
            return []
        billed = histories(self.months, rows)
        return [Line(BY_CODE[row.product].label, billed[row.organization_id, row.product], self.live.series(row.product)) for row in rows]

    @cached_property
    def live(self) -> OrganizationLive:
        return OrganizationLive(self.account, self.family, self.months)

    @property
    def cycles(self) -> list[tuple[str, str]]:
        """Each cycle's first day without its year, for a column, and its whole name."""
        return [(day(month.cycle.start).rpartition(" ")[0], cycle_range(month.cycle)) for month in self.months]

    # --- what was decided of it

    @cached_property
    def decisions(self) -> list[dict[str, Any]]:
        """The newest acts on it, as the audit trail has them: once each, though an act is written down in every month that it changed."""
        asked = Question.objects.filter(account=self.account).filter(Q(subject__in=self.family) | Q(candidate__in=self.family))
        about = Q(after__question__in=list(asked.values_list("pk", flat=True))) | Q(after__organization__in=self.family)
        events = AuditEvent.objects.filter(about, account=self.account).select_related("actor", "cycle").order_by("-at", "-pk")
        found: dict[Any, dict[str, Any]] = {}
        for event in events[: _DECISIONS_SHOWN * 4]:
            act = (event.action, event.subject, event.actor_id, event.at.replace(microsecond=0))
            found.setdefault(act, {"event": event, "words": sentence(event), "reason": event.after.get("reason", "")})
        return list(found.values())[:_DECISIONS_SHOWN]
