"""Fetching is authorising: an account, and all that hangs on it, is fetched through the user's own memberships.

What is not yours is a 404; what is yours to read only is a 403.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from accounts.models import Account, Membership, Reseller, Role, User
from accounts.models.account import AccountQuerySet


class Need(IntEnum):
    """What an act needs, in rising order."""

    READ = 0
    WORK = 1
    SIGN = 2
    ADMINISTER = 3


_MAY: dict[str, frozenset[Need]] = {
    Role.VIEWER: frozenset({Need.READ}),
    Role.PREPARER: frozenset({Need.READ, Need.WORK}),
    Role.REVIEWER: frozenset({Need.READ, Need.WORK, Need.SIGN}),
    Role.ADMIN: frozenset(Need),
}
_IN_WORDS = {
    Need.READ: "read",
    Need.WORK: "add files, import, note or decide",
    Need.SIGN: "sign or return a month",
    Need.ADMINISTER: "change settings",
}


def signed_in(request: HttpRequest) -> User:
    """The user of a request that the login middleware has let through."""
    return cast(User, request.user)


def memberships_in(account: Account) -> QuerySet[Membership]:
    """The memberships that hold in the account: its own and its reseller's."""
    of_account = Q(account=account)
    return Membership.objects.filter(of_account | Q(reseller_id=account.reseller_id) if account.reseller_id else of_account)


def roles_in(user: User, account: Account) -> set[str]:
    """Every role the user has in the account, by itself or through its reseller."""
    return set(memberships_in(account).filter(user=user).values_list("role", flat=True))


def may(roles: set[str], need: Need) -> bool:
    return any(need in _MAY[role] for role in roles)


def accounts_where(user: User, need: Need) -> AccountQuerySet:
    """The accounts in which the user may do what is needed, by itself or through its reseller."""
    roles = [role for role, needs in _MAY.items() if need in needs]
    own = Q(memberships__user=user, memberships__role__in=roles)
    through_reseller = Q(reseller__memberships__user=user, reseller__memberships__role__in=roles)
    return Account.objects.visible_to(user).filter(own | through_reseller).distinct()


def account_for(request: HttpRequest, slug: str, need: Need = Need.READ) -> Account:
    """The account as the user may use it. Raises Http404 for a stranger's, PermissionDenied for one that is read-only.

    What was found is remembered on the request (``request.account``, ``request.roles``) for the page's frame.
    """
    account = Account.objects.select_related("reseller").filter(slug=slug).first()
    user = signed_in(request)
    roles = roles_in(user, account) if account else set()
    if account is None or not roles or not user.is_active:
        raise Http404("No such account.")
    if not may(roles, need):
        highest = max(roles, key=list(Role.values).index)
        raise PermissionDenied(f"As {Role(highest).label.lower()} of {account} you may not {_IN_WORDS[need]}.")
    frame = cast(Any, request)
    frame.account, frame.roles = account, roles
    return account


# --- resellers: what concerns several accounts at once is for who has a role in the reseller itself --------------------------------


def roles_in_reseller(user: User, reseller: Reseller) -> set[str]:
    """The roles that the user has in the reseller. A role in one of its accounts is none."""
    return set(Membership.objects.filter(user=user, reseller=reseller).values_list("role", flat=True))


def resellers_of(user: User) -> QuerySet[Reseller]:
    """The resellers in which the user has a role."""
    if not user.is_active or user.pk is None:
        return Reseller.objects.none()
    return Reseller.objects.filter(memberships__user=user).distinct().order_by("name")


def reseller_for(request: HttpRequest, pk: int, need: Need = Need.READ) -> Reseller:
    """The reseller as the user may use it. Raises Http404 for who has no role in it, PermissionDenied for what their role does not do."""
    user = signed_in(request)
    reseller = resellers_of(user).filter(pk=min(pk, 2**63 - 1)).first()
    if reseller is None:
        raise Http404("No such reseller.")
    roles = roles_in_reseller(user, reseller)
    if not may(roles, need):
        highest = max(roles, key=list(Role.values).index)
        raise PermissionDenied(f"As {Role(highest).label.lower()} of {reseller} you may not {_IN_WORDS[need]}.")
    cast(Any, request).roles = roles
    return reseller
