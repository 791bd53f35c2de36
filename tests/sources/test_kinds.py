"""The registry of kinds: what one is guessed by, that a further one is a file and a line, and what each kind reads."""

from __future__ import annotations

import pytest

from ingest.sources import READERS, Field, Reader, Reading, Unreadable, guess_kind, read, recognise
from ingest.sources.table import TableKind, table_reader
from ingest.sources.table_cells import text
from ingest.sources.table_columns import TableColumn, TableColumns
from tests.sources.making import workbook

TOY = table_reader(
    TableKind(
        "toys",
        TableColumns((TableColumn(Field("toy", "Toy"), ("Toy",), text),), (("toy",),), 1, "a Toy column"),
        lines=("toy",),
        make=lambda values, texts: [{"toy": values["toy"]}],
        carriers=("toy",),
        without="no toy",
    ),
    "Toys", "a list of toys", words="toys?",
)  # fmt: skip


def test_a_further_kind_is_one_file_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, TOY.code, TOY)
    data = b"Toy\nTop\n\nKite\n"
    guess = recognise(data, name="box.csv")
    assert guess is not None
    assert (guess.value, guess.sureness) == ("toys", "certain")
    result = read(data, name="box.csv", kind=guess.value)
    assert (result.kind, result.lines["toy"].tolist(), result.counts.set_aside) == ("toys", ["Top", "Kite"], 2)


@pytest.mark.parametrize("reader", READERS.values(), ids=list(READERS))
def test_a_kind_says_its_fields_in_words_and_which_it_needs(reader: Reader) -> None:
    assert len(reader.labels) == len(reader.fields)
    assert all(reader.labels.values())
    assert {name for names in reader.needs for name in names} <= set(reader.labels)
    assert any(reader.is_needed(field.name) for field in reader.fields) is reader.has_columns
    assert reader.has_columns or reader.read_answers


@pytest.mark.parametrize(
    ("name", "text", "kind", "sureness"),
    [
        ("a.csv", "Number,Date,Amount\n1,2026-11-14,5\n", "invoice", "likely"),
        ("receipt.csv", "Number,Date,Amount\n1,2026-11-14,5\n", "invoice", "certain"),
        ("billing.csv", "Customer,EDR\nTarn Vale Dental,5\n", "billed", "likely"),
        ("a.csv", "Huntress usage\nCustomer,Billable Agents\nTarn Vale Dental,5\n", "billed", "certain"),
        ("a.csv", "Customer,Billable Agents\nTarn Vale Dental,5\n", "billed", "unsure"),
        ("expected.csv", "Agreements\nCustomer,EDR\nTarn Vale Dental,5\n", "expected", "unsure"),
        ("price list.csv", "Customer,Product,Quantity,Price\nTarn Vale Dental,EDR,5,5\n", "rebilled", "likely"),
        ("price list.csv", "Product,Price\nEDR,5\n", "prices", "certain"),
        ("huntress.csv", "SKU,Name\nX_Y,Y\n", "exclusions", "certain"),
    ],
)
def test_a_guess_says_how_sure_it_is(name: str, text: str, kind: str, sureness: str) -> None:
    guess = recognise(text.encode(), name=name)
    assert guess is not None
    assert (guess.value, guess.sureness) == (kind, sureness)


def test_the_first_rows_are_enough_to_recognise_a_long_text() -> None:
    for encoding in ("utf-8", "utf-16"):
        data = ("Customer,Billable Agents\n" + "Tarn Vale Dentâl,5\n" * 80_000).encode(encoding)
        guess = recognise(data, name="a.csv")
        assert guess is not None
        assert guess.value == "billed"


def test_nothing_tells_of_a_plain_list() -> None:
    assert recognise(b"Customer,Product,Quantity\nTarn Vale Dental,EDR,5\n", name="a.csv") is None
    assert guess_kind("a.csv") is None


def columns(result: Reading) -> dict[str, tuple[str, str]]:
    return {result.header[index]: (guess.value, guess.sureness) for index, guess in result.column_guesses.items()}


def test_each_column_says_why_it_was_taken() -> None:
    result = read(b"Name,Item,Description,Qty,Price\nTarn Vale Dental,HUN-1,EDR,5,1\n", name="a.csv", kind="rebilled")
    assert columns(result) == {
        "Name": ("organization", "likely"),
        "Description": ("product", "certain"),
        "Qty": ("quantity", "certain"),
        "Price": ("unit_price", "certain"),
    }
    assert result.column_guesses[2].because == "1 of its first 1 cells name a product"
    unsure = read(b"Org,Item,Qty\nTarn Vale Dental,Backup,5\n", name="a.csv", kind="rebilled")
    assert columns(unsure)["Item"] == ("product", "unsure")


