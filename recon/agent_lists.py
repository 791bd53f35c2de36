"""Which agent list speaks: the one that serves a cycle, or the newest of the account, and what day it is of.

An upload and a pull end in the same rows, so whoever needs *the* agents of an account or a cycle asks here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, Max, Q, QuerySet, When

from accounts.models import Account, BillingCycle
from ingest.models import AgentLine, LegInput, SourceFile
from recon.models import Sweep

_A_DAY = timedelta(days=1)


def newest_list(account: Account) -> LegInput | None:
    """The list of the latest cycle that has one."""
    return _current(account).order_by("-cycle__start").first()


def list_of(cycle: BillingCycle) -> LegInput | None:
    """The list that serves a cycle; where it has none and is the latest on record, the account's newest: an old month is never looked at
    with the agents of today, and today never with nothing."""
    is_its_own = Case(When(cycle=cycle, then=1), default=0)
    found = _current(cycle.account_id).order_by(is_its_own.desc(), "-cycle__start").first()
    if found is None or found.cycle_id == cycle.pk:
        return found
    return None if BillingCycle.objects.filter(account=cycle.account_id, start__gt=cycle.start).exists() else found


def _current(account: Account | int) -> QuerySet[LegInput]:
    lists = LegInput.objects.filter(cycle__account=account, leg="agents", ended_at__isnull=True, source_file__state="imported")
    return lists.select_related("source_file", "cycle__account", "sweep__compared_with__given__source_file")


def pulled_at(given: LegInput) -> datetime | None:
    """When the last answer of a pulled list came, in the account's time zone; None for a list of another form."""
    said = given.source_file.preview.get("answered_at")
    return datetime.fromisoformat(said).astimezone(ZoneInfo(given.cycle.account.time_zone)) if said else None


def day_of(given: LegInput) -> tuple[date, str]:
    """The day that a list is of, in the account's time zone, and how that is known: as stated; of an archive of answers, as those came;
    else the newest check-in in it.

    A check-in of the day after the list came, or later, is a clock that is wrong.
    """
    if given.as_of:
        return given.as_of, Sweep.Because.STATED
    if pulled := pulled_at(given):
        return pulled.date(), Sweep.Because.ARRIVED
    zone, came = ZoneInfo(given.cycle.account.time_zone), given.source_file.received_at
    seen = AgentLine.objects.filter(source_file=given.source_file_id, last_seen__lte=came + _A_DAY).aggregate(newest=Max("last_seen"))
    if seen["newest"] is None:
        return came.astimezone(zone).date(), Sweep.Because.ARRIVED
    return min(seen["newest"], came).astimezone(zone).date(), Sweep.Because.NEWEST


def earlier_sweep(sweep: Sweep, as_of: date) -> Sweep | None:
    """The newest whole list of an earlier day that was looked through, one that was replaced since included, and one withdrawn not."""
    stands = Q(given__ended_at__isnull=True) | Q(given__superseded_by__isnull=False)
    known = Sweep.objects.filter(stands, account=sweep.account_id, run__gt=0, as_of__lt=as_of, has_check_ins=True)
    known = known.filter(given__source_file__state=SourceFile.State.IMPORTED, given__partial=False).exclude(pk=sweep.pk)
    return known.select_related("given__source_file").order_by("-as_of", "-pk").first()
