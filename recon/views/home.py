"""All accounts at a glance, and the way into one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import account_for, signed_in
from accounts.models import BillingCycle
from recon.home_page import home_page


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "recon/home.html", {"page": home_page(signed_in(request), request.GET.get("page", ""))})


@require_safe
def account(request: HttpRequest, account: str) -> HttpResponse:
    """An account's newest month; its files while it has none."""
    its_account = account_for(request, account)
    newest = BillingCycle.objects.filter(account=its_account).order_by("-start").first()
    if newest is None:
        return redirect("ingest:files", its_account.slug)
    return redirect("recon:month", its_account.slug, newest.start)
