"""All accounts at a glance, and the way into one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import account_for, signed_in
from accounts.models import BillingCycle
from recon.home_page import home_page
from recon.states import month_to_open, running_cycle, states_of

_LOOKED_THROUGH = 24


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "recon/home.html", {"page": home_page(signed_in(request), request.GET.get("page", ""))})


@require_safe
def account(request: HttpRequest, account: str) -> HttpResponse:
    """The account's month that work is in; its files while it has none."""
    its_account = account_for(request, account)
    months = states_of(BillingCycle.objects.filter(account=its_account), _LOOKED_THROUGH)
    month = month_to_open(months, running_cycle(its_account).start)
    if month is None:
        return redirect("ingest:files", its_account.slug)
    return redirect("recon:month", its_account.slug, month.cycle.start)
