"""Renewals: everybody looks at the contracts; an admin types them in, changes them and takes them away."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Contract
from accounts.products import BY_CODE
from accounts.services import Refused
from recon.contract_forms import Typed, following
from recon.contract_page import course_of, renewals_of, with_changes
from recon.contracts import contract_with_versions
from recon.services import contracts as service

_LARGEST_ID = 2**63 - 1
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def renewals(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account)
    return render(request, "recon/renewals.html", {"page": renewals_of(ours), "may_change": _may_change(request)})


@require_safe
def contract(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    return _page(request, _contract(account_for(request, account), pk))


@_GET_OR_POST
def add_contract(request: HttpRequest, account: str) -> HttpResponse:
    """``?after=`` names a contract that the new one follows: it begins where that one ends."""
    ours = account_for(request, account, Need.ADMINISTER)
    if request.method != "POST":
        return _form(request, Typed(initial=_after(ours, request.GET.get("after", ""))))
    typed = Typed(request.POST)
    if typed.is_valid():
        given = typed.form.cleaned_data
        try:
            made = service.add(ours, given["product"], typed.said, by=signed_in(request), external_id=given["external_id"])
        except Refused as refusal:
            return _form(request, typed, refused=str(refusal))
        messages.success(request, f"The contract for {BY_CODE[made.product].label} is in the list.")
        return redirect("recon:contract", ours.slug, made.pk)
    return _form(request, typed)


@_GET_OR_POST
def change_contract(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    found = _contract(account_for(request, account, Need.ADMINISTER), pk)
    version = next((one for one in found.versions.all() if one.ended_at is None), None)
    if version is None or found.ended_at is not None:
        messages.error(request, "This contract was taken away: it is not changed any more.")
        return redirect("recon:contract", found.account.slug, found.pk)
    if request.method != "POST":
        return _form(request, Typed(initial=service.said_by(version), is_change=True), contract=found, seen=version.number)
    typed, seen = Typed(request.POST, is_change=True), request.POST.get("seen", "")
    if typed.is_valid():
        try:
            made = service.change(
                found, typed.said, by=signed_in(request), why=typed.form.cleaned_data["why"], seen=int(seen) if seen.isdecimal() else 0
            )
        except Refused as refusal:
            return _form(request, typed, refused=str(refusal), contract=found, seen=version.number)
        messages.success(request, f"Version {made.number} is in force.")
        return redirect("recon:contract", found.account.slug, found.pk)
    return _form(request, typed, contract=found, seen=seen)


@require_POST
def end_contract(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    found = _contract(account_for(request, account, Need.ADMINISTER), pk)
    try:
        service.end(found, request.POST.get("because", ""), by=signed_in(request))
    except Refused as refusal:
        return _page(request, _contract(found.account, pk), refused=str(refusal), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, "The contract is taken away. It counts in no cycle any more.")
    return redirect("recon:renewals", found.account.slug)


def _contract(account: Account, pk: int) -> Contract:
    return get_object_or_404(contract_with_versions(account), pk=min(pk, _LARGEST_ID))


def _may_change(request: HttpRequest) -> bool:
    return may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]


def _after(account: Account, number: str) -> dict[str, Any]:
    if not (number.isascii() and number.isdecimal()):
        return {}
    found = contract_with_versions(account).filter(pk=min(int(number[:19]), _LARGEST_ID)).first()
    version = next((one for one in found.versions.all() if one.ended_at is None), None) if found else None
    return following(found.product, service.said_by(version)) if found and version else {}


def _page(request: HttpRequest, found: Contract, *, refused: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    context = {
        "contract": found,
        "product": BY_CODE[found.product],
        "course": course_of(found),
        "versions": with_changes(list(found.versions.all())),
        "subscriptions": list(found.subscriptions.order_by("pk")) if found.external_id else [],
        "may_change": _may_change(request),
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "recon/contract.html", context, status=status)


def _form(request: HttpRequest, typed: Typed, *, refused: str = "", **more: Any) -> HttpResponse:
    is_wrong = request.method == "POST"
    found: Contract | None = more.get("contract")
    product = BY_CODE[found.product] if found else None
    context = {"form": typed.form, "steps": typed.steps, "refused": refused, "contract": None, "product": product} | more
    return render(request, "recon/contract_form.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK)
