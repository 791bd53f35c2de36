"""The customers' tenants: the list, one of them, and what admins say of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Tenant
from accounts.services import Refused
from ingest.services import consents, tenant_imports, tenant_tests
from ingest.services import tenants as service
from ingest.services.microsoft_app import app_of, facts_of
from ingest.sources.tenant_list import Odd
from ingest.tenant_forms import CloudForm, ConfirmForm, GoogleForm, ImportForm
from ingest.tenant_tables import TenantsTable, counted
from ingest.views.tenant_names import names_offered
from ingest.views.tenant_page import TenantPage

_BAD: int = HTTPStatus.UNPROCESSABLE_ENTITY
_AT: str = "ingest:tenant"


def _tenant(account: Account, pk: int) -> Any:
    """With ``standing``. A removed one is not found."""
    return get_object_or_404(
        service.tenants_of(account).select_related("account", "organization", "confirmed_by", "added_by"), pk=min(pk, 2**63 - 1)
    )


def _may_change(request: HttpRequest) -> bool:
    return may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]


@require_safe
def tenants(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account)
    table = TenantsTable.of(request, ours)
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, "ingest/tenants_list.html", {"table": table})
    app = app_of(ours)
    context = {
        "table": table, "app": app, "facts": facts_of(app) if app else None, "counted": counted(ours), "may_change": _may_change(request),
        "links": consents.links_of(ours).count(), "testing": tenant_tests.open_tests(ours),
        "candidates": len(tenant_imports.candidates_of(ours)[0]),
    }  # fmt: skip
    return render(request, "ingest/tenants.html", context)


@require_safe
def tenant(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account)
    return _show(request, ours, _tenant(ours, pk))


def _show(request: HttpRequest, account: Account, one: Any, **forms: Any) -> HttpResponse:
    page = TenantPage(one, account, may_change=_may_change(request), may_count=may(request.roles, Need.WORK))  # type: ignore[attr-defined]
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, "ingest/tenant_test.html", {"page": page, "tenant": one})
    context = {
        "page": page, "tenant": one, "names": names_offered(account) if page.may_change else [],
        "confirm_form": ConfirmForm(account, organization=page.likeliest), "cloud_form": CloudForm(one),
    } | forms  # fmt: skip
    is_refused = any(form.errors for form in forms.values())
    return render(request, "ingest/tenant.html", context, status=_BAD if is_refused else HTTPStatus.OK)


@require_POST
def confirm_tenant(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    one = _tenant(ours, pk)
    form = ConfirmForm(ours, request.POST)
    if form.is_valid() and form.whose:
        try:
            service.confirm(one, form.whose, by=signed_in(request))
        except Refused as refusal:
            form.add_error("organization", str(refusal))
        else:
            messages.success(request, "Confirmed. What this tenant has counts for that Organization from now on.")
            return redirect(_AT, ours.slug, one.pk)
    return _show(request, ours, one, confirm_form=form)


@require_POST
def test_tenant(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    one = _tenant(ours, pk)
    try:
        tenant_tests.start_test(one, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_AT, ours.slug, one.pk)


@require_POST
def test_tenants(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    try:
        job = tenant_tests.start_tests(ours, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "All tenants are being tested." if job else "There is no tenant of Microsoft’s to test.")
    return redirect("ingest:tenants", ours.slug)


@require_POST
def move_tenant(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    one = _tenant(ours, pk)
    form = CloudForm(one, request.POST)
    if form.is_valid():
        try:
            service.move(one, form.cleaned_data["cloud"], by=signed_in(request))
        except Refused as refusal:
            form.add_error("cloud", str(refusal))
        else:
            messages.success(request, "Saved. Test the tenant again: another cloud may know it, or not.")
            return redirect(_AT, ours.slug, one.pk)
    return _show(request, ours, one, cloud_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_tenant(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    one: Tenant = _tenant(ours, pk)
    if request.method != "POST":
        return render(request, "ingest/tenant_remove.html", {"tenant": one})
    try:
        service.remove(one, by=signed_in(request))
    except Refused as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, f"{one} is removed. What it brought stays.")
    return redirect("ingest:tenants", ours.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def add_google_tenant(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    form = GoogleForm(ours, request.POST if request.method == "POST" else None)
    if form.is_valid() and form.whose:
        try:
            made = service.add_google(ours, name=form.cleaned_data["name"], organization=form.whose, by=signed_in(request))
        except Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, f"{made} is added. State how many identities it has, cycle by cycle.")
            return redirect(_AT, ours.slug, made.pk)
    context = {"form": form, "names": names_offered(ours)}
    return render(request, "ingest/tenant_google.html", context, status=_BAD if form.errors else HTTPStatus.OK)


@require_http_methods(["GET", "HEAD", "POST"])
def import_tenants(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    app = app_of(ours)
    if request.method != "POST":
        return render(
            request, "ingest/tenants_import.html", {"form": ImportForm(cloud=facts_of(app).cloud if app else "global"), "app": app}
        )
    form = ImportForm(request.POST, request.FILES)
    odd: tuple[Odd, ...] = ()
    if form.is_valid():
        try:
            came = tenant_imports.import_list(ours, form.content, cloud=form.cleaned_data["cloud"], by=signed_in(request))
        except Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            odd = came.odd
            if not odd:
                messages.success(request, _words(came))
                return redirect("ingest:tenants", ours.slug)
    return render(request, "ingest/tenants_import.html", {"form": form, "odd": odd, "app": app}, status=_BAD)


@require_http_methods(["GET", "HEAD", "POST"])
def huntress_tenants(request: HttpRequest, account: str) -> HttpResponse:
    """Tenants that Huntress' live counts name for an Organization: a list to confirm, of which nothing counts before it is."""
    ours = account_for(request, account, Need.ADMINISTER if request.method == "POST" else Need.READ)
    app = app_of(ours)
    if request.method == "POST":
        try:
            came = tenant_imports.accept(ours, request.POST.getlist("tenant"), cloud=request.POST.get("cloud", ""), by=signed_in(request))
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("ingest:huntress_tenants", ours.slug)
        messages.success(request, _words(came))
        return redirect("ingest:tenants", ours.slug)
    found, newest = tenant_imports.candidates_of(ours)
    context = {
        "found": found[:500], "more": max(len(found) - 500, 0), "newest": newest, "app": app, "may_change": _may_change(request),
        "form": ImportForm(cloud=facts_of(app).cloud if app else "global"),
    }  # fmt: skip
    return render(request, "ingest/tenants_huntress.html", context)


def _words(came: tenant_imports.Imported) -> str:
    said = [f"{came.new:,} new" if came.new else "", f"{came.confirmed:,} confirmed that were here" if came.confirmed else ""]
    said += [f"{came.unchanged:,} as before" if came.unchanged else ""]
    return f"Tenants: {', '.join(one for one in said if one)}. New ones are tested in the background, where there is an app."
