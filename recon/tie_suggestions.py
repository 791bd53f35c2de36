"""What the difference between the report and the invoice may be, with its figures. Suggested only: a person names it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accounts.models import Contract
from accounts.money import round_to_cents
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import money, plural, units
from ingest.models import UsageLine
from recon.contracts import agreed, products_of
from recon.engine.contracts import slot_of
from recon.engine.tie_out import is_rounding
from recon.models import Reconciliation, TieOutItem
from recon.tie_out import TieOut

Kind = TieOutItem.Kind


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One item as it could be named; ``why`` says where its figures are from. ``money`` is micros, null where it is not known."""

    kind: TieOutItem.Kind
    units: int | None
    money: int | None
    note: str
    why: str
    product: str = ""

    @property
    def money_text(self) -> str:
        """As a form takes it: whole cents, with a point."""
        if self.money is None:
            return ""
        cents = round_to_cents(self.money)
        return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"

    @property
    def label(self) -> str:
        return f"{self.kind.label}{f', {BY_CODE[self.product].label}' if self.product else ''}"


def suggestions_of(month: Reconciliation, tie: TieOut) -> list[Suggestion]:
    """Of what is not named yet. The money of a rounding is the last to be looked at: what is larger hides it."""
    return [*_shortfalls(month, tie), *_refund(tie), *_rounding(month, tie)]


def _shortfalls(month: Reconciliation, tie: TieOut) -> list[Suggestion]:
    """Minimums in force on the cycle's last day that the report stays below, where the invoice has more than the report.

    Annual ones are paid up front, and are on no month's invoice.
    """
    if not _is_more_charged(tie):
        return []
    named = {one.product for one in tie.items if one.kind == Kind.SHORTFALL}
    if "" in named:  # of which product was not said: any
        return []
    dates, billed = month.cycle.dates, products_of(month) or {}
    found = []
    for one in agreed(Contract.objects.filter(account=month.cycle.account_id)):
        product = one.contract.product
        if one.terms.is_annual or product in named or not one.holds_on(dates.last_day):
            continue
        slot = slot_of(one.terms, dates, billed.get(product), one.until)
        if slot.shortfall:
            one_more = _shortfall(product, slot.minimum or 0, slot.actual or 0, slot.shortfall, slot.shortfall_money)
            found.append(replace(one_more, why=f"{one_more.why}{_too_much(slot.shortfall, tie)}"))
    return found


def _shortfall(product: str, minimum: int, actual: int, short: int, worth: int | None) -> Suggestion:
    what = BY_CODE[product]
    why = f"The contract’s minimum is {units(minimum)} {what.units}, and the report has {units(actual)}."
    why += "" if worth is not None else " The contract states no cost of a unit, so its money is not known."
    return Suggestion(Kind.SHORTFALL, short, worth, f"Minimum {units(minimum)}, billed {units(actual)}.", why, product)


def _too_much(short: int, tie: TieOut) -> str:
    left = -(tie.units.unnamed or 0)
    if not 0 < left < short:
        return ""
    return f" Only {plural(left, 'unit')} can be of it on this invoice: it may not be charged in this cycle."


def _is_more_charged(tie: TieOut) -> bool:
    """Whether the invoice has units, or where those cannot be compared money, that the report has not."""
    left = tie.money.unnamed if tie.units.unnamed is None else tie.units.unnamed
    return left is not None and left < 0


def _refund(tie: TieOut) -> list[Suggestion]:
    """What is left, where an invoice says that it was refunded and less is charged than the report has."""
    refunded = [one for one in tie.charged if one.state.code in {"partial_refund", "full_refund"}]
    left = tie.money.unnamed
    if not refunded or left is None or left <= 0:
        return []
    said = ", ".join(f"the invoice {one.name} is {one.state.label.lower()}" for one in refunded)
    return [Suggestion(Kind.REFUND, None, -left, f"{said[:1].upper()}{said[1:]}.", f"{said[:1].upper()}{said[1:]}, and that much is left.")]


def _rounding(month: Reconciliation, tie: TieOut) -> list[Suggestion]:
    left = tie.money.unnamed
    if not left or tie.units.unnamed:
        return []
    given = month.inputs.get("billed")
    lines = UsageLine.objects.filter(source_file=given["file"]).count() if given else 0
    if not is_rounding(left, lines):
        return []
    why = f"Units agree, and {money(abs(left), tie.currency)} over {plural(lines, 'line')} is less than a cent a line."
    return [Suggestion(Kind.ROUNDING, None, -left, f"Over {plural(lines, 'line')}.", why)]
