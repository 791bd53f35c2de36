"""Roles for a whole reseller: they hold in each of its accounts, present and future."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Reseller, Role
from accounts.services import Refused, give_reseller_role, password_path, site_address, take_reseller_role


class Command(BaseCommand):
    help = "Gives a person a role in all accounts of a reseller, instead of the one they had there; --remove takes it away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reseller", help="the reseller's name, as in 'Cobbleside Group'")
        parser.add_argument("person", metavar="E-MAIL")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--role", choices=Role.values)
        what.add_argument("--remove", action="store_true")
        parser.add_argument("--name", default="", help="the person's name, if they are new")
        parser.add_argument("--site", default="", help="the address of the first page, as in https://recon.example, for the link")

    def handle(self, *, person: str, role: str | None, **options: Any) -> None:
        reseller = _reseller(options["reseller"])
        try:
            if role is None:
                take_reseller_role(reseller, email=person)
                self.stdout.write(f"{person} has no role for {reseller} any more.")
                return
            given = give_reseller_role(reseller, email=person, name=options["name"], role=role)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{given.user.email} is {given.get_role_display().lower()} of every account of {reseller}.")
        if not given.user.has_usable_password():
            self.stdout.write("This link, which works once, is where they choose a password:")
            self.stdout.write(f"{site_address(options['site'])}{password_path(given.user)}")


def _reseller(name: str) -> Reseller:
    found = Reseller.objects.filter(name=name).first()
    if found:
        return found
    known = ", ".join(Reseller.objects.order_by("name").values_list("name", flat=True)[:20]) or "none yet: add_account --reseller makes one"
    raise CommandError(f"There is no reseller {name}. Known: {known}.")
