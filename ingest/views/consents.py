"""Consent links, and the one place where customers' administrators come back from Microsoft: nobody has to be signed in there."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts.access import Need, account_for, signed_in
from accounts.models import Account, ConsentLink, Organization
from accounts.services import Refused
from ingest.services import consents
from ingest.services.consents import Came
from ingest.services.microsoft_app import app_of, facts_of
from ingest.tenant_forms import LinkForm
from ingest.views.microsoft_app import callback_of
from ingest.views.tenant_names import names_offered

_PER_PAGE: Final = 25
_BAD: int = HTTPStatus.UNPROCESSABLE_ENTITY
_STATUS: Final = {
    Came.GRANTED: HTTPStatus.OK, Came.DECLINED: HTTPStatus.OK, Came.FORGED: HTTPStatus.BAD_REQUEST, Came.EXPIRED: HTTPStatus.GONE,
    Came.USED: HTTPStatus.GONE,
}  # fmt: skip


def _link(account: Account, pk: int) -> ConsentLink:
    rows = ConsentLink.objects.filter(account=account).select_related("account", "organization", "made_by", "tenant")
    return get_object_or_404(rows, pk=min(pk, 2**63 - 1))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def consent_links(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    app = app_of(ours)
    cloud = facts_of(app).cloud if app else "global"
    if request.method == "POST":
        form = LinkForm(ours, request.POST)
        if form.is_valid():
            try:
                made = consents.make_link(ours, organization=form.whose, cloud=form.cleaned_data["cloud"], by=signed_in(request))
            except Refused as refusal:
                form.add_error(refusal.field, str(refusal))
            else:
                return redirect("ingest:consent_link", ours.slug, made.pk)
    else:
        form = LinkForm(ours, cloud=cloud, organization=_asked_for(ours, request.GET.get("organization", "")))
    page = Paginator(consents.links_of(ours), _PER_PAGE).get_page(request.GET.get("page"))
    context = {"app": app, "form": form, "page": page, "names": names_offered(ours)}
    return render(request, "ingest/consent_links.html", context, status=_BAD if form.errors else HTTPStatus.OK)


def _asked_for(account: Account, pk: str) -> str:
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return ""
    return Organization.objects.filter(account=account, pk=int(pk)).values_list("name", flat=True).first() or ""


@never_cache
@require_safe
def consent_link(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """The link itself, to copy or to send by mail."""
    ours = account_for(request, account, Need.ADMINISTER)
    link = _link(ours, pk)
    address = trouble = mail = ""
    try:
        address = consents.address_of(link, callback_of(request))
        mail = _mail(ours, address)
    except Refused as refusal:
        trouble = str(refusal)
    context = {"link": link, "address": address, "mail": mail, "trouble": trouble, "is_open": consents.is_open(link)}
    return render(request, "ingest/consent_link.html", context)


def _mail(account: Account, address: str) -> str:
    body = (
        f"Hello,\n\n{account} reconciles what Huntress bills for your Microsoft 365 users. For that, please let an administrator of your "
        f"tenant open this link within seven days and accept what it lists. It only reads users and licences.\n\n{address}\n"
    )
    return f"mailto:?{urlencode({'subject': f'{account}: consent for reading licences', 'body': body}, quote_via=quote)}"


@require_POST
def withdraw_consent_link(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    try:
        consents.withdraw(_link(ours, pk), by=signed_in(request))
    except Refused as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, "Withdrawn. Nobody comes back with that link any more.")
    return redirect("ingest:consent_links", ours.slug)


@require_POST
def prove_again(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    try:
        consents.prove_again(_link(ours, pk), by=signed_in(request))
    except Refused as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, "Microsoft is being asked again.")
    return redirect("ingest:consent_links", ours.slug)


@login_not_required
@never_cache
@require_GET  # not HEAD: whatever only looks at a link should not use it up
def consent_return(request: HttpRequest) -> HttpResponse:
    """An administrator of a customer's comes back. The page names nobody: who holds a link may be anybody."""
    came = consents.take_return(request.GET.dict())
    context = {"came": str(came.came), "sentence": came.sentence}
    return render(request, "ingest/consent_returned.html", context, status=_STATUS[came.came])
