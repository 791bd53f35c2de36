"""Connections: whose they are, who may change them, and the client that a connection's key opens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.db.models import F, Q, QuerySet

from accounts.access import Need, may, roles_in
from accounts.guard import require
from accounts.models import Account, Membership, Role, User
from accounts.sealing import CannotUnseal, unseal
from accounts.services import Refused
from ingest.huntress import Bounds, Client, Credential, HuntressError, Patience
from ingest.huntress.limiter import Rules
from ingest.huntress.stores import limiter
from ingest.models import Connection

_USUAL_PATIENCE: Final = Patience()
_USUAL_BOUNDS: Final = Bounds()


def _go_on() -> None:
    """Nobody asked for an end."""


# --- whose it is ---


def connections_of(account: Account) -> QuerySet[Connection]:
    """What brings this account's data now: its own connections first, then its reseller's."""
    live = Connection.objects.filter(_reaches(account), removed_at__isnull=True).select_related("reseller", "added_by")
    return live.order_by("provider", F("reseller_id").asc(nulls_first=True), "pk")


def _reaches(account: Account) -> Q:
    own = Q(account=account, reseller__isnull=True)
    return own | Q(reseller_id=account.reseller_id) if account.reseller_id else own


def huntress_of(account: Account) -> Connection | None:
    """The connection with which this account's data are pulled: its own, else its reseller's, else None."""
    found = connections_of(account).filter(provider=Connection.Provider.HUNTRESS)
    return min(found, key=lambda one: one.is_resellers, default=None)


def may_administer(user: User, connection: Connection) -> bool:
    """An account's connection is for its admins; a reseller's, which opens all its accounts, only for admins of the reseller."""
    if connection.reseller_id is None:
        return user.is_active and may(roles_in(user, connection.account), Need.ADMINISTER)
    return user.is_active and is_admin_of_reseller(user, connection.reseller_id)


def is_admin_of_reseller(user: User, reseller_id: int) -> bool:
    return Membership.objects.filter(user=user, reseller_id=reseller_id, role=Role.ADMIN).exists()


def require_admin(user: User, connection: Connection) -> None:
    """Raises Refused for who may not change it."""
    if connection.reseller_id is None:
        require(user, connection.account, Need.ADMINISTER)
    elif not may_administer(user, connection):
        raise Refused(
            f"Your role in this account does not do that: “{connection.name}” opens every account of {connection.reseller}, and is for "
            "its admins."
        )


# --- what its key opens ---


@contextmanager
def client_for(
    connection: Connection,
    *,
    while_waiting: Callable[[], None] = _go_on,
    patience: Patience = _USUAL_PATIENCE,
    bounds: Bounds = _USUAL_BOUNDS,
) -> Iterator[Client]:
    """Huntress' API with this connection's key, within the window of calls that it shares.

    Raises Refused, in words, where the connection was removed, where nobody knows yet whose key it is (it is tested first, so that the
    data of one Huntress account never end up in the books of another), or where its secret cannot be unsealed.
    """
    if not connection.key_kind:
        raise Refused(f"“{connection.name}” has to be tested first: it is not known yet, or not confirmed, whose key it is.")
    with untested_client(connection, window_of(connection), while_waiting=while_waiting, patience=patience, bounds=bounds) as client:
        yield client


@contextmanager
def untested_client(
    connection: Connection, window: str, *, while_waiting: Callable[[], None], patience: Patience, bounds: Bounds = _USUAL_BOUNDS
) -> Iterator[Client]:
    """As ``client_for``, for a key of which nobody knows yet whose it is. Only the test uses it."""
    credential = _credential(connection)
    shared = limiter(window, Rules(for_others=connection.left_to_others))
    try:
        client = Client(credential, base=_base(connection), limiter=shared, while_waiting=while_waiting, patience=patience, bounds=bounds)
    except HuntressError as error:
        raise Refused(f"The address of Huntress that this installation was given (RECON_HUNTRESS_URL) cannot be used. {error}") from error
    with client:
        yield client


def window_of(connection: Connection) -> str:
    """The name of the window of calls: one for all keys of a Huntress account, one for each reseller, and its own until that is known."""
    return window_named(connection, account=connection.actor_account, reseller=connection.actor_reseller)


def window_named(connection: Connection, *, account: str, reseller: str) -> str:
    where = "demo:" if connection.is_demo else ""
    if account:
        return f"{where}account:{account}"
    return f"{where}reseller:{reseller}" if reseller else f"{where}connection:{connection.pk}"


def _base(connection: Connection) -> str:
    """An invented connection never goes to Huntress, and a real one never to the invented Huntress."""
    if not connection.is_demo:
        return str(settings.RECON_HUNTRESS_URL)
    if not settings.RECON_DEMO_HUNTRESS:
        raise Refused("The invented Huntress is not running. `make run` starts it with the demonstration.")
    return str(settings.RECON_DEMO_HUNTRESS)


def _credential(connection: Connection) -> Credential:
    if connection.removed_at or not connection.sealed:
        raise Refused(f"“{connection.name}” was removed, and its secret with it.")
    try:
        opened = json.loads(unseal(connection.sealed))
    except CannotUnseal as error:
        raise Refused(f"The secret of “{connection.name}” cannot be opened. {error}") from error
    return Credential(opened["key"], opened["secret"])


def sealed_text(key: str, secret: str) -> str:
    """What is encrypted of a key, before it is."""
    return json.dumps({"key": key, "secret": secret})
