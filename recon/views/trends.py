"""Alarms in words, over the last twelve cycles of an account."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import account_for
from recon.trend_page import TITLES, trend_page


@require_safe
def trends(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account)
    return render(request, "recon/trends.html", {"page": trend_page(ours, request.GET.get("page", "")), "titles": TITLES})
