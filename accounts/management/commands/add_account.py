"""The first account of an empty database, and every further one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Account, Reseller
from accounts.services import Opened, Refused, open_account, password_path, site_address


class Command(BaseCommand):
    help = "Opens an account with its first admin, and prints the link with which the admin chooses a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the MSP's name, as in 'Quillmere IT'")
        parser.add_argument("--slug", required=True, help="its name in addresses, as in quillmere-it")
        parser.add_argument("--day", type=int, default=1, help="the anniversary day, 1 to 31, on which Huntress bills")
        parser.add_argument("--time-zone", default="UTC", help="as in Europe/London")
        parser.add_argument("--currency", default="USD", help="three letters")
        parser.add_argument("--admin", required=True, metavar="E-MAIL", help="the first admin's e-mail address")
        parser.add_argument("--admin-name", default="", help="the first admin's name")
        parser.add_argument("--reseller", default="", help="the reseller that the account belongs to; made if there is none of that name")
        parser.add_argument("--site", default="", help="the address of the first page, as in https://recon.example, for the link")

    def handle(self, *, name: str, slug: str, day: int, time_zone: str, currency: str, **options: Any) -> None:
        wanted = Account(name=name, slug=slug, anniversary_day=day, time_zone=time_zone, currency=currency)
        try:
            with transaction.atomic():
                if options["reseller"]:
                    wanted.reseller = Reseller.objects.get_or_create(name=options["reseller"])[0]
                opened = open_account(wanted, admin_email=options["admin"], admin_name=options["admin_name"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except ValidationError as error:
            raise CommandError("\n".join(_lines(error))) from error
        self._say(opened, options["site"])

    def _say(self, opened: Opened, site: str) -> None:
        account, admin = opened.account, opened.admin
        state = "opened" if opened.is_new else "is there already, just so"
        through = f", of {account.reseller}" if account.reseller else ""
        self.stdout.write(f"Account {account} ({account.slug}){through}: {state}.")
        if admin.has_usable_password():
            self.stdout.write(f"Admin: {admin.email}, who has a password.")
        else:
            self.stdout.write(f"Admin: {admin.email}. This link, which works once, is where they choose a password:")
            self.stdout.write(f"{site_address(site)}{password_path(admin)}")


def _lines(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return [f"--admin: {message}" for message in error.messages]
    option = {"anniversary_day": "--day", "time_zone": "--time-zone", "currency": "--currency", "slug": "--slug", "name": "NAME"}
    return [f"{option.get(field, field)}: {' '.join(messages)}" for field, messages in error.message_dict.items()]
