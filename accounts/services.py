"""Who gets which role, and how an account is set up. A change succeeds, or is refused in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from smtplib import SMTPException
from typing import Any, Final, cast

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import audit
from accounts.access import memberships_in
from accounts.models import Account, BillingCycle, Membership, Reseller, Role, User

_KEPT_BY_CYCLES: Final = {
    "anniversary_day": "The anniversary day stays {kept}: the cycles on record begin and end on it.",
    "currency": "The currency stays {kept}: the prices of the cycles on record are in it.",
}


class Refused(Exception):
    """What was asked cannot be done; the message says why and what to do. ``field`` is what it is about, if one thing."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Opened:
    """``is_new`` is False when the account was there before, just so."""

    account: Account
    is_new: bool
    admin: User


# --- people -----------------------------------------------------------------------------------------------------------------------


def people_of(account: Account) -> QuerySet[Membership]:
    """Every role in the account, those through its reseller included, by person."""
    return memberships_in(account).select_related("user", "reseller").order_by("user__email", "reseller")


@transaction.atomic
def add_person(account: Account, *, email: str, name: str, role: str, by: User | None = None) -> Membership:
    """Give somebody a role in the account, known by e-mail address or new. Raises Refused for one who has a role in it."""
    user = find_or_make_person(email, name=name)
    given, is_new = Membership.objects.get_or_create(user=user, account=account, defaults={"role": role})
    if not is_new:
        raise Refused(f"{user} has a role here already: {given.get_role_display().lower()}. Change it on their page.", field="email")
    _record("accounts.role.given", given, by, after=role)
    return given


def find_or_make_person(email: str, *, name: str) -> User:
    """The user of an address; a new one has no password until they choose one.

    Raises Refused for one who may not sign in, ValidationError for what is no address.
    """
    validate_email(email)
    defaults = {"name": name, "password": make_password(None)}
    user, _ = User.objects.get_or_create(email=User.objects.normalize_email(email).lower(), defaults=defaults)
    if not user.is_active:
        raise Refused(f"The sign-in of {user.email} is switched off. Whoever runs this server can switch it on.", field="email")
    return user


@transaction.atomic
def change_role(membership: Membership, role: str, *, by: User) -> None:
    """Give another role. Raises Refused for one's own, one through a reseller, and the last admin's."""
    held = _held(membership)
    if held.user_id == by.pk:
        raise Refused("Your own role is for another admin to change.")
    if role != Role.ADMIN:
        _refuse_to_lose_the_last_admin(held)
    Membership.objects.filter(pk=held.pk).update(role=role)
    if role != held.role:
        _record("accounts.role.changed", held, by, before=held.role, after=role)


@transaction.atomic
def remove_person(membership: Membership, *, by: User, confirmed: bool = False) -> None:
    """Take a role away. Raises Refused for one through a reseller, the last admin's, and one's own unless confirmed."""
    held = _held(membership)
    _refuse_to_lose_the_last_admin(held)
    if held.user_id == by.pk and not confirmed:
        raise Refused("That is you. Say that you mean it: only another admin can let you in again.", field="confirmed")
    _record("accounts.role.removed", held, by, before=held.role)
    held.delete()


def _held(membership: Membership) -> Membership:
    """The membership as it is now. Its account is held until the transaction ends: two admins cannot remove each other at once."""
    if membership.account_id is None:
        raise Refused(f"{membership.user} has this role through {membership.reseller}, in all of its accounts: it is not changed here.")
    Account.objects.select_for_update().get(pk=membership.account_id)
    held = Membership.objects.select_related("user", "account").filter(pk=membership.pk).first()
    if held is None:
        raise Refused(f"{membership.user} has no role here any more.")
    return held


def _refuse_to_lose_the_last_admin(membership: Membership) -> None:
    account = cast(Account, membership.account)
    if membership.role == Role.ADMIN and not _admins_of(account).exclude(pk=membership.pk).exists():
        raise _last_admin(membership.user, account)


def _admins_of(account: Account) -> QuerySet[Membership]:
    """Those who can sign in: who was invited and has not been here yet cannot."""
    admins = memberships_in(account).filter(role=Role.ADMIN, user__is_active=True)
    return admins.exclude(user__password__startswith=UNUSABLE_PASSWORD_PREFIX)


