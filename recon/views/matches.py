"""Names that wait for their Organization."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Organization
from ingest.services.intake import Refused
from recon.services import matches as service


@require_safe
def matches(request: HttpRequest, account: str) -> HttpResponse:
    its_account = account_for(request, account)
    context = {"waiting": service.waiting(its_account), "may_work": may(request.roles, Need.WORK)}  # type: ignore[attr-defined]
    return render(request, "recon/matches.html", context)


@require_POST
def settle(request: HttpRequest, account: str) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    chosen = request.POST.get("organization", "")
    if chosen and chosen != "new":
        organization = get_object_or_404(Organization, account=its_account, pk=int(chosen) if chosen.isdecimal() else 0)
    elif chosen == "new":
        organization = None
    else:
        messages.error(request, "Choose whose rows these are.")
        return redirect("recon:matches", its_account.slug)
    try:
        settled = service.settle(its_account, request.POST.get("name_key", ""), organization=organization, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Remembered: those rows are {settled}’s. The month is being compared anew.")
    return redirect("recon:matches", its_account.slug)
