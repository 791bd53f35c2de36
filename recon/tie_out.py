"""Does the billed report come to what Huntress charged? Units and money of both, what of the difference is named, and what is not.

``report + Σ named items − invoice = unnamed``. What a report states is summed when a month is counted, and frozen with it; invoices stand
beside the month, and all of it is kept with a signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from django.db.models import Sum

from accounts.models import BillingCycle
from accounts.money import MICROS_PER_CENT, round_to_cents
from accounts.templatetags.recon_ui import plural, signed, signed_money, units
from ingest.models import LegInput, SourceFile, UsageLine
from recon.charges import Charge, charge_as_said, charges_of
from recon.engine.tie_out import micros_of
from recon.models import Reconciliation, SignedTieOut, TieOutItem
from recon.services.beside import invoices_of


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
    """One figure of both. ``difference``: the report's less the invoice's; None where it cannot be told, and ``words`` say why.

    ``named``: the sum of what people named, below zero for what lowers the invoice. ``unnamed`` is what is left then.
    """

    label: str
    report: int | None
    invoice: int | None
    difference: int | None
    words: str
    named: int = 0

    @property
    def unnamed(self) -> int | None:
        return None if self.difference is None else self.difference + self.named

    @property
    def tone(self) -> str:
        if self.unnamed is None:
            return "blind"
        return "todo" if self.unnamed else "done"

    @property
    def expected(self) -> int | None:
        """What the invoice would be by the report and what is named."""
        return None if self.report is None else self.report + self.named


@dataclass(frozen=True)
class TieOut:
    """``tone``: done only where nothing of units and money is unnamed; blind where something could not be compared; todo else.

    ``items`` are those that count. ``is_signed``: all of it is as it was signed.
    """

    charges: list[Charge]
    currency: str
    units: Compared
    money: Compared
    words: str
    items: Sequence[TieOutItem] = ()
    is_signed: bool = False

    @property
    def tone(self) -> str:
        tones = {self.units.tone, self.money.tone}
        return next(tone for tone in ("todo", "blind", "done") if tone in tones)

    @property
    def is_tied(self) -> bool:
        return self.tone == "done"

    @property
    def charged(self) -> list[Charge]:
        return [one for one in self.charges if one.is_charged]

    @property
    def invoice_label(self) -> str:
        """One invoice may be several rows of a receipt."""
        names = {one.number or str(place) for place, one in enumerate(self.charged)}
        return plural(len(names), "invoice") if len(names) > 1 else "Invoice"

    @property
    def troubled(self) -> list[Charge]:
        """Invoices that somebody has to look at: failed, refunded, voided."""
        return [one for one in self.charges if one.state.stands_out]

    @property
    def short(self) -> str:
        """Why it is not tied, in the few words of a step."""
        if not self.charged:
            return "no invoice"
        return "differs from the invoice" if self.tone == "todo" else "cannot be compared"

    @property
    def icon(self) -> str:
        return {"todo": "todo", "blind": "unchecked", "done": "match"}[self.tone]

    @property
    def needs_unit(self) -> bool:
        """Whether an invoice was pulled of which nobody has said what its amount counts."""
        return any(one.amount is None and micros_of(one.stated_amount, "whole") is not None for one in self.charged)

    @cached_property
    def fingerprint(self) -> str:
        """Of all that a signature covers of it: another one, and what was looked at is no longer what there is."""
        figures = [[one.report, one.named, one.invoice] for one in (self.units, self.money)]
        items = [[one.kind, one.product, one.units, one.money, one.note] for one in self.items]
        said = json.dumps([figures, items, [one.said for one in self.charges]], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def tie_out_of(reconciliation: Reconciliation, rejected: int | None = None) -> TieOut:
    """Of the month as it was counted last, or as it was signed. ``rejected`` rows of the report are asked for where they are not given."""
    if reconciliation.state == Reconciliation.State.SIGNED:
        kept = SignedTieOut.objects.filter(reconciliation=reconciliation).first()
        if kept is not None:
            return _as_signed(kept, named_of(reconciliation), reconciliation.totals.get("report"))
    return current_tie_out(reconciliation, rejected)


def current_tie_out(reconciliation: Reconciliation, rejected: int | None = None) -> TieOut:
    """Of the invoices as they are now, whatever was signed."""
    cycle = reconciliation.cycle
    charges = charges_of(invoices_of(cycle).select_related("by", "source_file")) if cycle.pk else []
    # What is named of a month without an invoice is shown on its own page alone.
    items = named_of(reconciliation) if charges else []
    left_out = _rejected(reconciliation) if rejected is None else rejected
    return tied(reconciliation.totals.get("report"), charges, cycle.account.currency, left_out, items)


def named_of(reconciliation: Reconciliation) -> list[TieOutItem]:
    """What people named and did not take back, in the order of its naming."""
    found = TieOutItem.objects.filter(reconciliation=reconciliation.pk, state=TieOutItem.State.ACCEPTED)
    return list(found.select_related("author"))


def tie_outs_of(source_file: SourceFile) -> list[tuple[BillingCycle, TieOut]]:
    """The same for each cycle that a report or an invoice file serves."""
    served = LegInput.objects.filter(source_file=source_file, leg__in=["billed", "invoice"], ended_at__isnull=True)
    found = []
    for given in served.select_related("cycle__account").order_by("cycle__start"):
        month = Reconciliation.objects.filter(cycle=given.cycle_id).select_related("cycle__account").order_by("-revision").first()
        if month is not None:
            found.append((month.cycle, tie_out_of(month)))
    return found


def as_signed(reconciliation: Reconciliation) -> SignedTieOut:
    """What is kept of it with the signature, unsaved."""
    now = current_tie_out(reconciliation)
    named = named_of(reconciliation)
    return SignedTieOut(
        reconciliation=reconciliation,
        currency=now.currency,
        report_units=now.units.report,
        report_money=now.money.report,
        named_units=_sum(named, "units"),
        named_money=_sum(named, "money"),
        invoice_units=now.units.invoice,
        invoice_money=now.money.invoice,
        why_no_units=now.units.words[:300] if now.units.unnamed is None else "",
        why_no_money=now.money.words[:300] if now.money.unnamed is None else "",
        invoices=[one.said for one in now.charges],
    )


def _as_signed(kept: SignedTieOut, items: list[TieOutItem], report: dict[str, Any] | None) -> TieOut:
    charges = [charge_as_said(said) for said in kept.invoices]
    counted = _compared("Units", kept.report_units, kept.invoice_units, kept.named_units, kept.why_no_units, _some, 0)

    def worth(difference: int) -> str:
        return signed_money(difference, kept.currency)

    amounts = _compared("Money", kept.report_money, kept.invoice_money, kept.named_money, kept.why_no_money, worth, 0)
    return TieOut(charges, kept.currency, counted, amounts, _words(report, charges, counted, amounts, items), items, is_signed=True)


def _rejected(reconciliation: Reconciliation) -> int:
    given = reconciliation.inputs.get("billed")
    rejected = SourceFile.objects.filter(pk=given["file"]).values_list("rejected", flat=True).first() if given else 0
    return rejected or 0


def tied(
    report: dict[str, Any] | None, charges: list[Charge], currency: str, rejected: int = 0, items: Sequence[TieOutItem] = ()
) -> TieOut:
    """``report`` is what ``report_totals`` gave, None where there is no report."""
    counted, amounts = _units(report, charges, rejected, items), _money(report, charges, currency, rejected, items)
    return TieOut(charges, currency, counted, amounts, _words(report, charges, counted, amounts, items), items)


def _words(report: dict[str, Any] | None, charges: list[Charge], counted: Compared, amounts: Compared, items: Sequence[TieOutItem]) -> str:
    if not any(one.is_charged for one in charges):
        return "No invoice is known that charges anything" if charges else "No invoice"
    if report is None and counted.report is None:
        return "No billed report to hold it against"
    if counted.tone == amounts.tone == "done":
        return "The report ties to the invoice" + (f", with {plural(len(items), 'named item')}" if items else "")
    said = [one.words for one in (counted, amounts) if one.tone != "done"]
    return "; ".join(dict.fromkeys(said))


def _units(report: dict[str, Any] | None, charges: list[Charge], rejected: int, items: Sequence[TieOutItem]) -> Compared:
    charged = [one for one in charges if one.is_charged]
    ours = None if report is None else int(report["units"])
    stated = [one.quantity for one in charged if one.quantity is not None]
    theirs = sum(stated) if stated and len(stated) == len(charged) else None
    why = _why_not(report, charged) or ("The invoice states no quantity" if theirs is None else "")
    return _compared("Units", ours, theirs, _sum(items, "units"), why, _some, rejected)


def _money(report: dict[str, Any] | None, charges: list[Charge], currency: str, rejected: int, items: Sequence[TieOutItem]) -> Compared:
    """In micros, whole cents. An invoice in another currency cannot be compared."""
    charged = [one for one in charges if one.is_charged]
    foreign = sorted({one.currency for one in charged} - {currency})
    ours = None if report is None else _cents(int(report["money"]))
    amounts = [one.amount for one in charged if one.amount is not None]
    theirs = _cents(sum(amounts)) if charged and len(amounts) == len(charged) and not foreign else None
    why = _why_not(report, charged)
    if not why and len(amounts) < len(charged):
        why = _why_no_amount(next(one for one in charged if one.amount is None))
    if not why and foreign:
        why = f"The invoice is in {', '.join(foreign)}, and the account in {currency}"
    if not why and report is not None and report["unpriced"]:
        why = f"{plural(int(report['unpriced']), 'unit')} of the report without a price"
    return _compared("Money", ours, theirs, _sum(items, "money"), why, lambda money: signed_money(money, currency), rejected)


def _why_no_amount(charge: Charge) -> str:
    if not charge.stated_amount:
        return "A pulled invoice states no amount"
    if micros_of(charge.stated_amount, "whole") is None:
        return f"The amount “{charge.stated_amount}” of a pulled invoice cannot be read"
    return "Nobody has said yet what the amount of a pulled invoice counts"


def _compared(label: str, ours: int | None, theirs: int | None, named: int, why: str, worth: Any, rejected: int) -> Compared:
    """``worth`` says a difference in words."""
    if why or ours is None or theirs is None:
        return Compared(label, ours, theirs, None, why, named)
    verb = "agree" if label == "Units" else "agrees"
    unnamed, words = ours - theirs + named, f"{label} {verb}"
    if unnamed:
        words = f"{worth(unnamed)} {'not named' if named else 'against the invoice'}{_left(rejected)}"
    elif named:
        words = f"{label} {verb} by what is named"
    return Compared(label, ours, theirs, ours - theirs, words, named)


def _sum(items: Sequence[TieOutItem], name: str) -> int:
    return sum(getattr(one, name) or 0 for one in items)


def _why_not(report: dict[str, Any] | None, charged: list[Charge]) -> str:
    if not charged:
        return "No invoice"
    return "" if report is not None else "No billed report"


def _some(difference: int) -> str:
    return f"{signed(difference)} {'unit' if abs(difference) == 1 else 'units'}"


def _left(rejected: int) -> str:
    return f", with {units(rejected)} rejected {'row' if rejected == 1 else 'rows'} left out of the report" if rejected else ""


def _cents(micros: int) -> int:
    return round_to_cents(micros) * MICROS_PER_CENT
