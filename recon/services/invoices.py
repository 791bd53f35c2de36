"""Invoices of a month: typed in where no receipt's file is at hand, or pulled. They stand beside the month, and change no row of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import BillingCycle, User
from accounts.services import Refused
from accounts.templatetags.recon_ui import money
from ingest.models import Invoice
from recon.services.months import check_signature, newest

_CODE: Final = re.compile("[A-Z]{3}")
#: Micros, and units: more than any account is ever charged, and sums of it fit.
MOST_MONEY: Final = 10**16
MOST_UNITS: Final = 10**10


@transaction.atomic
def add(
    cycle: BillingCycle,
    *,
    amount: int,
    currency: str,
    by: User,
    number: str = "",
    issued_on: date | None = None,
    quantity: int | None = None,
) -> Invoice:
    """``amount`` is in micros of ``currency``, below zero for a credit note. Raises Refused."""
    require(by, cycle.account, Need.WORK)
    if not _CODE.fullmatch(currency):
        raise Refused(f"“{currency[:10]}” is no currency: three letters are, such as USD.")
    if abs(amount) > MOST_MONEY or abs(quantity or 0) > MOST_UNITS:
        raise Refused("That is more than an invoice can come to.")
    number = number.strip()[:100]
    same = Invoice.objects.filter(cycle=cycle, source_file__isnull=True, withdrawn_at__isnull=True, number=number)
    if number and same.exists():
        raise Refused(f"The invoice {number} is there already. Withdraw it first, if it was mistyped.")
    made = Invoice.objects.create(
        account=cycle.account, cycle=cycle, number=number, issued_on=issued_on, amount=amount, currency=currency, quantity=quantity, by=by
    )
    _record("recon.invoice.added", made, by)
    check_signature(cycle, by=by)
    return made


@transaction.atomic
def withdraw(invoice: Invoice, *, by: User) -> None:
    """Take a typed one back. One of a file goes with its file, and one that was pulled is set aside."""
    require(by, invoice.account, Need.WORK)
    if invoice.external_id is not None:
        raise Refused("This invoice was pulled from Huntress: set it aside, if it is not this month’s.")
    if invoice.source_file_id is not None:
        raise Refused("This invoice is a row of a file: withdraw the file from the month.")
    if not Invoice.objects.filter(pk=invoice.pk, withdrawn_at__isnull=True).update(withdrawn_at=timezone.now()):
        raise Refused("This invoice is withdrawn already.")
    _record("recon.invoice.withdrawn", invoice, by)
    check_signature(invoice.cycle, by=by)


@transaction.atomic
def set_aside(invoice: Invoice, *, by: User) -> None:
    """A pulled one is not this month's: it is shown, is followed, and does not count until somebody restores it."""
    require(by, invoice.account, Need.WORK)
    if invoice.external_id is None:
        raise Refused("Only what was pulled from Huntress is set aside.")
    if not Invoice.objects.filter(pk=invoice.pk, withdrawn_at__isnull=True).update(withdrawn_at=timezone.now()):
        raise Refused("This invoice is set aside already.")
    _record("recon.invoice.set_aside", invoice, by)
    check_signature(invoice.cycle, by=by)


@transaction.atomic
def restore(invoice: Invoice, *, by: User) -> None:
    """Let a pulled one count again."""
    require(by, invoice.account, Need.WORK)
    if invoice.external_id is None or not Invoice.objects.filter(pk=invoice.pk, withdrawn_at__isnull=False).update(withdrawn_at=None):
        raise Refused("This invoice is not set aside.")
    _record("recon.invoice.restored", invoice, by)
    check_signature(invoice.cycle, by=by)


def _record(action: str, invoice: Invoice, by: User) -> None:
    cycle = invoice.cycle
    worth = invoice.stated_amount if invoice.amount is None else money(invoice.amount, invoice.currency)
    subject = f"{invoice.number or 'without a number'} of {worth}"
    after = {"invoice": invoice.pk, "amount": invoice.amount, "currency": invoice.currency, "quantity": invoice.quantity}
    audit.record(action, subject, account=invoice.account, actor=by, cycle=cycle, revision=newest(cycle).revision, after=after)
