"""The rounds of a reseller's connection: account after account, in a fair order that is made anew for every few of them.

A round begins with the reseller's own lists and takes accounts until each has had its turn, or until the next round begins: who was not
reached then is the longest ago, and first in it. Only the next few accounts have parts, so that an account whose last day comes is not
behind thousands that were planned before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.calendar import cycle_containing
from ingest.huntress import Kind
from ingest.huntress.limiter import Rules
from ingest.huntress.subjects import subjects_for
from ingest.models import Connection, Pull, PullPart, ResellerAccount
from ingest.services import plan

State = PullPart.State
#: Accounts that are given parts at once: few, so that the order is never old.
_AT_ONCE: Final = 8
#: So long a round waits for the reseller's accounts to be taken in before it goes on with those that are known.
_SETTLING: Final = timedelta(minutes=2)
_SUBJECTS: Final = tuple(one.name for one in subjects_for(Kind.RESELLER, of_account=True))
_WHOLE: Final = tuple(one.name for one in subjects_for(Kind.RESELLER, of_account=False))
_TURN: Final = _SUBJECTS[0]
_USUAL_CALLS: Final = 4
_FIELDS: Final = (
    "pk", "account", "external_id", "account__name", "account__time_zone", "account__anniversary_day", "tried_at", "whole_at",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One account in the plan. ``whole_at`` is its last whole pull; ``took`` the calls of each subject, as far as they are known."""

    turn: plan.Turn
    account: int
    external_id: str
    name: str
    whole_at: datetime | None
    took: Mapping[str, int]


def per_minute(connection: Connection) -> int:
    """The calls a minute that are ours."""
    rules = Rules(for_others=connection.left_to_others)
    return rules.ours(rules.limit)


def last_day_of(now: datetime, zone: ZoneInfo, anniversary_day: int, at: time) -> tuple[datetime, datetime]:
    """The hour on the last day of the running cycle, and the cycle's end; both where the account is."""
    cycle = cycle_containing(now.astimezone(zone).date(), anniversary_day)
    return datetime.combine(cycle.last_day, at, zone), datetime.combine(cycle.end, time(), zone)


def lines(connection: Connection, now: datetime | None = None) -> list[Line]:
    """Every account that the reseller's key is to read: those that somebody said are ours, and that have no key of their own."""
    now = now or timezone.now()
    asked = PullPart.objects.filter(account=OuterRef("account"), subject=_TURN, began_at__isnull=False)  # else it had no turn
    ended = asked.filter(ended_at__isnull=False).order_by("-ended_at")
    whole = ended.filter(state=State.WHOLE)
    own = Connection.objects.filter(account=OuterRef("account"), provider="huntress", reseller__isnull=True, removed_at__isnull=True)
    found = (
        ResellerAccount.objects.filter(reseller=connection.reseller_id, account__isnull=False, gone_at__isnull=True)
        .exclude(Exists(own))
        .annotate(tried_at=Subquery(ended.values("ended_at")[:1]), whole_at=Subquery(whole.values("ended_at")[:1]))
        .annotate(**{f"took_{name}": _took(name) for name in _SUBJECTS})
        .values_list(*_FIELDS, *(f"took_{name}" for name in _SUBJECTS))
    )
    ends: dict[tuple[str, int], tuple[datetime, datetime]] = {}
    made = []
    for pk, account, external_id, name, zone, day, tried_at, whole_at, *took in found:
        if (zone, day) not in ends:
            ends[zone, day] = last_day_of(now, ZoneInfo(zone), day, connection.last_day_at)
        calls = dict(zip(_SUBJECTS, (one or 0 for one in took), strict=True))
        turn = plan.Turn(pk, *ends[zone, day], tried_at, sum(calls.values()) or _USUAL_CALLS)
        made.append(Line(turn, account, external_id, name, whole_at, calls))
    return made


def _took(subject: str) -> Subquery:
    whole = PullPart.objects.filter(account=OuterRef("account"), subject=subject, state=State.WHOLE, ended_at__isnull=False)
    return Subquery(whole.order_by("-ended_at").values("pages")[:1])


def ordered(found: Iterable[Line], now: datetime) -> list[Line]:
    """In the order of their turns."""
    by_key = {line.turn.key: line for line in found}
    return [by_key[turn.key] for turn in plan.in_turn([line.turn for line in by_key.values()], now)]


