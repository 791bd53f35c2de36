from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


def install_triggers(using: str, **_: Any) -> None:
    from recon import triggers

    triggers.install(connections[using])


class ReconConfig(AppConfig):
    name = "recon"
    verbose_name = "Reconciliation"

    def ready(self) -> None:
        post_migrate.connect(install_triggers, sender=self)
