"""Bytes of every kind: what is read, and in which words the rest is refused."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter

from ingest.sources import Limits, Mapping, Unreadable, guess_cycle, guess_kind, read
from tests.sources.making import Cell, codes, lines_of, reading, rejected_of, workbook

REPORT: list[list[Cell]] = [["Organization", "EDR"], ["Contoso", 12.0]]


def refusal(data: bytes, limits: Limits | None = None, mapping: Mapping | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(data, name="x", kind="billed", limits=limits or Limits(), mapping=mapping)
    return caught.value


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)
    return out.getvalue()


def with_sheet(data: bytes, old: bytes, new: bytes) -> bytes:
    return repacked(data, lambda name, content: content.replace(old, new) if "sheet1" in name else content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_it_reads_text_in_four_encodings(encoding: str) -> None:
    result = reading("Organization,EDR\nMünchen – Süd,5\n".encode(encoding))
    assert lines_of(result) == [("München – Süd", "edr", 5)]
    assert result.mapping.encoding == {"utf-8-sig": "utf-8"}.get(encoding, encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_it_finds_the_delimiter(delimiter: str) -> None:
    result = reading(f"Report, with; all | of\tthem\nOrganization{delimiter}EDR\nContoso{delimiter}5\n")
    assert result.mapping.delimiter == delimiter
    assert lines_of(result) == [("Contoso", "edr", 5)]


def test_a_record_over_several_lines_is_one_row_at_its_first_line() -> None:
    result = reading('Organization,EDR\r\n"New\r\nLine",5\r\nContoso,6\r\n')
    assert result.lines["line"].tolist() == [2, 4]
    assert lines_of(result)[0][0] == "New\nLine"
    assert result.counts.rows_in == 3


@pytest.mark.parametrize("text", ["Organization,EDR\nContoso,5", "Organization,EDR\rContoso,5\r", 'Organization,EDR\n5" screens,5\n'])
def test_it_reads_odd_but_honest_text(text: str) -> None:
    assert reading(text).counts.to_json() == {"in": 2, "loaded": 1, "merged": 0, "set_aside": 1, "rejected": 0}


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [(b"", "empty", "empty"), (b"\xef\xbb\xbf\n \n", "empty", "empty"), (b"%PDF-1.7 ...", "not_a_table", "A PDF has no rows to read"),
     (b"\x89PNG\r\n\x1a\n", "not_a_table", "picture"), (b"\xff\xd8\xff\xe0", "not_a_table", "picture"),
     (b"<!DOCTYPE html><table>", "not_a_table", "HTML"),
     (b"  <table><tr>", "not_a_table", "HTML"), (b"<?xml version='1.0'?>", "not_a_table", "XML"),
     (b'{"organizations": []}', "not_a_table", "JSON"),
     (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "not_a_table", "Office document"), (b"PK\x03\x04nonsense", "damaged", "damaged"),
     (b"Organization,EDR\nA\0B,1\n", "not_a_table", "NUL"), ("Organization,EDR\n".encode("utf-16-le"), "not_a_table", "UTF-16"),
     (b"Organization,EDR\n\x81\x8d\xff,1\n", "encoding", "CP1252"), (b"\x1f\x8b\x08", "not_a_table", "gzip"),
     (b'Organization,EDR\n"Contoso,5\nFabrikam,6\n', "unclosed_quote", "line 2"),
     (b"Organization,EDR\n" + b"x" * 40_000 + b",1\n", "cell_too_long", "line 2"),
     (b'Organization,EDR\n"' + b"x\n" * 90_000 + b'",1\n', "cell_too_long", "line 2"),
     (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "protected", "password")],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_words(data: bytes, code: str, words: str) -> None:
    error = refusal(data)
    assert [issue.code for issue in error.issues] == [code]
    assert words in error.issues[0].message


def test_limits_are_kept() -> None:
    text = b"Organization,EDR\na,1\nb,2\n"
    assert refusal(text, Limits(max_bytes=5)).issues[0].code == "too_big"
    assert refusal(text, Limits(max_rows=2)).issues[0].code == "too_many_rows"
    assert refusal(text, Limits(max_columns=1)).issues[0].code == "too_many_columns"
    assert refusal(text + b"c" + b",1" * 2000, None).issues[0].code == "too_many_columns"
    assert refusal(text, Limits(max_cells=5)).issues[0].code == "too_many_cells"
    assert refusal(workbook({"S": REPORT}), Limits(max_workbook_cells=3)).issues[0].code == "too_many_cells"


def test_a_workbooks_cells_become_text() -> None:
    rows: list[list[Cell]] = [["Organization", "Org ID", "EDR", "Unit Price"], ["Contoso", 7.0, 12.0, 6.5],
     [True, "007", 3, 6.5 * 1.1], [dt.date(2026, 10, 14), 8.5, "1,234", 0.1 + 0.2],
            [dt.datetime(2026, 10, 14, 3, 4), 1e-7, 0, None]]  # fmt: skip
    result = reading(workbook({"S": rows}))
    assert lines_of(result) == [("Contoso", "edr", 12), ("TRUE", "edr", 3), ("2026-10-14", "edr", 1234), ("2026-10-14 03:04:00", "edr", 0)]
    assert result.lines["organization_id"].tolist() == ["7", "007", "8.5", "0.0000001"]
    assert result.lines["unit_price"].fillna(-1).tolist() == [6_500_000, 7_150_000, 300_000, -1]


def test_a_typed_number_is_not_ambiguous_and_a_typed_half_is_not_whole() -> None:
    result = reading(
        workbook({"S": [["Organization", "EDR", "Price"], ["a", "1.000", 1], ["b", 1.234, 1], ["c", 12.5, 1], ["d", 1, 1.234]]})
    )
    assert [issue.message.split(":")[0] for issue in result.issues] == [
        "1.000",
        "Quantities are whole numbers",
        "Quantities are whole numbers",
    ]
    assert result.lines["unit_price"].tolist() == [1_234_000]


def test_a_sheets_rows_keep_their_numbers() -> None:
    result = reading(workbook({"S": [[], [], [None, "Organization", "EDR"], [], [None, "Contoso", 12.0]]}))
    assert result.mapping.header_line == 3
    assert result.lines["line"].tolist() == [5]
    assert result.counts.to_json() == {"in": 5, "loaded": 1, "merged": 0, "set_aside": 4, "rejected": 0}


def test_an_error_cell_is_no_blank() -> None:
    rows: list[list[Cell]] = [["Organization", "EDR"], ["Contoso", "#REF!"], ["#N/A", 3], ["Fabrikam", 4], ["Litware", "#DIV/0!"]]
    result = reading(workbook({"S": rows}))
    assert lines_of(result) == [("Fabrikam", "edr", 4)]
    assert codes(result) == ["unreadable_quantity", "unreadable_cell", "unreadable_quantity"]
    assert rejected_of(result) == [("2", "Contoso", "", "", "edr"), ("3", "", "", "", "edr"), ("5", "Litware", "", "", "edr")]
    assert [row.cells for row in result.odd_rows[1:]] == [("Contoso", "#REF!"), ("#N/A", "3"), ("Litware", "#DIV/0!")]


def test_a_formula_without_a_result_is_no_blank_and_one_with_is_its_result() -> None:
    result = reading(workbook({"S": [["Organization", "EDR"], ["Contoso", "=SUM(1,2)"], ["Fabrikam", "4"]]}))
    assert codes(result) == ["unreadable_quantity"]
    assert "=SUM(1,2) is a formula without a stored result" in result.issues[0].message
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Organization", "EDR"])
        sheet.write_string(1, 0, "=SUM(A1)")
        sheet.write_formula(1, 1, "=1+2", None, 3)
        sheet.write_formula(2, 1, '=""', None, "")
    assert lines_of(reading(out.getvalue())) == [("=SUM(A1)", "edr", 3)]


def test_an_id_with_more_digits_than_a_workbook_keeps_is_rejected() -> None:
    rows: list[list[Cell]] = [
        ["Organization", "Org ID", "EDR"],
        ["a", 1234567890123456, 1],
        ["b", "1234567890123456", 1],
        ["c", 123456789012345, 1],
    ]
    result = reading(workbook({"S": rows}))
    assert codes(result) == ["unreadable_id"]
    assert rejected_of(result) == [("2", "a", "", "", "edr")]
    assert result.lines["organization_id"].tolist() == ["1234567890123456", "123456789012345"]


def test_merged_cells_leave_rows_without_an_organization() -> None:
    result = reading(workbook({"S": [["Organization", "Product", "Qty"], ["Contoso", "EDR", "1"], [None, "SAT", "2"]]}))
    assert codes(result) == ["no_organization"]
    assert "merged" in result.issues[0].message


def test_the_sheet_that_looks_like_a_report_is_read() -> None:
    result = reading(workbook({"Cover": [["Hello"]], "Data": REPORT, "Empty": [["Organization", "EDR"]]}))
    assert (result.mapping.sheet, result.sheets) == ("Data", ("Cover", "Data", "Empty"))
    assert [(issue.level, issue.code) for issue in result.issues] == [("info", "sheet_chosen")]


def test_two_sheets_that_look_so_are_refused_until_one_is_chosen() -> None:
    data = workbook({"Oct": REPORT, "Nov": REPORT})
    error = refusal(data)
    assert error.issues[0].code == "several_sheets"
    assert "“Oct”, “Nov”" in error.issues[0].message
    assert error.sheets == ("Oct", "Nov")
    mapping = Mapping({0: "organization", 1: "quantity:edr"}, sheet="Nov")
    assert read(data, name="x", kind="billed", mapping=mapping).mapping.sheet == "Nov"
    assert refusal(data, mapping=Mapping({0: "organization", 1: "quantity:edr"}, sheet="Dec")).issues[0].code == "bad_mapping"


def test_hidden_sheets_count_only_where_no_visible_one_does() -> None:
    assert reading(workbook({"Old": REPORT, "New": REPORT}, hidden=["Old"])).mapping.sheet == "New"
    assert reading(workbook({"Old": REPORT, "New": [["x"]]}, hidden=["Old"])).mapping.sheet == "Old"


def test_a_zip_bomb_is_refused_before_it_is_opened() -> None:
    bomb = repacked(workbook({"S": REPORT}), lambda name, content: b" " * 80_000_000 if "sheet1" in name else content)
    error = refusal(bomb)
    assert error.issues[0].code == "too_big"
    assert refusal(workbook({"S": REPORT}), Limits(max_workbook_bytes=500)).issues[0].code == "too_big"


@pytest.mark.parametrize("place", [b"XFD1048576", b"ALM9", b"A4294967295", b"A1050000", b"ZZ999999"])
def test_a_cell_far_out_cannot_exhaust_the_memory(place: bytes) -> None:
    for quoted in (b'r="%b"', b"r='%b'", b'r = "%b"'):
        error = refusal(with_sheet(workbook({"S": REPORT}), b'r="B2"', quoted % place))
        assert error.issues[0].code in ("too_many_columns", "too_many_rows", "too_many_cells")


def test_a_sheet_past_column_z_is_read() -> None:
    rows: list[list[Cell]] = [["Organization", "EDR", *[f"Notes {i}" for i in range(40)]], ["Contoso", 12.0, *["x"] * 40]]
    assert lines_of(reading(workbook({"S": rows}))) == [("Contoso", "edr", 12)]


def test_other_zips_are_told_apart() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("report.csv", "Organization,EDR\n")
    assert "not an XLSX workbook" in refusal(out.getvalue()).issues[0].message
    assert refusal(repacked(workbook({"S": REPORT}), lambda name, content: None if "workbook.xml" in name else content)).issues


def test_the_same_bytes_have_the_same_digest() -> None:
    result = reading("Organization,EDR\na,1\n", name="x.csv")
    assert re.fullmatch("[0-9a-f]{64}", result.sha256)
    assert (result.name, result.kind) == ("x.csv", "billed")


@pytest.mark.parametrize(
    ("name", "titles", "header", "kind"),
    [("billing-detail-2026-11-14.csv", [], [], "billed"), ("Agreements.xlsx", [], [], "rebilled"),
     ("a.csv", ["RMM device inventory"], [], "expected"),
     ("export.csv", [], ["Customer", "Agreement", "Qty"], "rebilled"), ("huntress_expected.csv", [], [], "expected"),
     ("rebill.csv", [], [], "rebilled")],
)  # fmt: skip
def test_the_kind_is_guessed_with_a_reason(name: str, titles: list[str], header: list[str], kind: str) -> None:
    guess = guess_kind(name, titles, header)
    assert guess is not None
    assert guess.value == kind
    assert guess.because.startswith("guessed from “")


def test_nothing_is_guessed_from_nothing() -> None:
    assert guess_kind("export.csv", [], ["Customer", "Qty"]) is None
    assert guess_cycle("export.csv", ["1 page"]) is None


@pytest.mark.parametrize(
    ("name", "titles", "cycle"),
    [("a.csv", ["2026-10-14 to 2026-11-14"], "2026-10-14:2026-11-14"), ("a.csv", ["14 Oct 2026 - 14 Nov 2026"], "2026-10-14:2026-11-14"),
     ("billing-detail-2026-11-14.csv", [], "2026-11-14"), ("b_2026-10-14_2026-11-14.csv", [], "2026-10-14:2026-11-14"),
     ("a.csv", ["October 14, 2026 – November 14, 2026"], "2026-10-14:2026-11-14"),
     ("a.csv", ["Generated 2026-11-15", "Period: 2026-10-14 - 2026-11-14"], "2026-10-14:2026-11-14"),
     ("report 20261114.csv", [], "2026-11-14"), ("a.csv", ["31 February 2026"], None), ("a 2026-01-01 and 2026-05-05.csv", [], None)],
)  # fmt: skip
def test_the_cycle_is_guessed_from_dates(name: str, titles: list[str], cycle: str | None) -> None:
    guess = guess_cycle(name, titles)
    assert (guess.value if guess else None) == cycle


@pytest.mark.parametrize(
    "piece", [b'<c t="e" ', b"<c " + b" " * 50, b'<c r="A1"><f>', b'<c t="e">' + b" " * 50, b'<c t="e"><f>x</f>', b"r ="]
)
def test_no_sheet_keeps_the_reader_busy(piece: bytes) -> None:
    sheet = b'<worksheet><sheetData><row r="1">' + piece * (1_000_000 // len(piece))
    data = repacked(workbook({"S": REPORT}), lambda name, content: sheet + b'"e"' if "sheet1" in name else content)
    assert refusal(data).issues


@pytest.mark.parametrize("prefix", [b"", b"x:", b"main:"])
def test_cells_that_do_not_say_where_they_stand_cannot_either(prefix: bytes) -> None:
    rows = b"<%brow/>" % prefix * 100_000 + b"<%brow>" % prefix + b"<%bc/>" % prefix * 900 + b"</%brow>" % prefix
    error = refusal(with_sheet(workbook({"S": REPORT}), b"<sheetData>", b"<sheetData>" + rows))
    assert error.issues[0].code == "too_many_cells"
