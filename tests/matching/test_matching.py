"""Organizations meet by id, else key, else confirmed alias, else name, and never by likeness."""

import random
from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.matching import COLUMNS, FORMER, KNOWN, NOBODY, match
from tests.matching.oracle import Reference, Who, matched

R = Reference


def table(references: Sequence[Reference]) -> pd.DataFrame:
    rows = [(one.source, one.name, one.its_id, one.key) for one in references]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(COLUMNS[1:], "str") | {"source": "int64"})


def entities(*references: Reference, aliases: dict[str, int] | None = None, weak: frozenset[int] = frozenset()) -> list[int]:
    frame = None if aliases is None else pd.DataFrame(list(aliases.items()), columns=["alias", "reference"])
    found = match(table(references), frame, weak)
    assert set(found.entity.tolist()) - {NOBODY} <= set(range(found.count))
    return [int(entity) for entity in found.entity]


def meet(*references: Reference, **options) -> bool:
    found = set(entities(*references, **options))
    return len(found) == 1 and NOBODY not in found


# --- against the naive one --------------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["", "Contoso", "CONTOSO", "contoso.", "Fabrikam", "***"])
_REFERENCES = st.builds(
    Reference,
    st.sampled_from([KNOWN, 0, 0, 1, 1, 2]),
    _NAMES,
    st.sampled_from(["", "", "", "1", "2", "3"]),
    st.sampled_from(["", "", "", "k1", "k2"]),
).filter(lambda one: bool(one.name or one.its_id or one.key))
LISTS = st.lists(_REFERENCES, max_size=7)


def same_partition(found: list[int], wanted: list[Who]) -> bool:
    pairs = set(zip(found, wanted, strict=True))
    return len(pairs) == len(set(found)) == len(set(wanted)) and all((one == NOBODY) == (who is None) for one, who in pairs)


@settings(max_examples=120)
@given(LISTS, st.sampled_from([frozenset(), frozenset({2})]))
@example([R(0, "", "7"), R(1, "", "", "k")], frozenset())
@example([R(0, "Contoso", "1"), R(1, "Contoso", "", "k1"), R(2, "Contoso", "3")], frozenset({2}))
def test_matching_is_what_the_naive_one_gives(references: list[Reference], weak: frozenset[int]) -> None:
    assert same_partition(entities(*references, weak=weak), matched(references, weak))


@settings(max_examples=60)
@given(LISTS, st.randoms(use_true_random=False), st.data())
def test_the_order_of_references_does_not_matter(references: list[Reference], shuffle: random.Random, data: st.DataObject) -> None:
    named = st.dictionaries(_NAMES.filter(bool), st.integers(0, max(len(references) - 1, 0)), max_size=2 if references else 0)
    aliases = data.draw(named)
    order = shuffle.sample(range(len(references)), len(references))
    there = entities(*references, aliases=aliases)
    back = entities(
        *(references[place] for place in order), aliases={name: order.index(place) for name, place in reversed(aliases.items())}
    )
    assert same_partition([there[place] for place in order], [None if who == NOBODY else ("", str(who)) for who in back])


@settings(max_examples=40)
@given(LISTS, st.randoms(use_true_random=False))
def test_a_reference_given_again_changes_nothing(references: list[Reference], shuffle: random.Random) -> None:
    again = references + shuffle.sample(references, len(references))
    assert entities(*again)[: len(references)] == entities(*references)


def test_nothing_matches_nothing() -> None:
    assert entities() == []
    assert match(table([])).count == 0


# --- the ladder -------------------------------------------------------------------------------------------------------------------


def test_an_id_meets_under_any_name_and_key() -> None:
    assert meet(R(0, "Contoso", "7", "k"), R(1, "Fabrikam", "7", "other"), R(2, "", "7"))


def test_different_ids_never_meet_by_name_or_key() -> None:
    assert entities(R(0, "Contoso", "7"), R(1, "Contoso", "8")) == [0, 1]
    assert entities(R(0, "Contoso", "7", "k"), R(1, "Contoso", "8", "k")) == [0, 1]


def test_ids_are_text_and_compared_as_they_are() -> None:
    assert entities(R(0, "A", "7"), R(1, "B", "007"), R(2, "C", "7.0")) == [0, 1, 2]


def test_without_an_id_the_key_decides() -> None:
    assert meet(R(0, "Contoso", "7", "k"), R(1, "Fabrikam", "", "k"))
    assert meet(R(0, "Contoso", "", "k"), R(1, "Fabrikam", "", "k"))
    assert entities(R(0, "Contoso", "", "k"), R(1, "Contoso", "", "other")) == [0, 1]


def test_a_key_of_two_ids_is_nobodys() -> None:
    assert entities(R(0, "A", "1", "k"), R(0, "B", "2", "k"), R(1, "A", "", "k"))[2] == NOBODY


def test_without_an_id_or_key_the_name_decides() -> None:
    assert meet(R(0, "Contoso Dental", "7", "k"), R(1, "CONTOSO-DENTAL"), R(2, " contoso  dental "))
    assert meet(R(0, "Contoso", "", "k"), R(1, "contoso"))


def test_an_id_in_one_list_and_a_key_in_another_meet_by_name() -> None:
    assert meet(R(0, "Contoso", "7"), R(1, "Contoso", "", "k"))


