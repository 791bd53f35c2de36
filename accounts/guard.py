"""The door of every act: a service asks for the role itself, whichever page, command or job it is reached by."""

from __future__ import annotations

from accounts.access import Need, may, roles_in, roles_in_reseller
from accounts.models import Account, Reseller, User
from accounts.services import Refused


def require(user: User, account: Account, need: Need) -> None:
    """Raises Refused for who has no such role in the account, or is switched off."""
    if not user.is_active or not may(roles_in(user, account), need):
        raise Refused("Your role in this account does not do that.")


def require_in_reseller(user: User, reseller: Reseller, need: Need) -> None:
    """Raises Refused for who has no such role in the reseller itself, or is switched off."""
    if not user.is_active or not may(roles_in_reseller(user, reseller), need):
        raise Refused(f"Your role in {reseller} does not do that.")
