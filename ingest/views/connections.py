"""Settings: the keys with which an account's data are pulled. Everybody looks; who administers one tests, changes and removes it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account
from accounts.services import Refused
from ingest.connection_forms import AddConnectionForm, ConnectionForm, SecretForm
from ingest.models import Connection
from ingest.services import connecting, connection_tests
from ingest.services.connections import connections_of, require_admin
from ingest.views.connection_page import ConnectionPage

_BAD: int = HTTPStatus.UNPROCESSABLE_ENTITY
_AT: str = "ingest:connection"


def _connection(account: Account, pk: int) -> Connection:
    rows = connections_of(account).filter(provider=Connection.Provider.HUNTRESS).select_related("account__reseller")
    return get_object_or_404(rows, pk=pk)


def _to_change(request: HttpRequest, account: str, pk: int) -> tuple[Account, Connection]:
    """The account and its connection, for an act. A reseller's connection is for the reseller's own admins: for others it is a 403."""
    ours = account_for(request, account, Need.ADMINISTER)
    connection = _connection(ours, pk)
    try:
        require_admin(signed_in(request), connection)
    except Refused as refusal:
        raise PermissionDenied(str(refusal)) from None
    return ours, connection


@require_safe
def connections(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account)
    found = connections_of(ours).filter(provider=Connection.Provider.HUNTRESS).select_related("account__reseller")
    pages = [ConnectionPage(one, ours, signed_in(request)) for one in found]
    has_own = any(not page.connection.is_resellers for page in pages)
    may_add = may(request.roles, Need.ADMINISTER) and not has_own  # type: ignore[attr-defined]
    return render(request, "ingest/connections.html", {"pages": pages, "may_add": may_add})


@never_cache
@sensitive_post_parameters("key", "secret")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def add_connection(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    form = AddConnectionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        said, user = form.cleaned_data, signed_in(request)
        try:
            made = connecting.add(ours, name=said["name"], key=said["key"], secret=said["secret"], by=user)
            connecting.start_test(made, by=user)
        except Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, f"{made.name} is added, and its secret is kept encrypted. It is being tested.")
            return redirect(_AT, ours.slug, made.pk)
    return render(request, "ingest/connection_add.html", {"form": form}, status=_BAD if form.errors else HTTPStatus.OK)


@require_safe
def connection(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account)
    return _show(request, ours, _connection(ours, pk))


def _show(
    request: HttpRequest, account: Account, one: Connection, form: ConnectionForm | None = None, secret_form: SecretForm | None = None
) -> HttpResponse:
    page = ConnectionPage(one, account, signed_in(request))
    is_fragment = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    context: dict[str, Any] = {"page": page, "connection": one}
    if is_fragment:
        return render(request, "ingest/connection_test.html", context)
    context |= {"form": form or ConnectionForm(one), "secret_form": secret_form or SecretForm()}
    is_refused = any(given is not None and given.errors for given in (form, secret_form))
    return render(request, "ingest/connection.html", context, status=_BAD if is_refused else HTTPStatus.OK)


@require_POST
def change_connection(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours, one = _to_change(request, account, pk)
    form = ConnectionForm(one, request.POST)
    if form.is_valid():
        try:
            connecting.change(one, form.wanted, by=signed_in(request))
        except Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect(_AT, ours.slug, pk)
    return _show(request, ours, one, form=form)


@never_cache
@sensitive_post_parameters("key", "secret")
@sensitive_variables()
@require_POST
def replace_secret(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours, one = _to_change(request, account, pk)
    form, user = SecretForm(request.POST), signed_in(request)
    if form.is_valid():
        said = form.cleaned_data
        try:
            connecting.replace_secret(one, key=said["key"], secret=said["secret"], by=user)
            connecting.start_test(one, by=user)
        except Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, "The key is replaced, and the one before is forgotten. The new one is being tested.")
            return redirect(_AT, ours.slug, pk)
    return _show(request, ours, one, secret_form=form)


@require_POST
def test_connection(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours, one = _to_change(request, account, pk)
    try:
        connecting.start_test(one, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_AT, ours.slug, pk)


@require_POST
def confirm_connection(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours, one = _to_change(request, account, pk)
    try:
        connection_tests.confirm(one, request.POST.get("whose", ""), by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Confirmed. From now on the data of this account are those that the key brings.")
    return redirect(_AT, ours.slug, pk)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_connection(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours, one = _to_change(request, account, pk)
    if request.method != "POST":
        return render(request, "ingest/connection_remove.html", {"connection": one})
    try:
        connecting.remove(one, by=signed_in(request))
    except Refused as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, f"{one.name} is removed, and its secret is forgotten. What it brought stays.")
    return redirect("ingest:connections", ours.slug)