def _last_admin(user: User, account: Account) -> Refused:
    return Refused(
        f"Without {user}, no admin of {account} could sign in. "
        "Make somebody else an admin first, and wait until they have chosen a password."
    )


@transaction.atomic
def switch_sign_in(email: str, *, on: bool) -> User:
    """Let a person in no more, in any account, or again. Their roles and what they did stay.

    Raises Refused for an address that nobody has, where it is so already, and for the last admin of an account.
    """
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise Refused(f"Nobody signs in as {email}.")
    accounts = list(Account.objects.select_for_update(of=("self",)).filter(pk__in=Account.objects.reached_by(user)).order_by("pk"))
    if not User.objects.filter(pk=user.pk, is_active=not on).update(is_active=on):
        raise Refused(f"The sign-in of {user.email} is switched {'on' if on else 'off'} already.")
    for account in accounts:
        if not on and _was_admin(user, account) and not _admins_of(account).exists():
            raise _last_admin(user, account)
        action = "accounts.sign_in.switched_on" if on else "accounts.sign_in.switched_off"
        audit.record(action, str(user), account=account, actor=None, after={"person": user.pk})
    return user


def _was_admin(user: User, account: Account) -> bool:
    return memberships_in(account).filter(user=user, role=Role.ADMIN).exists()


def _record(action: str, membership: Membership, by: User | None, *, before: str = "", after: str = "") -> None:
    """One event in each account that the role is in. A role through a reseller is in all of its accounts."""
    through = membership.reseller
    accounts = [membership.account] if membership.account else Account.objects.filter(reseller=through)
    was, now = Role(before).label if before else "", Role(after).label if after else ""
    words = f"{membership.user}, {' → '.join(filter(None, (was, now))).lower()}" + (f", through {through}" if through else "")
    whose = {"person": membership.user_id}
    for account in accounts:
        audit.record(
            action, words, account=account, actor=by,
            before=whose | {"role": before} if before else {}, after=whose | {"role": after} if after else {},
        )  # fmt: skip


# --- the first password -----------------------------------------------------------------------------------------------------------


def password_path(user: User) -> str:
    """Where a person chooses a password, once and not for long: the same address as after *Forgotten your password?*"""
    key = default_token_generator.make_token(user)
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})


def site_address(stated: str = "") -> str:
    """Where the first page is, for links that no request asked for: as stated, else as the settings know it."""
    known = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    return (stated or next(iter(known), "http://localhost:8000")).rstrip("/")


def tell_by_mail(membership: Membership, *, by: User, site: str) -> None:
    """Mail what role somebody was given, with the link to choose a password if they have none.

    ``site`` is the address of the first page. Raises Refused when the mail server does not take it: the role stays.
    """
    user = membership.user
    has_password = user.has_usable_password()
    context = {
        "by": by,
        "place": membership.account or membership.reseller,
        "role": membership.get_role_display().lower(),
        "has_password": has_password,
        "url": site.rstrip("/") + (reverse("account_login") if has_password else password_path(user)),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
    }
    subject = render_to_string("accounts/email/role_subject.txt", context).strip()
    try:
        send_mail(subject, render_to_string("accounts/email/role_message.txt", context), None, [user.email])
    except (OSError, SMTPException) as error:
        raise Refused(f"The mail to {user.email} could not be sent. Send it again later, from their page.") from error


def where_mail_goes(user: User) -> str:
    """What became of a mail, in a sentence: the embedded mode writes it to its log and sends none."""
    if settings.MODE == "embedded":
        return f"The mail to {user.email} is written to the log: on one's own machine none is sent."
    return f"A mail was sent to {user.email}{'' if user.has_usable_password() else ', with a link to choose a password'}."


def may_hand_over_link(membership: Membership) -> bool:
    """May an admin see the link of somebody whom they invited? Only on a machine of one's own, where no mail leaves the house.

    And only while the link opens no more than this account: the person was never here, and has no other role.
    """
    user = membership.user
    if settings.MODE != "embedded" or user.has_usable_password() or membership.account_id is None:
        return False
    return not Membership.objects.filter(user=user).exclude(pk=membership.pk).exists()


