"""Lists that are no CSV and no XLSX: web pages that are called .xls, old workbooks, OpenDocument spreadsheets."""

from __future__ import annotations

import pytest

from ingest.sources import Mapping, Reading, Unreadable, read, recognise
from tests.sources.hostile import SAMPLES, ods, ods_row, ods_table, page
from tests.sources.making import codes, lines_of, rejected_of


def got(data: bytes, mapping: Mapping | None = None) -> Reading:
    return read(data, name="list.xls", kind="billed", mapping=mapping)


def refused(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        got(data)
    return caught.value


def table(*rows: str) -> str:
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


HEAD = "<th>Organization</th><th>EDR</th>"


# --- web pages ---


def test_a_web_page_called_xls_is_read() -> None:
    result = got(page(table(HEAD, "<td>Tarn&nbsp;Vale &amp; Sons</td><td>1,200</td>", "<td>Marrick<br>Town</td><td><b>8</b></td>")))
    assert lines_of(result) == [("Tarn Vale & Sons", "edr", 1200), ("Marrick Town", "edr", 8)]
    assert result.counts.to_json() == {"in": 3, "loaded": 2, "merged": 0, "set_aside": 1, "rejected": 0}
    assert result.lines["line"].tolist() == [2, 3]


@pytest.mark.parametrize(
    "start", [b"<!DOCTYPE html>\n", b"<!-- made by a PSA -->", b'<?xml version="1.0"?>\n<!DOCTYPE html>', b"\xef\xbb\xbf  ", b"<meta a=b>"]
)
def test_it_is_known_by_its_bytes(start: bytes) -> None:
    assert lines_of(got(start + page(table(HEAD, "<td>Contoso</td><td>3</td>")))) == [("Contoso", "edr", 3)]


@pytest.mark.parametrize(
    ("encoding", "head"),
    [("utf-8", ""), ("utf-16", ""), ("cp1252", ""), ("utf-8", '<meta charset="utf-8">'), ("cp1252", "<meta charset=iso-8859-1>"),
     ("cp1250", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1250">')],
)  # fmt: skip
def test_it_is_read_in_the_encoding_that_it_states(encoding: str, head: str) -> None:
    name = "Žižkov s.r.o." if encoding != "cp1252" else "Müller & Söhne"
    written = name.replace("&", "&amp;")
    assert lines_of(got(page(table(HEAD, f"<td>{written}</td><td>3</td>"), head=head, encoding=encoding))) == [(name, "edr", 3)]


def test_a_page_that_is_not_in_what_it_states_is_refused() -> None:
    assert refused(page(table(HEAD, "<td>a\x81</td>"), head="<meta charset=euc-jp>", encoding="latin-1")).issues[0].code == "encoding"


def test_cells_that_span_leave_the_others_blank() -> None:
    rows = ["<th>Organization</th><th>Product</th><th>Quantity</th>", "<td rowspan=2>Contoso</td><td>EDR</td><td>3</td>",
            "<td>ITDR</td><td>4</td>", "<td colspan=2>Fabrikam</td><td>5</td>"]  # fmt: skip
    result = got(page(table(*rows)))
    assert lines_of(result) == [("Contoso", "edr", 3)]
    assert codes(result, "error") == ["no_organization", "unknown_product"]
    assert [row.cells for row in result.odd_rows[1:]] == [("", "ITDR", "4"), ("Fabrikam", "", "5")]


def test_tables_are_like_sheets_and_one_within_another_is_its_own() -> None:
    inner = table(HEAD, "<td>Contoso</td><td>3</td>")
    result = got(page(table("<td>Menu</td>", f"<td>{inner}</td>"), table("<td>Footer</td>")))
    assert (result.mapping.sheet, result.sheets) == ("Table 2", ("Table 1", "Table 2", "Table 3"))
    assert lines_of(result) == [("Contoso", "edr", 3)]
    twice = page(inner, inner)
    assert refused(twice).issues[0].code == "several_sheets"
    assert lines_of(got(twice, Mapping({0: "organization", 1: "quantity:edr"}, sheet="Table 2"))) == [("Contoso", "edr", 3)]


def test_what_nobody_sees_of_a_page_is_no_cell() -> None:
    row = "<td>Contoso<script>document.write('x')</script><style>b{}</style><!-- y --></td><td>3</td>"
    hidden = '<table style="display: none"><tr><th>Organization<th>EDR<tr><td>Old<td>9</table>'
    assert lines_of(got(page(hidden, table(HEAD, row)))) == [("Contoso", "edr", 3)]


def test_careless_markup_is_read_as_a_browser_does() -> None:
    assert lines_of(got(b"<table><tr><td>Organization<td>EDR<tr><td>Contoso<td>3<tr><td>Fabrikam<td>4")) == [
        ("Contoso", "edr", 3),
        ("Fabrikam", "edr", 4),
    ]


def test_a_page_without_a_table_says_what_it_may_be() -> None:
    assert "sign in" in refused(page("<p>Session expired</p>")).issues[0].message
    assert "MHTML" in refused(b"MIME-Version: 1.0\nX-Document-Type: Workbook\n").issues[0].message
    assert "XML" in refused(b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>').issues[0].message


def test_a_text_that_begins_with_a_sign_is_no_page() -> None:
    assert lines_of(got(b"Organization,EDR\n<table> makers,3\n")) == [("<table> makers", "edr", 3)]


# --- old workbooks ---


def test_an_old_workbook_is_read_with_its_errors_as_errors() -> None:
    result = got((SAMPLES / "billed" / "old-billed.xls").read_bytes())
    assert lines_of(result)[:2] == [("Tarn Vale Dental", "edr", 12), ("Tarn Vale Dental", "itdr", 3)]
    assert result.lines["organization_id"].tolist()[0] == "4711"
    assert (result.mapping.sheet, result.mapping.header_line) == ("Billing", 2)
    assert "sheet_chosen" in codes(result)


def test_an_old_workbook_without_its_end_is_refused() -> None:
    whole = (SAMPLES / "billed" / "old-billed.xls").read_bytes()
    for size in (600, 1500, 4096, len(whole) // 2):
        assert refused(whole[:size]).issues[0].code in ("damaged", "not_a_table")


# --- OpenDocument ---


def test_an_open_document_is_read_with_its_types() -> None:
    rows = [
        ods_row("Title of the list"),
        ods_row("Organization", "Org ID", "EDR", "Price"),
        '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>',
        ods_row("Tarn <text:s text:c='2'/>Vale", 4711.0, 1200.0, 6.5),
        ods_row("007", '<table:table-cell table:number-columns-repeated="1"/>', 3.0),
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>',
    ]
    result = got(ods(ods_table(*rows)))
    assert lines_of(result) == [("Tarn   Vale", "edr", 1200), ("007", "edr", 3)]
    assert result.lines["line"].tolist() == [5, 6]
    assert result.lines["organization_id"].tolist() == ["4711", ""]
    assert result.lines["unit_price"].fillna(-1).tolist() == [6_500_000, -1]
    assert result.counts.to_json() == {"in": 6, "loaded": 2, "merged": 0, "set_aside": 4, "rejected": 0}


def test_an_open_documents_errors_are_no_blanks() -> None:
    kinds = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
    error = f'<table:table-cell table:formula="of:=1/0" {kinds}><text:p>#DIV/0!</text:p></table:table-cell>'
    bare = '<table:table-cell table:formula="of:=SUM([.A1])"/>'
    result = got(
        ods(ods_table(ods_row("Organization", "EDR"), ods_row("Contoso", error), ods_row("Fabrikam", bare), ods_row("Litware", 3.0)))
    )
    assert lines_of(result) == [("Litware", "edr", 3)]
    assert [row[:2] for row in rejected_of(result)] == [("2", "Contoso"), ("3", "Fabrikam")]


def test_notes_and_hidden_sheets_of_an_open_document_are_no_cells() -> None:
    note = "<office:annotation><text:p>Ask Ann</text:p></office:annotation>"
    noted = f'<table:table-cell office:value-type="string">{note}<text:p>Contoso</text:p></table:table-cell>'
    old = ods_table(ods_row("Organization", "EDR"), ods_row("Gone", 9.0), name="Old", more='table:style-name="hid"')
    new = ods_table(ods_row("Organization", "EDR"), ods_row(noted, 3.0), name="New")
    result = got(ods(old + new))
    assert (result.mapping.sheet, lines_of(result)) == ("New", [("Contoso", "edr", 3)])


@pytest.mark.parametrize(
    ("kind", "headers", "cells"),
    [("billed", ("Organization", "EDR"), ("Contoso", "2")), ("agents", ("Hostname", "Organization"), ("x-1", "Contoso")),
     ("exclusions", ("SKU", "Reason"), ("A-1", "ours"))],
)  # fmt: skip
def test_each_format_is_read_as_any_kind(kind: str, headers: tuple[str, ...], cells: tuple[str, ...]) -> None:
    rows = ["".join(f"<td>{cell}</td>" for cell in row) for row in (headers, cells)]
    for data in (page(table(*rows)), ods(ods_table(ods_row(*headers), ods_row(*cells)))):
        guess = recognise(data, name=f"{kind}.xls")
        assert guess
        assert guess.value == kind
        result = read(data, name=f"{kind}.xls", kind=kind)
        assert (result.header, result.counts.loaded) == (headers, 1)
