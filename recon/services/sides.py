"""One known Organization as a side of a question, read afresh: for comparing with somebody who was not suggested."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Sum

from accounts.models import BillingCycle, Organization
from accounts.roots import families_of
from ingest.models import LegInput, UsageLine
from recon.services.evidence import Past
from recon.services.pairs import Side

_LEGS = ("billed", "expected", "rebilled")


def side_of(organization: Organization, cycle: BillingCycle) -> Side:
    """With its members' figures, as the cycle's lists and the bill before it have them."""
    family = families_of(organization.account_id, [organization.pk])[organization.pk]
    past = Past.of(organization.account_id, family)
    times = [past.billed[pk] for pk in family if pk in past.billed]
    units, spelt = _figures(family, cycle)
    return Side(
        name=organization.name,
        pk=organization.pk,
        huntress_id=organization.huntress_id or "",
        key=organization.key or "",
        spelt=spelt,
        former=sorted(past.former.get(organization.pk, [])),
        units=units,
        first_billed=min((first for first, _ in times), default=""),
        last_billed=max((last for _, last in times), default=""),
        standing=organization.standing,
        members=list(Organization.objects.filter(pk__in=family[1:]).values_list("name", flat=True)) if family[1:] else [],
    )


def _figures(family: list[int], cycle: BillingCycle) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    current = LegInput.objects.filter(ended_at__isnull=True)
    leg_of = dict(current.filter(cycle=cycle, leg__in=_LEGS).values_list("source_file", "leg"))
    before = current.filter(cycle__account=cycle.account_id, leg="billed", cycle__start__lt=cycle.start).order_by("-cycle__start").first()
    if before and before.source_file_id not in leg_of:
        leg_of[before.source_file_id] = "previous"
    lines = UsageLine.objects.filter(source_file__in=leg_of, organization__in=family).exclude(product="").order_by()
    units: dict[str, dict[str, int]] = defaultdict(dict)
    spelt: dict[str, set[str]] = defaultdict(set)
    for file, product, name, quantity in lines.values_list("source_file", "product", "name").annotate(units=Sum("quantity")):
        leg = leg_of[file]
        units[leg][product] = units[leg].get(product, 0) + quantity
        spelt[leg].add(name)
    return dict(units), {leg: sorted(names) for leg, names in spelt.items()}
