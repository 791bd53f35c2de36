"""Every clause on how lists are read: quantities, names, formats, layouts, totals."""

import datetime as dt

import pytest

from tests.command.making import Outcome, Reconcile
from tests.sources.making import Cell, workbook

HEAD = ("Organization", "EDR")


def book(*rows: tuple[Cell, ...], **others: list[tuple[Cell, ...]]) -> bytes:
    return workbook({"Report": rows, **others})


# --- quantities -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "quantity"),
    [("12", 12), ('"1,234"', 1234), ("12.0", 12), (" 7 ", 7), ("0", 0), ("\u00a07\u2003", 7), ('"1,234,567"', 1234567), ("12.000", None)],
)
def test_quantities_that_are_read(reconcile: Reconcile, text: str, quantity: int | None) -> None:
    done = reconcile(billed=[HEAD, ("Contoso", text)])
    if quantity is None:
        assert done.status == 2
    else:
        assert done.rows("billed") == [quantity]


@pytest.mark.parametrize(
    "text",
    ["12.5", "-3", "1e3", "abc", "2026-10-14", "1.000", "(5)", "+5", "1 234", '"1,23"', "#REF!", "NaN", "inf", "½", "１２", "-"],
)
@pytest.mark.parametrize("leg", ["billed", "expected", "rebilled", "previous"])
def test_quantities_that_are_rejected_with_their_line(reconcile: Reconcile, leg: str, text: str) -> None:
    lists = {"billed": [HEAD, ("Contoso", 1)]} | {leg: [HEAD, ("Contoso", 1), ("Fabrikam", text)]}
    done = reconcile(**lists)
    assert (done.status, done.found) == (2, None)
    assert f"{leg}.csv, line 3: " in done.err
    assert text.strip('"') in done.err


def test_numbers_of_a_workbook_are_read_by_type(reconcile: Reconcile) -> None:
    done = reconcile(billed=book(HEAD, ("A", 12.0), ("B", 12), ("C", "12"), ("D", 1000)), expected=[HEAD, ("A", 12)])
    assert done.rows("billed") == [12, 12, 12, 1000]


@pytest.mark.parametrize("cell", [12.5, -3, dt.date(2026, 10, 14), True, "=1/0", 1.234])
def test_what_is_no_quantity_in_a_workbook_is_rejected(reconcile: Reconcile, cell: Cell) -> None:
    done = reconcile(billed=book(HEAD, ("Contoso", 1), ("Fabrikam", cell)))
    assert done.status == 2
    assert "billed.csv, line 3: " in done.err


# --- names are text ---------------------------------------------------------------------------------------------------------------

NAMES = ["NA", "None", "True", "007", "3.0", "2026-10-14", "=SUM(A1)", "null", "nan", "N/A", "-", "#", "Total Care Dental", "1e3", "False"]


def test_names_are_text_in_a_csv(reconcile: Reconcile) -> None:
    done = reconcile(billed=[HEAD, *((name, 1) for name in NAMES)], rebilled=[HEAD, *((name, 1) for name in NAMES)])
    assert done.rows("organization") == sorted(NAMES)
    assert done.status == 0


def test_names_are_text_in_a_workbook(reconcile: Reconcile) -> None:
    names = [name for name in NAMES if not name.startswith("=")]
    done = reconcile(billed=book(HEAD, *((name, 1) for name in names)))
    assert done.rows("organization") == sorted(names)


def test_no_name_takes_another_ones_place(reconcile: Reconcile) -> None:
    done = reconcile(billed=[HEAD, ("7", 1), ("007", 2), ("7.0", 3)], expected=[HEAD, ("7", 1), ("007", 2), ("7.0", 3)])
    assert done.rows("organization", "billed", "expected") == [("007", 2, 2), ("7", 1, 1), ("7.0", 3, 3)]


def test_names_are_trimmed(reconcile: Reconcile) -> None:
    assert reconcile(billed=[HEAD, ("  Contoso Dental\u00a0", 1)]).rows("organization") == ["Contoso Dental"]


# --- formats ----------------------------------------------------------------------------------------------------------------------

