"""The month: its figures, its list, one row opened beside it, and what people decide of rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, signed_in
from accounts.models import Account, BillingCycle
from accounts.services import Refused
from recon.contract_page import minimums_of
from recon.listing import Key, Listing
from recon.models import Reconciliation
from recon.month_page import month_page
from recon.row_panel import row_panel
from recon.services import months
from recon.views.decisions import done, ended

_READ_OR_ACT = require_http_methods(["GET", "HEAD", "POST"])


def cycle_of(account: Account, start: date) -> BillingCycle:
    return get_object_or_404(BillingCycle.objects.select_related("account"), account=account, start=start)


def revision_of(cycle: BillingCycle, revision: int | None) -> Reconciliation:
    """One numbered revision, or without a number the one that the month's page shows. Raises Http404."""
    if revision is None:
        return months.shown(cycle)
    known = Reconciliation.objects.select_related("cycle__account", "policy", "preparer", "reviewer")
    return get_object_or_404(known, cycle=cycle, revision=revision)


def _listing(request: HttpRequest, account: str, start: date, revision: int | None, opened: Key | None = None) -> Listing:
    its_account = account_for(request, account, Need.WORK if request.method == "POST" else Need.READ)
    reconciliation = revision_of(cycle_of(its_account, start), revision)
    return Listing(request, its_account, reconciliation, opened, is_past=revision is not None)


def _context(listing: Listing) -> dict[str, Any]:
    return {
        "cycle": listing.reconciliation.cycle,
        "reconciliation": listing.reconciliation,
        "page": month_page(listing),
        "listing": listing,
        "may_work": listing.may_work,
        "people": listing.people,
        "minimums": SimpleLazyObject(lambda: minimums_of(listing.reconciliation, listing.account)),  # beside an opened row it is not shown
    }


def _answer(request: HttpRequest, context: dict[str, Any], **more: Any) -> HttpResponse:
    """The page, or the fragment of it that HTMX asked for."""
    fragment = {"month": "recon/month_body.html"}.get(request.headers.get("HX-Target", ""))
    htmx = request.htmx  # type: ignore[attr-defined]
    if htmx and not htmx.boosted and not htmx.history_restore_request:
        fragment = fragment or "recon/list.html"
        return render(request, fragment, context)
    return render(request, "recon/month.html", context, **more)


def _act_on(request: HttpRequest, listing: Listing, keys: list[Key] | None) -> HttpResponse | str:
    """Do what was posted and go back to the list, or say why not."""
    try:
        return ended(request, done(request, listing, keys), back=listing.here)
    except Refused as refusal:
        return str(refusal)


@_READ_OR_ACT
def month(request: HttpRequest, account: str, start: date, revision: int | None = None) -> HttpResponse:
    """A POST acts on the selected rows, or on every row of the list as it is filtered. Refused, it keeps what was typed."""
    listing = _listing(request, account, start, revision)
    if request.method != "POST":
        return _answer(request, _context(listing))
    answer = _act_on(request, listing, None)
    if isinstance(answer, HttpResponse):
        return answer
    return _answer(request, _context(listing) | {"refused": answer, "typed": request.POST}, status=422)


def month_again(request: HttpRequest, account: str, start: date, **more: Any) -> HttpResponse:
    """The month's page once more, after something on it was refused, with what was typed."""
    return _answer(request, _context(_listing(request, account, start, None)) | more, status=422)


@_READ_OR_ACT
def row(request: HttpRequest, account: str, start: date, organization: int, product: str, revision: int | None = None) -> HttpResponse:
    """A POST acts on this row."""
    key = (organization, product)
    listing = _listing(request, account, start, revision, opened=key)
    panel = row_panel(listing, *key)
    if request.method != "POST":
        return _answer(request, _context(listing) | {"panel": panel})
    answer = _act_on(request, listing, [key])
    if isinstance(answer, HttpResponse):
        return answer
    return _answer(request, _context(listing) | {"panel": panel, "refused": answer, "typed": request.POST}, status=422)


@require_safe
def revision(request: HttpRequest, account: str, start: date, revision: int) -> HttpResponse:
    return month(request, account, start, revision)


@require_safe
def revision_row(request: HttpRequest, account: str, start: date, revision: int, organization: int, product: str) -> HttpResponse:
    return row(request, account, start, organization, product, revision)


@require_POST
def recount(request: HttpRequest, account: str, start: date) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    cycle = cycle_of(its_account, start)
    months.ask_for_recount(cycle, by=signed_in(request))
    messages.success(request, "The month is being compared anew.")
    return redirect("recon:month", its_account.slug, start)
