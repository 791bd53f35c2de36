"""The demonstration's files, read as any upload is: past months are clean, and each story shows."""

from collections import Counter
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.calendar import Cycle
from ingest.sources import read
from recon.demo import stories
from recon.demo.cast import BRIGHTFEN_CUSTOMERS, CUSTOMERS
from recon.demo.files import accounts, brightfen, finished_cycles, quillmere
from recon.demo.stories import OPEN

TODAY = date(2026, 11, 20)
FILES = [
    (account.slug, number, file)
    for account in accounts(TODAY)
    for number, month in enumerate(account.months)
    for file in month.files
]  # fmt: skip


@cache
def reading(leg, number=OPEN):
    file = next(file for file in quillmere(TODAY).months[number].files if file.leg == leg)
    return read(file.data, name=file.name, kind=leg)


def units(leg, name, product="edr", number=OPEN):
    """What a list has for a name, added up; None where it has no line."""
    lines = reading(leg, number).lines
    found = lines[(lines["organization"] == name) & (lines["product"] == product)]["quantity"]
    return int(found.sum()) if len(found) else None


def ids(leg, name, number=OPEN):
    lines = reading(leg, number).lines
    return set(lines[lines["organization"] == name]["organization_id"])


@pytest.mark.parametrize(("slug", "number", "file"), FILES, ids=lambda value: getattr(value, "name", str(value)))
def test_every_file_is_read_for_what_it_is(slug, number, file):
    result = read(file.data, name=file.name, kind=file.leg)
    month = next(account for account in accounts(TODAY) if account.slug == slug).months[number]
    assert result.guesses["kind"].value == file.leg
    assert result.guesses["cycle"].value == f"{month.cycle.start}:{month.cycle.end}"
    is_left_to_people = slug == "quillmere-it" and number == OPEN and file.leg == "rebilled"
    assert result.counts.rejected == (2 if is_left_to_people else 0)
    if file.leg in {"billed", "expected", "rebilled"}:
        assert result.lines["unit_price"].notna().any() == (file.leg != "expected")


def test_the_same_day_gives_the_same_bytes():
    assert accounts(TODAY) == accounts(TODAY)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 31))
def test_the_newest_cycle_has_just_ended_and_each_begins_where_the_one_before_ends(today, day):
    cycles = finished_cycles(today, day, 5)
    assert cycles[-1].end <= today < cycles[-1].end + timedelta(days=32)
    assert all(before.end == after.start for before, after in pairwise(cycles))


def test_there_are_four_past_cycles_and_an_open_one():
    assert [month.cycle for month in quillmere(TODAY).months][-1] == Cycle(date(2026, 10, 14), date(2026, 11, 14))
    assert len(quillmere(TODAY).months) == OPEN + 1 == 5
    assert len(brightfen(TODAY).months) == 1


def test_the_size_is_a_small_msps():
    assert len(CUSTOMERS) == 60
    assert all(115 <= len(reading("billed", number).lines) <= 135 for number in range(OPEN + 1))
    assert len({customer.id for customer in (*CUSTOMERS, *BRIGHTFEN_CUSTOMERS)}) == 66


def test_layouts_and_encodings_differ_from_month_to_month():
    def seen(leg, what):
        return {what(reading(leg, number)) for number in range(OPEN + 1)}

    assert seen("billed", lambda r: "Product" in " ".join(r.header)) == {True, False}
    assert len(seen("billed", lambda r: (r.mapping.encoding, r.mapping.delimiter))) >= 3
    assert seen("expected", lambda r: bool(r.sheets)) == {True, False}


def test_blank_rows_repeated_headers_titles_and_totals_are_set_aside():
    reasons = Counter(row.reason for row in reading("billed").odd_rows if row.bucket == "set_aside")
    assert reasons["blank"] == 1
    assert reasons["total"] == 1
    assert reasons["header"] >= 1


def test_names_that_look_like_something_else_are_customers():
    names = set(reading("billed").lines["organization"])
    assert {"NA", "True", "007 Lock & Key", "+One Events", "Total Care Dental", "Grand Total Accounting", "Brasserie Édouard"} <= names


def test_the_expected_list_has_no_column_for_ispm():
    assert "ispm" not in set(reading("expected").lines["product"])
    assert "ispm" in set(reading("billed").lines["product"])


