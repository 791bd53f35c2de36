"""When pulls are due by themselves: at night, and on the last day of a cycle. Beat asks every minute.

A slot is a moment; a pull fills the newest one, so that a machine which slept through ten nights pulls once. A slot of a last day lapses
with the day: the counts of the day after are another cycle's. A connection whose key was refused is pulled all the same: the first part
asks twice and stops the others, and when the key works again, everything goes on without anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.utils import timezone

from accounts.services import Refused
from ingest.huntress import Kind
from ingest.huntress.subjects import subjects_for
from ingest.models import Connection, Pull
from ingest.services import pulls, pumping, rounds, tenant_pulls
from ingest.services.rounds import last_day_of, nightly_slot

log = logging.getLogger(__name__)


def begin_due(now: datetime | None = None) -> int:
    """Begin every pull that is due; returns how many were."""
    now, begun = now or timezone.now(), 0
    known = Connection.objects.filter(removed_at__isnull=True, is_scheduled=True)
    known = known.exclude(provider=Connection.Provider.HUNTRESS, key_kind="").select_related("account")
    busy = set(Pull.objects.filter(ended_at__isnull=True).values_list("connection", flat=True))
    filled = dict(Pull.objects.filter(planned_for__isnull=False).values_list("connection").annotate(newest=Max("planned_for")).order_by())
    for connection in known:
        if connection.pk in busy:
            continue
        try:
            slot = due_slot(connection, filled.get(connection.pk), now)
            if slot is not None:
                _begin(connection, *slot)
                begun += 1
        except Refused as refused:
            log.info("connection %s: %s", connection.pk, refused)
        except Exception:  # one connection must not keep the others waiting
            log.exception("no pull could be begun for connection %s", connection.pk)
    return begun


def due_slot(connection: Connection, filled: datetime | None, now: datetime) -> tuple[datetime, str] | None:
    """The slot that is to be filled, and why; None when the newest is filled, or is older than the connection."""
    slots = [(nightly_slot(connection, now), str(Pull.Why.NIGHTLY))]
    slots += [(moment, str(Pull.Why.LAST_DAY)) for moment in _last_days(connection, now)]
    newest, why = max(slots)
    if newest < connection.added_at or (filled is not None and filled >= newest):
        return None
    return newest, why


def _last_days(connection: Connection, now: datetime) -> Sequence[datetime]:
    """The hours of last days that have come, of the account, or of those of the reseller's accounts that were not read since."""
    if connection.reseller_id:
        return [line.turn.due_at for line in rounds.lines(connection, now) if line.turn.is_due(now)]
    account = connection.account
    due_at, _ = last_day_of(now, ZoneInfo(account.time_zone), account.anniversary_day, connection.last_day_at)
    return [due_at] if due_at <= now else []


def _begin(connection: Connection, slot: datetime, why: str) -> None:
    is_last_day = why == Pull.Why.LAST_DAY
    if connection.provider == Connection.Provider.MICROSOFT:
        tenants = tenant_pulls.tenants_to_pull(connection.account)
        if tenants:
            pull = pulls.begin(connection, tenant_pulls.wanted(connection.account, tenants), why=why, planned_for=slot)
            pumping.pump(pull.pk)
        return
    if connection.reseller_id and is_last_day:
        # The round takes the accounts that are due; with a key that did not work, when it does again.
        wanted = pulls.wanted_of(connection, ["accounts"], "", None) if connection.trouble else []
    else:
        names = [one.name for one in subjects_for(Kind(connection.key_kind), of_account=connection.reseller_id is None)]
        account = None if connection.reseller_id else connection.account
        wanted = pulls.wanted_of(connection, names, "" if account is None else connection.actor_account, account)
    pull = pulls.begin(connection, wanted, why=why, planned_for=slot)
    pumping.pump(pull.pk)