def waiting_in(pull: Pull, found: Sequence[Line], now: datetime) -> list[Line]:
    """Who still has a turn in a pull, in order: not had it since the pull began, or due; and not among its open parts."""
    busy = set(PullPart.objects.filter(pull=pull, state__in=PullPart.OPEN, account__isnull=False).values_list("account", flat=True))
    return ordered([line for line in found if line.account not in busy and _has_turn(pull, line.turn, now)], now)


def _has_turn(pull: Pull, turn: plan.Turn, now: datetime) -> bool:
    if pull.why == Pull.Why.LAST_DAY:
        return turn.is_due(now)
    return turn.tried_at is None or turn.tried_at < pull.created_at or turn.is_due(now)


# --- feeding a pull ---


@dataclass(frozen=True)
class Batch:
    """The next parts of a pull, planned when it had parts up to ``last``."""

    last: int
    parts: Sequence[Mapping[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.parts)


def next_parts(pull_id: int) -> Batch | None:
    """The parts of the next few accounts; none when the round is over, None when that cannot be said yet. Outside of any transaction."""
    pull = Pull.objects.select_related("connection__account").get(pk=pull_id)
    parts = PullPart.objects.filter(pull=pull)
    last = parts.aggregate(last=Max("number"))["last"] or 0
    if not goes_round(pull, parts):
        return Batch(last, ())
    if _is_settling(parts):
        return None
    now = timezone.now()
    chosen = waiting_in(pull, lines(pull.connection, now), now)[:_AT_ONCE]
    return Batch(last, [_part(line, subject) for line in chosen for subject in _SUBJECTS])


def add(pull_id: int, batch: Batch) -> bool:
    """Give a pull its next parts; False when it was given others meanwhile."""
    with transaction.atomic():
        pull = Pull.objects.select_for_update(of=("self",)).get(pk=pull_id)
        last = PullPart.objects.filter(pull=pull).aggregate(last=Max("number"))["last"] or 0
        if last != batch.last or pull.ended_at or pull.cancelled_by_id:
            return False
        PullPart.objects.bulk_create(PullPart(pull=pull, number=number, **one) for number, one in enumerate(batch.parts, start=last + 1))
    return True


def goes_round(pull: Pull, parts: QuerySet[PullPart] | None = None) -> bool:
    """Whether a pull takes accounts: a scheduled one of a reseller, or one in which everything was asked for, until the next is due.

    A key that does not work, and a person who cancelled, end the round.
    """
    connection = pull.connection
    if connection.reseller_id is None or connection.removed_at or pull.cancelled_by_id:
        return False
    if connection.trouble or not connection.key_kind:
        return False
    if pull.why == Pull.Why.ASKED:
        parts = PullPart.objects.filter(pull=pull) if parts is None else parts
        if set(parts.filter(account__isnull=True).values_list("subject", flat=True).order_by()) != set(_WHOLE):
            return False
    return not connection.is_scheduled or nightly_slot(connection) <= pull.created_at


def nightly_slot(connection: Connection, now: datetime | None = None) -> datetime:
    """The newest moment at which a nightly pull was to begin, at the connection's hour where its account is.

    Compared in UTC: by the clock alone, an hour that a change of the clock leaves out would have come before its moment.
    """
    zone, now = ZoneInfo(connection.account.time_zone), now or timezone.now()
    day = now.astimezone(zone).date()
    today, yesterday = (datetime.combine(one, connection.nightly_at, zone) for one in (day, day - timedelta(days=1)))
    return today if today.astimezone(UTC) <= now.astimezone(UTC) else yesterday


def _is_settling(parts: QuerySet[PullPart]) -> bool:
    """Whether the list of accounts is still being read or taken in: who is new in it would miss this round."""
    found = parts.filter(subject="accounts", account__isnull=True).order_by("-number").first()
    if found is None or found.settled_at:
        return False
    if found.state in PullPart.OPEN or found.ended_at is None:
        return True
    return found.state in (State.WHOLE, State.PARTIAL) and timezone.now() - found.ended_at < _SETTLING


def _part(line: Line, subject: str) -> dict[str, Any]:
    return {"subject": subject, "account_id": line.account, "external_id": line.external_id, "expected_calls": line.took[subject] or 1}
