"""Connections to the invented Huntress, for any test that pulls: the real client speaks real HTTP to it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import Account, User
from accounts.sealing import seal
from ingest.huntress import Kind, actor
from ingest.huntress.endpoints import ENDPOINTS
from ingest.models import Connection
from ingest.services.connections import sealed_text, untested_client, window_of
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress
from tests.huntress.conftest import QUICK


def add_connection(
    account: Account,
    fake: FakeHuntress,
    settings: Any,
    *,
    by: User,
    key: tuple[str, str] = ACCOUNT_KEY,
    is_tested: bool = True,
    **fields: Any,
) -> Connection:
    """A connection with a key of the fake, to which ``settings`` (pytest-django's) are led. Tested: what the key is, is known by asking.

    A reseller's key makes it the connection of the account's reseller.
    """
    settings.RECON_HUNTRESS_URL = fake.base
    given = {"name": "Huntress", "hint": f"…{key[0][-4:]}", "sealed": seal(sealed_text(*key))} | fields
    connection = Connection.objects.create(account=account, added_by=by, **given)
    if is_tested:
        with untested_client(connection, window_of(connection), while_waiting=lambda: None, patience=QUICK) as client:
            whose = actor(client)
        connection.key_kind, connection.actor = whose.kind, whose.name
        connection.actor_account, connection.actor_reseller = whose.account, whose.reseller
        connection.reseller = account.reseller if whose.kind is Kind.RESELLER else None
        connection.tested_at = timezone.now()
        connection.reach = [
            {"name": one.name, "label": one.label, "is_open": True, "sentence": f"May read {one.label}."}
            for one in ENDPOINTS.values()
            if whose.kind in one.who
        ]
        connection.save()
    return connection
