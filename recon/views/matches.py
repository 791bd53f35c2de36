"""Organizations to decide: the queue, one question beside it, and what people answer."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, Organization
from accounts.services import Refused
from accounts.templatetags.recon_ui import plural
from recon.match_page import MatchPage
from recon.models import Question
from recon.services import questions as service

_LATER: Final = "later"


@require_safe
def matches(request: HttpRequest, account: str) -> HttpResponse:
    return _shown(request, account_for(request, account), None)


@require_safe
def match(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account)
    return _shown(request, its_account, _question(its_account, pk))


def _shown(request: HttpRequest, account: Account, asked: Question | None) -> HttpResponse:
    """The page, or the fragment of it that HTMX asked for. ``with`` names somebody to compare with instead of the suggested one."""
    beside = _organization(account, request.GET.get("with", "")) if asked and asked.state == Question.State.OPEN else None
    page = MatchPage(account, request.GET, asked, beside if asked and beside and beside.pk != asked.subject_id else None)
    context = {"page": page, "may_work": may(request.roles, Need.WORK)}  # type: ignore[attr-defined]
    htmx = request.htmx  # type: ignore[attr-defined]
    if htmx and not htmx.boosted and not htmx.history_restore_request:
        return render(request, "recon/match_body.html", context | {"is_fragment": True})
    return render(request, "recon/matches.html", context)


@require_POST
def answer(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """Decide, and go on to the next question. Refused, it stays at this one, which says who was quicker."""
    its_account = account_for(request, account, Need.WORK)
    asked = _question(its_account, pk)
    said = request.POST.get("answer", "")
    chosen = request.POST.get("organization", "") or (request.POST.get("compared", "") if said == "same" else "")
    other = get_object_or_404(Organization, account=its_account, pk=_number(chosen)) if chosen else None
    by = signed_in(request)
    try:
        if said == _LATER:
            service.postpone(asked, by=by)
            messages.success(request, f"{asked.name} comes last now, and still waits.")
            return redirect(_next(request, its_account))
        reason = request.POST.get("reason", "")
        outcome = service.answer(asked, said or ("same" if other else ""), by=by, candidate=other, reason=reason)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(_address(request, its_account, asked.pk))
    messages.success(request, outcome.words, extra_tags=reverse("recon:undo_match", args=[its_account.slug, asked.pk]))
    return redirect(_next(request, its_account, after=asked.pk if outcome.cycles else None))


@require_POST
def undo_match(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    asked = _question(its_account, pk)
    try:
        messages.success(request, service.undo(asked, by=signed_in(request)).words)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_address(request, its_account, asked.pk))


@require_POST
def accept_exact(request: HttpRequest, account: str) -> HttpResponse:
    its_account = account_for(request, account, Need.WORK)
    try:
        done = service.answer_exact(its_account, by=signed_in(request))
        messages.success(request, f"Remembered: {plural(len(done), 'Organization')} under a new name. Each can be taken back below.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("recon:matches", its_account.slug)


@require_POST
def accept_own(request: HttpRequest, account: str) -> HttpResponse:
    """What was ticked are customers of their own."""
    its_account = account_for(request, account, Need.WORK)
    ticked = {_number(one) for one in request.POST.getlist("question")}
    if not ticked:
        messages.error(request, "Tick the names that are customers of their own.")
        return redirect("recon:matches", its_account.slug)
    try:
        done = service.answer_own(its_account, by=signed_in(request), only=ticked)
        messages.success(request, f"Remembered: {plural(len(done), 'customer')} of their own. Each can be taken back below.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("recon:matches", its_account.slug)


def _question(account: Account, pk: int) -> Question:
    known = Question.objects.select_related("account", "subject", "candidate", "runner_up", "cycle", "answered_by")
    return get_object_or_404(known, account=account, pk=min(pk, 2**63 - 1))


def _organization(account: Account, written: str) -> Organization | None:
    return Organization.objects.filter(account=account, merged_into__isnull=True, pk=_number(written)).first() if written else None


def _address(request: HttpRequest, account: Account, pk: int, after: int | None = None) -> str:
    """A question's address with the list's filter, as the form's own address has it."""
    query = request.GET.copy()
    if after:
        query["after"] = str(after)
    kept = query.urlencode()
    return reverse("recon:match", args=[account.slug, pk]) + (f"?{kept}" if kept else "")


def _next(request: HttpRequest, account: Account, after: int | None = None) -> str:
    """Where to go on: the question that the page had as the next one, while it is open, else the queue."""
    following = Question.objects.filter(account=account, state=Question.State.OPEN, pk=_number(request.POST.get("next", "")))
    if following.exists():
        return _address(request, account, following[0].pk, after)
    return reverse("recon:matches", args=[account.slug]) + (f"?after={after}" if after else "")


def _number(text: str) -> int:
    """A key that a database can be asked for; 0, which nothing has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
