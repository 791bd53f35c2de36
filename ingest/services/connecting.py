"""What people do with connections: add, test, confirm, change, and remove them. Key and secret come in here, and never out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, User
from accounts.sealing import seal
from accounts.services import Refused
from ingest import jobs
from ingest.models import Connection, Job
from ingest.services.connections import connections_of, require_admin, sealed_text

TEST: Final = "test"
#: The job that counts the pulled invoices anew; the rooms above do it.
AMOUNTS: Final = "amounts"
_HINT: Final = 4
_CHANGED: Final = ("name", "is_scheduled", "nightly_at", "last_day_at", "left_to_others", "amount_unit")
#: What nobody knows of a new key before it was tested.
_UNKNOWN: Final[dict[str, Any]] = {"key_kind": "", "tested_at": None, "reach": [], "trouble": ""}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a connection is used. Hours are in the account's time zone; ``left_to_others`` is in percent of Huntress' limit."""

    name: str
    is_scheduled: bool
    nightly_at: time
    last_day_at: time
    left_to_others: int
    amount_unit: str


@sensitive_variables()
def add(account: Account, *, name: str, key: str, secret: str, by: User, is_demo: bool = False) -> Connection:
    """Keep a key to Huntress, encrypted. Raises Refused where the account has one. Whose key it is, the test finds out.

    ``is_demo`` leads it to the invented Huntress, and is for the demonstration alone: no page sets it.
    """
    require(by, account, Need.ADMINISTER)
    _refuse_bad_key(key, secret)
    if connections_of(account).filter(provider=Connection.Provider.HUNTRESS, reseller__isnull=True).exists():
        raise _one_is_enough(account)
    sealed = seal(sealed_text(key, secret))
    try:
        with transaction.atomic():
            made = Connection.objects.create(account=account, name=name, sealed=sealed, hint=_hint(key), added_by=by, is_demo=is_demo)
            _record("added", made, by, after={"name": name, "key": made.hint})
    except IntegrityError:  # another admin, a moment earlier
        raise _one_is_enough(account) from None
    return made


@sensitive_variables()
@transaction.atomic
def replace_secret(connection: Connection, *, key: str, secret: str, by: User) -> None:
    """Put another key in place. What the one before was found to be is forgotten, but not whose data it brought."""
    row = _locked(connection, by)
    _refuse_bad_key(key, secret)
    before = row.hint
    row.sealed, row.hint = seal(sealed_text(key, secret)), _hint(key)
    for name, value in _UNKNOWN.items():
        setattr(row, name, value)
    row.save(update_fields=["sealed", "hint", *_UNKNOWN])
    _record("replaced", row, by, before={"key": before}, after={"key": row.hint})


@transaction.atomic
def change(connection: Connection, wanted: Wanted, *, by: User) -> None:
    """State its name, its hours, what is left to others, and what an invoice's amount counts."""
    row = _locked(connection, by)
    before = {name: getattr(row, name) for name in _CHANGED}
    after = {name: getattr(wanted, name) for name in _CHANGED}
    differs = [name for name in _CHANGED if before[name] != after[name]]
    if not differs:
        return
    Connection.objects.filter(pk=row.pk).update(**{name: after[name] for name in differs})
    told = [{name: _plain(values[name]) for name in differs} for values in (before, after)]
    _record("changed", row, by, before=told[0], after=told[1])
    if "amount_unit" in differs:
        jobs.enqueue(AMOUNTS, row.pk, label=f"Counting the invoices of {row.name} anew", account=row.account, by=by)


@transaction.atomic
def start_test(connection: Connection, *, by: User) -> Job:
    """Ask a worker what the key is and what it may read. One that waits or runs already is that one."""
    row = _locked(connection, by)
    running = tests_of(row).filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()
    if running:
        return running
    _record("tested", row, by)
    return jobs.enqueue(TEST, row.pk, label=f"Test of {row.name}", account=row.account, by=by)


def tests_of(connection: Connection) -> Any:
    """The jobs that tested it, newest first."""
    return Job.objects.filter(account=connection.account_id, kind=TEST, subject=connection.pk).order_by("-created_at", "-pk")


@transaction.atomic
def remove(connection: Connection, *, by: User) -> None:
    """End it, and forget its secret. What it brought stays."""
    row = _locked(connection, by)
    row.sealed, row.removed_by, row.removed_at = "", by, timezone.now()
    row.save(update_fields=["sealed", "removed_by", "removed_at"])
    for job in tests_of(row).filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]):
        jobs.ask_to_cancel(job)
    _record("removed", row, by, before={"name": row.name, "key": row.hint})


def _locked(connection: Connection, by: User) -> Connection:
    """The connection as it is now, held until the transaction ends. Raises Refused for who may not change it, and for a removed one."""
    row = Connection.objects.select_for_update(of=("self",)).select_related("account", "reseller").get(pk=connection.pk)
    require_admin(by, row)
    if row.removed_at:
        raise Refused(f"“{row.name}” was removed already.")
    return row


def _refuse_bad_key(key: str, secret: str) -> None:
    """What cannot be a key of Huntress'. The sentences name the field, and never what stood in it."""
    for field, text in (("key", key), ("secret", secret)):
        if not text:
            raise Refused(f"Enter the {field}, as the portal shows it.", field=field)
        if not text.isascii() or not text.isprintable() or " " in text:
            raise Refused(f"The {field} has a space or a character that none has. Copy it anew from the portal.", field=field)
    if ":" in key:
        raise Refused("The key has a colon, which none has. Key and secret have a field each.", field="key")
    if key.startswith("hs_") or secret.startswith("hk_"):
        raise Refused("Key and secret have changed places: the key begins with hk_, the secret with hs_.", field="key")


def _hint(key: str) -> str:
    """The end of a key, by which people tell theirs apart; nothing of a short one."""
    return f"…{key[-_HINT:]}" if len(key) >= 3 * _HINT else "…"


def _one_is_enough(account: Account) -> Refused:
    return Refused(f"{account} has a connection to Huntress already. Replace its key, or remove it first.")


def _plain(value: Any) -> Any:
    return value.strftime("%H:%M") if isinstance(value, time) else value


def _record(act: str, row: Connection, by: User, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
    audit.record(f"ingest.connection.{act}", row.name, account=row.account, actor=by, before=before, after=after)
