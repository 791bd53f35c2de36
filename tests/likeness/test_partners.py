"""The few partners of each of many names."""

from __future__ import annotations

import random

import pytest

from accounts.likeness import Crowd, Partner, certainty, compare, partners
from tests.likeness.making import strangers
from tests.likeness.measure import labelled, searched

CROWD = strangers(600, but=(), seed=3)


def test_ties_come_by_place_and_nothing_under_the_least() -> None:
    among = ["Tin Lantern Ltd", "Emberline", "Tin Lantern", "TIN LANTERN", *CROWD]
    assert partners(["Tin Lantern"], among) == [[Partner(0, 100), Partner(2, 100), Partner(3, 100)]]
    assert partners(["Tin Lantern"], among, keep=1) == [[Partner(0, 100)]]
    assert partners(["Wholly Otherwise"], among) == [[]]
    assert partners(["Tin Lantern"], []) == [[]]
    assert partners([], among) == []


@pytest.mark.parametrize(
    ("name", "partner"),
    [
        ("IWMS", "Ivel Widget Makers Society"),
        ("Emberline", "Old Forge Media Productions Limited (now Emberline)"),
        ("Zealcombe", "Zealcombe Ceramics Company"),
        ("DataForge Inc.", "Data Forge"),
        ("Lindqvist Vermeer Whitlock Optics", "Optics Vermeer Lindqvist Whitlock LLP"),
    ],
)
def test_the_cheap_look_does_not_miss(name: str, partner: str) -> None:
    found = partners([name], [*CROWD, partner])[0]
    assert found
    assert found[0].place == len(CROWD)


def test_it_does_not_depend_on_the_order_of_names() -> None:
    asked, among = strangers(150, but=(), seed=4), [*CROWD, *strangers(150, but=(), seed=4)[:100]]
    straight = dict(zip(asked, ({(among[found.place], found.score) for found in each} for each in partners(asked, among)), strict=True))
    mixed_asked, mixed = random.Random(5).sample(asked, len(asked)), random.Random(6).sample(among, len(among))
    found = partners(mixed_asked, mixed)
    for name, each in zip(mixed_asked, found, strict=True):
        # Of names that score the same as the last one kept, either may be kept: those above it may not differ.
        last = min((partner.score for partner in each), default=0)
        assert {(mixed[partner.place], partner.score) for partner in each if partner.score > last} == {
            pair for pair in straight[name] if pair[1] > last
        }
        assert [partner.score for partner in each] == sorted((score for _, score in straight[name]), reverse=True)


def test_the_best_of_a_crowd_is_the_best_of_all() -> None:
    """Against looking dearly at every pair, on pairs of the labelled set that are the same customer."""
    among = searched()[:1_000]
    asked = [pair.one for pair in labelled() if pair.label == "same"][::50]
    crowd = Crowd([*asked, *among])
    for name, found in zip(asked, partners(asked, among), strict=True):
        best = max(compare(name, other, crowd=crowd).score for other in among)
        assert (found[0].score if found else 0) == (best if best >= 60 else 0)


def test_scores_are_those_of_the_comparison() -> None:
    asked = CROWD[:40]
    crowd = Crowd([*asked, *CROWD[40:]])
    for name, found in zip(asked, partners(asked, CROWD[40:], least=50), strict=True):
        for partner in found:
            assert partner.score == compare(name, CROWD[40:][partner.place], crowd=crowd).score


def test_certainty_wants_a_score_and_a_margin() -> None:
    assert certainty(97, 26) == "very likely"
    assert certainty(97, 2) == "possible"
    assert certainty(100, 0) == "possible"
    assert certainty(85, 85) == "likely"
    assert certainty(65, 65) == "possible"
