"""Who did what, and when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import account_for
from recon.audit_page import audit_page, csv_lines, events_of
from recon.forms import AuditFilter


@require_safe
def audit(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account)
    is_fragment = request.headers.get("HX-Request") and not request.headers.get("HX-Boosted")
    template = "recon/audit_list.html" if is_fragment else "recon/audit.html"
    return render(request, template, {"page": audit_page(ours, request.GET)})


@require_safe
def audit_csv(request: HttpRequest, account: str) -> HttpResponseBase:
    ours = account_for(request, account)
    lines = csv_lines(events_of(ours, AuditFilter(request.GET, account=ours)))
    headers = {"Content-Disposition": f'attachment; filename="audit-{ours.slug}.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
