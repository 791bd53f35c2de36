"""``manage.py demo``: load the invented MSP, or, where it is loaded, only say who can sign in."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recon.demo.cast import PASSWORD, PEOPLE
from recon.demo.load import DemoFailed, load


class Command(BaseCommand):
    help = "Load the invented demonstration MSP and print its people's sign-ins. Does nothing else where it is loaded already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="in the services mode too, where anybody could sign in")
        parser.add_argument("--today", type=date.fromisoformat, help="the day it is loaded as of, such as 2026-11-20")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SERVICES and not options["force"]:
            raise CommandError("The demonstration's password is known to everybody. Where that is meant: manage.py demo --force")
        current_app.conf.broker_url = "memory://"  # all work is done here, whether or not there is a queue to tell of it
        try:
            load(options["today"])
        except DemoFailed as failure:
            raise CommandError(f"The demonstration could not be loaded. {failure}") from failure
        self.stdout.write(sign_ins())


def sign_ins() -> str:
    """A line a person: role, name, address, password."""
    lines = [f"  {person.role:<9} {person.name:<13} {person.email:<28} {PASSWORD}" for person in PEOPLE]
    return "\n".join(["Sign in as one of the demonstration's people:", *lines])
