"""What stands in the way of a signature, each with the place where it is mended."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import BillingCycle
from accounts.templatetags.recon_ui import cycle_range, plural
from recon.listing import Listing
from recon.models import Reconciliation
from recon.month_page import MonthPage
from recon.services.review import Blocker


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A blocker with the place where it is mended."""

    count: int
    words: str
    more: str
    url: str
    symbol: str = "escalate"


def obstacle(one: Blocker, listing: Listing, month_page: MonthPage) -> Obstacle:
    slug, month = listing.account.slug, listing.month_url
    files, matches = reverse("ingest:files", args=[slug]), reverse("recon:matches", args=[slug])
    left = f"Left {said}. " if (said := month_page.left_by_check) else ""
    first = _first_unsigned(month_page.cycle) if one.code == "order" else None
    words, more, url = {
        "no_bill": ("No billed report", "Without one there is nothing to sign.", files),
        "stale": ("The comparison is not finished", "An input has changed: compare again, or wait for it.", month),
        "unexplained": (
            f"{plural(one.count, 'row')} with something unexplained",
            f"{left}Above tolerance, with an amount that no item takes. What stays unexplained can be carried, with a note.",
            f"{month}?view=open",
        ),
        "not_reviewed": (
            f"{plural(one.count, 'row')} to be reviewed",
            "New, missing, or suddenly zero or not: looked at whatever the percentage.",
            f"{month}?view=always",
        ),
        "rejected": (
            f"{plural(one.count, 'rejected row')}, not settled",
            "They count nowhere. Say how each was dealt with.",
            "#rejected",
        ),
        "products": (
            f"{plural(one.count, 'product name')} to decide",
            "Their rows count nowhere until somebody says what they count as, or why they are ignored.",
            reverse("recon:products", args=[slug]),
        ),
        "waiting": (f"{plural(one.count, 'name')} to match", "Their rows count nowhere until somebody says whose they are.", matches),
        "questions": (
            f"{plural(one.count, 'Organization')} to decide",
            "Renamed, mistyped, or a customer of its own? Somebody has to say.",
            matches,
        ),
        "notes": (f"{plural(one.count, 'open note')}", "Each asks for an answer.", f"{month}?view=asked"),
        "order": (f"{plural(one.count, 'earlier month')} missing or not signed", _order_words(first), _order_url(first, slug)),
    }[one.code]
    return Obstacle(one.count, words, more, url, "note" if one.code == "notes" else "escalate")


def _first_unsigned(cycle: BillingCycle) -> BillingCycle | None:
    """The first earlier month that has files and whose newest revision is not signed; None where only holes stand in the way."""
    earlier = BillingCycle.objects.filter(account=cycle.account_id, start__lt=cycle.start)
    known = list(earlier.filter(inputs__isnull=False, inputs__ended_at__isnull=True).distinct().order_by("start"))
    newest = dict(Reconciliation.objects.filter(cycle__in=known).order_by("revision").values_list("cycle", "state"))
    return next((one for one in known if newest.get(one.pk) != Reconciliation.State.SIGNED), None)


def _order_words(first: BillingCycle | None) -> str:
    return f"Months are signed in order: {cycle_range(first)} is the first." if first else "A month is missing: add its billed report."


def _order_url(first: BillingCycle | None, slug: str) -> str:
    return reverse("recon:sign", args=[slug, first.start.isoformat()]) if first else reverse("ingest:files", args=[slug])