TEXT = "Organization,EDR\nMüller & Söhne,12\nFabrikam,3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(reconcile: Reconcile, encoding: str) -> None:
    assert reconcile(billed=TEXT.encode(encoding)).rows("organization", "billed") == [("Fabrikam", 3), ("Müller & Söhne", 12)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(reconcile: Reconcile, delimiter: str, end: str) -> None:
    done = reconcile(billed=TEXT.replace(",", delimiter).replace("\n", end))
    assert done.rows("organization", "billed") == [("Fabrikam", 3), ("Müller & Söhne", 12)]


def test_the_legs_may_come_in_different_formats(reconcile: Reconcile) -> None:
    rebilled = book(("Company", "Product", "Qty"), ("müller söhne", "Managed EDR", 12), ("FABRIKAM", "Endpoints", 3))
    expected = "Client;Agents\nMüller & Söhne;12\nFabrikam;3\n".encode("utf-16")
    done = reconcile(billed=TEXT, expected=expected, rebilled=rebilled)
    assert (done.status, done.rows("severity")) == (0, ["match", "match"])


def test_title_lines_blank_rows_and_repeated_headers_are_set_aside(reconcile: Reconcile) -> None:
    text = "Billing report,\nfor,October\n\nOrganization,EDR\nContoso,12\n,\nOrganization,EDR\nFabrikam,3\n"
    done = reconcile(billed=text, expected=[HEAD, ("Contoso", 12), ("Fabrikam", 3)])
    assert done.json["files"][0]["rows"] == {"in": 8, "loaded": 2, "merged": 0, "set_aside": 6, "rejected": 0}
    assert done.status == 0


def test_of_several_sheets_the_one_that_looks_like_a_report_is_read_and_named(reconcile: Reconcile) -> None:
    done = reconcile(billed=book(HEAD, ("Contoso", 12), About=[("Made by", "us")]))
    assert done.rows("billed") == [12]
    assert any("Report" in issue["message"] and issue["level"] == "info" for issue in done.json["issues"])


def test_several_sheets_that_look_like_reports_are_refused_by_name(reconcile: Reconcile) -> None:
    done = reconcile(billed=book(HEAD, ("Contoso", 12), October=[HEAD, ("Contoso", 11)]))
    assert done.status == 2
    assert "“Report”" in done.err
    assert "“October”" in done.err


WIDE = [("Client Name", "EDR", "Identities", "SAT learners"), ("Contoso", 1, 2, 3), ("Fabrikam", "", 0, "")]
LONG = [
    ("Company", "Service", "Units"), ("Contoso", "managed  edr", 1), ("Contoso", "M365 USERS", 2), ("Contoso", "Learners", 3),
    ("Fabrikam", "itdr", 0),
]  # fmt: skip


def test_wide_and_long_layouts_say_the_same(reconcile: Reconcile) -> None:
    done = reconcile(billed=WIDE, expected=LONG, rebilled=LONG)
    assert done.rows("organization", "product", "billed", "rebilled") == [
        ("Contoso", "edr", 1, 1), ("Contoso", "itdr", 2, 2), ("Contoso", "sat", 3, 3), ("Fabrikam", "itdr", 0, 0),
    ]  # fmt: skip
    assert (done.status, set(done.rows("severity"))) == (0, {"match"})


@pytest.mark.parametrize("header", ["EDR,Agents", "EDR,EDR", "Endpoints,edr"])
def test_two_columns_for_one_product_are_refused_both_named(reconcile: Reconcile, header: str) -> None:
    done = reconcile(billed=f"Organization,{header}\nContoso,1,2\n")
    assert done.status == 2
    assert all(f"“{one}”" in done.err for one in header.split(","))
    assert "billed.csv, line 1: " in done.err


def test_an_unknown_product_in_a_bill_is_rejected_for_no_money_may_vanish(reconcile: Reconcile) -> None:
    done = reconcile(billed=[*LONG, ("Contoso", "Backup", 9)])
    assert done.status == 2
    assert "billed.csv, line 6: " in done.err
    assert "Backup" in done.err


@pytest.mark.parametrize("leg", ["expected", "rebilled"])
def test_an_unknown_product_elsewhere_is_set_aside_and_listed(reconcile: Reconcile, leg: str) -> None:
    done = reconcile(billed=LONG, **{leg: [*LONG, ("Contoso", "Backup", 9)]})
    assert done.codes() == ["unknown_product"]
    assert done.json["files"][1]["rows"]["set_aside"] == 2
    assert done.status == 0


# --- totals -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["Total", "GRAND TOTAL", "Subtotal", "Sum", " total: "])
def test_a_total_that_ties_is_set_aside(reconcile: Reconcile, label: str) -> None:
    done = reconcile(billed=[HEAD, ("Contoso", 12), ("Fabrikam", 3), (label, 15)])
    assert done.rows("organization") == ["Contoso", "Fabrikam"]


def test_a_total_that_does_not_tie_is_refused(reconcile: Reconcile) -> None:
    done = reconcile(billed=[HEAD, ("Contoso", 12), ("Fabrikam", 3), ("Total", 16)])
    assert done.status == 2
    assert "billed.csv, line 4: " in done.err
    assert "15" in done.err
    assert "16" in done.err


def test_a_total_that_does_not_tie_leaves_its_product_unchecked_when_it_is_allowed(reconcile: Reconcile) -> None:
    rows = [("Organization", "EDR", "SAT"), ("Contoso", 12, 1), ("Total", 16, 1)]
    done = reconcile(billed=rows, rebilled=rows[:2], allow_rejected=True)
    assert done.codes() == ["total_does_not_tie"]
    assert done.rows("product", "billed", "severity") == [("edr", None, "unchecked"), ("sat", 1, "unchecked")]
    assert done.row("Contoso", "sat")["checks"]["rebilled"]["severity"] == "match"
    assert done.status == 1


def test_subtotals_since_the_last_one(reconcile: Reconcile) -> None:
    done = reconcile(billed=[HEAD, ("A", 1), ("B", 2), ("Subtotal", 3), ("C", 4), ("Subtotal", 4), ("Grand Total", 7)])
    assert done.rows("organization") == ["A", "B", "C"]


@pytest.mark.parametrize("name", ["Total Care Dental", "Grand Total Accounting", "Sum Corp", "Totals"])
def test_every_other_named_row_is_a_customer_whatever_its_numbers(reconcile: Reconcile, name: str) -> None:
    done = reconcile(billed=[HEAD, ("Contoso", 12), ("Fabrikam", 3), (name, 15)])
    assert done.row(name)["billed"] == 15


# --- files that are none ----------------------------------------------------------------------------------------------------------


def refused(done: Outcome, leg: str) -> bool:
    return done.status == 2 and f"{leg}.csv" in done.err and done.found is None and len(done.err) > 60


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n\n", b"\xef\xbb\xbf", b"%PDF-1.7\n", b"PK\x03\x04 broken", b"\x00\x01\x02\x03", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 100,
     b"<html><body></body></html>", b"\xff\xfe", b"\xff\xfeO", b"just words", b"\x89PNG\r\n\x1a\n", b'"unclosed', b",,,,,,\n" * 9],
)  # fmt: skip
@pytest.mark.parametrize("leg", ["billed", "rebilled"])
def test_what_is_no_list_is_refused_in_a_sentence(reconcile: Reconcile, leg: str, data: bytes) -> None:
    assert refused(reconcile(**{"billed": [HEAD, ("Contoso", 1)], leg: data}), leg)


