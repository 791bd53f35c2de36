"""Every row in one bucket, with a reason."""

import pytest

from ingest.sources import Leg, Limits, Mapping, read
from tests.sources.making import codes, lines_of, reading, rejected_of


@pytest.mark.parametrize("name", ["NA", "None", "True", "007", "3.0", "2026-10-14", "=SUM(A1)", "null", "N/A", "1e5", "Total Care Dental",
                                  "Grand Total Accounting", "Sum of Us", "Totals", "#REF!"])  # fmt: skip
def test_a_name_is_text(name: str) -> None:
    result = reading(f"Organization,EDR\n{name},5\n")
    assert lines_of(result) == [(name, "edr", 5)]
    assert result.issues == []


def test_names_are_trimmed_and_otherwise_as_written() -> None:
    assert lines_of(reading('Organization,EDR\n"\u00a0 Contoso  Dental, Ltd.\t",5\n')) == [("Contoso  Dental, Ltd.", "edr", 5)]


def test_blank_is_not_zero() -> None:
    result = reading("Organization,EDR,SAT\nContoso,0,\nFabrikam,,\n,,\n")
    assert lines_of(result) == [("Contoso", "edr", 0)]
    assert [(row.line, row.reason) for row in result.odd_rows[1:]] == [(3, "no quantity"), (4, "blank")]
    assert result.issues == []


def test_repeated_headers_and_footers_are_set_aside() -> None:
    result = reading("Organization,EDR,Notes\nContoso,5,\norganization , edr,notes\n,,printed today\n\n")
    assert [(row.line, row.reason) for row in result.odd_rows] == [(1, "header"), (3, "header"), (4, "footer"), (5, "blank")]


def test_a_customer_called_organization_is_one() -> None:
    assert lines_of(reading("Organization,EDR\nOrganization,5\n")) == [("Organization", "edr", 5)]


def test_a_wide_row_with_one_bad_cell_is_rejected_whole() -> None:
    result = reading("Organization,Org ID,EDR,SAT\nContoso,1,5,1.000\nFabrikam,2,5,6\n")
    assert lines_of(result) == [("Fabrikam", "edr", 5), ("Fabrikam", "sat", 6)]
    assert rejected_of(result) == [("2", "Contoso", "1", "", "edr"), ("2", "Contoso", "1", "", "sat")]
    (issue,) = result.issues
    assert (issue.line, issue.level, issue.code, issue.column, issue.value) == (2, "error", "unreadable_quantity", "SAT", "1.000")
    assert "Write 1000 or 1 in the file, or state the decimal sign." in issue.message


def test_a_quantity_without_an_organization_is_rejected() -> None:
    result = reading("Organization,EDR\n,5\n")
    assert codes(result) == ["no_organization"]
    assert rejected_of(result) == [("2", "", "", "", "edr")]


LONG = "Organization,Product,Quantity\nContoso,{},{}\n"


@pytest.mark.parametrize("leg", ["billed", "expected", "rebilled"])
def test_an_unknown_product_is_a_line_under_its_own_words(leg: Leg) -> None:
    result = reading(LONG.format(" Security  Bundle", 5), leg)
    assert lines_of(result) == [("Contoso", "", 5)]
    assert result.lines["product_name"].tolist() == ["Security  Bundle"]
    assert codes(result) == ["unknown_product"]
    assert (result.issues[0].level, result.counts.loaded) == ("warning", 1)


def test_a_known_product_needs_no_words_of_its_own() -> None:
    result = reading(LONG.format("Managed EDR", 5) + "Contoso,Backup,2\n", "rebilled")
    assert list(zip(result.lines["product"], result.lines["product_name"], strict=True)) == [("edr", ""), ("", "Backup")]


def test_spellings_of_one_unknown_product_are_merged_and_two_products_are_not() -> None:
    result = reading(LONG.format("Security Bundle", 5) + "Contoso,security-bundle,1\nContoso,Backup,2\nContoso,EDR,3\n", "rebilled")
    assert result.lines["merged_into"].fillna(0).tolist() == [0, 2, 0, 0]
    assert [issue.message for issue in result.issues if issue.code == "merged"] == ["Contoso, security-bundle: added to line 2."]


def test_what_names_no_product_is_rejected_from_a_bill_and_set_aside_elsewhere() -> None:
    billed, expected = reading(LONG.format("", 5)), reading(LONG.format("", 5), "expected")
    assert codes(billed, "error") == codes(expected, "warning") == ["unknown_product"]
    assert rejected_of(billed) == [("2", "Contoso", "", "", "")]
    assert (billed.counts.rejected, expected.counts.set_aside) == (1, 2)
    assert expected.odd_rows[-1].reason == "unknown product"


def test_hours_of_something_unknown_are_set_aside_and_nothing_of_a_bill_is() -> None:
    billed, rebilled = reading(LONG.format("Consulting", 2.5)), reading(LONG.format("Consulting", 2.5), "rebilled")
    assert (billed.counts.rejected, codes(billed, "error")) == (1, ["unreadable_quantity"])
    assert (rebilled.counts.rejected, rebilled.odd_rows[-1].reason) == (0, "unknown product")


def test_where_nobody_can_say_what_it_counts_for_an_unknown_product_is_no_line() -> None:
    data = LONG.format("Backup", 5).encode()
    billed, expected = (read(data, name="a.csv", kind=kind, only_known=True) for kind in ("billed", "expected"))
    assert codes(billed, "error") == codes(expected, "warning") == ["unknown_product"]
    assert (len(billed.lines), len(expected.lines), billed.counts.rejected, expected.counts.set_aside) == (0, 0, 1, 2)