def test_of_a_stated_mapping_there_is_nothing_to_guess() -> None:
    first = read(b"Number,Amount\n1,5\n", name="a.csv", kind="invoice")
    again = read(b"Number,Amount\n1,5\n", name="a.csv", kind="invoice", mapping=first.mapping)
    assert (bool(first.column_guesses), again.column_guesses) == (True, {})
    assert again.lines.equals(first.lines)


# --- rebilled --------------------------------------------------------------------------------------------------------------------

ADDITIONS = "Product ID,Description,Quantity,Bill,Agreement Status,Company Name\n"


@pytest.mark.parametrize(
    ("bill", "status", "counts"),
    [("Billable", "Active", True), ("NoCharge", "Active", True), ("", "", True), ("DoNotBill", "Active", False),
     ("do not bill", "Active", False), ("Billable", "Cancelled", False), ("Billable", "inactive", False), ("Billable", "New", True)],
)  # fmt: skip
def test_what_is_not_billed_or_ended_is_set_aside_with_the_reason(bill: str, status: str, counts: bool) -> None:
    text = f"{ADDITIONS}HUN-1,EDR,5,{bill},{status},Tarn Vale Dental\n"
    result = read(text.encode(), name="a.csv", kind="rebilled")
    assert (len(result.lines), result.odd_rows[-1].reason) == ((1, "header") if counts else (0, "does not count"))
    assert [issue.level for issue in result.issues] == ([] if counts else ["info"])


def test_a_total_may_add_up_what_is_not_billed_too() -> None:
    rows = ADDITIONS + "1,EDR,5,Billable,Active,Tarn Vale Dental\n2,EDR,3,DoNotBill,Active,Marrick Town Trust\n,,{},,,Total\n"
    for total, ties in ((5, True), (8, True), (7, False)):
        result = read(rows.format(total).encode(), name="a.csv", kind="rebilled")
        assert (result.counts.rejected == 0) is ties


def test_a_status_means_nothing_in_a_bill() -> None:
    result = read(b"Organization,EDR,Status\nTarn Vale Dental,5,Inactive\n", name="a.csv", kind="billed")
    assert len(result.lines) == 1


# --- invoice, prices, exclusions ---------------------------------------------------------------------------------------------------


def one(text: str, kind: str) -> Reading:
    return read(text.encode(), name="a.csv", kind=kind)


@pytest.mark.parametrize(
    ("cell", "micros"),
    [("1234.5", 1_234_500_000), ('"$1,234.50"', 1_234_500_000), ("(12.00)", -12_000_000), ("-12", -12_000_000), ("12.00-", -12_000_000),
     ("($0.05)", -50_000), ("-$0.05", -50_000), ("\u22125", -5_000_000), ("0", 0), ("0.000001", 1), ("12345678.9", 12_345_678_900_000)],
)  # fmt: skip
def test_amounts_are_exact_and_refunds_are_below_zero(cell: str, micros: int) -> None:
    assert one(f"Number,Amount\n1,{cell}\n", "invoice").lines["amount"].tolist() == [micros]


@pytest.mark.parametrize("cell", ["--5", "(5", "-(5)", "5%", "1.2.3", "abc", "0.0000001", "1e3"])
def test_what_is_no_amount_is_rejected_by_line_and_column(cell: str) -> None:
    result = one(f"Number,Amount\n1,{cell}\n", "invoice")
    (issue,) = result.issues
    assert (issue.line, issue.code, issue.column, issue.value) == (2, "unreadable_amount", "Amount", cell)
    assert result.counts.rejected == 1


def test_the_decimal_sign_is_the_columns() -> None:
    assert one('Number;Amount\n1;"1.000"\n2;"2,50"\n', "invoice").lines["amount"].tolist() == [1_000_000_000, 2_500_000]
    assert [issue.code for issue in one("Number,Amount\n1,1.000\n", "invoice").issues] == ["unreadable_amount"]


def test_an_amount_may_say_its_currency_and_must_not_contradict_the_row() -> None:
    assert one("Number,Amount\n1,EUR 5\n2,£5\n3,$5\n", "invoice").lines["currency"].tolist() == ["EUR", "GBP", ""]
    assert [issue.code for issue in one("Amount,Currency\n€5,USD\n", "invoice").issues] == ["two_currencies"]


