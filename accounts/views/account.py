"""What an account is called, and when, where and in which money it is billed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.access import Need, account_for, roles_in_reseller, signed_in
from accounts.forms import SettingsForm
from accounts.models.account import ACCOUNT_STALE_DAYS


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    form = SettingsForm(request.POST if request.method == "POST" else None, account=ours)
    if form.is_valid():
        try:
            services.change_account(ours, **form.cleaned_data, by=signed_in(request))
        except services.Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, "The settings are saved.")
            return redirect("accounts:settings", ours.slug)
    context = {"form": form, "kept": services.kept_by_cycles(ours), "stale_days_offered": ACCOUNT_STALE_DAYS}
    context["of_reseller"] = ours.reseller if ours.reseller and roles_in_reseller(signed_in(request), ours.reseller) else None
    return render(request, "accounts/settings.html", context, status=422 if form.errors else 200)
