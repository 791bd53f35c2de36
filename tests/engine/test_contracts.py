"""A contract's arithmetic: nothing is lost between actual and billable, a run-rate is a straight line, and gaps are no zeros."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.calendar import Cycle, cycle_containing, next_cycle
from recon.engine.contracts import LEAST_CYCLES, Outlook, Step, Terms, billable, outlook, over, run_rate, shortfall

UNITS = st.integers(0, 10**7)
COUNTS = st.lists(st.one_of(st.none(), UNITS), max_size=12)
KNOWN = st.lists(UNITS, min_size=LEAST_CYCLES, max_size=12)
TERMS = Terms(date(2026, 2, 14), date(2027, 2, 14), 100, 2_900_000)


def cycles(count: int, day: int = 14) -> list[Cycle]:
    found = [cycle_containing(date(2025, 12, 14), day)]
    while len(found) < count:
        found.append(next_cycle(found[-1], day))
    return found[:count]


def laid(counts: list[int | None], terms: Terms = TERMS, until: date | None = None) -> Outlook:
    return outlook(terms, list(zip(cycles(len(counts)), counts, strict=True)), 14, until)


# --- billable is not actual


@st.composite
def usage(draw: st.DrawFn) -> tuple[int, int, int]:
    actual = draw(UNITS)
    return draw(UNITS), actual, draw(st.integers(0, actual))


@given(usage())
def test_what_is_charged_is_what_is_there_and_the_shortfall_less_what_is_not_billable(given: tuple[int, int, int]) -> None:
    minimum, actual, free = given
    assert billable(minimum, actual, free) == actual + shortfall(minimum, actual, free) - free


@given(st.lists(st.tuples(UNITS, UNITS), max_size=20))
def test_it_holds_for_sums(given: list[tuple[int, int]]) -> None:
    assert sum(billable(m, a) for m, a in given) == sum(a for _, a in given) + sum(shortfall(m, a) for m, a in given)


@given(usage(), st.integers(1, 1000))
def test_figures_are_never_negative_and_move_one_way(given: tuple[int, int, int], more: int) -> None:
    minimum, actual, free = given
    assert shortfall(minimum, actual, free) >= 0
    assert over(minimum, actual, free) >= 0
    assert shortfall(minimum, actual, free) == 0 or over(minimum, actual, free) == 0
    assert billable(minimum, actual, free) >= minimum
    assert shortfall(minimum, actual + more, free) <= shortfall(minimum, actual, free) <= shortfall(minimum + more, actual, free)
    assert billable(minimum, actual + more, free) >= billable(minimum, actual, free)


def test_the_vendors_own_example() -> None:
    assert (billable(400, 300), shortfall(400, 300)) == (400, 100)


@pytest.mark.parametrize(("actual", "free"), [(5, 6), (5, -1)])
def test_more_than_there_is_cannot_be_free(actual: int, free: int) -> None:
    with pytest.raises(ValueError, match="From 0 up to 5 units can be non-billable"):
        shortfall(1, actual, free)


# --- the run-rate


@given(COUNTS)
def test_two_counts_make_no_line_and_no_line_goes_below_zero(counts: list[int | None]) -> None:
    rate = run_rate(counts)
    assert (rate is None) == (sum(count is not None for count in counts) < LEAST_CYCLES)
    if rate:
        assert all(rate.units(place) >= 0 for place in range(80))


@given(KNOWN)
def test_it_goes_one_way(counts: list[int]) -> None:
    rate = run_rate(counts)
    assert rate is not None
    drawn = [rate.units(place) for place in range(80)]
    assert drawn in (sorted(drawn), sorted(drawn, reverse=True))


@given(KNOWN, st.integers(1, 10**6))
def test_more_in_the_newest_cycle_never_lowers_what_is_ahead(counts: list[int], more: int) -> None:
    before, after = run_rate(counts), run_rate([*counts[:-1], counts[-1] + more])
    assert before is not None
    assert after is not None
    assert all(after.units(place) >= before.units(place) for place in range(len(counts), len(counts) + 24))


@given(st.integers(0, 10**6), st.integers(0, 1000), st.integers(3, 12), st.data())
def test_counts_on_a_line_are_that_line_whatever_is_missing(start: int, step: int, count: int, data: st.DataObject) -> None:
    line: list[int | None] = [start + step * place for place in range(count)]
    for place in data.draw(st.sets(st.integers(0, count - 1), max_size=count - LEAST_CYCLES)):
        line[place] = None
    rate = run_rate(line)
    assert rate is not None
    assert [rate.units(place) for place in range(40)] == [start + step * place for place in range(40)]


@given(KNOWN, st.integers(0, 10**6))
def test_as_many_more_in_each_cycle_are_as_many_more_ahead(counts: list[int], more: int) -> None:
    before, after = run_rate(counts), run_rate([count + more for count in counts])
    assert before is not None
    assert after is not None
    assert after.per_cycle == before.per_cycle
    assert after.start == before.start + more


# --- terms


def test_a_step_changes_the_minimum_from_its_day_on_and_the_cost_where_it_says_one() -> None:
    terms = Terms(
        date(2026, 2, 14), date(2027, 2, 14), 100, 2_900_000, steps=(Step(date(2026, 8, 1), 150), Step(date(2026, 5, 1), 120, 2_500_000))
    )
    days = [date(2026, 2, 14), date(2026, 4, 30), date(2026, 5, 1), date(2026, 7, 31), date(2026, 8, 1)]
    assert [terms.minimum_on(day) for day in days] == [100, 100, 120, 120, 150]
    assert [terms.cost_on(day) for day in days] == [2_900_000, 2_900_000, 2_500_000, 2_500_000, 2_500_000]


def test_one_that_renews_by_itself_holds_on() -> None:
    ends = Terms(date(2026, 2, 14), date(2027, 2, 14), 100)
    goes_on = Terms(date(2026, 2, 14), date(2027, 2, 14), 100, auto_renew=True)
    days = [date(2026, 2, 13), date(2026, 2, 14), date(2027, 2, 13), date(2027, 2, 14)]
    assert [ends.holds_on(day) for day in days] == [False, True, True, False]
    assert [goes_on.holds_on(day) for day in days] == [False, True, True, True]


# --- a contract over its cycles


def test_the_last_day_of_a_cycle_tells_the_minimum() -> None:
    """The first cycle of the tests ends on 14 January: before the contract. A step on the 13th holds in the cycle that ends on the 14th."""
    terms = Terms(date(2026, 2, 13), date(2027, 2, 14), 100, steps=(Step(date(2026, 3, 14), 110),))
    assert [slot.minimum for slot in laid([90] * 5, terms).past] == [None, 100, 100, 110, 110]


def test_the_run_rate_ends_with_the_last_cycle_before_the_renewal() -> None:
    found = laid([90, 92, 94, 96])
    assert [slot.actual for slot in found.ahead] == list(range(98, 118, 2))
    assert found.ahead[-1].cycle.end == date(2027, 2, 14)
    assert all(slot.is_ahead for slot in found.ahead)


@given(COUNTS)
def test_gaps_are_no_zeros_and_sums_take_each_cycle_once(counts: list[int | None]) -> None:
    found = laid(counts)
    under = [slot for slot in found.past if slot.minimum is not None]
    short, beyond = found.short_of(found.past), found.beyond(found.past)
    known = [slot.actual for slot in under if slot.actual is not None]
    assert short.gaps == len(under) - len(known)
    assert beyond.units - short.units == sum(known) - 100 * len(known)
    assert short.money == short.units * 2_900_000
    assert all((slot.shortfall is None) == (slot.actual is None) for slot in under)


def test_what_has_no_cost_has_units_and_no_money() -> None:
    found = laid([90, 90, 90, 90], Terms(date(2025, 12, 14), date(2027, 2, 14), 100))
    assert (found.short_of(found.past).units, found.short_of(found.past).money) == (40, None)
    assert found.beyond(found.past).money == 0  # nothing costs nothing, whatever a unit costs


@pytest.mark.parametrize(
    ("counts", "standing", "steadily"),
    [
        ([], "unknown", 0),
        ([120, 120, 120, 120], "unknown", 0),  # the first two are before the contract
        ([120, 120, 120, 120, 120], "over", 3),
        ([90, 90, 90, 90, 90], "under", -3),
        ([0, 0, 120, None, 120, 120], "unknown", 0),
        ([120, 120, 120, 120, 120, None], "over", 3),  # the newest report has not come yet
        ([80, 84, 88, 92, 96], "rising", -3),
        ([120, 116, 112, 108, 104], "falling", 3),
        ([100, 100, 100, 100, 100], "near", 0),
        ([101, 99, 101, 99, 101], "near", 0),
    ],
)
def test_where_it_stands(counts: list[int | None], standing: str, steadily: int) -> None:
    terms = TERMS if counts[:1] != [101] else Terms(TERMS.start, date(2026, 6, 14), 100)
    found = laid(counts, terms)
    assert (found.standing, found.steadily) == (standing, steadily)


def test_what_takes_its_place_ends_it() -> None:
    found = laid([90, 90, 90, 90, 90], until=date(2026, 5, 1))
    assert [slot.minimum for slot in found.past] == [None, None, 100, 100, None]
    assert not found.ahead
