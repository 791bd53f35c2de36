"""A reseller's own pages, for people with a role in it: which account is which, and what was billed for all of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Need, may, reseller_for, signed_in
from accounts.models import Account, Reseller
from accounts.services import Refused
from accounts.templatetags.recon_ui import plural
from ingest.models import ResellerAccount
from recon.reseller_page import AccountPage, Overview, usage_page
from recon.reseller_tables import AccountsTable, UsageTable
from recon.services import resellers as service
from recon.services.resellers import Done

_LARGEST_ID: Final = 2**63 - 1
_SAID_AT_MOST: Final = 8
_READ_OR_ACT = require_http_methods(["GET", "HEAD", "POST"])


@_READ_OR_ACT
def reseller(request: HttpRequest, reseller: int) -> HttpResponse:
    """A POST says something of the accounts that are ticked."""
    ours = reseller_for(request, reseller, _need(request))
    if request.method != "POST":
        return _overview(request, ours)
    try:
        done, word = _bulk(request, ours)
    except Refused as refusal:
        return _overview(request, ours, refused=str(refusal), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if done.count:
        messages.success(request, f"{plural(done.count, 'account')} {word}.")
    for one in done.left[:_SAID_AT_MOST]:
        messages.warning(request, one)
    if len(done.left) > _SAID_AT_MOST:
        messages.warning(request, f"{len(done.left) - _SAID_AT_MOST} more were left as they are, for such reasons.")
    return redirect("recon:reseller", ours.pk)


def _bulk(request: HttpRequest, ours: Reseller) -> tuple[Done, str]:
    by = signed_in(request)
    chosen = [int(one) for one in request.POST.getlist("row") if one.isascii() and one.isdecimal() and len(one) < 19]
    match request.POST.get("act", ""):
        case "by_name":
            return service.map_by_name(ours, chosen, by=by), "mapped to the account of the same name"
        case "make":
            return service.make_several(ours, chosen, by=by), "made here"
        case "ignore":
            return service.ignore(ours, chosen, request.POST.get("because", ""), by=by), "put aside as not ours"
    raise Refused("Say what to do with these accounts.")


def _overview(request: HttpRequest, ours: Reseller, *, refused: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    may_map = _may_map(request)
    context = {
        "reseller": ours,
        "page": Overview(ours),
        "table": AccountsTable.of(request, ours, may_map=may_map),
        "may_map": may_map,
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    is_fragment = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "recon/reseller_accounts.html" if is_fragment else "recon/reseller.html", context, status=status)


@_READ_OR_ACT
def reseller_account(request: HttpRequest, reseller: int, pk: int) -> HttpResponse:
    """A POST says which account it is, that it is none of ours, or on which day its cycles begin. Refused, it keeps what was typed."""
    ours = reseller_for(request, reseller, _need(request))
    found = _found(ours, pk)
    if request.method != "POST":
        return _account(request, found)
    try:
        messages.success(request, _act(request, found))
    except Refused as refusal:
        return _account(request, _found(ours, pk), refused=refusal, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect("recon:reseller_account", ours.pk, found.pk)


def _act(request: HttpRequest, found: ResellerAccount) -> str:
    by, given = signed_in(request), request.POST
    match given.get("act", ""):
        case "map":
            account = Account.objects.filter(reseller=found.reseller, slug=given.get("account", "")).first()
            if account is None:
                raise Refused("Choose the account that it is.", field="account")
            service.map_to(found, account, by=by)
            return f"{found.name} is {account}. Its contracts and its usage lines are being taken over."
        case "make":
            account = service.make(
                found, name=given.get("name", ""), slug=given.get("slug", "").strip(), anniversary_day=_day(given.get("day", "")), by=by
            )
            return f"{account} is here. Its contracts and its usage lines are being taken over."
        case "ignore":
            service.ignore(found.reseller, [found.pk], given.get("because", ""), by=by)
            return f"{found.name} is put aside as not ours."
        case "undo":
            service.undo(found, by=by)
            return f"{found.name} waits again. What was imported meanwhile stays."
        case "day":
            account = service.adopt_day(found, by=by)
            return f"The cycles of {account} begin with its lines now. They are being taken over."
    raise Refused("Say what to do with this account.")


def _day(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 3 and 1 <= int(text) <= 31):
        raise Refused("On which day of the month do its cycles begin? Write a number from 1 to 31.", field="day")
    return int(text)


def _account(request: HttpRequest, found: ResellerAccount, *, refused: Refused | None = None, status: int = HTTPStatus.OK) -> HttpResponse:
    context: dict[str, Any] = {
        "reseller": found.reseller,
        "page": AccountPage(found),
        "found": found,
        "may_map": _may_map(request),
        "refused": str(refused) if refused else "",
        "wrong": refused.field if refused else "",
        "typed": request.POST if refused else {},
    }
    return render(request, "recon/reseller_account.html", context, status=status)


@require_safe
def reseller_usage(request: HttpRequest, reseller: int) -> HttpResponse:
    """One invoice's lines (``?invoice=``), the newest one's where none is named."""
    ours = reseller_for(request, reseller)
    page = usage_page(ours, request.GET.get("invoice", "")[:64])
    context: dict[str, Any] = {"reseller": ours, "page": page}
    if page.invoice is not None:
        context["table"] = UsageTable.of(request, page.invoice, page.products)
    is_fragment = page.invoice is not None and request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "recon/reseller_usage_list.html" if is_fragment else "recon/reseller_usage.html", context)


def _found(ours: Reseller, pk: int) -> ResellerAccount:
    known = ResellerAccount.objects.filter(reseller=ours).select_related("account", "reseller")
    return get_object_or_404(known, pk=min(pk, _LARGEST_ID))


def _need(request: HttpRequest) -> Need:
    return Need.ADMINISTER if request.method == "POST" else Need.READ


def _may_map(request: HttpRequest) -> bool:
    return may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]
