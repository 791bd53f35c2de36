"""The door of every act: a service asks for the role itself, whichever page, command or job it is reached by."""

from __future__ import annotations

from accounts.access import Need, may, roles_in
from accounts.models import Account, User
from accounts.services import Refused


def require(user: User, account: Account, need: Need) -> None:
    """Raises Refused for who has no such role in the account, or is switched off."""
    if not user.is_active or not may(roles_in(user, account), need):
        raise Refused("Your role in this account does not do that.")
