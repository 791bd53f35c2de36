"""What is alike, what only looks alike, and how it is said."""

from __future__ import annotations

import pytest

from accounts.likeness import Crowd, certainty, compare

ALIKE = [
    ("Intl. Bus. Machines", "International Business Machines", 95),
    ("IBM", "International Business Machines", 78),
    ("IBM", "Intl. Bus. Machines", 78),
    ("ACME (formerly Widgets)", "Widgets", 90),
    ("ACME (formerly Widgets)", "Acme Ltd", 98),
    ("Widgets t/a Acme", "ACME", 90),
    ("Vesby Digital f/k/a Tin Lantern", "Tin Lantern Inc", 90),
    ("Jones Smith LLP", "Smith Jones", 95),
    ("The Jones & Smith Partnership", "Jones and Smith Partnership", 100),
    ("NorthDental", "North Dental", 95),
    ("Hexmoor Primary Schol", "Hexmoor Primary School", 95),
    ("Quernby Motors Ltd", "Quernby Motors", 100),
    ("S.A.R.L. Ferrand", "Ferrand", 100),
    ("Brenner Gesellschaft mit beschränkter Haftung", "Brenner GmbH", 100),
    ("Farnholt Acad.", "Farnholt Academy", 95),
    ("Kestle Manufacturing", "Kestle Mfg", 95),
    ("Müller Präzision", "Mueller Praezision", 95),
    ("CAFÉ ZOË", "cafe zoe", 100),
    ("Garrowby Glass - Head Office", "Garrowby Glass", 90),
    ("Garrowby Glass - Leeds", "Garrowby Glass", 78),
    ("International Widget Makers (IWM)", "International Widget Makers", 100),
    ("Tamford 1st Aid", "Tamford First Aid", 100),
    ("Lathwick Lodge No. 07", "Lathwick Lodge No 7", 100),
    ("R.N.L. Haulage", "RNL Haulage", 100),
    ("Vesby Digital f.k.a. Tin Lantern", "Tin Lantern Inc", 90),
    ("Vesby Digital (ehem. Tin Lantern GmbH)", "Tin Lantern GmbH", 90),
    ("Vesby Digital (voorheen Tin Lantern)", "Tin Lantern", 90),
    ("Vesby Digital - old name Tin Lantern", "Tin Lantern", 90),
    ("Vesby Digital now Tin Lantern", "Tin Lantern", 90),
    ("www.tin-lantern.co.uk", "Tin Lantern", 100),
    ("Brenner UG (haftungsbeschränkt)", "Brenner UG", 100),
    ("O'Hexley Glass", "O Hexley Glass", 100),
    ("Farnholt & Dist. Society", "Farnholt and District Society", 95),
    ("Farnholt Comm. Society", "Farnholt Community Society", 95),
    ("GBDC", "Garrowby Bay Dredging Company", 78),
    ("Garrowby Glass\\Leeds", "Garrowby Glass", 78),
    ("0117 Garrowby Glass", "Garrowby Glass", 70),
    ("10423 - Garrowby Glass", "Garrowby Glass", 70),
]
DIFFERENT = [
    ("North Dental 12", "North Dental 21"),
    ("Saxonbury Fund II", "Saxonbury Fund III"),
    ("North Dental", "South Dental"),
    ("Marlford Dental Leeds", "Marlford Dental York"),
    ("Garrowby Glass - Leeds", "Garrowby Glass - York"),
    ("ABC", "ABC Holdings (NZ)"),
    ("Hexmoor Primary School", "Hexmoor Infant School"),
    ("Dental Practice", "Hexmoor Dental Practice"),
    ("Quernby Medical Centre", "Farnholt Medical Centre"),
    ("Brightfen Solicitors", "Hexley Solicitors"),
    ("Thornquay Marina", "Thornquay Marine"),
    ("Norton Joinery", "Morton Joinery"),
    ("AB Plumbing", "CD Plumbing"),
    ("Smith & Jones", "Smith & Brown"),
    ("Brightfen Care", "Brightfen Dental"),
    ("KPM Legal", "KMP Legal"),
    ("10423 - Garrowby Glass", "10432 - Garrowby Glass"),
]


@pytest.mark.parametrize(("one", "other", "least"), ALIKE)
def test_names_of_one_customer_are_alike(one: str, other: str, least: int) -> None:
    assert compare(one, other).score >= least


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_look_alikes_are_not_suggested(one: str, other: str) -> None:
    assert compare(one, other).score < 60


