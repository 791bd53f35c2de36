"""The month: its figures, its list, and one row opened beside it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, BillingCycle, Organization
from ingest.services.intake import Refused
from recon.listing import Listing
from recon.month_page import month_page, waiting_in
from recon.row_panel import row_panel
from recon.services import months, notes


def _month(account: Account, start: date) -> BillingCycle:
    return get_object_or_404(BillingCycle.objects.select_related("account"), account=account, start=start)


def _context(request: HttpRequest, account: Account, cycle: BillingCycle, listing: Listing) -> dict[str, Any]:
    reconciliation = listing.reconciliation
    return {
        "cycle": cycle,
        "reconciliation": reconciliation,
        "page": month_page(account, cycle, reconciliation, waiting_in(cycle)),
        "listing": listing,
        "may_work": may(request.roles, Need.WORK),  # type: ignore[attr-defined]
    }


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page, or the fragment of it that HTMX asked for."""
    fragment = {"month": "recon/month_body.html"}.get(request.headers.get("HX-Target", ""))
    htmx = request.htmx  # type: ignore[attr-defined]
    if htmx and not htmx.boosted and not htmx.history_restore_request:
        fragment = fragment or "recon/list.html"
        return render(request, fragment, context)
    return render(request, "recon/month.html", context)


@require_safe
def month(request: HttpRequest, account: str, start: date) -> HttpResponse:
    its_account = account_for(request, account)
    cycle = _month(its_account, start)
    listing = Listing(request, its_account, months.shown(cycle))
    return _answer(request, _context(request, its_account, cycle, listing))


@require_safe
def row(request: HttpRequest, account: str, start: date, organization: int, product: str) -> HttpResponse:
    its_account = account_for(request, account)
    cycle = _month(its_account, start)
    listing = Listing(request, its_account, months.shown(cycle), opened=(organization, product))
    panel = row_panel(listing, organization, product)
    return _answer(request, _context(request, its_account, cycle, listing) | {"panel": panel})


@require_POST
def add_note(request: HttpRequest, account: str, start: date, organization: int, product: str) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    cycle = _month(its_account, start)
    whose = get_object_or_404(Organization, account=its_account, pk=organization)
    listing = Listing(request, its_account, months.shown(cycle), opened=(organization, product))
    row_panel(listing, organization, product)  # a row that is not there takes no note
    try:
        notes.add_note(cycle, whose, product, text=request.POST.get("text", ""), by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Note added.")
    return redirect(listing.url((organization, product)))


@require_POST
def recount(request: HttpRequest, account: str, start: date) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    cycle = _month(its_account, start)
    months.ask_for_recount(cycle, by=signed_in(request))
    messages.success(request, "The month is being compared anew.")
    return redirect("recon:month", its_account.slug, start)
