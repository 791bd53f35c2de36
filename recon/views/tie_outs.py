"""A month's tie-out: what the report and the invoice differ by is named here, and taken back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account
from accounts.services import Refused
from accounts.templatetags.recon_ui import plural
from ingest.models import Invoice
from ingest.services.connections import huntress_of, may_administer
from recon.amount_check import amount_check
from recon.forms import InvoiceForm
from recon.models import TieOutItem
from recon.services import amounts, tying
from recon.services import invoices as service
from recon.services.months import shown
from recon.tie_forms import NamedForm, UnitForm
from recon.tie_out_page import TieOutPage
from recon.views.month import cycle_of

_LARGEST_ID = 2**63 - 1
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def tie_out(request: HttpRequest, account: str, start: date) -> HttpResponse:
    """Of the newest revision."""
    return tie_out_page(request, account_for(request, account), start)


def tie_out_page(request: HttpRequest, ours: Account, start: date, **typed: Any) -> HttpResponse:
    """Again, where ``typed`` (``named_form``, ``invoice_form`` or ``refused``) says what was not accepted."""
    reconciliation = shown(cycle_of(ours, start))
    page = TieOutPage(ours, reconciliation, may(request.roles, Need.WORK), typed)  # type: ignore[attr-defined]
    context = {
        "page": page,
        "cycle": page.cycle,
        "reconciliation": reconciliation,
        "may_work": page.may_work,
        "invoice_form": typed.get("invoice_form") or InvoiceForm(currency=ours.currency),
        "refused": typed.get("refused", ""),
    }
    return render(request, "recon/tie_out_page.html", context, status=422 if typed else 200)


@require_POST
def name_difference(request: HttpRequest, account: str, start: date) -> HttpResponse:
    """Refused, the page keeps what was typed."""
    ours = account_for(request, account, Need.WORK)
    form = NamedForm(request.POST)
    if form.is_valid():
        try:
            reconciliation = shown(cycle_of(ours, start))
            if reconciliation.pk is None:
                raise Refused("Nothing was compared for this month yet: add its billed report first.")
            made = tying.name(reconciliation, by=signed_in(request), **form.values)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Named: {tying.words_of(made, ours.currency)}.")
            return redirect("recon:tie_out", ours.slug, start)
    return tie_out_page(request, ours, start, named_form=form)


@require_POST
def withdraw_named(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.WORK)
    items = TieOutItem.objects.select_related("reconciliation__cycle__account")
    item = get_object_or_404(items, reconciliation__cycle__account=ours, pk=min(pk, _LARGEST_ID))
    start = item.reconciliation.cycle.start
    try:
        tying.withdraw(item, by=signed_in(request))
    except Refused as refusal:
        return tie_out_page(request, ours, start, refused=str(refusal))
    messages.success(request, f"Taken back: {tying.words_of(item, ours.currency)}.")
    return redirect("recon:tie_out", ours.slug, start)


@require_POST
def set_invoice_aside(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    return _of_a_pulled(request, account, pk, service.set_aside, "The invoice is set aside: it does not count in this month.")


@require_POST
def restore_invoice(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    return _of_a_pulled(request, account, pk, service.restore, "The invoice counts again.")


def _of_a_pulled(request: HttpRequest, account: str, pk: int, act: Any, said: str) -> HttpResponse:
    ours = account_for(request, account, Need.WORK)
    invoice = get_object_or_404(Invoice.objects.select_related("account", "cycle"), account=ours, pk=min(pk, _LARGEST_ID))
    try:
        act(invoice, by=signed_in(request))
    except Refused as refusal:
        return tie_out_page(request, ours, invoice.cycle.start, refused=str(refusal))
    messages.success(request, said)
    return redirect("recon:tie_out", ours.slug, invoice.cycle.start)


@_GET_OR_POST
def amount_unit(request: HttpRequest, account: str) -> HttpResponse:
    """What the bare amounts of pulled invoices count. A reseller's connection is for the reseller's admins."""
    ours = account_for(request, account, Need.ADMINISTER if request.method == "POST" else Need.READ)
    connection, refused = huntress_of(ours), ""
    form = UnitForm(request.POST if request.method == "POST" else None, unit=connection.amount_unit if connection else "")
    if request.method == "POST":
        try:
            if connection is None:
                raise Refused("No connection to Huntress is here yet.")
            if not form.is_valid():
                raise Refused("Choose whole units of the currency, or hundredths.")
            count = amounts.say_unit(connection, form.cleaned_data["unit"], by=signed_in(request))
        except Refused as refusal:
            refused = str(refusal)
        else:
            messages.success(request, f"Said. {plural(count, 'invoice')} {'was' if count == 1 else 'were'} counted anew.")
            return redirect("recon:amount_unit", ours.slug)
    context = {
        "connection": connection,
        "amount_check": amount_check(connection, ours) if connection else None,
        "may_change": connection is not None and may_administer(signed_in(request), connection),
        "form": form,
        "refused": refused,
    }
    return render(request, "recon/amount_unit.html", context, status=422 if refused else 200)
