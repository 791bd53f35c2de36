"""Plain views: guard, form, act, redirect."""

from accounts.views.account import settings
from accounts.views.people import people, person, remove_person, send_link

__all__ = ["people", "person", "remove_person", "send_link", "settings"]
