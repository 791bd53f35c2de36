"""Laws of what came and went, and of counts together."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from recon.engine.live import LiveCounts, together
from recon.engine.turnover import Machine, turnover

MACHINES = st.lists(st.builds(Machine, st.sampled_from(["A", "a", "B ", "c"]), st.sampled_from(["", "S1", "s1", "S2", "0"])), max_size=8)
UNITS = st.none() | st.integers(0, 9)
COUNTS = st.builds(
    LiveCounts.read,
    st.none() | st.frozensets(st.sampled_from(["edr", "itdr", "ispm", "sat", "siem"])),
    agents=UNITS, billable_agents=UNITS, unresponsive_agents=UNITS, identities=UNITS, all_identities=UNITS, learners=UNITS, sources=UNITS,
)  # fmt: skip


@given(MACHINES, MACHINES)
def test_before_and_what_came_less_what_went_is_after(before: list[Machine], after: list[Machine]) -> None:
    found = turnover(before, after)
    assert found.before + len(found.came) - len(found.went) == found.after
    assert (found.before, found.after) == (len(before), len(after))
    assert not Counter(found.came) - Counter(after)
    assert not Counter(found.went) - Counter(before)


@given(MACHINES, MACHINES)
def test_turned_round_who_came_went(before: list[Machine], after: list[Machine]) -> None:
    there, back = turnover(before, after), turnover(after, before)
    assert (len(there.came), len(there.went)) == (len(back.went), len(back.came))


@given(MACHINES)
def test_a_list_against_itself_is_silent(machines: list[Machine]) -> None:
    found = turnover(machines, list(reversed(machines)))
    assert (found.came, found.went) == ((), ())


@given(st.lists(COUNTS, min_size=1, max_size=4))
def test_a_sum_is_of_known_figures_alone(counts: list[LiveCounts]) -> None:
    """Whatever is summed, no unknown is taken for a zero, and what is off adds nothing."""
    found = together(counts)
    for product in ("edr", "itdr", "ispm", "sat", "siem"):
        parts = [one.of(product) for one in counts]
        may_be = [part for one, part in zip(counts, parts, strict=True) if part is not None or not one.is_off(product)]
        assert found.of(product) == (None if not may_be or None in may_be else sum(part for part in may_be if part is not None))
