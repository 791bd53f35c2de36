"""Closing a month: what will be signed, submit, sign or return, reopen; and what was signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Need, account_for, signed_in
from accounts.models import Account
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, plural
from recon.listing import Listing
from recon.models import Decision, Reconciliation
from recon.month_page import month_page
from recon.services import decisions, review
from recon.sign_page import SignPage
from recon.views.month import cycle_of, revision_of


def _page(request: HttpRequest, account: Account, start: date, revision: int | None = None) -> SignPage:
    reconciliation = revision_of(cycle_of(account, start), revision)
    listing = Listing(request, account, reconciliation, is_past=revision is not None)
    return SignPage(listing, month_page(listing), request.roles)  # type: ignore[attr-defined]


def _answer(request: HttpRequest, page: SignPage, refused: str = "") -> HttpResponse:
    context = {"sign": page, "page": page.month, "cycle": page.cycle, "reconciliation": page.reconciliation, "may_work": page.may_work}
    typed = request.POST if refused else {}
    return render(request, "recon/sign.html", context | {"refused": refused, "typed": typed}, status=422 if refused else 200)


@require_safe
def sign(request: HttpRequest, account: str, start: date, revision: int | None = None) -> HttpResponse:
    """Of the newest revision, or of the one in the address."""
    return _answer(request, _page(request, account_for(request, account), start, revision))


def _act(
    request: HttpRequest, account: str, start: date, need: Need, act: Callable[[Reconciliation], Reconciliation | Decision], words: str
) -> HttpResponse:
    """Do it and show the page of the month as it is then; refused, say why and keep what was typed."""
    its_account = account_for(request, account, need)
    reconciliation = revision_of(cycle_of(its_account, start), None)
    try:
        if reconciliation.pk is None:
            raise Refused("Nothing was compared for this month yet: add its billed report first.")
        made = act(reconciliation)
    except Refused as refusal:
        return _answer(request, _page(request, its_account, start), str(refusal))
    undo = reverse("recon:undo", args=[its_account.slug, start.isoformat(), made.pk]) if isinstance(made, Decision) else ""
    messages.success(request, words.format(cycle=cycle_range(reconciliation.cycle)), extra_tags=undo)
    return redirect("recon:sign", its_account.slug, start)


def _seen(request: HttpRequest) -> int:
    """The comparison that the page showed. One that was not said is one that nobody saw."""
    written = request.POST.get("seen_run", "")
    return int(written) if written.isdecimal() and len(written) < 10 else -1


def _certified(request: HttpRequest) -> list[str]:
    """The statements that were ticked: the words themselves, so that what is kept is what was read."""
    return request.POST.get("certify", "").splitlines()


@require_POST
def submit(request: HttpRequest, account: str, start: date) -> HttpResponse:
    def act(month: Reconciliation) -> Reconciliation:
        return review.submit(month, by=signed_in(request), seen_run=_seen(request), certified=_certified(request))

    return _act(request, account, start, Need.WORK, act, "{cycle} is submitted. A different person signs it.")


@require_POST
def send_back(request: HttpRequest, account: str, start: date) -> HttpResponse:
    def act(month: Reconciliation) -> Reconciliation:
        return review.send_back(month, by=signed_in(request), reason=request.POST.get("reason", ""))

    return _act(request, account, start, Need.WORK, act, "{cycle} is in preparation again.")


@require_POST
def sign_off(request: HttpRequest, account: str, start: date) -> HttpResponse:
    def act(month: Reconciliation) -> Reconciliation:
        seen_tie = request.POST.get("seen_tie")
        return review.sign(month, by=signed_in(request), seen_run=_seen(request), certified=_certified(request), seen_tie=seen_tie)

    return _act(request, account, start, Need.SIGN, act, "{cycle} is signed and sealed.")


@require_POST
def reopen(request: HttpRequest, account: str, start: date) -> HttpResponse:
    def act(month: Reconciliation) -> Reconciliation:
        return review.reopen(month, by=signed_in(request), reason=request.POST.get("reason", ""), words=request.POST.get("words", ""))

    return _act(request, account, start, Need.SIGN, act, "{cycle} is open again. What was signed stays, and can be read.")


@require_POST
def settle_rejected(request: HttpRequest, account: str, start: date) -> HttpResponse:
    chosen = [place for place in map(_place, request.POST.getlist("row")) if place]

    def act(month: Reconciliation) -> Decision:
        if not chosen:
            raise Refused("Tick the rejected rows that you settle.")
        return decisions.settle_rejected(month, chosen, note=request.POST.get("note", ""), by=signed_in(request))

    return _act(request, account, start, Need.WORK, act, f"{plural(len(chosen), 'rejected row')} settled.")


def _place(written: str) -> tuple[int, int] | None:
    file, _, line = written.partition("-")
    is_place = file.isdecimal() and line.isdecimal() and max(len(file), len(line)) < 19
    return (int(file), int(line)) if is_place else None
