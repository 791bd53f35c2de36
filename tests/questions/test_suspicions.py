"""What is suspected, kind by kind, and what is not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.engine.fallback_keys import PATTERNS, is_fallback
from recon.engine.suspicion import Suspicion, pairs_of, settled, topic_of
from recon.engine.suspicions import detect
from tests.questions.making import CYCLE, Who, found, months, told

STEADY = Who("Cobble Lane Florists", 8, 8, id="900")


# --- renamed


def test_the_same_id_under_another_name_is_an_exact_rename() -> None:
    one = found(Who("Lowe Ferris Partners", 9, 9, id="54", was="Fenwick Lowe"), STEADY)["Lowe Ferris Partners"]
    assert (one.kind, one.candidate, one.is_exact, one.is_blocking, one.before) == ("renamed", 1, True, False, "Fenwick Lowe")
    assert one.reasons == (("The same id, and another name: Fenwick Lowe before", 100),)


@pytest.mark.parametrize("was", ["LOWE FERRIS PARTNERS", "Lowe-Ferris Partners"])
def test_another_spelling_is_no_rename(was: str) -> None:
    assert told(Who("Lowe Ferris Partners", 9, 9, id="54", was=was)) == {}


def test_the_same_key_under_another_id_is_exact_whatever_the_names() -> None:
    said = found(Who("Fenwick Lowe", None, 9, key="fenwick", id="54"), Who("Quorn Advisory", 9, key="fenwick", id="78"), STEADY)
    assert list(said) == ["Quorn Advisory"]
    one = said["Quorn Advisory"]
    assert (one.kind, one.candidate, one.is_exact, one.score) == ("renamed", 1, True, 100)


def test_one_gone_and_one_come_alike_in_name_and_counts() -> None:
    one = found(Who("Garrowby Glass", None, 18), Who("Garrowby Glazing", 18), STEADY)["Garrowby Glazing"]
    assert (one.kind, one.candidate, one.is_exact, one.is_blocking) == ("renamed", 1, False, True)
    assert ("The same counts: EDR 18", 10) in one.reasons
    assert sum(points for _, points in one.reasons) == one.score


def test_counts_that_are_far_apart_speak_against_it() -> None:
    near = found(Who("Garrowby Glass", None, 18), Who("Garrowby Glazing", 18))["Garrowby Glazing"]
    far = found(Who("Garrowby Glass", None, 180), Who("Garrowby Glazing", 18))["Garrowby Glazing"]
    assert near.score - far.score > 20
    assert any(points < 0 for _, points in far.reasons)


def test_who_is_not_alike_came_and_went() -> None:
    assert told(Who("Garrowby Glass", None, 18), Who("Quernby Motors", 18), STEADY) == {
        "Garrowby Glass": ("missing", ""),
        "Quernby Motors": ("new", ""),
    }


def test_look_alikes_are_not_paired() -> None:
    said = told(Who("North Dental 12", None, 6), Who("North Dental 21", 6))
    assert said == {"North Dental 12": ("missing", ""), "North Dental 21": ("new", "")}


def test_the_best_pair_wins_and_nobody_is_forced() -> None:
    """Two come, one gone: the better one has it, the other is new, and is not paired with whoever is left."""
    people = (Who("Oakmere Print Works", None, 9), Who("Oakmere Printworks", 9), Who("Oakmere Prints", 4), Who("Zennor Farms", None, 4))
    said = told(*people)
    assert said["Oakmere Printworks"] == ("renamed", "Oakmere Print Works")
    assert said["Oakmere Prints"] == ("new", "")
    assert said["Zennor Farms"] == ("missing", "")


def test_the_runner_up_and_the_margin_are_shown() -> None:
    people = (Who("Oakmere Printers", None, 9), Who("Oakmere Print Works", None, 9), Who("Oakmere Print", 9))
    one = found(*people)["Oakmere Print"]
    assert (one.candidate, one.runner_up) == (1, 2)
    assert one.margin == one.score - one.runner_up_score > 0


def test_hostnames_in_common_speak_for_it() -> None:
    people = (Who("Garrowby Glass", None, 18), Who("Garrowby Glazing", 18))
    hosts = {1: frozenset(f"ws-{n}" for n in range(18)), 2: frozenset(f"ws-{n}" for n in range(18))}
    plain, sure = found(*people), found(*people, hostnames=lambda _: hosts)
    assert sure["Garrowby Glazing"].score > plain["Garrowby Glazing"].score
    assert sure["Garrowby Glazing"].shared_hostnames == 18
    assert any("All 18 hostnames are known there" in words for words, _ in sure["Garrowby Glazing"].reasons)
    strangers = found(*people, hostnames=lambda _: hosts | {2: frozenset({"other"})})
    assert strangers["Garrowby Glazing"].score < plain["Garrowby Glazing"].score


def test_what_a_person_told_apart_is_not_suspected_again() -> None:
    people = (Who("Garrowby Glass", None, 18), Who("Garrowby Glazing", 18))
    assert told(*people, different=frozenset({frozenset({1, 2})})) == {"Garrowby Glass": ("missing", ""), "Garrowby Glazing": ("new", "")}


# --- split and merged


def test_one_gone_two_come_whose_counts_add_up() -> None:
    people = (Who("Acme Dental", None, 40), Who("Acme Dental North", 25), Who("Acme Dental South", 15), STEADY)
    said = found(*people)
    assert list(said) == ["Acme Dental"]
    one = said["Acme Dental"]
    assert (one.kind, sorted(one.parts), one.topic, one.is_blocking) == ("split", [2, 3], "orgs:1:2:3", True)
    assert ("The counts add up: EDR 40", 40) in one.reasons


def test_two_gone_one_come_whose_counts_add_up() -> None:
    people = (Who("Acme Dental North", None, 25), Who("Acme Dental South", None, 15), Who("Acme Dental", 40))
    one = found(*people)["Acme Dental"]
    assert (one.kind, sorted(one.parts)) == ("merged", [1, 2])


def test_a_part_with_another_name_fits_only_where_its_counts_fit_alone() -> None:
    people = (Who("Acme Dental", None, 40), Who("Acme Dental North", 25), Who("Brightwater Smiles", 15))
    assert told(*people)["Acme Dental"] == ("split", "Acme Dental North")
    both = (*people, Who("Quernby Motors", 15))
    assert "split" not in {kind for kind, _ in told(*both).values()}


def test_counts_that_do_not_add_up_are_no_split() -> None:
    people = (Who("Acme Dental", None, 40), Who("Acme Dental North", 9), Who("Acme Dental South", 8))
    assert "split" not in {kind for kind, _ in told(*people).values()}


def test_one_that_has_it_all_is_a_rename_and_no_split() -> None:
    people = (Who("Acme Dental", None, 40), Who("Acme Dental Care", 40), Who("Quernby Motors", 1))
    assert told(*people)["Acme Dental Care"][0] == "renamed"


# --- mistyped, one name with two keys, swapped


def test_a_new_name_nearly_that_of_one_who_stayed_is_mistyped() -> None:
    people = (Who("Hexmoor Primary School", 64, 64, id="31077"), Who("Hexmoor Primary Schol", 41, id="48213"), STEADY)
    one = found(*people)["Hexmoor Primary Schol"]
    assert (one.kind, one.candidate, one.is_blocking) == ("mistyped", 1, True)
    assert ("The known one did not go away", 0) in one.reasons
    assert one.marks is not None


def test_a_new_key_nearly_that_of_one_who_stayed_is_mistyped_whatever_the_name() -> None:
    people = (Who("Tarn Vale Dental", 12, 12, key="tarn-vale-dental"), Who("Reception", 3, key="tarn-vale-dentel"), STEADY)
    assert told(*people)["Reception"] == ("mistyped", "Tarn Vale Dental")


def test_two_who_were_both_there_before_are_not_mistyped() -> None:
    assert told(Who("Hexmoor Primary School", 64, 64, id="1"), Who("Hexmoor Primary Schol", 41, 41, id="2")) == {}


def test_one_name_with_two_keys() -> None:
    people = (Who("Harbour Lane Joinery", 5, 5, id="72", key="harbour"), Who("Harbour Lane Joinery", 6, 6, id="195", key="lane"))
    said = detect(months(*people))
    assert [(one.kind, one.subject, one.candidate, one.topic) for one in said] == [("same_name", 2, 1, "orgs:1:2")]


def test_one_name_with_nearly_the_same_key_is_mistyped() -> None:
    people = (Who("Harbour Lane Joinery", 5, 5, key="harbour-lane"), Who("Harbour Lane Joinery", 6, key="harbour-lanne"))
    assert [one.kind for one in detect(months(*people))] == ["mistyped"]


def test_two_names_that_changed_places() -> None:
    people = (Who("Abbot Mill", 5, 5, id="1", was="Brook Mill"), Who("Brook Mill", 9, 9, id="2", was="Abbot Mill"))
    said = found(*people)
    assert [(one.kind, one.subject, one.candidate, one.is_exact, one.is_blocking) for one in said.values()] == [
        ("swapped", 1, 2, False, True)
    ]


# --- keys of scripts, sites


def test_a_fall_back_key_is_nobodys() -> None:
    one = found(Who("MISSING_CS_PROFILE_NAME", 4, key="MISSING_CS_PROFILE_NAME"), STEADY)["MISSING_CS_PROFILE_NAME"]
    assert (one.kind, one.candidate, one.topic) == ("fallback_key", None, "fallback:1")


@pytest.mark.parametrize("example", [example.split(", ")[0] for _, example in PATTERNS])
def test_each_pattern_knows_its_example(example: str) -> None:
    assert is_fallback(example)


@pytest.mark.parametrize("name", ["Missing Link Cycles", "None", "Null & Sons", "Dollar Bank", "Missing_Persons trust"])
def test_customers_are_not_taken_for_keys(name: str) -> None:
    assert not is_fallback("", name)
    assert not is_fallback("harbour-lane", name)


def test_a_site_of_a_known_company() -> None:
    people = (Who("Harbour Lane Joinery", 5, 5, id="72"), Who("Harbour Lane Joinery - Leeds", 4, 4, id="73"))
    assert told(*people) == {"Harbour Lane Joinery - Leeds": ("site", "Harbour Lane Joinery")}


@pytest.mark.parametrize("name", ["Harbour-Lane Carpets", "Quernby Motors - Leeds"])
def test_a_dash_alone_is_no_site(name: str) -> None:
    assert told(Who("Harbour Lane Joinery", 5, 5, id="72"), Who(name, 4, 4, id="73")) == {}


# --- unmatched


def test_a_name_that_only_other_lists_have() -> None:
    people = (Who("Quernby Motors", 11, 11, id="7"), Who("Quernby Motor Company", named=True), Who("Zennor Farms", named=True))
    said = found(*people)
    assert (said["Quernby Motor Company"].kind, said["Quernby Motor Company"].candidate) == ("unmatched", 1)
    assert said["Quernby Motor Company"].topic == "name:quernby motor company"
    assert (said["Zennor Farms"].kind, said["Zennor Farms"].candidate) == ("unmatched", None)


def test_who_was_billed_once_or_has_an_id_is_not_unmatched() -> None:
    people = (STEADY, Who("Quernby Motors", named=True, seen=True), Who("Zennor Farms", named=True, id="77"))
    assert told(*people) == {}


def test_beside_a_partial_bill_nobody_is_gone_or_unmatched() -> None:
    people = (STEADY, Who("Quernby Motors", None, 4), Who("Zennor Farms", named=True))
    assert told(*people, is_complete=False) == {}


# --- new, missing, and what is not known


def test_without_an_earlier_bill_nobody_is_new() -> None:
    assert told(Who("Quernby Motors", 4), Who("Zennor Farms", 3), has_before=False) == {}


def test_who_comes_back_is_not_new() -> None:
    assert told(STEADY, Who("Quernby Motors", 4, seen=True)) == {}


def test_a_row_that_could_not_be_read_may_be_theirs() -> None:
    assert told(STEADY, Who("Quernby Motors", None, 4, unsure=True)) == {}


def test_what_is_decided_is_asked_no_more() -> None:
    people = (STEADY, Who("MISSING_X", 4, key="MISSING_X"), Who("Our Office", 4))
    assert told(*people, decided=frozenset({2, 3})) == {}


def test_new_and_missing_name_their_cycle() -> None:
    said = found(Who("Garrowby Glass", None, 18), Who("Quernby Motors", 5))
    assert {one.topic for one in said.values()} == {f"missing:{CYCLE}:1", f"new:{CYCLE}:2"}


# --- laws

NAMES = st.sampled_from(
    [
        "Acme Dental",
        "Acme Dental North",
        "Acme Dental - Leeds",
        "Hexmoor School",
        "Hexmoor Schol",
        "Tarn Vale",
        "TARN VALE",
        "Quernby",
        "MISSING_A",
    ]
)
COUNTS = st.one_of(st.none(), st.integers(0, 12))
WHO = st.builds(
    Who, NAMES, COUNTS, COUNTS, key=st.sampled_from(["", "", "acme", "acmee", "hexmoor"]), was=st.sampled_from(["", "Acme Dental", "Tarn"]),
    named=st.booleans(), seen=st.booleans(), unsure=st.booleans(),
)  # fmt: skip
law = settings(max_examples=60)


def identified(people: list[Who]) -> list[Who]:
    return [
        Who(**{name: getattr(one, name) for name in Who.__dataclass_fields__} | {"id": str(n)}) if n % 2 else one
        for n, one in enumerate(people)
    ]


@law
@given(st.lists(WHO, max_size=9))
def test_each_is_suspected_of_one_thing_and_reasons_add_up(people: list[Who]) -> None:
    said = detect(months(*identified(people)))
    assert len({one.subject for one in said}) == len(said)
    for one in said:
        assert 0 <= one.score <= 100
        assert sum(points for _, points in one.reasons) == one.score
        assert one.candidate != one.subject or one.before
        assert one.runner_up != one.candidate or one.runner_up is None


@law
@given(st.lists(WHO, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_the_tables_does_not_matter(people: list[Who], random: Random) -> None:
    given_months = months(*identified(people))
    order = list(range(len(given_months.parties)))
    random.shuffle(order)
    shuffled = type(given_months)(
        given_months.parties.iloc[order].reset_index(drop=True), given_months.units.iloc[::-1].reset_index(drop=True), given_months.cycle
    )
    assert detect(shuffled) == detect(given_months)


@law
@given(st.lists(WHO, min_size=2, max_size=9))
def test_told_apart_stays_apart(people: list[Who]) -> None:
    first = [one for one in detect(months(*identified(people))) if pairs_of(one.topic)]
    apart = frozenset(pair for one in first for pair in pairs_of(one.topic))
    again: list[Suspicion] = detect(months(*identified(people), different=apart))
    assert not apart & {pair for one in again for pair in pairs_of(one.topic)}


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(-120, 120)), max_size=6))
def test_settled_reasons_sum_to_the_score(reasons: list[tuple[str, int]]) -> None:
    score, said = settled(reasons)
    assert 0 <= score <= 100
    assert sum(points for _, points in said) == score
    assert [words for words, _ in said] == [words for words, _ in reasons]


def test_a_topic_is_of_the_set_of_organizations() -> None:
    assert topic_of([9, 3, 9]) == topic_of([3, 9])
    assert pairs_of("new:2026-10-14:7") == pairs_of("name:orgs:1:2") == set()
