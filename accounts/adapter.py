"""How sign-in differs from allauth's own."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """A closed system: an admin makes the accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
