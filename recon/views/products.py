"""Product names to decide: what a name counts as, or why it is ignored. Everybody looks; who works decides."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account
from accounts.services import Refused
from recon.product_page import ProductPage, holdings_of
from recon.services import products as service


@require_http_methods(["GET", "HEAD", "POST"])
def products(request: HttpRequest, account: str) -> HttpResponse:
    """A POST decides. Refused, it keeps what was typed."""
    ours = account_for(request, account, Need.WORK if request.method == "POST" else Need.READ)
    if request.method != "POST":
        return _page(request, ProductPage(ours, request))
    try:
        outcome = _act(request, ours)
    except Refused as refusal:
        return _page(request, ProductPage(ours, request, request.POST, str(refusal)), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    counted = " The months whose lists use it are compared anew." if outcome.cycles else ""
    messages.success(request, f"{outcome.words}{counted}")
    return redirect("recon:products", ours.slug)


def _act(request: HttpRequest, account: Account) -> service.Outcome:
    by, name = signed_in(request), request.POST.get("name", "")
    match request.POST.get("act", ""):
        case "count":
            holdings = holdings_of(request.POST)
            if isinstance(holdings, str):
                raise Refused(holdings)
            return service.count_as(account, name, holdings, by=by)
        case "ignore":
            return service.ignore(account, request.POST.getlist("names"), request.POST.get("reason", ""), by=by)
        case "end":
            return service.end(account, name, by=by)
        case "undo":
            return service.undo(account, name, by=by)
    raise Refused("Say what to do with this name.")


def _page(request: HttpRequest, page: ProductPage, *, status: int = HTTPStatus.OK) -> HttpResponse:
    context = {"page": page, "may_work": may(request.roles, Need.WORK)}  # type: ignore[attr-defined]
    return render(request, "recon/product_names.html", context, status=status)
