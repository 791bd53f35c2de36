"""Who has which role in an account, themselves or through its reseller."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.access import Need, account_for, may, roles_in, signed_in
from accounts.forms import PersonForm, RemoveForm, RoleForm
from accounts.models import Account, Membership, Role

#: What each role may do, in the words of the page.
MAY = (
    (Role.VIEWER, "looks at everything, makes sheets, and changes nothing"),
    (Role.PREPARER, "all of that, and adds files, imports, matches, writes notes"),
    (Role.REVIEWER, "all of that, and signs months that others prepared"),
    (Role.ADMIN, "all of that, and says who has which role"),
)


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, account: str) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    form = PersonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            added = services.add_person(ours, **form.cleaned_data, by=signed_in(request))
        except services.Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            return _told(request, ours, added, f"{added.user} is now {added.get_role_display().lower()} of {ours}.")
    return _people(request, ours, form)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    membership = _membership(ours, pk)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": membership.role})
    if form.is_valid():
        try:
            services.change_role(membership, form.cleaned_data["role"], by=signed_in(request))
        except services.Refused as refusal:
            return _person(request, membership, form, refused=str(refusal))
        messages.success(request, f"{membership.user} is now {Role(form.cleaned_data['role']).label.lower()} of {ours}.")
        return redirect("accounts:people", ours.slug)
    return _person(request, membership, form)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_person(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    membership = _membership(ours, pk)
    me = signed_in(request)
    form = RemoveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            services.remove_person(membership, by=me, confirmed=form.cleaned_data["confirmed"])
        except services.Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, f"{membership.user} is removed from {ours}. To undo it, add {membership.user.email} again.")
            is_still_admin = may(roles_in(me, ours), Need.ADMINISTER)
            return redirect("accounts:people", ours.slug) if is_still_admin else redirect("recon:home")
    context = {"membership": membership, "form": form, "is_me": membership.user_id == me.pk}
    return render(request, "accounts/remove_person.html", context, status=422 if form.errors else 200)


@require_POST
def send_link(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    ours = account_for(request, account, Need.ADMINISTER)
    membership = _membership(ours, pk)
    if membership.user.has_usable_password():
        refused = f"{membership.user} has a password. Who forgets it asks for a new one on the sign-in page."
        return _person(request, membership, RoleForm(initial={"role": membership.role}), refused=refused)
    return _told(request, ours, membership, "")


def _membership(account: Account, pk: int) -> Membership:
    return get_object_or_404(services.people_of(account), pk=pk)


def _told(request: HttpRequest, account: Account, membership: Membership, done: str) -> HttpResponse:
    """Mail the person, say what was done, and in the embedded mode hand over the link that was mailed."""
    user = membership.user
    try:
        services.tell_by_mail(membership, by=signed_in(request), site=request.build_absolute_uri("/"))
    except services.Refused as refusal:
        messages.warning(request, f"{done} {refusal}".strip())
    else:
        messages.success(request, f"{done} {services.where_mail_goes(user)}".strip())
    if services.may_hand_over_link(membership):
        link = request.build_absolute_uri(services.password_path(user))
        return _people(request, account, PersonForm(), handed={"user": user, "link": link})
    return redirect("accounts:people", account.slug)


def _people(request: HttpRequest, account: Account, form: PersonForm, **more: object) -> HttpResponse:
    context = {"people": services.people_of(account), "may": MAY, "form": form} | more
    return render(request, "accounts/people.html", context, status=422 if form.errors else 200)


def _person(request: HttpRequest, membership: Membership, form: RoleForm, *, refused: str = "") -> HttpResponse:
    is_me = membership.user_id == signed_in(request).pk
    context = {"membership": membership, "form": form, "is_me": is_me, "refused": refused}
    return render(request, "accounts/person.html", context, status=422 if refused or form.errors else 200)
