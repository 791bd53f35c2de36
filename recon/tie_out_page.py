"""A month's report and invoice on a page of their own: what is named, what could be, and what became of each invoice."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from accounts.models import Account, BillingCycle, Contract
from accounts.products import BY_CODE, CODES
from accounts.templatetags.recon_ui import money, plural
from ingest.models import InvoiceChange, SourceFile
from recon.charges import Charge, charge_of
from recon.contracts import agreed
from recon.invoice_words import status_of
from recon.models import Drift, Reconciliation, TieOutItem
from recon.services.beside import invoices_set_aside
from recon.shown import shown_inputs
from recon.tie_forms import NamedForm
from recon.tie_out import TieOut, named_of, tie_out_of
from recon.tie_suggestions import Suggestion, suggestions_of


@dataclass(frozen=True, slots=True)
class Event:
    """What an answer of Huntress said of an invoice, and when. ``words`` say what was another before."""

    change: InvoiceChange
    words: str


@dataclass(frozen=True)
class TieOutPage:
    """``may_work``: the person may type in and set aside; ``may_name``: and the month is in preparation."""

    account: Account
    reconciliation: Reconciliation
    may_work: bool
    typed: dict[str, Any] = field(default_factory=dict)

    @property
    def cycle(self) -> BillingCycle:
        return self.reconciliation.cycle

    @property
    def is_signed(self) -> bool:
        return self.reconciliation.state == Reconciliation.State.SIGNED

    @property
    def may_name(self) -> bool:
        return self.may_work and self.reconciliation.is_working and bool(self.reconciliation.pk)

    @cached_property
    def tie(self) -> TieOut:
        return tie_out_of(self.reconciliation)

    @cached_property
    def items(self) -> list[TieOutItem]:
        """Also those of a month without an invoice, of which nothing can be told yet."""
        return list(self.tie.items) if self.tie.charges or self.tie.is_signed else named_of(self.reconciliation)

    @cached_property
    def withdrawn(self) -> list[TieOutItem]:
        taken_back = TieOutItem.objects.filter(reconciliation=self.reconciliation.pk, state=TieOutItem.State.WITHDRAWN)
        return list(taken_back.select_related("author", "withdrawn_by"))

    @cached_property
    def suggestions(self) -> list[Suggestion]:
        return suggestions_of(self.reconciliation, self.tie) if self.may_name else []

    @cached_property
    def set_aside(self) -> list[Charge]:
        return [charge_of(one) for one in invoices_set_aside(self.cycle).select_related("by", "source_file")] if self.cycle.pk else []

    @cached_property
    def history(self) -> list[Event]:
        """What Huntress said of the month's pulled invoices, the newest first."""
        changes = InvoiceChange.objects.filter(invoice__cycle=self.cycle).select_related("invoice", "source_file")
        return [Event(one, _change_words(one)) for one in changes.order_by("-seen_at", "-pk")[:100]]

    @cached_property
    def report(self) -> SourceFile | None:
        """The billed report that the figures are of."""
        given = shown_inputs(self.reconciliation).get("billed")
        return given.source_file if given else None

    @cached_property
    def changes(self) -> list[str]:
        """What moved under the signature of a signed month."""
        drift = Drift.objects.filter(reconciliation=self.reconciliation).first() if self.is_signed else None
        return list(drift.changes) if drift else []

    @cached_property
    def remarks(self) -> list[str]:
        """What somebody should know who ties this month out."""
        return [*self._doubled(), *self._annual()]

    def _doubled(self) -> list[str]:
        """What people gave and what was pulled, where both are there and do not come to the same."""
        pulled = [one for one in self.tie.charges if one.is_beside and one.state.is_charged]
        given, listed = _sum_words(self.tie.charged), _sum_words(pulled)
        if not pulled or given == listed:
            return []
        said = f"What was typed in or read off a receipt comes to {given}, and counts. Huntress lists {listed} for this cycle, which stands"
        return [f"{said} beside it. If Huntress’s own is to count, withdraw the other."]

    def _annual(self) -> list[str]:
        if self.tie.tone != "todo" or not self.may_name:
            return []
        last_day = self.cycle.dates.last_day
        contracts = agreed(Contract.objects.filter(account=self.account))
        yearly = {one.contract.product for one in contracts if one.terms.is_annual and one.holds_on(last_day)}
        labels = [BY_CODE[code].label for code in CODES if code in yearly]
        if not labels:
            return []
        are = "is paid up front by its annual contract" if len(labels) == 1 else "are paid up front by their annual contracts"
        return [f"{' and '.join(labels)} {are}: $0 on the monthly invoice is no error, and no shortfall is suggested for it."]

    @cached_property
    def form(self) -> NamedForm:
        found: NamedForm = self.typed.get("named_form") or NamedForm()
        return found


def _sum_words(charges: list[Charge]) -> str:
    """Units and money of several, as far as each is known."""
    quantities = [one.quantity for one in charges if one.quantity is not None]
    amounts = [one.amount for one in charges if one.amount is not None]
    known = [plural(sum(quantities), "unit")] if len(quantities) == len(charges) else []
    if len(amounts) == len(charges) and len({one.currency for one in charges}) == 1:
        known.append(money(sum(amounts), charges[0].currency))
    return ", ".join(known) or "an unknown sum"


def _change_words(one: InvoiceChange) -> str:
    if not one.status_before and not one.stated_amount_before and one.quantity_before is None:
        return f"first seen, {_status(one.status)}"
    said = []
    if one.status != one.status_before:
        said.append(f"from {_status(one.status_before)} to {_status(one.status)}")
    if one.stated_amount != one.stated_amount_before:
        said.append(f"amount from “{one.stated_amount_before}” to “{one.stated_amount}”")
    if one.quantity != one.quantity_before:
        said.append(f"from {_units(one.quantity_before)} to {_units(one.quantity)}")
    return ", ".join(said)


def _status(said: str) -> str:
    return status_of(said).label.lower() or "no status"


def _units(quantity: int | None) -> str:
    return "no quantity" if quantity is None else plural(quantity, "unit")