@pytest.mark.parametrize("rows", [[HEAD], [HEAD, ("", "")], [HEAD, ("Contoso", "")], [HEAD, ("Total", 0)]])
def test_a_list_without_one_quantity_was_not_provided(reconcile: Reconcile, rows: list[tuple[object, ...]]) -> None:
    done = reconcile(billed=rows, expected=[HEAD, ("Contoso", 5)])
    assert done.status == 1
    assert done.rows("billed", "severity") == [(None, "unchecked")], "no huge finding where the invoice is empty"
    assert "nothing could be compared" in done.out
    done = reconcile(billed=[HEAD, ("Contoso", 5)], rebilled=rows)
    assert (done.status, done.rows("rebilled", "severity", "flags")) == (1, [(None, "unchecked", [])])


def test_nothing_at_all_is_never_clean(reconcile: Reconcile) -> None:
    done = reconcile(billed=[HEAD], expected=[HEAD], rebilled=[HEAD])
    assert (done.status, done.json["variances"], done.json["totals"]) == (1, [], [])
    assert "nothing could be compared" in done.out


def test_the_largest_quantities_are_exact(reconcile: Reconcile) -> None:
    most = 10**9
    rows = [HEAD, *(("Contoso", most) for _ in range(100)), ("Fabrikam", most - 1)]
    done = reconcile(billed=rows, expected=[HEAD, ("Contoso", 1), ("Fabrikam", most)])
    assert done.rows("billed", "severity") == [(100 * most, "escalate"), (most - 1, "unchecked")]
    assert done.json["totals"][0]["billed"] == 101 * most - 1
    assert reconcile(billed=[HEAD, ("Contoso", most + 1)]).status == 2


def test_one_file_for_two_legs_agrees_with_itself(reconcile: Reconcile) -> None:
    done = reconcile(billed=WIDE, expected=WIDE, rebilled=WIDE, previous=WIDE)
    assert (done.status, set(done.rows("severity"))) == (0, {"match"})