def test_a_bad_price_rejects_its_row() -> None:
    result = reading("Organization,EDR,Unit Price\nContoso,5,free\nFabrikam,6,\n,,\n")
    assert codes(result) == ["unreadable_price"]
    assert lines_of(result) == [("Fabrikam", "edr", 6)]
    assert result.lines["unit_price"].isna().all()


def test_the_mapping_states_the_decimal_sign() -> None:
    text = "Organization;EDR;Unit Price\nContoso;1.000;1.500\n"
    mapping = Mapping({0: "organization", 1: "quantity:edr", 2: "unit_price:edr"}, delimiter=";", decimal=",")
    result = reading(text, mapping=mapping)
    assert (result.lines["quantity"].tolist(), result.lines["unit_price"].tolist()) == ([1000], [1_500_000_000])


def test_the_same_spelling_twice_is_merged_and_both_lines_stay() -> None:
    result = reading("Organization,EDR,SAT\nContoso,5,1\n Contoso ,6,\ncontoso,7,\n")
    assert lines_of(result) == [("Contoso", "edr", 5), ("Contoso", "sat", 1), ("Contoso", "edr", 6), ("contoso", "edr", 7)]
    assert result.lines["merged_into"].fillna(0).tolist() == [0, 0, 2, 0]
    assert (result.counts.loaded, result.counts.merged) == (2, 1)
    assert [(issue.line, issue.level, issue.code) for issue in result.issues] == [(3, "warning", "merged")]
    assert "added to line 2" in result.issues[0].message


def test_ids_tell_organizations_of_one_name_apart_and_one_id_together() -> None:
    result = reading("Organization,Organization ID,Key,EDR\nContoso,1,a,5\nContoso,2,a,6\nContoso Ltd,1,b,7\nX,,k,1\nY,,k,2\n")
    assert result.lines["merged_into"].fillna(0).tolist() == [0, 0, 2, 0, 5]


TOTALS = "Organization,EDR,SAT\nContoso,5,1\nFabrikam,6,2\n{}\n"


@pytest.mark.parametrize(
    "row", ["Total,11,3", "*** GRAND TOTAL ***,11,3", "Sub-Total:,11,", "sum,,3", "Total,,", ",Total,", "Ｔotal,11,3", "Total,11.0,3"]
)
def test_a_total_that_ties_is_set_aside(row: str) -> None:
    result = reading(TOTALS.format(row))
    assert result.odd_rows[-1].reason == "total"
    assert result.issues == []
    assert len(result.lines) == 4


def test_a_total_that_does_not_tie_is_an_error() -> None:
    result = reading(TOTALS.format("Total,12,3"))
    assert codes(result, "error") == ["total_does_not_tie"]
    assert "EDR 12 is stated, 11 is the sum" in result.issues[0].message
    assert rejected_of(result) == [("4", "", "", "", "edr")]
    assert rejected_of(reading(TOTALS.format("Total,12,4"))) == [("4", "", "", "", "")]


def test_subtotals_are_since_the_last_one_and_the_grand_total_is_of_all() -> None:
    result = reading("Organization,EDR\na,1\nb,2\nSubtotal,3\nc,4\nSubtotal,4\nGrand Total,7\n")
    assert result.issues == []
    assert result.counts.set_aside == 4


def test_a_total_below_an_unreadable_row_cannot_be_checked() -> None:
    result = reading("Organization,EDR\na,1\nb,x\nTotal,3\n")
    assert codes(result) == ["unreadable_quantity", "total_not_checked"]
    assert result.odd_rows[-1].bucket == "set_aside"


def test_a_subtotal_of_readable_rows_is_checked_all_the_same() -> None:
    assert codes(reading("Organization,EDR\nb,x\nTotal,3\na,1\nTotal,1\n")) == ["unreadable_quantity", "total_not_checked"]


def test_a_long_total_is_of_its_product_or_of_all() -> None:
    rows = "Organization,Product,Quantity\na,EDR,1\na,SAT,2\nb,EDR,3\n"
    assert codes(reading(rows + "Total,EDR,4\nTotal,,6\n")) == []
    wrong = reading(rows + "Total,EDR,6\nTotal,,7\n")
    assert codes(wrong) == ["total_does_not_tie", "total_does_not_tie"]
    assert rejected_of(wrong) == [("5", "", "", "", "edr"), ("6", "", "", "", "")]


def test_a_total_counts_the_unknown_products_of_a_rebill_list() -> None:
    rows = "Organization,Product,Quantity\na,EDR,1\na,Backup,2\n"
    assert codes(reading(rows + "Total,Backup,2\nTotal,,3\n", "rebilled")) == ["unknown_product"]


def test_issues_and_odd_rows_have_a_limit_and_say_so() -> None:
    text = "Organization,EDR\n" + "x,y\n" * 10
    result = reading(text, limits=Limits(max_odd_rows=4, max_issues=3))
    assert len(result.odd_rows) == 4
    assert result.counts.rejected == len(result.rejected) == 10
    assert codes(result)[-2:] == ["unreadable_quantity", "more"]
    assert "odd_rows_left_out" in codes(result)


def test_the_first_rows_are_kept_as_they_came() -> None:
    result = reading("Title\nOrganization,EDR\n" + "".join(f" c{i},1\n" for i in range(50)))
    assert len(result.first_rows) == 20
    assert [(row.bucket, row.reason) for row in result.first_rows[:3]] == [("set_aside", "title"), ("set_aside", "header"), ("loaded", "")]
    assert result.first_rows[2].cells == (" c0", "1")


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    read(b"Organization,EDR\na,1\n", name="a.csv", kind="billed", progress=lambda done, rows: told.append((done, rows)))
    assert told[0] == (0, 2)
    assert told[-1] == (2, 2)
