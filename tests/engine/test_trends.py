"""Two alarms: a count that will not go down, and identities that creep with nothing behind them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.engine.trends import LEAST_UNITS, LONG_RUN, SHORT_RUN, Counts, creeps, will_not_go_down

FIGURE = st.one_of(st.none(), st.integers(0, 200))
ROWS = st.integers(0, 12).flatmap(lambda size: st.tuples(*(st.lists(FIGURE, min_size=size, max_size=size) for _ in range(3))))
FLAT = [44] * 5


@pytest.mark.parametrize(
    ("billed", "expected", "units", "cycles"),
    [
        ([44, 46, 48, 50, 52], FLAT, 8, 4),  # the first one agreed
        ([31, 31, 31, 31, 31], [31, 31, 26, 26, 26], 5, 3),  # flat, and what was expected went down
        ([40, 42, 44, 46, 48, 50], [None] * 6, 10, 6),
    ],
)
def test_a_count_that_will_not_go_down(billed: Counts, expected: Counts, units: int, cycles: int) -> None:
    found = will_not_go_down(billed, expected)
    assert found is not None
    assert (found.units, found.cycles) == (units, cycles)


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        ([44, 46, 48, 50, 52], [44, 46, 48, 50, 52]),  # it grows as expected
        ([44, 46, 48, 47, 52], FLAT),  # it went down two cycles ago
        ([52, 52], [44, 44]),  # too short
        ([200, 200, 200], [197, 197, 197]),  # three of two hundred
        ([46, 46, 46], FLAT[:3]),  # two
        ([44, 46, None, 50, 52], FLAT),  # a gap ends the run
        ([40, 42, 44, 46, 48], [None] * 5),  # nothing to hold it against, and not for long
        ([40] * 8, [None] * 8),
        ([44, 46, 48, 50, None], FLAT),
    ],
)
def test_no_alarm_of_agents(billed: Counts, expected: Counts) -> None:
    assert will_not_go_down(billed, expected) is None


@pytest.mark.parametrize(
    ("identities", "agents", "expected"),
    [
        ([88, 94, 100, 106], [64, 64, 65, 64], [88] * 4),
        ([88, 94, 100, 106], [None] * 4, [88] * 4),
        ([88, 94, 100, 106], [64] * 4, [None] * 4),
        ([88, 90, 92, 94, 96, 98], [None] * 6, [None] * 6),
    ],
)
def test_identities_creep(identities: Counts, agents: Counts, expected: Counts) -> None:
    found = creeps(identities, agents, expected)
    assert found is not None
    assert found.units == (identities[-1] or 0) - (identities[0] or 0)


@pytest.mark.parametrize(
    ("identities", "agents", "expected"),
    [
        ([88, 94, 100, 106], [64, 70, 76, 82], [88] * 4),  # machines are behind it
        ([88, 94, 100, 106], [64] * 4, [88, 94, 100, 106]),  # hiring is
        ([88, 94, 100, 106], [None] * 4, [None] * 4),  # nothing says, and not for long
        ([0, 15, 15, 15], [64] * 4, [None] * 4),  # it was switched on
        ([88, 94, 93, 93], [64] * 4, [88] * 4),
        ([106] * 4, [64] * 4, [88] * 4),
    ],
)
def test_no_alarm_of_identities(identities: Counts, agents: Counts, expected: Counts) -> None:
    assert creeps(identities, agents, expected) is None


@given(ROWS)
def test_an_alarm_is_of_a_run_that_never_goes_down(rows: tuple[list[int | None], ...]) -> None:
    billed, agents, expected = rows
    for found in (will_not_go_down(billed, expected), creeps(billed, agents, expected)):
        if found:
            run = [count for count in billed[-found.cycles :] if count is not None]
            assert len(run) == found.cycles >= SHORT_RUN
            assert all(one <= following for one, following in pairwise(run))
            assert (run[0], run[-1]) == (found.first, found.last)
            assert found.units >= LEAST_UNITS


@given(ROWS)
def test_with_nothing_beside_it_only_a_long_run_is_told(rows: tuple[list[int | None], ...]) -> None:
    billed, nothing = rows[0], [None] * len(rows[0])
    for found in (will_not_go_down(billed, nothing), creeps(billed, nothing, nothing)):
        assert found is None or found.cycles >= LONG_RUN


@given(ROWS)
def test_a_count_that_is_what_was_expected_is_never_an_alarm(rows: tuple[list[int | None], ...]) -> None:
    assert will_not_go_down(rows[0], rows[0]) is None or None in rows[0]
    assert creeps(rows[0], rows[1], rows[0]) is None or None in rows[0]