def test_equal_charges_are_two_charges() -> None:
    assert one("Number,Amount\n1,5\n1,5\n", "invoice").counts.loaded == 2


@pytest.mark.parametrize(
    ("rows", "codes"),
    [("1,5\n2,-2\nTotal,3\n", []), ("1,5\nTotal,6\n", ["total_does_not_tie"]), ("1,5\nSubtotal,5\n2,1\nSubtotal,1\nTotal,6\n", []),
     ("1,x\nTotal,6\n", ["unreadable_amount", "total_not_checked"]), ("1,5\nTotal,\n", []),
     ("1,5\nTotal,6\n2,1\nTotal,6\n", ["total_does_not_tie"])],
)  # fmt: skip
def test_a_total_of_an_invoice_is_checked(rows: str, codes: list[str]) -> None:
    assert [issue.code for issue in one("Number,Amount\n" + rows, "invoice").issues] == codes


def test_dates_are_read_in_one_way_only() -> None:
    proved = one("Date,Amount\n13/11/2026,5\n03/04/2026,5\n", "invoice")
    assert [f"{day}" for day in proved.lines["date"]] == ["2026-11-13", "2026-04-03"]
    assert [issue.code for issue in one("Date,Amount\n03/04/2026,5\n", "invoice").issues] == ["unreadable_date"]


def test_a_workbooks_numbers_are_numbers() -> None:
    data = workbook({"S": [["Number", "Amount", "Quantity"], ["1", 1.005, 3.0], ["2", "=1/0", 1]]})
    result = read(data, name="a.xlsx", kind="invoice")
    assert (result.lines["amount"].tolist(), result.lines["quantity"].tolist()) == ([1_005_000], [3])
    assert [issue.code for issue in result.issues] == ["unreadable_cell"]


def prices(text: str) -> list[tuple[str, ...]]:
    lines = one(text, "prices").lines
    return [
        tuple(map(str, row)) for row in lines[["organization", "side", "product", "from_quantity", "unit_price"]].itertuples(index=False)
    ]


def test_a_price_says_its_side_by_header_by_row_or_by_product() -> None:
    cost_and_sell = [("", "cost", "edr", "0", "2500000"), ("", "sell", "edr", "0", "5000000")]
    assert prices("Product,Cost,Sell Price\nEDR,2.50,5\n") == cost_and_sell
    assert prices("Product,Type,Price\nEDR,Cost,2.50\nEDR,Sell,5\n") == cost_and_sell
    assert sorted(prices("Organization,EDR sell price,EDR cost\n,5,2.50\n")) == cost_and_sell
    assert prices("Product,Price\nEDR,5\n") == cost_and_sell[1:]


def test_tiers_are_prices_of_their_own_and_a_second_price_for_one_is_refused() -> None:
    assert prices("Product,From,Sell\nEDR,0,5\nEDR,500,4\n") == [("", "sell", "edr", "0", "5000000"), ("", "sell", "edr", "500", "4000000")]
    twice = one("Organization,Product,Sell\nMarrick,EDR,5\nmarrick,EDR,4\nMarrick,EDR,5.00\n", "prices")
    assert ([issue.code for issue in twice.issues], twice.counts.merged) == (["clash", "merged"], 1)


def test_products_that_are_not_huntresss_have_no_price_here() -> None:
    result = one("Product,Sell\nPhones,call us\nEDR,5\n", "prices")
    assert (len(result.lines), result.counts.rejected, result.odd_rows[-1].reason) == (1, 0, "unknown product")


def test_one_column_of_part_numbers_is_enough() -> None:
    pasted = one("INVENTED_A\nINVENTED_B\n\ninvented_a\n", "exclusions")
    assert (pasted.lines["sku"].tolist(), pasted.counts.merged, pasted.counts.rows_in) == (["INVENTED_A", "INVENTED_B"], 1, 4)
    again = read(b"INVENTED_A\nINVENTED_B\n", name="a", kind="exclusions", mapping=pasted.mapping)
    assert len(again.lines) == 2


def test_a_list_of_these_kinds_is_not_the_place_for_millions() -> None:
    with pytest.raises(Unreadable, match="Split the file"):
        read(b"SKU\n" + b"INVENTED_A\n" * 200_001, name="a.csv", kind="exclusions")
    with pytest.raises(Unreadable, match="more than is read"):
        read(b"SKU" + b",x" * 99 + b"\n" + (b"A" + b",1" * 99 + b"\n") * 50_000, name="a.csv", kind="exclusions")
