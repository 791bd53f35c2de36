"""Who may sign in at all: what a role in an account cannot say of a person who works in several."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import Refused, switch_sign_in


class Command(BaseCommand):
    help = "Switches a person's sign-in off or on, in all accounts at once. Roles, and what they did, stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="E-MAIL")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--off", action="store_false", dest="on", default=None)
        what.add_argument("--on", action="store_true", dest="on", default=None)

    def handle(self, *, person: str, on: bool, **options: Any) -> None:
        try:
            user = switch_sign_in(person, on=on)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"The sign-in of {user.email} is switched {'on' if on else 'off'}.")
