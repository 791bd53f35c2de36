"""What a unit would cost under either reading of a pulled invoice's amount, beside what a unit is known to cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accounts.models import Account, BillingCycle, Contract
from ingest.models import Connection, Invoice, PriceLine
from recon.contract_words import exact
from recon.contracts import Agreed, agreed
from recon.engine.tie_out import Known, Readings, Unit, readings
from recon.models import Reconciliation
from recon.services.beside import in_force

_NEWEST: Final = 4
#: A cost is said to the hundredth of a cent.
_SHOWN: Final = 100
_LABELS: Final[dict[str, str]] = {"whole": "whole units", "cents": "hundredths"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One invoice under both readings. ``read`` is null where it has no units, or an amount that is no plain number."""

    invoice: Invoice
    known: Known | None
    read: Readings | None

    @property
    def words(self) -> str:
        currency = self.invoice.currency
        if self.read is None:
            return "It has no units or no plain amount, so it tells nothing."
        if self.known is None:
            return "Nothing here says what a unit costs: no report with prices, no contract with a cost, no price list."
        at = f"{self.known.whose} {'say' if self.known.whose.endswith('s') else 'says'} {_span(self.known, currency)}"
        if not self.read.fits:
            return f"{at[:1].upper()}{at[1:]}: neither reading fits, or both do."
        other: Unit = "cents" if self.read.fits == "whole" else "whole"
        cost = self.read.cents if other == "cents" else self.read.whole
        fits = _money(self.read.whole if self.read.fits == "whole" else self.read.cents, currency)
        return f"Read as {_LABELS[other]} a unit would cost {_money(cost, currency)}; {at}: {_LABELS[self.read.fits]} fit, {fits}."

    @property
    def whole(self) -> str:
        return _money(self.read.whole, self.invoice.currency) if self.read else ""

    @property
    def cents(self) -> str:
        return _money(self.read.cents, self.invoice.currency) if self.read else ""


@dataclass(frozen=True, slots=True)
class AmountCheck:
    """The newest pulled invoices of one account. ``fits`` is the reading that all of them speak for, "" where they do not."""

    connection: Connection
    checked: Sequence[Checked]

    @property
    def fits(self) -> Unit:
        found = {one.read.fits for one in self.checked if one.read and one.read.fits}
        return found.pop() if len(found) == 1 else ""

    @property
    def is_doubtful(self) -> bool:
        """What was said is not what the invoices speak for."""
        return bool(self.fits and self.connection.amount_unit and self.fits != self.connection.amount_unit)

    @property
    def words(self) -> str:
        if not self.checked:
            return "No invoice was pulled yet, so nothing can be checked."
        if not self.fits:
            return "The invoices do not tell which reading is right: look at one in the portal."
        label = Connection.AmountUnit(self.fits).label
        if self.is_doubtful:
            return f"Check this: the invoices speak for another reading. {label} fit."
        return f"{label} fit."


def amount_check(connection: Connection, account: Account) -> AmountCheck:
    """Of this account's own invoices, whoever else the connection serves."""
    pulled = Invoice.objects.filter(account=account, external_id__isnull=False).exclude(stated_amount="")
    newest = list(pulled.select_related("cycle__account").order_by("-issued_on", "-pk")[:_NEWEST])
    costs = _Costs(account)
    return AmountCheck(connection, [_checked(one, costs.of(one.cycle)) for one in newest])


def _checked(invoice: Invoice, known: Known | None) -> Checked:
    return Checked(invoice, known, readings(invoice.stated_amount, invoice.quantity, known))


class _Costs:
    """What a unit costs in a cycle: by the month's report, else by the contracts in force, else by the price list."""

    def __init__(self, account: Account) -> None:
        self.contracts: list[Agreed] = agreed(Contract.objects.filter(account=account))

    def of(self, cycle: BillingCycle) -> Known | None:
        return self._report(cycle) or self._contracts(cycle) or self._price_list(cycle)

    @staticmethod
    def _report(cycle: BillingCycle) -> Known | None:
        """On the average over all that it has; only where each unit has a price."""
        totals = Reconciliation.objects.filter(cycle=cycle, run__gt=0).order_by("-revision").values_list("totals", flat=True).first()
        report = (totals or {}).get("report")
        if not report or report["unpriced"] or report["units"] <= 0 or report["money"] <= 0:
            return None
        average = int(report["money"]) // int(report["units"])
        return Known("the report", average, average)

    def _contracts(self, cycle: BillingCycle) -> Known | None:
        day = cycle.dates.last_day
        return _known("the contract", [one.terms.cost_on(day) for one in self.contracts if one.holds_on(day)])

    @staticmethod
    def _price_list(cycle: BillingCycle) -> Known | None:
        given = in_force(cycle, "prices")
        if given is None:
            return None
        costs = PriceLine.objects.filter(source_file=given.source_file_id, side="cost").values_list("unit_price", flat=True)
        return _known("the price list", list(costs))


def _known(whose: str, costs: Sequence[int | None]) -> Known | None:
    known = [cost for cost in costs if cost]
    if not known:
        return None
    return Known(whose, min(known), max(known))


def _span(known: Known, currency: str) -> str:
    low, high = _money(known.low, currency), _money(known.high, currency)
    return low if low == high else f"{low} to {high}"


def _money(micros: int, currency: str) -> str:
    """A unit's cost, with more than cents where it has them."""
    return exact(micros // _SHOWN * _SHOWN, currency)
