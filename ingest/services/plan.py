"""Whose turn it is, among the accounts of a reseller. Pure: no database, no clock.

There are two lanes. In the first are the accounts whose cycle is about to end and that were not read since: soonest end first. In the
second are all others, longest ago first. Of three turns the first lane has two, so that however many cycles end, nobody starves: with n
accounts, each has its turn at the latest after 3n turns of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: From so long before its end a cycle is about to end.
AHEAD: Final = timedelta(hours=48)
_OF_THE_FIRST: Final = 2
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """One account. ``due_at`` is the hour of its cycle's last day from which its counts are wanted, ``ends_at`` the cycle's end.

    ``tried_at`` is when it last had its turn, whatever came of it: by what came of it, one that always fails would always be first.
    ``calls`` is how many it is expected to take.
    """

    key: int
    due_at: datetime
    ends_at: datetime
    tried_at: datetime | None
    calls: int = 1

    def is_due(self, now: datetime) -> bool:
        """Whether it is the last day, past the hour, and it was not read since then."""
        return self.due_at <= now < self.ends_at and (self.tried_at or _NEVER) < self.due_at

    def is_ending(self, now: datetime) -> bool:
        """Whether its cycle is about to end and it was not read since that began, or is due."""
        return self.is_due(now) or (self.ends_at - AHEAD <= now < self.ends_at and (self.tried_at or _NEVER) < self.ends_at - AHEAD)


def in_turn(turns: Sequence[Turn], now: datetime) -> list[Turn]:
    """All of them, in the order in which they have their turn."""
    ending = sorted((one for one in turns if one.is_ending(now)), key=lambda one: (not one.is_due(now), one.ends_at, _longest_ago(one)))
    others = sorted((one for one in turns if not one.is_ending(now)), key=_longest_ago)
    return list(_interleaved(ending, others))


def _longest_ago(turn: Turn) -> tuple[datetime, int]:
    return (turn.tried_at or _NEVER, turn.key)


def _interleaved(first: Sequence[Turn], second: Sequence[Turn]) -> Iterator[Turn]:
    others = iter(second)
    for start in range(0, len(first), _OF_THE_FIRST):
        yield from first[start : start + _OF_THE_FIRST]
        yield from (one for one in [next(others, None)] if one)
    yield from others


def timetable(order: Sequence[Turn], now: datetime, *, per_minute: int, calls_before: int = 0) -> list[datetime]:
    """About when each begins, where the limit is all that takes time. ``calls_before`` are still to be made before the first."""
    when, calls = [], calls_before
    for turn in order:
        when.append(now + span(calls, per_minute))
        calls += turn.calls
    return when


def span(calls: int, per_minute: int) -> timedelta:
    """How long so many calls take at the least.

    >>> span(102, 51)
    datetime.timedelta(seconds=120)
    """
    return timedelta(minutes=calls / per_minute)
