"""Which step of a price an account's product is billed in, as far as its subscriptions tell."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from accounts.templatetags.recon_ui import units
from ingest.models import ResellerSubscription
from recon.services.came import Record, day_in, text, whole


@dataclass(frozen=True, slots=True)
class Agreed:
    """What holds of a product from ``start`` to ``end``: how it is billed, and the tier in words ("" where it is not known)."""

    interval: str
    tier: str
    start: date
    end: date | None


def agreed_of(subscriptions: QuerySet[ResellerSubscription]) -> dict[tuple[int, str], list[Agreed]]:
    """By account and product. Each step of a schedule is one; a subscription without steps has no tier, only its interval."""
    found: dict[tuple[int, str], list[Agreed]] = defaultdict(list)
    for owner, product, status, record in subscriptions.filter(status__in=["active", "completed"]).values_list(
        "owner", "product", "status", "record"
    ):
        found[owner, product] += _steps(record, is_over=status == "completed")
    return found


def _steps(record: Record, *, is_over: bool) -> list[Agreed]:
    start, renewal = day_in(record, "effective_date"), day_in(record, "renewal_date")
    interval = text(record, "billing_interval", 20)
    if start is None:
        return []
    until = renewal if is_over or record.get("auto_renew") is False else None
    listed = record.get("schedules")
    steps = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    dated = sorted((day_in(one, "starts_at") or start, _tier(one)) for one in steps)
    found = [Agreed(interval, tier, begins, until) for begins, tier in dated]
    return found or [Agreed(interval, "", start, until)]


def _tier(step: Record) -> str:
    """
    >>> _tier({"minimum": 1500, "maximum": 2999}), _tier({"minimum": 1500, "maximum": None}), _tier({})
    ('1,500 to 2,999', '1,500 and up', '')
    """
    least, most = whole(step, "minimum"), whole(step, "maximum")
    if least is None:
        return ""
    return f"{units(least)} to {units(most)}" if most is not None else f"{units(least)} and up"
