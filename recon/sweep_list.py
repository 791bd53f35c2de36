"""The machines to remove as rows of a list for a technician: filtered as on the page, by customer, with what each costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from accounts.models import Organization
from accounts.money import round_to_cents
from recon.exports.sweep_list import Machine
from recon.models import SweepFinding
from recon.sweep_counts import NOBODY, Counted
from recon.sweep_page import twins_of, why

_AT_ONCE: Final = 2_000


def in_order(rows: QuerySet[SweepFinding]) -> QuerySet[SweepFinding]:
    """Customer by customer, the longest quiet first."""
    return rows.select_related("organization").order_by(
        "organization__name", "owner_name", F("days").desc(nulls_last=True), "host_key", "line"
    )


def machines(counted: Counted, rows: QuerySet[SweepFinding], most: int | None = None) -> Iterator[Machine]:
    """Every machine of some findings, or the first of them; newer ones of those that stand twice are looked up some thousands at a time."""
    sweep = counted.sweep
    if sweep is None or sweep.as_of is None:
        return
    zone = ZoneInfo(counted.account.time_zone)
    roots = Organization.objects.in_bulk(set(counted.roots.values()))
    found = in_order(rows)[:most].iterator(chunk_size=_AT_ONCE)
    while some := list(islice(found, _AT_ONCE)):
        twins = twins_of(some)
        for one in some:
            customer = roots.get(counted.roots.get(one.organization_id or NOBODY, NOBODY)) or one.organization
            price = counted.prices.get(one.organization_id or NOBODY)
            yield Machine(
                customer=customer.name if customer else one.owner_name,
                organization_id=(one.organization.huntress_id or "") if one.organization else "",
                hostname=one.hostname,
                serial=one.serial,
                platform=one.platform,
                last_seen=one.last_seen.astimezone(zone).date() if one.last_seen else None,
                days=one.days,
                why=why(one, twins.get(one.pk)),
                is_at_risk=one.is_at_risk,
                cents=None if price is None else round_to_cents(price),
                as_of=sweep.as_of,
                line=one.line,
            )
