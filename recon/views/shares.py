"""How one Organization is rebilled to several customers. Everybody looks; who works states the split."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Organization
from accounts.services import Refused
from recon.services import shares as service
from recon.share_page import SharePage, wanted_of

_LARGEST_ID = 2**63 - 1


@require_http_methods(["GET", "HEAD", "POST"])
def shares(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """A POST states the whole split, ends it, or undoes the last act. Refused, it keeps what was typed."""
    ours = account_for(request, account, Need.WORK if request.method == "POST" else Need.READ)
    found = _organization(ours, pk)
    if request.method != "POST":
        return _page(request, SharePage(found))
    try:
        outcome = _act(request, found)
    except Refused as refusal:
        return _page(request, SharePage(found, request.POST, str(refusal)), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, outcome.words)
    return redirect("recon:shares", ours.slug, found.pk)


def _act(request: HttpRequest, found: Organization) -> service.Outcome:
    by = signed_in(request)
    match request.POST.get("act", ""):
        case "share":
            return service.share_out(found, wanted_of(request.POST), by=by)
        case "end":
            return service.end(found, by=by)
        case "undo":
            return service.undo(found, by=by)
    raise Refused("Say what to do with this Organization.")


def _organization(account: Account, pk: int) -> Organization:
    known = Organization.objects.select_related("account", "merged_into")
    return get_object_or_404(known, account=account, pk=min(pk, _LARGEST_ID))


def _page(request: HttpRequest, page: SharePage, *, status: int = HTTPStatus.OK) -> HttpResponse:
    may_work = may(request.roles, Need.WORK) and page.organization.merged_into is None  # type: ignore[attr-defined]
    return render(request, "recon/shares.html", {"page": page, "organization": page.organization, "may_work": may_work}, status=status)
