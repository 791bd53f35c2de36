"""How names are compared, against the sentence that says it."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.names import normalise, normalise_all
from tests.matching.oracle import normalised

_ODD = st.sampled_from(list(" \t\n\r\x1c\x85\u00a0\u2003\u2028-–—_.,;:!?()[]{}«»“”'`^~$+|<>=#*ßŉİıſΣςµﬁ①Ⅷ㌔ａ\u0301\u200b\ufeff\x00…‥␣"))
NAMES = st.one_of(st.text(max_size=12), st.text(_ODD, max_size=8), st.text(st.one_of(_ODD, st.sampled_from("aAbB1")), max_size=10))


@settings(max_examples=500)
@given(NAMES)
@example("")
@example(" *** ")
@example("…")
def test_a_name_is_normalised_as_the_sentence_says(name: str) -> None:
    assert normalise(name) == normalised(name)


@settings(max_examples=150)
@given(st.lists(st.one_of(NAMES, st.text(st.characters(max_codepoint=127), max_size=8)), max_size=6))
@example(["a\0b", "c"])
@example([])
@example([""])
@example(["\0"])
def test_many_names_at_once_are_normalised_as_one_by_one(names: list[str]) -> None:
    assert normalise_all(names) == list(map(normalise, names))


@given(NAMES)
def test_case_and_width_never_matter(name: str) -> None:
    assert normalise(unicodedata.normalize("NFKC", name)) in {normalise(name), unicodedata.normalize("NFKC", name).strip()}


@given(NAMES)
def test_no_name_comes_out_empty_but_a_blank_one(name: str) -> None:
    assert bool(normalise(name)) == bool(name.strip())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("  Contoso--Dental, Ltd. ", "contoso dental ltd"),
        ("ABC Holdings (NZ)", "abc holdings nz"),
        ("=SUM(A1)", "=sum a1"),
        ("2026-10-14", "2026 10 14"),
        ("NA", "na"),
        ("***", "***"),
        (" -- ", "--"),
        ("A+B", "a+b"),
        ("Contoso\tDental\nLtd", "contoso dental ltd"),
    ],
)
def test_normalised_names(name: str, wanted: str) -> None:
    assert normalise(name) == wanted