@pytest.mark.parametrize(
    ("one", "other"),
    [("Harley Dental", "Hartley Dental"), ("Stanton Dental Practice", "Staunton Dental Practice"), ("Parson Lettings", "Parsons Lettings")],
)
def test_a_slip_in_the_only_telling_word_is_never_very_likely(one: str, other: str) -> None:
    score = compare(one, other).score
    assert score >= 60
    assert certainty(score, score) != "very likely"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hexmoor Wickley Printing", "Hexmoor Wickley Pritning"),
        ("Hexmoor Wickley Printing", "Hexmoor Wickles Printing"),
        ("Hexmoor Wickley Printing", "Hexmoor Wickely Printing"),
        ("Hexmoor Wickley Printing", "Hexmoor Wickley Prainting"),
        ("Hexmoor Heating", "Hexmoor Heacing"),
        ("Hexmoor Wickley Garage", "Hexmoor Wickleys Garage"),
    ],
)
def test_what_may_be_two_words_is_no_sure_slip(one: str, other: str) -> None:
    score = compare(one, other).score
    assert score >= 78
    assert (certainty(score, score) == "very likely") is (other == "Hexmoor Wickley Pritning")


def test_a_name_that_nobody_else_has_leads_to_who_has_it() -> None:
    one, other = "Hexmoor Computers", "Hexmoor IT Solutions"
    alone = Crowd([one, other, "Quernby Motors"])
    likeness = compare(one, other, crowd=alone)
    assert certainty(likeness.score, likeness.score) == "possible"
    assert likeness.reasons[-1].words == "Hardly anybody else has “hexmoor”"
    many = Crowd([one, other, "Hexmoor Glass", "Hexmoor Motors", "Hexmoor Farms"])
    assert compare(one, other, crowd=many).score < 60
    assert compare("Hexmoor Glass 4", "Hexmoor Glass 14", crowd=Crowd(["Hexmoor Glass 4", "Hexmoor Glass 14"])).score < 60
    trade = Crowd(["Hexmoor Podology", "Quernby Podology"])
    assert compare("Hexmoor Podology", "Quernby Podology", crowd=trade).score < 60


def test_reasons_are_said_in_words_and_add_up() -> None:
    likeness = compare("Hexmoor Primary Schol", "Hexmoor Primary School")
    said = {reason.words: reason.points for reason in likeness.reasons}
    assert set(said) == {"The same words: “hexmoor primary”", "One letter missing: “schol”, “school”"}
    assert sum(said.values()) == likeness.score
    against = compare("North Dental 12", "North Dental 21").reasons
    assert [(reason.words, reason.points < 0) for reason in against] == [
        ("The same words: “north dental”", False),
        ("Different numbers: “12”, “21”", True),
    ]


def test_a_reason_names_the_words_in_the_order_of_the_names() -> None:
    assert compare("Farnholt Academy", "Farnholt Acad.").reasons[1].words == "One shortened: “academy”, “acad”"


@pytest.mark.parametrize(
    ("one", "other", "marked"),
    [
        ("Hexmoor Primary Schol", "Hexmoor Primary School", ("l", "ol")),
        ("Garrowby Glazing", "Garrowby Glass", ("zing", "ss")),
        ("North Dental 12", "North Dental 21", ("12", "21")),
        ("ACME", "Acme Ltd", ("E", "e Ltd")),
        ("Café", "CAFE", ("", "")),
    ],
)
def test_marks_are_the_stretches_that_differ(one: str, other: str, marked: tuple[str, str]) -> None:
    (start, end), (other_start, other_end) = compare(one, other).marks
    assert (one[start:end], other[other_start:other_end]) == marked


def test_keys_speak_too_where_both_are_given() -> None:
    one, other = "Garrowby Glass", "Garrowby Glass Leeds"
    alone = compare(one, other).score
    alike = compare(one, other, keys=("garrowby-glass", "garrowby-glas"))
    assert alike.score > alone
    assert alike.reasons[-1].words.startswith("Keys nearly the same")
    assert compare(one, other, keys=("k1", "k1")).reasons[-1].words == "The same key"
    assert compare(one, other, keys=("garrowby-glass", "tin-lantern")).score < alone
    assert compare(one, other, keys=("garrowby-glass", "")).score == alone


def test_legal_forms_that_differ_count_a_little() -> None:
    assert compare("Weldrake Ltd", "Weldrake LLP").score == 97
    assert compare("Weldrake Ltd", "Weldrake").score == 100


def test_a_word_that_many_have_says_less_and_is_no_slip() -> None:
    crowd = Crowd(f"Hexmoor {trade}" for trade in ["Glass", "Motors", "Farms", "Hotel", "Bakery", "Dental", "Print", "Garage"])
    one, other = "Hexmoor Wickerwork", "Hexmoor Wickerwork Group Services"
    assert compare(one, other, crowd=crowd).score < compare(one, other).score
    towns = Crowd(f"{town} {number}" for town in ("Wickley", "Wickles") for number in range(4))
    assert compare("Wickley Glass", "Wickles Glass", crowd=towns).score < 60 <= compare("Wickleys Glass", "Wickley Glass").score
