"""The JSON of the specification, key by key, and the short table."""

import hashlib
from pathlib import Path

import pytest

from tests.command.making import Outcome, Reconcile

BILLED = [("Organization", "Product", "Quantity"), ("Contoso Dental", "EDR", 12), ("Fabrikam", "EDR", 3), ("Fabrikam", "SIEM", 1)]


@pytest.fixture
def month(reconcile: Reconcile) -> Outcome:
    expected = [("Organization", "EDR"), (" contoso dental ", 10), ("Fabrikam", 3)]
    rebilled = [("Customer", "EDR", "SIEM"), ("Fabrikam", 3, 1), ("Northwind", 2, ""), ("Total", 5, 1)]
    previous = [("Organization", "EDR"), ("Contoso Dental", 11), ("Adatum", 4)]
    return reconcile(billed=BILLED, expected=expected, rebilled=rebilled, previous=previous, cycle="2026-10-14:2026-11-14")


def test_it_has_these_keys_and_no_others(month: Outcome) -> None:
    assert list(month.json) == ["cycle", "files", "totals", "variances", "issues"]
    assert month.json["cycle"] == {"start": "2026-10-14", "end": "2026-11-14"}
    for row in month.json["variances"]:
        assert list(row) == [
            "organization", "organization_id", "product", "billed", "expected", "rebilled", "previous", "severity", "checks", "flags",
        ]  # fmt: skip
        assert list(row["checks"]) == ["expected", "rebilled"]
        assert all(list(check) == ["difference", "severity"] for check in row["checks"].values())


def test_a_row_in_full(month: Outcome) -> None:
    assert month.row("Contoso Dental") == {
        "organization": "Contoso Dental",
        "organization_id": None,
        "product": "edr",
        "billed": 12,
        "expected": 10,
        "rebilled": 0,
        "previous": 11,
        "severity": "escalate",
        "checks": {"expected": {"difference": 2, "severity": "escalate"}, "rebilled": {"difference": 12, "severity": "escalate"}},
        "flags": ["not_in_rebilled"],
    }


def test_rows_are_sorted_by_organization_then_product(month: Outcome) -> None:
    rows = month.rows("organization", "product")
    assert rows == [("Adatum", "edr"), ("Contoso Dental", "edr"), ("Fabrikam", "edr"), ("Fabrikam", "siem"), ("Northwind", "edr")]


def test_sorting_is_by_code_point(reconcile: Reconcile) -> None:
    names = ["äpfel", "Zoo", "apple", "Banana", "007", "=x", "🦊", "\uffee"]
    rows = [("Organization", "SIEM", "EDR", "SAT", "ITDR", "ISPM"), *((name, 1, 1, 1, 1, 1) for name in names)]
    found = reconcile(billed=rows).rows("organization", "product")
    assert found == sorted(found)
    assert [product for _, product in found[:5]] == ["edr", "ispm", "itdr", "sat", "siem"]
    assert {name for name, _ in found} == set(names)


def test_someone_billed_last_month_and_nowhere_now_is_a_row_with_zeros(month: Outcome) -> None:
    row = month.row("Adatum")
    assert (row["billed"], row["expected"], row["rebilled"], row["previous"]) == (0, 0, 0, 4)
    assert row["flags"] == ["not_billed", "not_in_expected", "not_in_rebilled"]


def test_what_previous_does_not_name_was_zero(month: Outcome) -> None:
    assert month.row("Fabrikam")["previous"] == 0


def test_totals_are_of_what_each_list_has(month: Outcome) -> None:
    assert month.json["totals"] == [
        {"product": "edr", "billed": 15, "expected": 13, "rebilled": 5, "previous": 15},
        {"product": "siem", "billed": 1, "expected": None, "rebilled": 1, "previous": 0},
    ]


def test_files_say_leg_name_digest_and_every_row(month: Outcome, tmp_path: Path) -> None:
    files = month.json["files"]
    assert [one["leg"] for one in files] == ["billed", "expected", "rebilled", "previous"]
    for one in files:
        assert one["name"] == f"{one['leg']}.csv"
        assert one["sha256"] == hashlib.sha256((tmp_path / one["name"]).read_bytes()).hexdigest()
        rows = one["rows"]
        assert list(rows) == ["in", "loaded", "merged", "set_aside", "rejected"]
        assert rows["in"] == sum(rows.values()) - rows["in"] == len((tmp_path / one["name"]).read_text().splitlines())
    assert files[2]["rows"] == {"in": 4, "loaded": 2, "merged": 0, "set_aside": 2, "rejected": 0}


def test_issues_say_file_line_level_code_and_message(reconcile: Reconcile) -> None:
    twice = [("Organization", "EDR"), ("Contoso", 5), ("Fabrikam", 1), ("Contoso", 7)]
    done = reconcile(billed=twice, expected=[("Organization", "EDR"), ("Contoso", 12), ("Fabrikam", 1)])
    [issue] = done.json["issues"]
    assert list(issue) == ["file", "line", "level", "code", "message"]
    assert (issue["file"], issue["line"], issue["level"], issue["code"]) == ("billed.csv", 4, "warning", "merged")
    assert done.row("Contoso")["billed"] == 12
    assert done.json["files"][0]["rows"] == {"in": 4, "loaded": 2, "merged": 1, "set_aside": 1, "rejected": 0}
    assert done.status == 0


def test_without_a_cycle_it_is_null(reconcile: Reconcile) -> None:
    assert reconcile(billed=BILLED).json["cycle"] is None


def test_some_with_an_id_and_some_without(reconcile: Reconcile) -> None:
    done = reconcile(billed=[("Organization", "Organization ID", "EDR"), ("Contoso", 7, 1), ("Fabrikam", "", 1)])
    assert done.rows("organization", "organization_id") == [("Contoso", "7"), ("Fabrikam", None)]


def test_two_of_one_name_are_sorted_by_id(reconcile: Reconcile) -> None:
    rows = [("Organization", "Organization ID", "EDR"), ("Contoso", 9, 1), ("Contoso", 10, 2), ("Contoso", 8, 3)]
    assert reconcile(billed=rows).rows("organization_id", "billed") == [("10", 2), ("8", 3), ("9", 1)]


def test_names_in_every_script_are_written_as_they_are(reconcile: Reconcile, tmp_path: Path) -> None:
    reconcile(billed=[("Organization", "EDR"), ("診療所 Ünïcode", 1)])
    assert "診療所 Ünïcode" in (tmp_path / "found.json").read_text()


def test_the_short_table_has_totals_counts_and_the_worst(month: Outcome) -> None:
    lines = month.out.splitlines()
    assert lines[0].split() == ["product", "billed", "expected", "rebilled", "previous"]
    assert lines[1].split() == ["EDR", "15", "13", "5", "15"]
    assert lines[2].split() == ["SIEM", "1", "–", "1", "0"]
    assert "5 rows: 2 match, 0 within, 1 unchecked, 0 investigate, 2 escalate" in month.out
    assert "  escalate    Northwind, EDR: billed 0  expected 0  rebilled 2" in lines


def test_the_short_table_stays_short_and_on_its_lines(reconcile: Reconcile) -> None:
    rows = [("Organization", "EDR"), *((f"Customer {number}", 50) for number in range(40)), ('"Two\n\x1b[31mlines"', 70)]
    done = reconcile(billed=rows, rebilled=[("Organization", "EDR"), ("Nobody", 1)])
    assert "and 27 more" in done.out
    assert len(done.out.splitlines()) < 25
    assert "\x1b" not in done.out
