"""How long an account keeps what is about people, and what was purged."""

from __future__ import annotations

from http import HTTPStatus
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account
from accounts.services import Refused
from ingest.services import retention

_PER_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
def privacy(request: HttpRequest, account: str) -> HttpResponse:
    """A POST says how many days such data are kept; empty: for as long as the account is there."""
    if request.method != "POST":
        return _page(request, account_for(request, account))
    ours, typed = account_for(request, account, Need.ADMINISTER), request.POST.get("days", "").strip()
    try:
        if typed and not (typed.isascii() and typed.isdecimal() and len(typed) < 7):
            raise Refused("Say a number of days in digits, such as 400, or leave it empty.", field="days")
        retention.state_days(ours, int(typed) if typed else None, by=signed_in(request))
    except Refused as refusal:
        return _page(request, ours, refused=str(refusal), typed=typed)
    messages.success(request, "Saved. What is older is purged within six hours." if typed else "Saved. Nothing is purged by itself.")
    return redirect("ingest:privacy", ours.slug)


def _page(request: HttpRequest, account: Account, *, refused: str = "", typed: str | None = None) -> HttpResponse:
    days = retention.days_of(account)
    context = {
        "days": days,
        "typed": typed if typed is not None else days or "",
        "refused": refused,
        "least": retention.LEAST_DAYS,
        "kept": retention.kept_of(account),
        "due": retention.due(account, days, timezone.now()).count() if days else 0,
        "page": Paginator(retention.purged_of(account), _PER_PAGE).get_page(request.GET.get("page")),
        "may_change": may(request.roles, Need.ADMINISTER),  # type: ignore[attr-defined]
    }
    with timezone.override(ZoneInfo(account.time_zone)):
        return render(request, "ingest/privacy.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK)
