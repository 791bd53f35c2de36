"""A later version may alter the tables that the triggers guard, and guards them again afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models
from django.db.models.signals import post_migrate, pre_migrate

from recon.models import Reconciliation
from tests.access.world import build, seal


def _altered(to: int) -> None:
    """The table of revisions, altered as a migration does it: on SQLite it is built anew."""
    old = Reconciliation._meta.get_field("reopened_words")
    new: Any = models.CharField(max_length=to, blank=True)
    new.set_attributes_from_name("reopened_words")
    new.model = Reconciliation
    with connection.schema_editor() as editor:
        editor.alter_field(Reconciliation, old, new)
        editor.alter_field(Reconciliation, new, old)


@pytest.mark.django_db(transaction=True)
def test_an_upgrade_may_alter_what_the_triggers_guard_and_they_stand_again_after_it() -> None:
    world = build()
    seal(world)
    recon = apps.get_app_config("recon")
    signals: dict[str, Any] = {"sender": recon, "app_config": recon, "verbosity": 0, "interactive": False, "using": "default"}
    pre_migrate.send(**signals, plan=["a migration"])
    try:
        _altered(1999)
    finally:
        post_migrate.send(**signals, plan=["a migration"])
    assert Reconciliation.objects.filter(state="signed").exists()
    with pytest.raises(DatabaseError, match="sealed_revision_update"):
        Reconciliation.objects.filter(state="signed").update(run=99)


@pytest.mark.django_db(transaction=True)
def test_looking_whether_there_is_anything_to_migrate_lifts_nothing() -> None:
    world = build()
    seal(world)
    recon = apps.get_app_config("recon")
    pre_migrate.send(sender=recon, app_config=recon, verbosity=0, interactive=False, using="default", plan=[])
    with pytest.raises(DatabaseError, match="sealed_revision_update"):
        Reconciliation.objects.filter(state="signed").update(run=99)
