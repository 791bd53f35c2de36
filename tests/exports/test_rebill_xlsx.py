import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from recon.exports import TooManyRows, book
from recon.exports.amounts import line_amount
from recon.exports.sheet import rows_frame
from tests.exports.months import ROWS, month, opened, row, written

SHEETS = ["Summary", "Rebill lines", "Variances", "Notes"]
HOSTILE = ["=SUM(A1)", "+44 20", "-dash", "@home", "\ttab", "https://example.test", "<r>runs</r>", "_x0041_", "007", "a & <b>", " spaced "]


def table(page):
    """The rows below the header as mappings."""
    header, *rows = list(page.iter_rows(min_row=2, values_only=True))
    return [dict(zip(header, cells, strict=True)) for cells in rows]


def test_a_month_has_four_sheets_in_order():
    assert opened("rebill-xlsx", month()).sheetnames == SHEETS


def test_draft_stands_on_the_face_and_in_the_print_header_of_every_sheet():
    for page in opened("rebill-xlsx", month()):
        assert page["A1"].value.startswith("DRAFT")
        assert "DRAFT" in page.oddHeader.center.text


def test_a_signed_month_says_draft_nowhere():
    with ZipFile(BytesIO(written("rebill-xlsx", month(draft=False)))) as parts:
        assert not any(b"DRAFT" in parts.read(name) for name in parts.namelist())


@pytest.mark.parametrize("name", ["Rebill lines", "Variances", "Notes"])
def test_tables_are_frozen_filtered_and_repeat_their_header_in_print(name):
    page = opened("rebill-xlsx", month())[name]
    assert page.freeze_panes == "B3"
    assert page.auto_filter.ref.startswith("A2:")
    assert page.auto_filter.ref.endswith(str(page.max_row))
    assert page.print_title_rows == "$1:$2"
    assert page.page_setup.orientation == "landscape"
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert (page.page_setup.fitToWidth or 1, page.page_setup.fitToHeight) == (1, 0)
    assert "14 Oct – 14 Nov 2026" in page.oddFooter.center.text
    assert page.oddFooter.right.text == "Page &P of &N"


def test_amounts_are_formulas_over_the_lines_own_cells():
    page = opened("rebill-xlsx", month())["Rebill lines"]
    for line in page.iter_rows(min_row=3):
        place = line[0].row
        formulas = [line[column].value for column in (9, 10, 11)]
        allowed = [f"=ROUND(F{place}*I{place},2)", f"=ROUND(G{place}*I{place},2)", f"=ROUND(K{place}-J{place},2)"]
        assert all(formula in (None, right) for formula, right in zip(formulas, allowed, strict=True))


def test_the_result_beside_each_formula_is_what_it_computes():
    for line in table(opened("rebill-xlsx", month(), results=True)["Rebill lines"]):
        old, new, price = line["Old quantity"], line["New quantity"], line["Unit price"]
        old_amount, new_amount = (None if None in (q, price) else line_amount(q, round(price * 1_000_000)) / 100 for q in (old, new))
        assert (line["Old amount"], line["New amount"]) == (old_amount, new_amount)
        change = None if old_amount is None or new_amount is None else pytest.approx(new_amount - old_amount)
        assert line["Change in amount"] == change


def test_the_new_quantity_is_the_billed_one_and_zero_is_a_line():
    lines = {(line["Organization"], line["Product"]): line for line in table(opened("rebill-xlsx", month(), results=True)["Rebill lines"])}
    gone = lines["Harbour Lane Joinery", "EDR"]
    assert (gone["Old quantity"], gone["New quantity"], gone["Difference"], gone["New amount"]) == (18, 0, -18, 0)
    assert gone["Change in amount"] == -117
    assert lines["Tarn Vale Dental", "EDR"]["New quantity"] == 12
    assert lines["Tarn Vale Dental", "EDR"]["Source"] == "billing-detail.csv, line 37"


def test_what_is_not_known_is_blank_and_says_why():
    lines = {(line["Organization"], line["Product"]): line for line in table(opened("rebill-xlsx", month(), results=True)["Rebill lines"])}
    no_old, no_price = lines["Ellermoor Farms", "EDR"], lines["No Price Here", "SIEM"]
    assert [no_old[name] for name in ("Old quantity", "Difference", "Old amount", "Change in amount")] == [None] * 4
    assert "old quantity not known" in no_old["Why"]
    assert [no_price[name] for name in ("Unit price", "Old amount", "New amount", "Change in amount")] == [None] * 4
    assert "no sell price" in no_price["Why"]


