"""What stands beside the legs of a cycle: its invoices, and the price and exclusion lists that are in force in it."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import BillingCycle
from ingest.models import Invoice, LegInput


def in_force(cycle: BillingCycle, kind: str) -> LegInput | None:
    """The price or exclusion list that was given last, for this cycle or one before it."""
    given = LegInput.objects.filter(cycle__account=cycle.account_id, leg=kind, ended_at__isnull=True)
    return given.filter(cycle__start__lte=cycle.start).select_related("source_file").order_by("-cycle__start").first()


def served_by(given: LegInput) -> QuerySet[BillingCycle]:
    """The cycles in which such a list is in force: its own, and those after it until the next one."""
    cycles = BillingCycle.objects.filter(account=given.cycle.account_id, start__gte=given.cycle.start)
    later = LegInput.objects.filter(
        cycle__account=given.cycle.account_id, leg=given.leg, ended_at__isnull=True, cycle__start__gt=given.cycle.start
    )
    following = later.order_by("cycle__start").values_list("cycle__start", flat=True).first()
    return (cycles.filter(start__lt=following) if following else cycles).select_related("account").order_by("start")


def invoices_of(cycle: BillingCycle) -> QuerySet[Invoice]:
    """What was charged for a cycle: typed in by a person, pulled and not set aside, or the rows of the file that serves it."""
    typed = Q(cycle=cycle, withdrawn_at__isnull=True) & (Q(source_file__isnull=True) | Q(external_id__isnull=False))
    files = LegInput.objects.filter(cycle=cycle, leg="invoice", ended_at__isnull=True).values("source_file")
    return Invoice.objects.filter(typed | Q(source_file__in=files, external_id__isnull=True)).order_by("issued_on", "pk")


def invoices_set_aside(cycle: BillingCycle) -> QuerySet[Invoice]:
    """Pulled ones that a person said are not this month's."""
    return Invoice.objects.filter(cycle=cycle, external_id__isnull=False, withdrawn_at__isnull=False).order_by("issued_on", "pk")
