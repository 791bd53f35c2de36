from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


def install_triggers(using: str, **_: Any) -> None:
    from recon import triggers

    triggers.install(connections[using])


def lift_triggers(using: str, plan: list[Any], **_: Any) -> None:
    """SQLite alters a table by building another and dropping the old one, which the triggers would take for deleting what is signed."""
    from recon import triggers

    connection = connections[using]
    if plan and connection.vendor == "sqlite":
        triggers.remove(connection)


class ReconConfig(AppConfig):
    name = "recon"
    verbose_name = "Reconciliation"

    def ready(self) -> None:
        pre_migrate.connect(lift_triggers, sender=self)
        post_migrate.connect(install_triggers, sender=self)
