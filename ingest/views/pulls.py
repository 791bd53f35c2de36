"""Pulls of an account: what was pulled and what it lacks, one pull while it goes on, and the plan of a reseller's rounds."""

from __future__ import annotations

from http import HTTPStatus
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Membership, Tenant
from accounts.services import Refused
from ingest.models import Connection, Pull
from ingest.services import pulls as service
from ingest.services import tenant_pulls
from ingest.services.connections import huntress_of
from ingest.services.microsoft_app import app_of
from ingest.views.pull_page import History, OnePull, PlanPage


def _sees_whole(request: HttpRequest, account: Account) -> bool:
    """Whether the person has a role in the account's reseller: then pulls over all of its accounts are theirs to see."""
    if account.reseller_id is None:
        return False
    return Membership.objects.filter(user=signed_in(request), reseller_id=account.reseller_id).exists()


@require_http_methods(["GET", "HEAD", "POST"])
def pulls(request: HttpRequest, account: str) -> HttpResponse:
    if request.method != "POST":
        return _list(request, account_for(request, account))
    ours = account_for(request, account, Need.WORK)
    if request.POST.get("of") == "microsoft":
        return _ask_tenants(request, ours)
    connection = huntress_of(ours)
    is_of_reseller = request.POST.get("of") == "reseller"
    try:
        if connection is None or (is_of_reseller and not connection.is_resellers):
            raise Refused("Nothing is connected that could be pulled from.")
        of = None if is_of_reseller else ours
        pull = service.ask(connection, by=signed_in(request), subjects=request.POST.getlist("subject"), account=of)
    except Refused as refusal:
        return _list(request, ours, str(refusal))
    messages.success(request, "Asked for. You may leave the page: a worker pulls it.")
    return redirect("ingest:pull", ours.slug, pull.pk)


def _ask_tenants(request: HttpRequest, account: Account) -> HttpResponse:
    """All tenants, or the one that is named (``tenant``)."""
    asked = request.POST.get("tenant", "")
    known = Tenant.objects.filter(account=account, pk=int(asked)) if asked.isdecimal() and len(asked) < 19 else Tenant.objects.none()
    try:
        pull = tenant_pulls.ask_tenants(account, by=signed_in(request), tenants=list(known) if asked else None)
    except Refused as refusal:
        return _list(request, account, str(refusal))
    messages.success(request, "Asked for. You may leave the page: a worker pulls it.")
    return redirect("ingest:pull", account.slug, pull.pk)


def _list(request: HttpRequest, account: Account, refused: str = "") -> HttpResponse:
    sees_whole, connection = _sees_whole(request, account), huntress_of(account)
    app = app_of(account)
    context = {
        "history": History(request, account, connection, may_see_whole=sees_whole),
        "connection": connection,
        "refused": refused,
        "sees_whole": sees_whole and connection is not None and connection.is_resellers,
        "may_pull": connection is not None and service.may_pull(signed_in(request), connection, account),
        "may_pull_whole": connection is not None and connection.is_resellers and service.may_pull(signed_in(request), connection),
        "may_connect": may(request.roles, Need.ADMINISTER),  # type: ignore[attr-defined]
        "app": app,
        "may_ask": may(request.roles, Need.WORK),  # type: ignore[attr-defined]
        "tenants": len(tenant_pulls.tenants_to_pull(account)) if app else 0,
        "subjects": service.offered(connection, account) if connection else (),
        "whole_subjects": service.offered(connection) if connection and connection.is_resellers else (),
    }
    template = "ingest/pulls_list.html" if _is_fragment(request) else "ingest/pulls.html"
    with timezone.override(ZoneInfo(account.time_zone)):
        return render(request, template, context, status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK)


@require_safe
def pull(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account)
    one, sees_whole = _one(request, ours, pk)
    page = OnePull(request, one, ours, may_see_whole=sees_whole)
    context = {"page": page, "pull": one, "may_cancel": page.is_busy and service.may_cancel(one, signed_in(request))}
    with timezone.override(ZoneInfo(ours.time_zone)):
        return render(request, "ingest/pull_body.html" if _is_fragment(request) else "ingest/pull.html", context)


@require_POST
def cancel_pull(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.WORK)
    one, _ = _one(request, ours, pk)
    try:
        service.cancel(one, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Asked to stop. What had come whole stays.")
    return redirect("ingest:pull", ours.slug, one.pk)


@require_safe
def pull_plan(request: HttpRequest, account: str) -> HttpResponse:
    """Only for who has a role in the reseller: it names all of its accounts."""
    ours = account_for(request, account)
    connection = Connection.objects.filter(reseller=ours.reseller_id, removed_at__isnull=True, provider="huntress").select_related(
        "account"
    )
    found = connection.first() if ours.reseller_id and _sees_whole(request, ours) else None
    if found is None:
        raise Http404("No plan.")
    template = "ingest/pull_plan_list.html" if _is_fragment(request) else "ingest/pull_plan.html"
    with timezone.override(ZoneInfo(ours.time_zone)):
        return render(request, template, {"page": PlanPage(request, found), "connection": found})


def _one(request: HttpRequest, account: Account, pk: int) -> tuple[Pull, bool]:
    sees_whole = _sees_whole(request, account)
    rows = service.pulls_of(account, whole=sees_whole).select_related("connection__account", "connection__reseller")
    return get_object_or_404(rows, pk=pk), sees_whole


def _is_fragment(request: HttpRequest) -> bool:
    return bool(request.htmx and not request.htmx.history_restore_request)  # type: ignore[attr-defined]
