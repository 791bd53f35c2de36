"""Settings, Exclusion list: versions, what a proposed one changes, and the files beside them. Everybody looks, an admin acts."""

from __future__ import annotations

from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.calendar import parse_cycle
from accounts.models import Account
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, day, plural
from ingest.models import Kind, SkuSuggestion, SkuUpload, SourceFile
from ingest.sources.pasted import entries
from recon.exclusion_lists import listed_in, names_of, version_now, versions_of
from recon.exclusion_page import Draft, ListPage, VersionPage, open_suggestions
from recon.exclusion_tables import NameRows, SuggestionRows, VersionSkus
from recon.services import exclusions as service
from recon.services import sku_files

_METHODS: Final = ["GET", "HEAD", "POST"]
_MOST_PASTED: Final = 1_000_000


def _need(request: HttpRequest) -> Need:
    return Need.ADMINISTER if request.method == "POST" else Need.READ


def _shown(request: HttpRequest, template: str, context: dict[str, Any], *, refused: str = "", part: str = "") -> HttpResponse:
    """The page, or the ``part`` of it that HTMX asked for. Refused, it says why."""
    may_change = may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]
    is_part = part and request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, part if is_part else template, context | {"may_change": may_change, "refused": refused}, status=status)


# --- versions ---------------------------------------------------------------------------------------------------------------------


@require_http_methods(_METHODS)
def exclusions(request: HttpRequest, account: str) -> HttpResponse:
    """A POST proposes a list (pasted, a file, or the ten to start with) and leads to what it would change."""
    ours = account_for(request, account, _need(request))
    if request.method == "POST":
        try:
            proposed = _proposed(request, ours)
        except Refused as refusal:
            return _list(request, ours, refused=str(refusal))
        return redirect("recon:exclusion_draft", ours.slug, proposed.pk)
    return _list(request, ours)


def _list(request: HttpRequest, account: Account, *, refused: str = "") -> HttpResponse:
    page = ListPage(account, request.GET.get("page", ""))
    typed = {"text": request.POST.get("text", ""), "dated": request.POST.get("dated", "")}
    context = {"page": page, "typed": typed, "to_decide": open_suggestions(account, page.now) if page.suggestions else 0}
    return _shown(request, "recon/exclusions.html", context, refused=refused, part="recon/exclusion_versions.html")


def _proposed(request: HttpRequest, account: Account) -> SourceFile:
    by, act = signed_in(request), request.POST.get("act", "")
    if act == "start":
        return service.propose_start(account, by=by)
    dated = _day(request.POST.get("dated", ""))
    if act == "file":
        name, content = _uploaded(request, service.MOST_BYTES)
        return service.propose(account, content, name=name, came="file", by=by, dated=dated)
    if act == "paste":
        text = request.POST.get("text", "")[:_MOST_PASTED]
        name = f"Exclusion list, pasted {day(timezone.now())}.txt"
        return service.propose(account, text.encode(errors="replace"), name=name, came="pasted", by=by, dated=dated)
    raise Refused("Paste the list, choose a file, or start with the ten.")


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        raise Refused("Write the list’s own date as 2026-05-28, or leave it out.") from None


def _uploaded(request: HttpRequest, limit: int) -> tuple[str, bytes]:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise Refused("No file was chosen.")
    return file.name or "unnamed", file.read(limit + 1)


