"""Invoices that are typed in on a month's page, and withdrawn there."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.access import Need, account_for, signed_in
from accounts.services import Refused
from ingest.models import Invoice
from recon.forms import InvoiceForm
from recon.services import invoices as service
from recon.views.month import cycle_of, month_again
from recon.views.tie_outs import tie_out_page

_LARGEST_ID = 2**63 - 1


@require_POST
def add_invoice(request: HttpRequest, account: str, start: date) -> HttpResponse:
    """On the month or on its tie-out (``from``). Refused, the page it came from keeps what was typed."""
    ours = account_for(request, account, Need.WORK)
    cycle = cycle_of(ours, start)
    form = InvoiceForm(request.POST, currency=ours.currency)
    if form.is_valid():
        try:
            made = service.add(cycle, by=signed_in(request), **form.values)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"The invoice{f' {made.number}' if made.number else ''} is held against the report.")
            return redirect(_back(request), ours.slug, start)
    if _back(request) == "recon:tie_out":
        return tie_out_page(request, ours, start, invoice_form=form)
    return month_again(request, ours.slug, start, invoice_form=form)


@require_POST
def withdraw_invoice(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.WORK)
    invoice = get_object_or_404(Invoice.objects.select_related("account", "cycle"), account=ours, pk=min(pk, _LARGEST_ID))
    try:
        service.withdraw(invoice, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The invoice is withdrawn.")
    return redirect(_back(request), ours.slug, invoice.cycle.start)


def _back(request: HttpRequest) -> str:
    """The page that a form was posted from."""
    return "recon:tie_out" if request.POST.get("from") == "tie-out" else "recon:month"
