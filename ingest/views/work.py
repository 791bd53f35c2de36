"""Background work of an account: what runs, how far it is, how it ended."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Need, account_for, may
from ingest.jobs import ask_to_cancel
from ingest.models import Job
from ingest.tables import JobsTable


@require_safe
def jobs(request: HttpRequest, account: str) -> HttpResponse:
    its_account = account_for(request, account)
    table = JobsTable.of(request, its_account, may_work=may(request.roles, Need.WORK))  # type: ignore[attr-defined]
    fragment = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "ingest/jobs_list.html" if fragment else "ingest/jobs.html", {"table": table})


@require_POST
def cancel(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    job = get_object_or_404(Job, account=its_account, pk=pk)
    if ask_to_cancel(job):
        messages.success(request, f"{job.label}: asked to stop.")
    else:
        messages.info(request, f"{job.label}: it had ended already.")
    if job.source_file_id and request.POST.get("back") != "jobs":
        return redirect("ingest:file", its_account.slug, job.source_file_id)
    return redirect("ingest:jobs", its_account.slug)
