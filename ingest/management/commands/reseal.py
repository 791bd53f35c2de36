"""``manage.py reseal``: after a change of RECON_SECRETS_KEY, encrypt with the newest key what the ones before it encrypted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.templatetags.recon_ui import plural
from ingest.services.resealing import reseal_all


class Command(BaseCommand):
    help = "Encrypts the secrets of all connections with the newest RECON_SECRETS_KEY. Then the keys before it can be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        result = reseal_all()
        self.stdout.write(f"{plural(result.done, 'secret')} encrypted with the newest key.")
        if result.lost:
            raise CommandError(
                f"{plural(len(result.lost), 'secret')} cannot be opened with any key that is stated: {'; '.join(result.lost)}. "
                "State the key that encrypted them in RECON_SECRETS_KEY_FALLBACKS and run this again, or enter them anew on their pages."
            )
