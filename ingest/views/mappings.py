"""Settings: how an account's lists are read. Everybody looks and takes an export out; an admin changes, deletes and takes in."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account
from accounts.services import Refused
from accounts.templatetags.recon_ui import plural
from ingest.forms import MappingForm, MappingsFileForm
from ingest.models import MappingProfile
from ingest.services import mappings as service
from ingest.sources import READERS, Mapping
from ingest.tables import MappingsTable


def _profile(account: Account, pk: int) -> MappingProfile:
    return get_object_or_404(service.profiles_of(account).filter(kind__in=READERS), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def mappings(request: HttpRequest, account: str) -> HttpResponse:
    if request.method != "POST":
        return _list(request, account_for(request, account), MappingsFileForm())
    ours = account_for(request, account, Need.ADMINISTER)
    form = MappingsFileForm(request.POST, request.FILES)
    if form.is_valid():
        content = form.cleaned_data["file"].read(service.upload_limit() + 1)
        try:
            taken = service.take_in(ours, content, by=signed_in(request))
        except Refused as refusal:
            form.add_error("file", str(refusal))
        else:
            messages.success(request, f"{plural(taken, 'mapping')} taken in. The next files with those columns are read so.")
            return redirect("ingest:mappings", ours.slug)
    return _list(request, ours, form)


def _list(request: HttpRequest, account: Account, form: MappingsFileForm) -> HttpResponse:
    may_change = may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]
    table = MappingsTable.of(request, account)
    is_fragment = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "ingest/mappings_list.html" if is_fragment else "ingest/mappings.html"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, template, {"table": table, "form": form, "may_change": may_change}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER if request.method == "POST" else Need.READ)
    profile = _profile(ours, pk)
    form = MappingForm(profile, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            service.restate(profile, name=form.cleaned_data["name"], columns=form.columns, by=signed_in(request))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved. The next files with these columns are read so; what was read before stays as it is.")
            return redirect("ingest:mappings", ours.slug)
    may_change = may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]
    context = {"profile": profile, "form": form, "may_change": may_change, "read": Mapping.from_json(profile.mapping)}
    return render(request, "ingest/mapping.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK)


@require_http_methods(["GET", "HEAD", "POST"])
def delete_mapping(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    profile = _profile(ours, pk)
    if request.method != "POST":
        return render(request, "ingest/delete_mapping.html", {"profile": profile})
    try:
        service.forget(profile, by=signed_in(request))
    except Refused as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, f"{profile.name} is deleted. The next file with these columns is guessed.")
    return redirect("ingest:mappings", ours.slug)


@require_safe
def export_mappings(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account)
    return _as_file(f"{ours.slug} column mappings.json", list(service.profiles_of(ours)))


@require_safe
def export_mapping(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account)
    profile = _profile(ours, pk)
    return _as_file(f"{ours.slug} {profile.kind} {slugify(profile.name)[:60]}.json", [profile])


def _as_file(name: str, profiles: list[MappingProfile]) -> HttpResponse:
    response = HttpResponse(service.as_file(profiles), content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
