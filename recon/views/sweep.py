"""The sweep: machines to remove by customer, one customer's machines, what changed between two lists, and the list to hand on."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, BillingCycle, Organization
from accounts.services import Refused
from accounts.templatetags.recon_ui import day, plural, units
from recon.exports import XLSX, sweep_list
from recon.models import SweepFinding, SweepKeep
from recon.models.sweep import CHANGES
from recon.services import sweeping as service
from recon.sweep_counts import NOBODY, Counted, counted
from recon.sweep_list import machines
from recon.sweep_page import CHANGE_WORDS, kept_query, sweep_page
from recon.sweep_tables import ChangesTable, CustomersTable, FindingFilter, MachinesTable

_LARGEST_ID: Final = 2**63 - 1
#: The most machines on a page that is printed: more than a technician ticks off on paper.
_PRINTED: Final = 5_000
_READ_OR_ACT = require_http_methods(["GET", "HEAD", "POST"])


@_READ_OR_ACT
def sweep(request: HttpRequest, account: str) -> HttpResponse:
    """A POST says of which day the list is, or has it looked through again."""
    ours = account_for(request, account, Need.WORK if request.method == "POST" else Need.READ)
    if request.method != "POST":
        return _sweep(request, ours)
    try:
        messages.success(request, _act(request, ours))
    except Refused as refusal:
        return _sweep(request, ours, refused=str(refusal), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect(_back(request, "recon:sweep", ours.slug))


def _sweep(request: HttpRequest, account: Account, *, refused: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    found = _counted(request, account)
    context: dict[str, Any] = _context(request, found) | {"refused": refused, "typed": request.POST if refused else {}}
    if found.is_counted:
        context["table"] = CustomersTable.of(request, found)
    return render(request, _template(request, "recon/sweep_customers.html", "recon/sweep.html"), context, status=status)


def _act(request: HttpRequest, account: Account) -> str:
    found, by = _counted(request, account), signed_in(request)
    if found.given is None:
        raise Refused("There is no agent list yet. Add one first.")
    match request.POST.get("act", ""):
        case "day":
            said = _day(request.POST.get("as_of", ""), "Write the day of the list, such as 2026-11-10.")
            service.state_day(found.given, said, by=by)
            return (
                f"The list is of {day(said)}. It is being looked through again." if said else "Its newest check-in says of which day it is."
            )
        case "look":
            service.ask_for_sweep(found.given, by=by)
            return "The agent list is being looked through."
    raise Refused("Say what to do with this list.")


@_READ_OR_ACT
def sweep_machines(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """One customer's machines, members included; 0 is whom no Organization is known for. A POST keeps one, or no longer."""
    ours = account_for(request, account, Need.WORK if request.method == "POST" else Need.READ)
    organization = get_object_or_404(Organization, account=ours, pk=min(pk, _LARGEST_ID)) if pk != NOBODY else None
    if request.method != "POST":
        return _machines(request, ours, organization)
    try:
        messages.success(request, _keep(request, ours))
    except Refused as refusal:
        return _machines(request, ours, organization, refused=str(refusal), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect(_back(request, "recon:sweep_machines", ours.slug, pk))


def _machines(
    request: HttpRequest, account: Account, organization: Organization | None, *, refused: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    found = _counted(request, account)
    family = _family(found, organization)
    rows = found.to_remove.filter(organization__in=family) if family else found.to_remove.filter(organization__isnull=True)
    kept = found.kept.filter(organization__in=family).select_related("keep__by").order_by("kept_until", "host_key", "line")
    may_work = may(request.roles, Need.WORK)  # type: ignore[attr-defined]
    table = MachinesTable.of(request, found, rows, may_work=may_work and organization is not None)
    customers = found.customers(rows, is_one=True)
    context = _context(request, found) | {
        "organization": organization,
        "table": table,
        "customer": customers[0] if customers else None,
        "kept": list(kept[:200]),
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, _template(request, "recon/sweep_machines_list.html", "recon/sweep_machines.html"), context, status=status)


def _family(found: Counted, organization: Organization | None) -> list[int]:
    if organization is None:
        return []
    root = found.roots.get(organization.pk, organization.pk)
    return [root, *(pk for pk, its in found.roots.items() if its == root)]


def _keep(request: HttpRequest, account: Account) -> str:
    by = signed_in(request)
    if request.POST.get("act") == "unkeep":
        kept = get_object_or_404(SweepKeep.objects.select_related("account", "organization"), account=account, pk=_number(request, "keep"))
        service.no_longer_keep(kept, by=by)
        return f"{kept.hostname} is on the list again."
    finding = SweepFinding.objects.select_related("sweep__account", "organization").filter(
        sweep__account=account, pk=_number(request, "finding")
    )
    found = finding.first()
    if found is None:
        raise Refused("The list was looked through anew meanwhile. Look at it again, and say it once more.")
    until = _day(request.POST.get("until", ""), "Write until which day it is kept, such as 2026-12-31.")
    if until is None:
        raise Refused("Say until which day it is kept.")
    made = service.keep(found, reason=request.POST.get("reason", ""), until=until, by=by)
    return f"{made.hostname} is kept until {day(made.until)}."


@require_safe
def sweep_changes(request: HttpRequest, account: str) -> HttpResponse:
    """What was swept, what came back and what is new, between the two newest lists of different days."""
    ours = account_for(request, account)
    found = _counted(request, ours)
    kind = request.GET.get("kind", CHANGES[0])
    if kind not in CHANGES:
        raise Http404("No such change.")
    context = _context(request, found) | {"kind": kind, "kind_words": CHANGE_WORDS[kind]}
    if found.is_counted:
        context["table"] = ChangesTable.of(request, found, found.shown.filter(kind=kind))
    return render(request, _template(request, "recon/sweep_changes_list.html", "recon/sweep_changes.html"), context)


@require_safe
def sweep_print(request: HttpRequest, account: str) -> HttpResponse:
    """The whole list on one page, to be printed and ticked off."""
    ours = account_for(request, account)
    found = _counted(request, ours)
    rows = _filtered(request, found)
    context = _context(request, found) | {
        "machines": list(machines(found, rows, _PRINTED)),
        "left_out": max(rows.count() - _PRINTED, 0),
    }
    return render(request, "recon/sweep_print.html", context)


@require_safe
def sweep_csv(request: HttpRequest, account: str) -> HttpResponseBase:
    ours = account_for(request, account)
    found = _counted(request, ours)
    lines = sweep_list.csv_lines(machines(found, _filtered(request, found)))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=_attachment(found, "csv"))


@require_safe
def sweep_xlsx(request: HttpRequest, account: str) -> HttpResponseBase:
    ours = account_for(request, account)
    found = _counted(request, ours)
    rows = _filtered(request, found)
    if (count := rows.count()) > sweep_list.XLSX_ROWS:
        most = units(sweep_list.XLSX_ROWS)
        messages.error(
            request, f"{plural(count, 'machine')} are too many for a workbook, which takes {most} here. Take the CSV, or filter them."
        )
        return redirect(_back(request, "recon:sweep", ours.slug))
    as_of = (found.sweep and found.sweep.as_of) or found.today
    out = BytesIO()
    sweep_list.write_xlsx(list(machines(found, rows)), out, heading=sweep_list.heading(ours.name, as_of), made=as_of)
    return HttpResponse(out.getvalue(), content_type=XLSX, headers=_attachment(found, "xlsx"))


@require_POST
def sweep_threshold(request: HttpRequest, account: str) -> HttpResponse:
    """After how many days an agent of the account is stale: stated on the page of its settings."""
    ours = account_for(request, account, Need.ADMINISTER)
    said = request.POST.get("stale_days", "")
    try:
        service.state_account_threshold(ours, int(said) if said.isascii() and said.isdecimal() else None, by=signed_in(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, f"From now on an agent is stale after {said} days without a check-in. The agent list is looked through again."
        )
    return redirect("accounts:settings", ours.slug)


# --- what the pages have in common


def _counted(request: HttpRequest, account: Account) -> Counted:
    """Of the newest list, or of the one that serves the month of the address."""
    start = request.GET.get("month", "")
    if not start:
        return counted(account)
    try:
        month = date.fromisoformat(start)
    except ValueError:
        raise Http404("No such month.") from None
    return counted(account, get_object_or_404(BillingCycle.objects.select_related("account"), account=account, start=month))


def _context(request: HttpRequest, found: Counted) -> dict[str, Any]:
    return {
        "page": sweep_page(found),
        "counted": found,
        "may_work": may(request.roles, Need.WORK),  # type: ignore[attr-defined]
        "kept_query": kept_query(request.GET),
        "month": request.GET.get("month", ""),
    }


def _filtered(request: HttpRequest, found: Counted) -> Any:
    return FindingFilter(request.GET, queryset=found.to_remove).qs


def _template(request: HttpRequest, fragment: str, whole: str) -> str:
    htmx = request.htmx  # type: ignore[attr-defined]
    return fragment if htmx and htmx.target != "sweep" and not htmx.boosted and not htmx.history_restore_request else whole


def _back(request: HttpRequest, name: str, *args: Any) -> str:
    query = kept_query(request.GET)
    return reverse(name, args=args) + (f"?{query}" if query else "")


def _attachment(found: Counted, extension: str) -> dict[str, str]:
    as_of = (found.sweep and found.sweep.as_of) or found.today
    return {"Content-Disposition": f'attachment; filename="{sweep_list.file_name(found.account.slug, as_of, extension)}"'}


def _day(text: str, wrong: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(wrong) from None


def _number(request: HttpRequest, name: str) -> int:
    said = request.POST.get(name, "")
    return min(int(said), _LARGEST_ID) if said.isascii() and said.isdecimal() and len(said) < 20 else 0
