"""Sheets: ask for one, watch it being made, download it."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.db.models import Max
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import account_for, signed_in
from accounts.models import Account, BillingCycle
from accounts.services import Refused
from ingest.models import Job
from recon.exports import TARGETS
from recon.models import Export, Reconciliation
from recon.services import exports, months


def _export(account: Account, pk: int) -> Export:
    rows = Export.objects.select_related("reconciliation__cycle__account", "by")
    return get_object_or_404(rows, reconciliation__cycle__account=account, pk=pk)


@require_POST
def start_export(request: HttpRequest, account: str, start: date) -> HttpResponse:
    """A sheet changes nothing and shows what its asker may read anyway, so reading is enough."""
    its_account = account_for(request, account)
    cycle = get_object_or_404(BillingCycle.objects.select_related("account"), account=its_account, start=start)
    target = request.POST.get("target", "")
    if target not in TARGETS:
        raise Http404("No such sheet.")
    try:
        made, _ = exports.start_export(_revision(request, cycle), target, by=signed_in(request), query=request.POST.get("query", ""))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("recon:month", its_account.slug, start)
    return redirect("recon:export", its_account.slug, made.pk)


def _revision(request: HttpRequest, cycle: BillingCycle) -> Reconciliation:
    """The revision that was asked for, else the newest."""
    number = request.POST.get("revision", "")
    if not number:
        return months.shown(cycle)
    known = Reconciliation.objects.select_related("cycle__account")
    return get_object_or_404(known, cycle=cycle, revision=int(number) if number.isdecimal() and len(number) < 9 else 0)


@require_safe
def export(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account)
    made = _export(its_account, pk)
    job = Job.objects.filter(kind="export", subject=made.pk).first()
    cycle = made.reconciliation.cycle
    newest = Reconciliation.objects.filter(cycle=cycle).aggregate(newest=Max("revision"))["newest"]
    context = {"export": made, "job": job, "cycle": cycle, "target": TARGETS[made.target], "newest": newest}
    fragment = request.headers.get("HX-Request")
    return render(request, "recon/export_state.html" if fragment else "recon/export.html", context)


@require_safe
def download(request: HttpRequest, account: str, pk: int) -> FileResponse:
    made = _export(account_for(request, account), pk)
    if not made.is_ready:
        raise Http404("That sheet is not made yet.")
    return FileResponse(exports.open_sheet(made), as_attachment=True, filename=made.name, content_type=TARGETS[made.target].content_type)
