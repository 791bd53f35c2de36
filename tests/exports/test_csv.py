import csv
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from recon.exports import TARGETS, file_name
from recon.exports.csv_text import CONTEXT
from recon.exports.sheet import rows_frame
from recon.exports.variances import COLUMNS
from tests.exports.months import CYCLE, ROWS, month, row, written


def lines_of(target, sheet):
    return list(csv.DictReader(StringIO(written(target, sheet).decode("utf-8-sig"), newline="")))


def test_it_is_utf_8_with_a_bom_and_windows_line_ends():
    data = written("rebill-csv", month())
    assert data.startswith(b"\xef\xbb\xbfaccount,cycle_start,")
    assert data.count(b"\n") == data.count(b"\r\n") == 6


def test_a_line_holds_the_month_the_quantities_and_the_exact_money():
    first = next(line for line in lines_of("rebill-csv", month()) if line["organization"] == "Tarn Vale Dental")
    assert first == {
        "account": "Quillmere IT", "cycle_start": "2026-10-14", "cycle_end": "2026-11-14", "revision": "1", "status": "DRAFT",
        "prepared_by": "", "reviewed_by": "", "why": "",
        "organization": "Tarn Vale Dental", "customer": "Tarn Vale Dental", "organization_id": "4711", "product": "edr",
        "old_quantity": "0", "new_quantity": "12",
        "difference": "12", "unit_price": "6.50", "currency": "USD", "old_amount": "0.00", "new_amount": "78.00",
        "change_in_amount": "78.00", "flags": "not_in_rebilled", "source": "billing-detail.csv, line 37",
    }  # fmt: skip


def test_half_a_cent_goes_up():
    line = next(line for line in lines_of("rebill-csv", month()) if line["product"] == "itdr")
    assert (line["unit_price"], line["new_amount"]) == ("1.115", "3.35")


def test_blank_is_not_zero_and_zero_is_not_dropped():
    lines = {(line["organization"], line["product"]): line for line in lines_of("rebill-csv", month())}
    assert lines["Harbour Lane Joinery", "edr"]["new_quantity"] == "0"
    assert lines["Harbour Lane Joinery", "edr"]["change_in_amount"] == "-117.00"
    assert lines["Ellermoor Farms", "edr"]["old_quantity"] == lines["Ellermoor Farms", "edr"]["difference"] == ""
    assert ("Unread Bakery", "edr") not in lines


@pytest.mark.parametrize("target", ["rebill-csv", "variances-csv"])
@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_text_never_becomes_a_formula(target, name):
    (line,) = lines_of(target, month(rows_frame([row(name, billed=1, source=name)]), account=name))
    texts = [line["account"], line.get("organization") or line["Organization"], line.get("source") or line["Source"]]
    assert texts == [f"'{name}"] * 3


def test_quotes_commas_and_line_feeds_survive():
    name = 'A "quoted", split\nname'
    (line,) = lines_of("rebill-csv", month(rows_frame([row(name, billed=1)])))
    assert line["organization"] == name


def test_a_cycle_that_was_not_stated_is_blank():
    line = lines_of("rebill-csv", month(cycle=None, account="", draft=False))[0]
    assert (line["account"], line["cycle_start"], line["cycle_end"], line["status"]) == ("", "", "", "SIGNED")


@pytest.mark.parametrize("target", list(TARGETS))
def test_the_same_month_gives_the_same_bytes(target):
    assert written(target, month()) == written(target, month())


def test_shuffled_rows_give_the_same_rebill_csv():
    assert written("rebill-csv", month(ROWS.sample(frac=1, random_state=2))) == written("rebill-csv", month())


def test_the_variances_keep_the_callers_order_in_both_formats():
    backwards = month(ROWS.iloc[::-1])
    names = ROWS["organization"].tolist()[::-1]
    assert [line["Organization"] for line in lines_of("variances-csv", backwards)] == names
    page = load_workbook(BytesIO(written("variances-xlsx", backwards)))["Variances"]
    assert [cell.value for cell in page["A"][2:]] == names


def test_both_formats_of_the_variances_have_the_same_columns():
    headers = [column.header for column in COLUMNS]
    page = load_workbook(BytesIO(written("variances-xlsx", month())))["Variances"]
    assert [cell.value for cell in page[2]] == headers
    assert list(lines_of("variances-csv", month())[0])[len(CONTEXT) :] == headers


@pytest.mark.parametrize(
    ("target", "draft", "name"),
    [
        ("rebill-xlsx", True, "rebill-quillmere-it-2026-10-14-to-2026-11-14-r1-DRAFT.xlsx"),
        ("rebill-csv", False, "rebill-quillmere-it-2026-10-14-to-2026-11-14-r1.csv"),
        ("variances-csv", True, "variances-quillmere-it-2026-10-14-to-2026-11-14-r1-DRAFT.csv"),
    ],
)
def test_a_files_name_says_what_it_is_and_whether_it_is_signed(target, draft, name):
    assert TARGETS[target].file_name(month(draft=draft), slug="quillmere-it") == name


def test_no_slug_can_leave_the_folder():
    assert file_name("rebill", "csv", slug="../../Etc", cycle=CYCLE, revision=1, draft=False).startswith("rebill-etc-2026")
