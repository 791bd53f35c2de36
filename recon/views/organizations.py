"""Settings: the Organizations of an account. Everybody looks; who works decides what a name means and who is rebilled."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Alias, Organization
from accounts.models.organization import ORGANIZATION_STALE_DAYS
from accounts.services import Refused
from recon.organization_page import OrganizationPage
from recon.organization_tables import OrganizationsTable
from recon.services import organizations as service
from recon.services.sweeping import state_threshold
from recon.trend_page import alarms_of

_LARGEST_ID = 2**63 - 1


@require_safe
def organizations(request: HttpRequest, account: str) -> HttpResponse:
    table = OrganizationsTable.of(request, account_for(request, account))
    is_fragment = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "recon/organizations_list.html" if is_fragment else "recon/organizations.html", {"table": table})


@require_http_methods(["GET", "HEAD", "POST"])
def organization(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """A POST adds an alias, or says whether somebody is rebilled or when its agents are stale. Refused, it keeps what was typed."""
    ours = account_for(request, account, Need.WORK if request.method == "POST" else Need.READ)
    found = _organization(ours, pk)
    if request.method != "POST":
        return _page(request, found)
    try:
        messages.success(request, _act(request, found))
    except Refused as refusal:
        found = _organization(ours, pk)
        return _page(request, found, refused=str(refusal), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect("recon:organization", ours.slug, found.pk)


def _act(request: HttpRequest, found: Organization) -> str:
    by = signed_in(request)
    match request.POST.get("act", ""):
        case "alias":
            alias = service.add_alias(found, request.POST.get("name", ""), by=by)
            return f"From now on “{alias.name}” means {found}."
        case "stand":
            stands = service.stand(found, request.POST.get("standing", ""), by=by, reason=request.POST.get("reason", ""))
            return f"{stands} is {stands.get_standing_display().lower()} now. The months that name it are compared anew."
        case "stale":
            days = request.POST.get("stale_days", "")
            state_threshold(found, int(days) if days.isascii() and days.isdecimal() and len(days) < 4 else None, by=by)
            return f"An agent of {found} is stale after {days or found.account.stale_days} days without a check-in."
    raise Refused("Say what to do with this Organization.")


@require_POST
def revoke_alias(request: HttpRequest, account: str, pk: int, alias: int) -> HttpResponse:
    ours = account_for(request, account, Need.WORK)
    found = _organization(ours, pk)
    known = Alias.objects.select_related("organization__account")
    its_alias = get_object_or_404(known, pk=min(alias, _LARGEST_ID), account=ours)
    try:
        service.revoke_alias(its_alias, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{its_alias.name}” means nobody by itself any more. What was imported with it stays.")
    return redirect("recon:organization", ours.slug, found.pk)


def _organization(account: Account, pk: int) -> Organization:
    return get_object_or_404(Organization.objects.select_related("account"), account=account, pk=min(pk, _LARGEST_ID))


def _page(request: HttpRequest, found: Organization, *, refused: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    page = OrganizationPage(found.account, found)
    context = {
        "page": page,
        "organization": found,
        "alarms": alarms_of(found.account, page.family),
        "standings": Organization.Standing.choices,
        "stale_days_offered": ORGANIZATION_STALE_DAYS,
        "may_work": may(request.roles, Need.WORK),  # type: ignore[attr-defined]
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "recon/organization.html", context, status=status)
