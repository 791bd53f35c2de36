"""What holds of any two names."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.likeness import Crowd, Partner, compare, partners
from tests.likeness.vocabulary import CITIES, DIRECTIONS, FORMS, PEOPLE, SCHOOLS, TOWNS, TRADES

_WORD = st.sampled_from(
    [*TOWNS[:6], *PEOPLE[:6], *TRADES[:8], *SCHOOLS[:3], *CITIES[:3], *DIRECTIONS[:3], *FORMS[:4], "12", "21", "II", "&", "ABC"]
)
_JOINT = st.sampled_from([" ", " ", " ", " - ", " (", ", ", " t/a ", " (formerly ", "-", ""])
ANYTHING = st.text(max_size=60)


@st.composite
def names(draw: st.DrawFn) -> str:
    """Made of words that names are made of, in any order, some with a letter lost."""
    name = draw(_WORD)
    for _ in range(draw(st.integers(0, 3))):
        name += draw(_JOINT) + draw(_WORD)
    lost = draw(st.integers(0, 3 * len(name)))
    return name[:lost] + name[lost + 1 :]


NAMES = st.one_of(names(), names(), ANYTHING)


@given(NAMES, NAMES, st.tuples(st.sampled_from(["", "a-key", "b"]), st.sampled_from(["", "a-kye", "b"])))
@settings(deadline=None)
def test_bounded_symmetric_and_the_sum_of_its_reasons(one: str, other: str, keys: tuple[str, str]) -> None:
    likeness, back = compare(one, other, keys=keys), compare(other, one, keys=keys[::-1])
    assert 0 <= likeness.score <= 100
    assert likeness.score == back.score == sum(reason.points for reason in likeness.reasons)
    assert likeness.marks == back.marks[::-1]
    assert all(reason.words for reason in likeness.reasons)
    for name, (start, end) in zip((one, other), likeness.marks, strict=True):
        assert 0 <= start <= end <= len(name)


@given(NAMES)
@settings(deadline=None)
def test_a_name_is_wholly_like_itself(name: str) -> None:
    assert compare(name, name).score == 100
    assert compare(name, name).marks == ((0, 0), (0, 0))


@given(names(), names())
@settings(deadline=None)
def test_case_accents_and_spaces_make_no_difference(one: str, other: str) -> None:
    score = compare(one, other).score
    accented = one.translate(str.maketrans("aeiou", "âéìöü"))
    for dressed in (one.upper(), one.lower(), accented, f"  {one} ", one.replace(" ", "\u00a0 ")):
        assert compare(dressed, other).score == score


@given(
    st.sampled_from([*TOWNS[:5], "Garrowby Glass", "Smith & Jones"]),
    names(),
    st.sampled_from(
        [
            ("Ltd", "LIMITED", "Ltd."),
            ("LLP", "L.L.P.", "Limited Liability Partnership"),
            ("GmbH", "G.m.b.H.", "Gesellschaft mit beschränkter Haftung"),
            ("Inc", "Incorporated", ", Inc."),
            ("Pty Ltd", "Pty. Ltd.", "Proprietary Limited"),
        ]
    ),
)
@settings(deadline=None)
def test_the_spelling_of_a_legal_form_makes_no_difference(name: str, other: str, spellings: tuple[str, ...]) -> None:
    assert len({compare(f"{name} {form}", other).score for form in spellings}) == 1


@given(st.lists(NAMES, max_size=6), st.lists(NAMES, max_size=12), st.integers(1, 4), st.integers(0, 90))
@settings(deadline=None, max_examples=60)
def test_partners_are_the_exhaustive_answer_on_few_names(asked: list[str], among: list[str], keep: int, least: int) -> None:
    crowd = Crowd([*asked, *among])
    for name, found in zip(asked, partners(asked, among, keep=keep, least=least), strict=True):
        scored = [Partner(place, compare(name, other, crowd=crowd).score) for place, other in enumerate(among)]
        able = sorted((each for each in scored if each.score >= least), key=lambda each: (-each.score, each.place))
        assert found == able[:keep]
