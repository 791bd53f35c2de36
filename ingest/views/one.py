"""One file: its page in every state, and what a person does with it before it counts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account
from accounts.services import Refused
from ingest import storage
from ingest.forms import FileForm, KindForm
from ingest.models import SourceFile
from ingest.services import intake, retention
from ingest.streams import limit_words
from ingest.views.preview import FilePage
from ingest.views.shelf import Shelf

#: The element that HTMX wants anew → the template that has it.
_FRAGMENTS: Final = {
    "shelf": "ingest/shelf.html",
    "lines": "ingest/lines.html",
    **dict.fromkeys(("file", "rows", "totals"), "ingest/file_body.html"),
}
_COUNTS: Final = (SourceFile.State.IMPORTING, SourceFile.State.IMPORTED)


def file_of(account: Account, pk: int) -> SourceFile:
    rows = SourceFile.objects.select_related("account", "cycle", "received_by", "imported_by")
    return get_object_or_404(rows, account=account, pk=pk)


def errors_of(form: Any) -> str:
    """What is wrong with a form, in one line."""
    labels = {name: form.fields[name].label or name.replace("_", " ").capitalize() for name in form.errors}
    return " ".join(f"{labels[name]}: {' '.join(said)}" for name, said in form.errors.items())


def show_file(request: HttpRequest, source_file: SourceFile, form: FileForm | None = None, *, status: int = HTTPStatus.OK) -> HttpResponse:
    """A file's page, or the fragment of it that HTMX asked for. A bound form keeps what was typed."""
    may_work = may(request.roles, Need.WORK)  # type: ignore[attr-defined]
    form = form or FileForm(source_file, signed_in(request), cycle=request.GET.get("cycle", ""))
    context: dict[str, Any] = {"page": FilePage(request, source_file, may_work=may_work, form=form), "may_work": may_work}
    context["limit"] = limit_words()
    fragment = _FRAGMENTS.get(request.htmx.target or "") if request.htmx else None  # type: ignore[attr-defined]
    if fragment in {None, _FRAGMENTS["shelf"]}:
        context["shelf"] = Shelf(request, source_file.account, opened=source_file)
    return render(request, fragment or "ingest/file.html", context, status=status)


def refuse(request: HttpRequest, source_file: SourceFile, form: FileForm, why: str) -> HttpResponse:
    """The page again with what was typed, and why it was not done."""
    messages.error(request, why)
    return show_file(request, source_file, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_safe
def file(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account)
    source_file = file_of(its_account, pk)
    if request.GET.get("then") == "month" and source_file.state == SourceFile.State.IMPORTED and source_file.cycle:
        return _to_month(request, its_account, source_file)
    return show_file(request, source_file)


def _to_month(request: HttpRequest, account: Account, source_file: SourceFile) -> HttpResponse:
    assert source_file.cycle is not None  # noqa: S101  (the database refuses an imported file without one)
    url = reverse("recon:month", args=[account.slug, source_file.cycle.start.isoformat()])
    messages.success(request, f"{source_file.name} counts now.")
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)  # type: ignore[attr-defined]


@require_POST
def state_mapping(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """Read again with what the form says; of a file that counts, the same bytes as another kind."""
    its_account = account_for(request, account, Need.WORK)
    source_file = file_of(its_account, pk)
    if source_file.state in _COUNTS:
        return _as_another_kind(request, its_account, source_file)
    form = FileForm(source_file, signed_in(request), request.POST)
    if not form.is_valid():
        return refuse(request, source_file, form, errors_of(form))
    stated = form.stated
    try:
        intake.read_again(
            source_file,
            by=signed_in(request),
            kind=stated.kind,
            cycle=stated.cycle,
            mapping=stated.mapping,
            account=stated.account,
            as_guessed=stated.as_guessed,
        )
    except Refused as refusal:
        return refuse(request, source_file, form, str(refusal))
    return redirect("ingest:file", stated.account.slug, pk)


def _as_another_kind(request: HttpRequest, account: Account, source_file: SourceFile) -> HttpResponse:
    form = KindForm(source_file, request.POST)
    if not form.is_valid():
        messages.error(request, errors_of(form))
        return redirect("ingest:file", account.slug, source_file.pk)
    if found := retention.tombstone_of(source_file):
        messages.error(request, retention.said_of(source_file, found))
        return redirect("ingest:file", account.slug, source_file.pk)
    with storage.opened(source_file.sha256) as content:
        received = intake.receive(account, name=source_file.name, content=content, by=signed_in(request), kind=form.cleaned_data["kind"])
    if received.again:
        messages.info(request, f"These bytes are already here as {received.source_file.get_kind_display().lower()}: this is that file.")
    return redirect("ingest:file", account.slug, received.source_file.pk)


@require_POST
def discard(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    source_file = file_of(its_account, pk)
    try:
        intake.discard(source_file, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("ingest:file", its_account.slug, pk)
    messages.success(request, f"{source_file.name} is discarded. It never counted; add it again to take that back.")
    return redirect("ingest:files", its_account.slug)


@require_safe
def original(request: HttpRequest, account: str, pk: int) -> FileResponse | HttpResponse:
    """The bytes as they came, to be kept and never shown: what is in them is not ours."""
    source_file = file_of(account_for(request, account), pk)
    if found := retention.tombstone_of(source_file):
        messages.info(request, retention.said_of(source_file, found))
        return redirect("ingest:file", source_file.account.slug, pk)
    response = FileResponse(
        storage.opened(source_file.sha256), as_attachment=True, filename=source_file.name, content_type="application/octet-stream"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