def test_two_organizations_without_names_do_not_meet_by_their_having_none() -> None:
    assert entities(R(0, "", "7"), R(1, "", "", "k")) == [0, 1]
    assert NOBODY not in entities(R(0, "", "7"), R(0, "", "8"), R(1, "", "", "k"), R(1, "", "", "j"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ABC", "ABC Holdings (NZ)"),
        ("Contoso Ltd", "Contoso"),
        ("Müller", "Muller"),
        ("Contoso Dental", "Dental Contoso"),
        ("Contoso", "Contos0"),
        ("A+B", "A B"),  # a plus is a symbol, and no punctuation
        ("007", "7"),
        ("3.0", "3"),
    ],
)
def test_names_never_meet_by_likeness(one: str, other: str) -> None:
    assert entities(R(0, one), R(1, other)) == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "straße"),
        ("Ｃｏｎｔｏｓｏ", "Contoso"),
        ("ﬁeld", "FIELD"),
        ("Contoso\u00a0Dental", "contoso dental"),
        ("Contoso—Dental", "contoso, (dental)"),
        ("Cafe\u0301", "CAFÉ"),
        ("A.B.C.", "a b c"),
    ],
)
def test_names_meet_whatever_their_case_width_and_punctuation(one: str, other: str) -> None:
    assert meet(R(0, one), R(1, other))


# --- what nobody can tell ---------------------------------------------------------------------------------------------------------


def test_a_name_that_fits_two_organizations_is_nobodys() -> None:
    assert entities(R(0, "Contoso", "1"), R(0, "Contoso", "2"), R(1, "contoso")) == [0, 1, NOBODY]
    assert entities(R(KNOWN, "Contoso", "1"), R(KNOWN, "Contoso", "2"), R(0, "Contoso")) == [0, 1, NOBODY]


def test_two_spellings_that_come_out_alike_in_one_list_are_nobodys() -> None:
    assert entities(R(0, "Contoso"), R(0, "CONTOSO")) == [NOBODY, NOBODY]


def test_two_spellings_in_one_list_with_an_id_to_tell_them_apart_are_two() -> None:
    assert entities(R(0, "Contoso", "1"), R(0, "CONTOSO", "2")) == [0, 1]


def test_two_spellings_in_two_lists_are_one() -> None:
    assert meet(R(0, "Contoso"), R(1, "CONTOSO"))


def test_one_name_of_two_ids_in_last_months_list_does_not_disturb_this_months() -> None:
    weak = frozenset({3})
    assert entities(R(0, "Contoso", "1"), R(1, "Contoso"), R(3, "Contoso", "9"), weak=weak) == [0, 0, 1]
    assert entities(R(0, "Contoso", "1"), R(1, "Contoso", "", "k"), R(3, "Contoso", "9"), weak=weak) == [0, 0, 1]


def test_last_months_id_is_used_where_this_month_has_none() -> None:
    assert meet(R(0, "Contoso"), R(3, "contoso", "1"), weak=frozenset({3}))


# --- aliases, and what is known ---------------------------------------------------------------------------------------------------


def test_a_confirmed_alias_speaks_before_the_name() -> None:
    assert meet(R(KNOWN, "Contoso", "1"), R(0, "CTS"), aliases={"cts.": 0})
    assert entities(R(KNOWN, "Contoso", "1"), R(KNOWN, "Fabrikam", "2"), R(0, "Fabrikam"), aliases={"FABRIKAM": 0}) == [0, 1, 0]


def test_an_id_speaks_before_an_alias() -> None:
    assert entities(R(KNOWN, "Contoso", "1"), R(KNOWN, "Other", "2"), R(0, "CTS", "2"), aliases={"CTS": 0}) == [0, 1, 1]


def test_an_alias_settles_two_spellings_in_one_list() -> None:
    assert meet(R(KNOWN, "Contoso", "1"), R(0, "CTS"), R(0, "cts"), aliases={"CTS": 0})


def test_an_alias_means_a_known_organization_also_where_its_own_name_fits_several() -> None:
    known = [R(KNOWN, "Contoso"), R(KNOWN, "Contoso", "1"), R(KNOWN, "Contoso", "2")]
    found = entities(*known, R(0, "CTS"), aliases={"CTS": 0})
    assert found[3] == found[0] != NOBODY
    assert len(set(found)) == 3


def test_an_alias_of_two_organizations_is_nobodys() -> None:
    references = table([R(KNOWN, "Contoso", "1"), R(KNOWN, "Fabrikam", "2"), R(0, "CTS")])
    for order in ([0, 1], [1, 0]):
        aliases = pd.DataFrame({"alias": ["CTS", "cts"], "reference": order})
        assert match(references, aliases).entity.tolist() == [0, 1, NOBODY]


def test_a_known_organization_is_never_nobody() -> None:
    assert entities(R(KNOWN, "Contoso"), R(0, "Contoso", "1"), R(0, "Contoso", "2")) == [2, 0, 1]


def test_a_known_organization_meets_the_list_that_tells_its_id() -> None:
    assert meet(R(KNOWN, "Contoso"), R(0, "Contoso", "1"))


def test_a_former_name_is_used_only_where_nobody_else_has_it() -> None:
    assert meet(R(KNOWN, "Contoso", "1"), R(FORMER, "Old Name", "1"), R(0, "old name"))
    assert entities(R(KNOWN, "Contoso", "1"), R(FORMER, "Fabrikam", "1"), R(KNOWN, "Fabrikam", "2"), R(0, "Fabrikam")) == [0, 0, 1, 1]
