"""Settings: the app at Microsoft with which customers' tenants are read. Everybody looks; admins state, replace and remove it."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.services import Refused
from ingest.graph import CALLS
from ingest.services.microsoft_app import app_of, facts_of, remove_app, state_app
from ingest.tenant_forms import AppForm

_BAD: int = HTTPStatus.UNPROCESSABLE_ENTITY


def callback_of(request: HttpRequest) -> str:
    """The one address to which Microsoft sends administrators back: it has to stand in the app registration."""
    return request.build_absolute_uri(reverse("ingest:consent_return"))


@never_cache
@sensitive_post_parameters("secret", "pem", "pem_file")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def microsoft_app(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER if request.method == "POST" else Need.READ)
    app = app_of(ours)
    facts = facts_of(app) if app else None
    if request.method != "POST":
        form = AppForm(cloud=facts.cloud if facts else "global", client_id=facts.client_id if facts else "")
    else:
        form = AppForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                state_app(ours, form.stated, by=signed_in(request))
            except Refused as refusal:
                form.add_error(refusal.field, str(refusal))
            else:
                messages.success(request, "The app is kept, encrypted. Test a tenant to see that it works.")
                return redirect("ingest:microsoft_app", ours.slug)
        form.forget()
    context = {
        "app": app, "facts": facts, "form": form, "callback": callback_of(request), "permissions": _permissions(),
        "may_change": may(request.roles, Need.ADMINISTER),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "ingest/microsoft_app.html", context, status=_BAD if form.errors else HTTPStatus.OK)


def _permissions() -> list[tuple[str, bool, str]]:
    """Permission, whether nothing works without it, and what is not known without it."""
    found: dict[str, tuple[bool, list[str]]] = {}
    for call in CALLS.values():
        needed, without = found.get(call.permission, (False, []))
        found[call.permission] = (needed or not call.is_optional, [*without, *([call.without] if call.without else [])])
    return [(name, needed, "; ".join(without)) for name, (needed, without) in found.items()]


@require_http_methods(["GET", "HEAD", "POST"])
def remove_microsoft_app(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    if request.method != "POST":
        if app_of(ours) is None:
            raise Http404("There is no app.")
        return render(request, "ingest/microsoft_app_remove.html", {})
    try:
        remove_app(ours, by=signed_in(request))
    except Refused as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, "The app is removed here, and its secret is forgotten. Tenants and what they brought stay.")
    return redirect("ingest:microsoft_app", ours.slug)
