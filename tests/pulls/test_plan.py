"""Whose turn it is: nobody starves, however few turns a night has and whenever cycles end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.services.plan import Turn, in_turn, span, timetable

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def turn(key: int, *, ends_in: timedelta = 20 * DAY, tried: timedelta | None = DAY, calls: int = 1) -> Turn:
    """Its cycle ends so long after noon, and its last turn was so long before; the hour of the last day is four hours before the end."""
    ends_at = NOON + ends_in
    return Turn(key, ends_at - 4 * HOUR, ends_at, None if tried is None else NOON - tried, calls)


def keys(*turns: Turn) -> list[int]:
    return [one.key for one in in_turn(turns, NOON)]


def test_who_never_had_a_turn_is_the_longest_ago() -> None:
    assert keys(turn(1, tried=DAY), turn(2, tried=9 * DAY), turn(3, tried=None)) == [3, 2, 1]


def test_whose_cycle_ends_soonest_comes_first() -> None:
    assert keys(turn(1, tried=9 * DAY), turn(2, ends_in=30 * HOUR, tried=3 * DAY), turn(3, ends_in=20 * HOUR, tried=3 * DAY)) == [3, 2, 1]


def test_who_is_due_comes_before_who_will_be() -> None:
    will_be = turn(1, ends_in=HOUR * 5, tried=3 * DAY)
    assert keys(will_be, turn(2, ends_in=HOUR * 3, tried=5 * HOUR), turn(3, ends_in=HOUR * 2, tried=None)) == [3, 2, 1]


def test_who_was_read_since_the_hour_is_no_longer_due() -> None:
    read, due = turn(1, ends_in=3 * HOUR, tried=HOUR / 2), turn(2, ends_in=3 * HOUR, tried=2 * HOUR)
    assert [one.is_due(NOON) for one in (read, due)] == [False, True]


def test_of_three_turns_one_is_for_the_longest_ago() -> None:
    ending = [turn(number, ends_in=10 * HOUR, tried=9 * DAY) for number in range(1, 6)]
    assert keys(*ending, turn(8, tried=3 * DAY), turn(9, tried=2 * DAY)) == [1, 2, 8, 3, 4, 9, 5]


def test_a_timetable_is_the_limit_s() -> None:
    order = [turn(1, calls=51), turn(2, calls=102), turn(3)]
    assert timetable(order, NOON, per_minute=51, calls_before=51) == [NOON + timedelta(minutes=one) for one in (1, 2, 4)]
    assert span(0, 51) == timedelta(0)


@given(st.lists(st.tuples(st.integers(0, 60 * 24), st.integers(0, 40 * 24)), max_size=60))
def test_everybody_is_in_the_order_once(accounts: list[tuple[int, int]]) -> None:
    turns = [turn(key, ends_in=ends * HOUR + HOUR, tried=tried * HOUR) for key, (ends, tried) in enumerate(accounts)]
    assert sorted(keys(*turns)) == list(range(len(turns)))


@given(
    st.lists(st.integers(1, 28), min_size=1, max_size=40),
    st.integers(1, 30),
    st.integers(1, 36),
)
def test_nobody_starves(days: list[int], a_night: int, hours_between: int) -> None:
    """Accounts whose cycles end on any days of a month, and nights with room for only so many of them: between two turns of anybody there
    are never more than three times as many turns as there are accounts."""
    now, tried, had = NOON, dict.fromkeys(range(len(days)), None), dict.fromkeys(range(len(days)), 0)
    turns_had = 0
    last: dict[int, datetime | None] = dict(tried)
    for _ in range(3 * len(days) // a_night + 60):
        order = in_turn([_monthly(key, day, now, last[key]) for key, day in enumerate(days)], now)
        for place, one in enumerate(order[:a_night]):
            turns_had += 1
            assert turns_had - had[one.key] <= 3 * len(days) + 3
            had[one.key] = turns_had
            last[one.key] = now + timedelta(seconds=place + 1)
        now += hours_between * HOUR
    for key in had:
        assert turns_had - had[key] <= 3 * len(days) + 3


def _monthly(key: int, day: int, now: datetime, tried: datetime | None) -> Turn:
    end = datetime(now.year, now.month, day, tzinfo=UTC)
    if end <= now:
        end = datetime(now.year + now.month // 12, now.month % 12 + 1, day, tzinfo=UTC)
    return Turn(key, end - 4 * HOUR, end, tried)
