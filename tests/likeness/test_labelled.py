"""The goals, on either half: the partner first, *very likely* hardly ever wrong. docs/matching.md says how far half b was kept apart."""

from __future__ import annotations

from collections import Counter

import pytest

from accounts.names import normalise
from tests.likeness.making import bare
from tests.likeness.measure import STRANGERS, labelled, measure, searched


def test_the_set_is_large_and_the_crowd_larger() -> None:
    counts = Counter((pair.half, pair.label) for pair in labelled())
    assert min(count for (half, _), count in counts.items() if half in ("a", "b")) >= 200
    assert counts["blind", "same"] >= 180
    assert counts["blind", "different"] >= 120
    assert sum(counts.values()) >= 1_000
    assert STRANGERS >= 3_000
    assert len(searched()) == len(set(searched()))


def test_no_name_is_labelled_two_ways() -> None:
    """A look-alike's name is nobody's partner elsewhere, or the label would be wrong. (A bare trade is many people's look-alike.)"""
    same = {bare(name) for pair in labelled() if pair.label == "same" for name in (pair.one, pair.other)}
    different = {bare(name) for pair in labelled() if pair.label == "different" for name in (pair.one, pair.other)}
    assert not same & different


def test_no_stranger_is_one_of_the_set() -> None:
    own = {normalise(name) for pair in labelled() for name in (pair.one, pair.other)}
    partners = {pair.other for pair in labelled()}
    assert not [name for name in searched() if name not in partners and normalise(name) in own]


@pytest.mark.parametrize(("half", "least"), [("a", 200), ("b", 200), ("blind", 100), ("later", 40)])
def test_the_partner_comes_first_and_very_likely_is_right(half: str, least: int) -> None:
    """``blind`` was blind once: the scorer has been mended by its mistakes since. ``later`` misses the goal of 95%, as the docs say.

    Of so few very likely none may be wrong.
    """
    figures = measure(half)
    assert figures.first / figures.same >= (0.90 if half == "later" else 0.95), figures.lines()
    assert figures.marked["very likely"] >= least, "too few to say anything of"
    assert figures.wrong["very likely"] * 200 <= figures.marked["very likely"], figures.lines()