@require_http_methods(_METHODS)
def exclusion_draft(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """A list, before it is in force: what it would change from which cycle on. One that was in force can be so once more."""
    ours = account_for(request, account, _need(request))
    lists = SourceFile.objects.select_related("account", "received_by").exclude(state=SourceFile.State.DISCARDED)
    found = get_object_or_404(lists, account=ours, kind=Kind.EXCLUSIONS, pk=pk)
    chosen = request.POST.get("cycle", "") or request.GET.get("cycle", "")
    if request.method != "POST":
        return _draft(request, Draft(found, chosen))
    try:
        if request.POST.get("act") == "drop":
            service.drop(found, by=signed_in(request))
            messages.success(request, f"{found.name} is discarded. It was never in force.")
            return redirect("recon:exclusions", ours.slug)
        return _put_in_force(request, Draft(found, chosen))
    except Refused as refusal:
        found.refresh_from_db()
        return _draft(request, Draft(found, chosen), refused=str(refusal))


def _put_in_force(request: HttpRequest, draft: Draft) -> HttpResponse:
    said = request.POST.get("cycle", "")
    if request.POST.get("act") != "save" or said not in dict(draft.cycles):
        raise Refused("Say from which cycle on it is in force.")
    cycle = parse_cycle(said)
    without = "without_rejected" in request.POST
    service.put_in_force(draft.file, cycle=cycle, by=signed_in(request), without_rejected=without)
    new = versions_of(draft.account).filter(source_file=draft.file, ended_at__isnull=True, cycle__start=cycle.start).first()
    if new is None:  # a worker was quicker to begin, and has not ended
        return redirect("recon:exclusion_draft", draft.account.slug, draft.file.pk)
    messages.success(request, f"{draft.file.name} is in force from {cycle_range(cycle)} on.")
    return redirect("recon:exclusion_version", draft.account.slug, new.pk)


def _draft(request: HttpRequest, draft: Draft, *, refused: str = "") -> HttpResponse:
    return _shown(request, "recon/exclusion_draft.html", {"page": draft}, refused=refused, part="recon/exclusion_draft_body.html")


@require_http_methods(_METHODS)
def exclusion_version(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """One version, and how it differs from another. A POST proposes a list with single SKUs more or less."""
    ours = account_for(request, account, _need(request))
    version = get_object_or_404(versions_of(ours), pk=pk)
    if request.method == "POST":
        try:
            add = [(one.sku, one.name) for line in request.POST.get("add", "")[:_MOST_PASTED].splitlines() for one in _added(line)]
            base = listed_in(version.source_file_id, names_of(ours))
            proposed = service.propose_change(ours, base, add=add, remove=request.POST.getlist("remove"), by=signed_in(request))
        except Refused as refusal:
            return _version(request, version, refused=str(refusal))
        return redirect("recon:exclusion_draft", ours.slug, proposed.pk)
    return _version(request, version)


def _added(line: str) -> list[Any]:
    """What is typed by hand is meant: a line that is no part number is said, not left out."""
    if not line.strip():
        return []
    found = entries(line)
    if not found:
        raise Refused(
            f"“{line.strip()[:80]}” is no part number, such as SMB_APPS. Write one a line, with its name after a dash if you like."
        )
    return found


def _version(request: HttpRequest, version: Any, *, refused: str = "") -> HttpResponse:
    table = VersionSkus.of(request, version, may_change=may(request.roles, Need.ADMINISTER))  # type: ignore[attr-defined]
    context = {"page": VersionPage(version, request.GET.get("with", "")), "table": table, "typed": request.POST.get("add", "")}
    return _shown(request, "recon/exclusion_version.html", context, refused=refused, part="recon/exclusion_skus.html")


# --- the files beside them --------------------------------------------------------------------------------------------------------


@require_http_methods(_METHODS)
def sku_names(request: HttpRequest, account: str) -> HttpResponse:
    ours, refused = account_for(request, account, _need(request)), ""
    if request.method == "POST":
        try:
            name, content = _uploaded(request, sku_files.MOST_BYTES)
            upload = sku_files.take_names(ours, content, name=name, by=signed_in(request))
            messages.success(request, f"{plural(upload.rows, 'SKU')} have a name now.")
            return redirect("recon:sku_names", ours.slug)
        except Refused as refusal:
            refused = str(refusal)
    context = {"upload": sku_files.newest_upload(ours, SkuUpload.What.NAMES), "table": NameRows.of(request, ours)}
    return _shown(request, "recon/sku_names.html", context, refused=refused, part="recon/sku_names_list.html")


@require_http_methods(_METHODS)
def sku_suggestions(request: HttpRequest, account: str) -> HttpResponse:
    """A POST uploads suggestions, or decides on those that are ticked: into a list that is looked at first, or dismissed."""
    ours, refused = account_for(request, account, _need(request)), ""
    if request.method == "POST":
        try:
            return _suggestions_act(request, ours)
        except Refused as refusal:
            refused = str(refusal)
    may_change = may(request.roles, Need.ADMINISTER)  # type: ignore[attr-defined]
    now = version_now(ours)
    table = SuggestionRows.of(request, ours, now, may_change=may_change)
    context = {"upload": sku_files.newest_upload(ours, SkuUpload.What.SUGGESTIONS), "table": table, "now": now}
    return _shown(request, "recon/sku_suggestions.html", context, refused=refused, part="recon/sku_suggestions_list.html")


def _suggestions_act(request: HttpRequest, account: Account) -> HttpResponse:
    by = signed_in(request)
    numbers = [int(text) for text in request.POST.getlist("chosen") if text.isascii() and text.isdecimal() and len(text) < 19]
    match request.POST.get("act", ""):
        case "upload":
            name, content = _uploaded(request, sku_files.MOST_BYTES)
            upload = sku_files.take_suggestions(account, content, name=name, by=by)
            messages.success(request, f"{plural(upload.rows, 'suggestion')} to decide on. None of them is applied.")
        case "add":
            return redirect("recon:exclusion_draft", account.slug, _with_suggested(account, numbers, request).pk)
        case "dismiss":
            messages.success(request, f"{plural(sku_files.dismiss(account, numbers, by=by), 'suggestion')} dismissed.")
        case "again":
            messages.success(request, f"{plural(sku_files.ask_again(account, numbers, by=by), 'suggestion')} to decide on again.")
        case _:
            raise Refused("Say what to do with the suggestions.")
    return redirect("recon:sku_suggestions", account.slug)


def _with_suggested(account: Account, numbers: list[int], request: HttpRequest) -> SourceFile:
    chosen = SkuSuggestion.objects.filter(upload__account=account, pk__in=numbers).order_by("line")
    add = list(chosen.values_list("sku", "name"))
    if not add:
        raise Refused("None is ticked. Tick those that belong on the list.")
    now = version_now(account)
    base = listed_in(now.source_file_id, names_of(account)) if now else {}
    return service.propose_change(account, base, add=add, remove=(), by=signed_in(request), came="suggested")
