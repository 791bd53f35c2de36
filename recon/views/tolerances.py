"""From which difference on a row is to be looked at: stated by an admin, previewed on the last month, kept in versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Organization
from accounts.products import CODES
from accounts.services import Refused
from recon import tolerance_page as page
from recon.forms import ALL_PRODUCTS
from recon.policies import policy_of
from recon.services import policies


@require_http_methods(["GET", "HEAD", "POST"])
def tolerances(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER if request.method == "POST" else Need.READ)
    if request.method != "POST":
        return _show(request, ours, page.sheet_in_force(policy_of(ours)))
    sheet, act = page.sheet_of(ours, request.POST), request.POST.get("act", "")
    if act == "add":
        return _add(request, ours, sheet)
    if act.startswith("remove-"):
        number = act.removeprefix("remove-")
        return _show(request, ours, sheet.without(int(number) if number.isascii() and number.isdecimal() else -1))
    if not sheet.is_valid():
        return _show(request, ours, sheet, status=422, wrong="Some numbers cannot be read, or do not fit together. They are marked below.")
    try:
        if act != "save":
            return _show(request, ours, sheet, preview=policies.preview(ours, sheet.scopes), previewed=True)
        policy = policies.save_policy(ours, sheet.scopes, by=signed_in(request), why=sheet.why, seen=sheet.seen)
    except Refused as refusal:
        return _show(request, ours, sheet, status=422, wrong=str(refusal))
    messages.success(request, f"Version {policy.version} is in force. Months that are worked on are compared anew.")
    return redirect("recon:tolerances", ours.slug)


def _add(request: HttpRequest, account: Account, sheet: page.Sheet) -> HttpResponse:
    """One scope more in the form; nothing is saved. A name that could be several is asked about."""
    name, chosen, product = (request.POST.get(f"new-{what}", "").strip() for what in ("name", "organization", "product"))
    again: dict[str, Any] = {"new_name": name[:500], "new_product": product if product in CODES else ""}
    organization = None
    if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19:
        organization = Organization.objects.filter(account=account, pk=int(chosen)).first()
    if organization is None and name:
        found = page.find(account, name)
        organization, again["candidates"] = found.organization, found.candidates
        if organization is None:
            words = "Several Organizations could be meant: choose one." if found.candidates else f"No Organization is called “{name[:80]}”."
            return _show(request, account, sheet, status=422, new_wrong=words, **again)
    if product not in ("", *CODES) or not sheet.lines or (organization is None and not product):
        return _show(request, account, sheet, status=422, new_wrong="Name an Organization, choose a product, or both.", **again)
    if sheet.has(organization, product):
        return _show(request, account, sheet, status=422, new_wrong="That scope is in the table already.", **again)
    return _show(request, account, sheet.with_scope(organization, product), added=(organization.pk if organization else None, product))


def _show(request: HttpRequest, account: Account, sheet: page.Sheet, *, status: int = 200, **more: Any) -> HttpResponse:
    may_change = may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]
    history, history_page = page.versions(account, request.GET.get("page", ""))
    policy = policy_of(account)
    context = {
        "sheet": sheet,
        "policy": policy,
        "next_version": (policy.version if policy else 0) + 1,
        "history": history,
        "history_page": history_page,
        "may_change": may_change,
        "names": page.names_offered(account) if may_change else [],
        "products": ALL_PRODUCTS,
        "is_posted": request.method == "POST",
    }
    return render(request, "recon/tolerances.html", context | more, status=status)
