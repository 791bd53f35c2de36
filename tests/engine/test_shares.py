"""One quantity for several customers: whole units, none negative, exactly the whole, in whatever order the parts come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.engine import split

PARTS = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 10_000), min_size=1, max_size=7)
WHOLES = st.one_of(st.integers(0, 20), st.integers(0, 10**13))


@given(WHOLES, PARTS)
def test_the_parts_add_up_to_the_whole_and_none_is_negative(whole: int, parts: dict[str, int]) -> None:
    found = split(whole, parts)
    assert found.keys() == parts.keys()
    assert sum(found.values()) == whole
    assert min(found.values()) >= 0


@given(WHOLES, PARTS)
def test_nobody_is_further_than_one_unit_from_their_exact_part(whole: int, parts: dict[str, int]) -> None:
    of = sum(parts.values())
    assert all(abs(units * of - whole * parts[name]) < of for name, units in split(whole, parts).items())


@given(WHOLES, PARTS, st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_matter(whole: int, parts: dict[str, int], random: Any) -> None:
    assert split(whole, {name: parts[name] for name in random.sample(sorted(parts), len(parts))}) == split(whole, parts)


@given(PARTS)
def test_zero_stays_zero_for_each(parts: dict[str, int]) -> None:
    assert set(split(0, parts).values()) == {0}


@pytest.mark.parametrize(("whole", "parts"), [(-1, {"a": 1}), (3, {}), (3, {"a": 1, "b": 0})])
def test_what_cannot_be_shared_out_is_refused(whole: int, parts: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        split(whole, parts)
