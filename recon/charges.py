"""One invoice as the tie-out holds it against the report: of the database, or as it was signed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from accounts.templatetags.recon_ui import money, person
from ingest.models import Invoice
from recon.invoice_words import Status, status_of

_PLAIN: Final = ("number", "plan", "status", "amount", "stated_amount", "currency", "quantity", "source")


@dataclass(frozen=True, slots=True)
class Charge:
    """``amount`` is micros, null where nobody has said what ``stated_amount`` counts. ``source`` is where it is from, in words.

    A pulled one is ``is_beside``, and does not count, where the month has what a person typed in or a receipt's file: the same charge is
    not counted twice. ``pk``, ``source_file`` and ``line`` lead back; they are null of one that is shown as it was signed.
    """

    number: str
    plan: str
    status: str
    amount: int | None
    stated_amount: str
    currency: str
    quantity: int | None
    issued_on: date | None
    source: str
    is_pulled: bool = False
    is_beside: bool = False
    pk: int | None = None
    source_file: int | None = None
    line: int | None = None

    @property
    def state(self) -> Status:
        return status_of(self.status)

    @property
    def is_charged(self) -> bool:
        return self.state.is_charged and not self.is_beside

    @property
    def name(self) -> str:
        return self.number or "without a number"

    @property
    def worth(self) -> str:
        """Its amount in words, as far as it is known."""
        if self.amount is not None:
            return money(self.amount, self.currency)
        return f"“{self.stated_amount}” {self.currency}" if self.stated_amount else "no amount"

    @property
    def said(self) -> dict[str, Any]:
        """As plain values, without a number of the database: what is signed."""
        return {name: getattr(self, name) for name in _PLAIN} | {
            "issued_on": self.issued_on.isoformat() if self.issued_on else None,
            "is_pulled": self.is_pulled,
            "is_beside": self.is_beside,
        }


def charge_of(invoice: Invoice) -> Charge:
    """Its ``by`` and ``source_file`` are fetched."""
    plain = {name: getattr(invoice, name) for name in _PLAIN if name != "source"}
    return Charge(
        **plain,
        issued_on=invoice.issued_on,
        source=_source(invoice),
        is_pulled=invoice.external_id is not None,
        pk=invoice.pk,
        source_file=invoice.source_file_id,
        line=invoice.line,
    )


def charge_as_said(said: Mapping[str, Any]) -> Charge:
    issued = date.fromisoformat(said["issued_on"]) if said["issued_on"] else None
    return Charge(**{name: said[name] for name in _PLAIN}, issued_on=issued, is_pulled=said["is_pulled"], is_beside=said["is_beside"])


def charges_of(invoices: Iterable[Invoice]) -> list[Charge]:
    """Those of one month: what people gave comes before what was pulled."""
    found = [charge_of(one) for one in invoices]
    if all(one.is_pulled for one in found):
        return found
    return [replace(one, is_beside=one.is_pulled) for one in found]


def by_number(charges: Sequence[Charge]) -> dict[tuple[str, int], Charge]:
    """Each under its number, and its place among those of the same one."""
    found: dict[tuple[str, int], Charge] = {}
    seen: Counter[str] = Counter()
    for one in charges:
        found[one.number, seen[one.number]] = one
        seen[one.number] += 1
    return found


def _source(invoice: Invoice) -> str:
    if invoice.source_file is None:
        return f"typed in by {person(invoice.by)}"
    if invoice.external_id is not None:
        return f"pulled from Huntress: {invoice.source_file.name}"
    return f"{invoice.source_file.name}, line {invoice.line}"