def test_a_renamed_organization_keeps_its_id():
    assert ids("billed", "Fenwick Lowe", OPEN - 1) == ids("billed", "Lowe Ferris Partners") == {"41054"}
    assert units("rebilled", "Lowe Ferris Partners") is None


def test_a_mistyped_organization_stands_beside_the_living_one():
    assert units("billed", "Tarn Vale Dentel") == 3
    assert units("billed", "Tarn Vale Dental") + 3 == units("rebilled", "Tarn Vale Dental")
    assert units("expected", "Tarn Vale Dentel") is None


def test_a_departed_customer_is_still_rebilled():
    assert units("billed", "Oakmere Print Works", number=2) == units("rebilled", "Oakmere Print Works", number=2)
    for number in (3, OPEN):
        assert units("billed", "Oakmere Print Works", number=number) is None
        assert units("rebilled", "Oakmere Print Works", number=number) == units("billed", "Oakmere Print Works", number=2)


def test_one_fell_to_an_explicit_zero():
    assert units("billed", "Thistledown Florists") == 0
    assert units("rebilled", "Thistledown Florists") == 4


def test_the_psa_is_on_last_months_number():
    for number in range(1, OPEN + 1):
        last = units("billed", "Stonebeck Logistics", number=number - 1)
        assert units("rebilled", "Stonebeck Logistics", number=number) == last
        assert units("billed", "Stonebeck Logistics", number=number) > last


def test_a_psa_line_went_missing():
    assert units("rebilled", "Willowmead Vets", "itdr", OPEN - 1)
    assert units("rebilled", "Willowmead Vets", "itdr") is None
    assert units("billed", "Willowmead Vets", "itdr")


def test_one_product_was_never_rebilled():
    for number in range(OPEN + 1):
        assert units("billed", "Copperfield Surveyors", "siem", number)
        assert units("rebilled", "Copperfield Surveyors", "siem", number) is None


def test_a_new_organization_is_not_in_the_psa():
    assert units("billed", "Larkhill Nursery School", number=OPEN - 1) is None
    assert units("billed", "Larkhill Nursery School") == units("expected", "Larkhill Nursery School") == 12
    assert units("rebilled", "Larkhill Nursery School") is None


def test_some_drift_under_the_tolerance():
    billed, expected = units("billed", "Greyfriars Housing Trust"), units("expected", "Greyfriars Housing Trust")
    assert 0 < billed - expected < 0.05 * expected


def test_billed_equals_rebilled_and_both_are_wrong():
    name = "Peverell & Daughters Solicitors"
    assert units("billed", name) == units("rebilled", name) == units("expected", name) + 5


def test_stale_agents_and_identities_creep():
    agents = [units("billed", "Ashcombe Haulage", number=number) for number in range(OPEN + 1)]
    identities = [units("billed", "St Brannoc's Academy", "itdr", number) for number in range(OPEN + 1)]
    assert agents == [44, 46, 48, 50, 52]
    assert identities == [88, 94, 100, 106, 112]


def test_two_lines_of_one_customer_are_merged():
    assert reading("rebilled").counts.merged == 1
    assert units("rebilled", "Millrace Brewery") == units("billed", "Millrace Brewery")


def test_two_organizations_share_a_name_and_the_rmm_has_it_once():
    assert ids("billed", "Harbour Lane Joinery") == ids("rebilled", "Harbour Lane Joinery") == {"41072", "41195"}
    assert ids("billed", "Harbour Lane Joinery", OPEN - 1) == {"41072"}
    assert ids("expected", "Harbour Lane Joinery") == {""}


def test_the_open_months_psa_list_has_two_unreadable_quantities_and_a_strange_service():
    issues = Counter(issue.code for issue in reading("rebilled").issues)
    assert issues["unreadable_quantity"] == 2
    assert set(reading("rebilled").lines["product_name"]) == {"", "Offsite Backup 500 GB", "Secure Workplace"}


def test_one_customer_has_no_rate():
    lines = reading("rebilled").lines
    assert lines[lines["organization"] == "Marrick Town Trust"]["unit_price"].isna().all()


def test_the_psa_workbook_has_a_sheet_of_notes_beside_the_agreements():
    file = next(file for file in quillmere(TODAY).months[OPEN].files if file.leg == "rebilled")
    assert load_workbook(BytesIO(file.data)).sheetnames == ["Agreements", "Notes"]


def test_every_story_says_what_it_shows():
    assert all(story.__doc__ for story in stories.STORIES)
