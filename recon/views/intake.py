"""A checked file's way into a month, and out of it again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.access import Need, account_for, signed_in
from accounts.models import Account, Tenant
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range
from ingest.forms import FileForm, UseForm
from ingest.models import Kind, LegInput
from ingest.services.intake import read_again
from ingest.views.one import errors_of, file_of, refuse
from recon.services import directories, imports


@require_POST
def start_import(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """Import what the form shows. Where it shows something else than was read, that is read first, and nothing counts yet."""
    its_account, by = account_for(request, account, Need.WORK), signed_in(request)
    source_file = file_of(its_account, pk)
    form = FileForm(source_file, by, request.POST)
    if not form.is_valid():
        return refuse(request, source_file, form, errors_of(form))
    stated = form.stated
    try:
        if stated.changed:
            read_again(source_file, by=by, kind=stated.kind, cycle=stated.cycle, mapping=stated.mapping, account=stated.account)
            messages.warning(request, "What it means was changed, so it is read again first. Look at the rows, then import.")
        else:
            if source_file.kind == Kind.DIRECTORY and request.POST.get("tenant"):
                directories.name_tenant(source_file, _tenant(its_account, request), by=by)
            imports.start_import(
                source_file,
                by=by,
                cycle=stated.cycle,
                partial=form.cleaned_data["partial"],
                without_rejected=form.cleaned_data["without_rejected"],
            )
    except Refused as refusal:
        return refuse(request, source_file, form, str(refusal))
    return redirect("ingest:file", stated.account.slug, pk)


def _tenant(account: Account, request: HttpRequest) -> Tenant:
    """The tenant that the form names. Raises Refused."""
    asked = request.POST["tenant"]
    if asked.isdecimal() and len(asked) < 19:
        found = Tenant.objects.filter(account=account, removed_at__isnull=True, pk=int(asked)).first()
        if found is not None:
            return found
    raise Refused("That is no tenant of this account.")


@require_POST
def use_again(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account, by = account_for(request, account, Need.WORK), signed_in(request)
    source_file = file_of(its_account, pk)
    form = UseForm(source_file, request.POST)
    if not form.is_valid():
        messages.error(request, errors_of(form))
        return redirect("ingest:file", its_account.slug, pk)
    try:
        given = imports.use_again(source_file, by=by, cycle=form.cleaned_data["cycle"], partial=form.cleaned_data["partial"])
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{source_file.name} serves {cycle_range(given.cycle)} too.")
    return redirect("ingest:file", its_account.slug, pk)


@require_POST
def withdraw(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    given = get_object_or_404(LegInput.objects.select_related("cycle__account", "source_file"), cycle__account=its_account, pk=pk)
    try:
        imports.withdraw(given, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, f"{given.source_file.name} is withdrawn from {cycle_range(given.cycle)}. It stays, and can be used again."
        )
    return redirect("ingest:file", its_account.slug, given.source_file_id)
