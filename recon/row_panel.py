"""One row opened: its legs with the file and line each came from, what the checks say, earlier cycles, notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404

from accounts.models import Organization
from accounts.products import BY_CODE, Product
from accounts.templatetags.recon_ui import cycle_range
from ingest.models import LegInput, RejectedLine, UsageLine
from recon import store
from recon.listing import Key, Listing, covered, histories
from recon.models import Note, Severity, Variance
from recon.words import FLAG_WORDS, LEG_WORDS, blank_reason, why

_LINES_SHOWN: Final = 5


@dataclass(frozen=True)
class LegRow:
    """A leg of the row: ``lines`` are the file's lines that make it up, ``more`` how many are not listed."""

    leg: str
    words: str
    units: int | None
    gap: int | None
    blank: str
    source: LegInput | None
    lines: list[UsageLine]
    more: int


@dataclass(frozen=True)
class Check:
    name: str
    words: str
    difference: int | None
    money: int | None
    severity: str
    why: str


@dataclass(frozen=True)
class Panel:
    row: Variance
    organization: Organization
    product: Product
    severity: str
    flags: list[str]
    legs: list[LegRow]
    checks: list[Check]
    history: list[int | None]
    cycles: list[dict[str, Any]]
    notes: list[Note]
    position: int | None
    before: str
    after: str
    close: str
    note_url: str


def row_panel(listing: Listing, organization: int, product: str) -> Panel:
    """Raises Http404 for a row that the month does not have."""
    reconciliation = listing.reconciliation
    row = (
        Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run, organization=organization, product=product)
        .select_related("organization")
        .first()
    )
    if row is None:
        raise Http404("No such row in this month.")
    past_cycles = _past(listing, row)
    return Panel(
        row=row,
        organization=row.organization,
        product=BY_CODE[product],
        severity=Severity(row.severity).code,
        flags=[FLAG_WORDS[code] for code in row.flags.split(",") if code],
        legs=_legs(listing, row),
        checks=[_check(row, check) for check in ("expected", "rebilled")],
        history=[past["billed"] for past in reversed(past_cycles)],
        cycles=past_cycles,
        notes=list(_notes(row, listing)),
        **_neighbours(listing, (organization, product)),
    )


def _legs(listing: Listing, row: Variance) -> list[LegRow]:
    inputs = store.inputs_shown(listing.reconciliation).legs
    files = {given.source_file_id for given in inputs.values()}
    lines = UsageLine.objects.filter(source_file__in=files, organization=row.organization_id, product=row.product).order_by("line")
    rejected = set(
        RejectedLine.objects.filter(source_file__in=files, organization=row.organization_id).values_list("source_file", flat=True)
    )
    found = list(lines)
    return [_leg(leg, listing, row, inputs.get(leg), found, rejected) for leg in LEG_WORDS]  # type: ignore[call-overload]


def _leg(leg: str, listing: Listing, row: Variance, given: LegInput | None, lines: list[UsageLine], rejected: set[int]) -> LegRow:
    units = getattr(row, leg)
    its_lines = [line for line in lines if given and line.source_file_id == given.source_file_id]
    reason = blank_reason(leg, row.product, listing.reconciliation.inputs, covered(listing.reconciliation)) if units is None else ""
    return LegRow(
        leg=leg,
        words=LEG_WORDS[leg],
        units=units,
        gap=None if leg == "billed" else getattr(row, f"{leg}_difference"),
        blank=reason,
        source=given,
        lines=its_lines[:_LINES_SHOWN],
        more=max(0, len(its_lines) - _LINES_SHOWN),
    )


def _past(listing: Listing, row: Variance) -> list[dict[str, Any]]:
    """Up to twelve cycles with what was billed, newest first."""
    months = listing.months
    billed = histories(months, [row])[row.organization_id, row.product]
    return [{"label": cycle_range(m.cycle), "billed": value} for m, value in zip(reversed(months), reversed(billed), strict=False)]


def _check(row: Variance, check: str) -> Check:
    return Check(
        name=check,
        words=f"Billed − {check}",
        difference=getattr(row, f"{check}_difference"),
        money=getattr(row, f"{check}_money"),
        severity=Severity(getattr(row, f"{check}_severity")).code,
        why=why(check, row),
    )


def _notes(row: Variance, listing: Listing) -> Any:
    """This cycle's notes and those of earlier ones, oldest first."""
    cycle = listing.reconciliation.cycle
    return (
        Note.objects.filter(organization=row.organization_id, product=row.product, cycle__start__lte=cycle.start)
        .select_related("author", "cycle")
        .order_by("created_at", "pk")
    )


def _neighbours(listing: Listing, key: Key) -> dict[str, Any]:
    """The row's place in the list as it is filtered and sorted, when the page beside it shows it."""
    shown = [(row.organization_id, row.product) for row in listing.shown]
    place = shown.index(key) if key in shown else None
    month = listing.url(key).split("/rows/")[0] + "/" + (f"?{listing.query}" if listing.query else "")
    before = listing.url(shown[place - 1]) if place else ""
    after = listing.url(shown[place + 1]) if place is not None and place + 1 < len(shown) else ""
    position = listing.table.page.start_index() + place if place is not None else None
    return {"position": position, "before": before, "after": after, "close": month, "note_url": _note_url(listing.url(key))}


def _note_url(row_url: str) -> str:
    address, _, query = row_url.partition("?")
    return f"{address}notes{'?' + query if query else ''}"