def test_an_unread_billed_quantity_gives_no_line_and_is_told_of():
    book_ = opened("rebill-xlsx", month(), results=True)
    assert "Unread Bakery" not in [line["Organization"] for line in table(book_["Rebill lines"])]
    (unread,) = [line for line in table(book_["Variances"]) if line["Organization"] == "Unread Bakery"]
    assert unread["Billed"] is None
    assert "no rebill line" in unread["Why"]
    assert pairs(book_["Summary"])["Without a rebill line"] == 1


def pairs(page):
    return {cells[0]: cells[1] for cells in page.iter_rows(max_col=2, values_only=True) if cells[0]}


def test_the_summary_says_what_the_month_is_and_what_is_left_out():
    summary = pairs(opened("rebill-xlsx", month(), results=True)["Summary"])
    assert summary["Cycle"] == "14 Oct – 14 Nov 2026"
    assert summary["Account"] == "Quillmere IT"
    assert (summary["Escalate"], summary["Unchecked"], summary["Match"]) == (1, 2, 2)
    assert (summary["Rebill lines"], summary["Without an old quantity"], summary["Without a price"]) == (5, 1, 1)
    assert "billing-detail.csv, line 40: “12.5” is not a whole number" in summary


def test_the_summary_names_each_file_with_its_digest_and_its_buckets():
    rows = list(opened("rebill-xlsx", month())["Summary"].iter_rows(values_only=True, max_col=8))
    assert ("Billed", "billing-detail.csv", "ab" * 32, 120, 117, 0, 2, 1) in rows


def test_totals_are_sums_over_the_lines_and_add_up():
    formulas = {cells[0]: cells for cells in opened("rebill-xlsx", month())["Summary"].iter_rows(values_only=True)}
    results = {cells[0]: cells for cells in opened("rebill-xlsx", month(), results=True)["Summary"].iter_rows(values_only=True)}
    assert formulas["All products"][8] == "=SUM('Rebill lines'!K3:K7)"
    assert formulas["EDR"][8].startswith("=SUMIF('Rebill lines'!D3:D7,A")
    lines = table(opened("rebill-xlsx", month(), results=True)["Rebill lines"])
    for place, name in ((7, "Old amount"), (8, "New amount"), (9, "Change in amount")):
        assert results["All products"][place] == pytest.approx(sum(line[name] or 0 for line in lines))
        of_products = [results[product][place] for product in ("EDR", "ITDR", "SIEM")]
        assert sum(of_products) == pytest.approx(results["All products"][place])
    assert results["EDR"][2:7] == (3, 1246, 1214, 20, 9)


def test_figures_have_their_formats_and_a_true_minus():
    line = opened("rebill-xlsx", month())["Rebill lines"][5]
    formats = [cell.number_format for cell in line[5:12]]
    assert formats[0].startswith("#,##0")
    assert formats[2] == '+#,##0;"−"#,##0;0'
    assert formats[3].startswith("#,##0.00####")
    assert formats[4].startswith("#,##0.00;")
    assert formats[6].startswith("+#,##0.00;")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_vendors_text_is_a_string_cell_unchanged(name):
    page = opened("rebill-xlsx", month(rows_frame([row(name, billed=1, rebilled=1, source=name)])))["Rebill lines"]
    assert page["A3"].data_type in {"s", "inlineStr"}
    assert unescaped(page["A3"].value) == name
    assert page["A3"].hyperlink is None


def unescaped(text):
    """What Excel shows: openpyxl leaves its escapes in inline strings."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


@pytest.mark.parametrize("text", ["\x00\x07bell", "\ufffe\uffff", "\x1b[31m", "line\nfeed\rreturn", "x" * 40_000])
def test_no_text_breaks_the_workbook(text):
    data = written("rebill-xlsx", month(rows_frame([row(text, billed=1)]), left_out=[text, "\ud800 half a pair"], account=text))
    assert load_workbook(BytesIO(data)).sheetnames == SHEETS


def test_the_same_month_gives_the_same_bytes_whatever_the_order_of_its_rows():
    shuffled = ROWS.sample(frac=1, random_state=4)
    assert written("rebill-xlsx", month()) == written("rebill-xlsx", month()) == written("rebill-xlsx", month(shuffled))


def test_writing_a_sheet_leaves_the_month_as_it_was():
    rows = ROWS.copy(deep=True)
    written("rebill-xlsx", month(rows))
    assert rows.equals(ROWS)


def test_an_empty_month_and_an_unstated_cycle_are_written_too():
    pages = opened("rebill-xlsx", month(rows_frame([]), account="", cycle=None, files=(), totals=(), notes=()))
    assert pairs(pages["Summary"])["Cycle"] == "cycle not stated"
    assert pages["Rebill lines"].max_row == 2


def test_more_rows_than_excel_holds_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(book, "EXCEL_ROWS", 7)
    with pytest.raises(TooManyRows, match="take the CSV"):
        written("rebill-xlsx", month())
