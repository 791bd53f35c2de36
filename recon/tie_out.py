"""Does the billed report come to what Huntress charged? Units and money of both, and the difference in words.

What a report states is summed when a month is counted, and frozen with it; invoices stand beside the month.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from django.db.models import Sum

from accounts.models import BillingCycle
from accounts.money import round_to_cents
from accounts.templatetags.recon_ui import plural, signed, signed_money, units
from ingest.models import Invoice, LegInput, SourceFile, UsageLine
from recon.models import Reconciliation
from recon.services.beside import invoices_of

#: Invoices that charge nothing. Huntress's words, and those of the payment provider's receipts.
_NOT_CHARGED: Final = frozenset({"draft", "void", "voided"})


def report_totals(given: LegInput, rows: pd.DataFrame, organizations: pd.DataFrame) -> dict[str, int]:
    """The report as it states itself: units of every line, also of those that wait; their money, by the price that a line states, else by
    the row's cost; and the units that have neither."""
    lines = UsageLine.objects.filter(source_file=given.source_file_id).order_by()
    stated = lines.filter(unit_price__isnull=False).values_list("unit_price").annotate(units=Sum("quantity"))
    money = sum(int(price) * int(count) for price, count in stated)
    unpriced = lines.filter(unit_price__isnull=True)
    by_row = pd.DataFrame(
        list(unpriced.values_list("organization", "product").annotate(units=Sum("quantity"))), columns=["pk", "product", "units"]
    )
    priced_units, its_money = _at_cost(by_row, rows, organizations)
    rest = int(by_row["units"].sum()) if len(by_row) else 0
    return {
        "units": int(lines.aggregate(units=Sum("quantity"))["units"] or 0),
        "money": money + its_money,
        "unpriced": rest - priced_units,
    }