# --- accounts ---------------------------------------------------------------------------------------------------------------------


def kept_by_cycles(account: Account) -> dict[str, str]:
    """The settings that cannot change any more, and why: there are cycles that rest on them."""
    if not BillingCycle.objects.filter(account=account).exists():
        return {}
    return {field: why.format(kept=getattr(account, field)) for field, why in _KEPT_BY_CYCLES.items()}


@transaction.atomic
def change_account(
    account: Account,
    *,
    name: str,
    anniversary_day: int,
    time_zone: str,
    currency: str,
    solo_rule: bool | None = None,
    statements: str | None = None,
    by: User | None = None,
) -> Account:
    """Change an account's settings. Raises Refused, naming the field, for what its cycles rest on."""
    locked = Account.objects.select_for_update().get(pk=account.pk)
    wanted = {"name": name, "anniversary_day": anniversary_day, "time_zone": time_zone, "currency": currency}
    wanted["solo_rule"] = locked.solo_rule if solo_rule is None else solo_rule
    wanted["statements"] = locked.statements if statements is None else statements
    before = {field: getattr(locked, field) for field in wanted}
    for field, why in kept_by_cycles(locked).items():
        if wanted[field] != getattr(locked, field):
            raise Refused(why, field=field)
    for field, value in wanted.items():
        setattr(locked, field, value)
    locked.full_clean()
    locked.save(update_fields=list(wanted))
    if differing := [field for field in wanted if wanted[field] != before[field]]:
        audit.record(
            "accounts.account.changed", locked.name, account=locked, actor=by,
            before={field: before[field] for field in differing}, after={field: wanted[field] for field in differing},
        )  # fmt: skip
    return locked


@transaction.atomic
def open_account(wanted: Account, *, admin_email: str, admin_name: str = "") -> Opened:
    """Make an account with its first admin; the same one again changes nothing, and mends a lost admin.

    Raises Refused when the slug is that of an account which differs, ValidationError for values that cannot be.
    """
    existing = Account.objects.filter(slug=wanted.slug).first()
    if existing:
        _refuse_another(existing, wanted, ("name", "anniversary_day", "time_zone", "currency", "reseller_id"))
    else:
        wanted.full_clean()
        wanted.save()
    account = existing or wanted
    admin = find_or_make_person(admin_email, name=admin_name)
    _give(admin, Role.ADMIN, account=account)
    return Opened(account, existing is None, admin)


def _refuse_another(existing: Account, wanted: Account, fields: Iterable[str]) -> None:
    differing = [field for field in fields if getattr(existing, field) != getattr(wanted, field)]
    if differing:
        said = ", ".join(f"{field.removesuffix('_id').replace('_', ' ')}" for field in differing)
        raise Refused(f"The account {existing.slug} is there already, and differs in: {said}. Its settings are changed on its page.")


@transaction.atomic
def give_reseller_role(reseller: Reseller, *, email: str, name: str, role: str) -> Membership:
    """Give somebody a role in every account of a reseller, instead of the one they had there."""
    user = find_or_make_person(email, name=name)
    return _give(user, role, reseller=reseller)


def _give(user: User, role: str, *, account: Account | None = None, reseller: Reseller | None = None) -> Membership:
    place: dict[str, Any] = {"account": account, "reseller": reseller}
    before = Membership.objects.filter(user=user, **place).values_list("role", flat=True).first()
    given, _ = Membership.objects.update_or_create(user=user, **place, defaults={"role": role})
    if before != role:
        _record("accounts.role.changed" if before else "accounts.role.given", given, None, before=before or "", after=role)
    return given


@transaction.atomic
def take_reseller_role(reseller: Reseller, *, email: str) -> None:
    """Take it away again. Raises Refused where there is none."""
    held = Membership.objects.select_related("user", "reseller").filter(reseller=reseller, user__email=email.lower()).first()
    if held is None:
        raise Refused(f"{email} has no role for {reseller}.")
    _record("accounts.role.removed", held, None, before=held.role)
    held.delete()