def _at_cost(by_row: pd.DataFrame, rows: pd.DataFrame, organizations: pd.DataFrame) -> tuple[int, int]:
    """Units of lines without a price whose row has a cost, and their money."""
    known = by_row[by_row["pk"].notna()]
    if not len(known) or not len(rows):
        return 0, 0
    root = pd.Series(organizations["root"].to_numpy(), index=organizations["pk"].to_numpy())
    asked = known.assign(organization=known["pk"].astype("int64").map(root))
    costs = rows.loc[rows["cost"].notna(), ["organization", "product", "cost"]].astype({"product": "str"})
    found = asked.astype({"product": "str"}).merge(costs, on=["organization", "product"])
    return int(found["units"].sum()), sum(int(cost) * int(count) for cost, count in zip(found["cost"], found["units"], strict=True))


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both. ``difference``: the report's less the invoice's; None where it cannot be told, and ``words`` say why."""

    label: str
    report: int | None
    invoice: int | None
    difference: int | None
    words: str

    @property
    def tone(self) -> str:
        if self.difference is None:
            return "blind"
        return "todo" if self.difference else "done"


@dataclass(frozen=True)
class TieOut:
    """``tone``: done only where units and money agree; blind where something could not be compared; todo where they differ."""

    invoices: list[Invoice]
    currency: str
    units: Compared
    money: Compared
    words: str

    @property
    def tone(self) -> str:
        tones = {self.units.tone, self.money.tone}
        return next(tone for tone in ("todo", "blind", "done") if tone in tones)

    @property
    def is_tied(self) -> bool:
        return self.tone == "done"

    @property
    def short(self) -> str:
        """Why it is not tied, in the few words of a step."""
        if not any(map(is_charged, self.invoices)):
            return "no invoice"
        return "differs from the invoice" if self.tone == "todo" else "cannot be compared"

    @property
    def icon(self) -> str:
        return {"todo": "todo", "blind": "unchecked", "done": "match"}[self.tone]


def tie_out_of(reconciliation: Reconciliation, rejected: int | None = None) -> TieOut:
    """Of the month as it was counted last. ``rejected`` rows of the report are asked for where they are not given."""
    cycle = reconciliation.cycle
    invoices = list(invoices_of(cycle).select_related("by", "source_file")) if cycle.pk else []
    left_out = _rejected(reconciliation) if rejected is None else rejected
    return tied(reconciliation.totals.get("report"), invoices, cycle.account.currency, left_out)


def tie_outs_of(source_file: SourceFile) -> list[tuple[BillingCycle, TieOut]]:
    """The same for each cycle that a report or an invoice file serves."""
    served = LegInput.objects.filter(source_file=source_file, leg__in=["billed", "invoice"], ended_at__isnull=True)
    found = []
    for given in served.select_related("cycle__account").order_by("cycle__start"):
        month = Reconciliation.objects.filter(cycle=given.cycle_id).select_related("cycle__account").order_by("-revision").first()
        if month is not None:
            found.append((month.cycle, tie_out_of(month)))
    return found


def _rejected(reconciliation: Reconciliation) -> int:
    given = reconciliation.inputs.get("billed")
    rejected = SourceFile.objects.filter(pk=given["file"]).values_list("rejected", flat=True).first() if given else 0
    return rejected or 0


def tied(report: dict[str, Any] | None, invoices: list[Invoice], currency: str, rejected: int = 0) -> TieOut:
    """``report`` is what ``report_totals`` gave, None where there is no report."""
    charged = [one for one in invoices if one.status.casefold() not in _NOT_CHARGED]
    counted, amounts = _units(report, charged, rejected), _money(report, charged, currency, rejected)
    return TieOut(invoices, currency, counted, amounts, _words(report, invoices, charged, counted, amounts))


def is_charged(invoice: Invoice) -> bool:
    return invoice.status.casefold() not in _NOT_CHARGED


def _words(report: dict[str, Any] | None, invoices: list[Invoice], charged: list[Invoice], counted: Compared, amounts: Compared) -> str:
    if not charged:
        return "No invoice is known that charges anything" if invoices else "No invoice"
    if report is None:
        return "No billed report to hold it against"
    if counted.tone == amounts.tone == "done":
        return "The report ties to the invoice"
    said = [one.words for one in (counted, amounts) if one.tone != "done"]
    return "; ".join(dict.fromkeys(said))


def _units(report: dict[str, Any] | None, charged: list[Invoice], rejected: int) -> Compared:
    ours = None if report is None else int(report["units"])
    stated = [one.quantity for one in charged if one.quantity is not None]
    theirs = sum(stated) if stated and len(stated) == len(charged) else None
    why = _why_not(report, charged) or ("The invoice states no quantity" if theirs is None else "")
    if why or ours is None or theirs is None:
        return Compared("Units", ours, theirs, None, why)
    words = "Units agree" if ours == theirs else f"{_some(ours - theirs)} against the invoice{_left(rejected)}"
    return Compared("Units", ours, theirs, ours - theirs, words)


def _money(report: dict[str, Any] | None, charged: list[Invoice], currency: str, rejected: int) -> Compared:
    """In micros, whole cents. An invoice in another currency cannot be compared."""
    foreign = sorted({one.currency for one in charged} - {currency})
    ours = None if report is None else _cents(int(report["money"]))
    amounts = [one.amount for one in charged if one.amount is not None]
    theirs = _cents(sum(amounts)) if charged and len(amounts) == len(charged) and not foreign else None
    why = _why_not(report, charged)
    if not why and len(amounts) < len(charged):
        why = "Nobody has said yet what the amount of a pulled invoice counts"
    if not why and foreign:
        why = f"The invoice is in {', '.join(foreign)}, and the account in {currency}"
    if not why and report is not None and report["unpriced"]:
        why = f"{plural(int(report['unpriced']), 'unit')} of the report without a price"
    if why or ours is None or theirs is None:
        return Compared("Money", ours, theirs, None, why)
    words = "Money agrees" if ours == theirs else f"{signed_money(ours - theirs, currency)} against the invoice{_left(rejected)}"
    return Compared("Money", ours, theirs, ours - theirs, words)


def _why_not(report: dict[str, Any] | None, charged: list[Invoice]) -> str:
    if not charged:
        return "No invoice"
    return "" if report is not None else "No billed report"


def _some(difference: int) -> str:
    return f"{signed(difference)} {'unit' if abs(difference) == 1 else 'units'}"


def _left(rejected: int) -> str:
    return f", with {units(rejected)} rejected {'row' if rejected == 1 else 'rows'} left out of the report" if rejected else ""


def _cents(micros: int) -> int:
    return round_to_cents(micros) * 10_000
