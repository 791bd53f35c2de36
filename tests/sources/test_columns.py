"""Which row is the header, and which column is which."""

import pytest

from ingest.sources import Mapping, Unreadable, read
from tests.sources.making import codes, csv_bytes, lines_of, reading, rejected_of


def refused(text: str, leg: str = "billed", mapping: Mapping | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(text.encode(), name="a.csv", kind=leg, mapping=mapping)
    return caught.value


@pytest.mark.parametrize(
    "header", ["Organization", "organization name", "ORG", "Company", "Customer_Name", " Client ", "Account Name", "Site", "Name"]
)
def test_it_knows_the_organization_by_many_names(header: str) -> None:
    assert lines_of(reading(f"{header},EDR\nContoso,5\n")) == [("Contoso", "edr", 5)]


@pytest.mark.parametrize(
    ("header", "product"),
    [("Agents", "edr"), ("agent count", "edr"), ("Managed  EDR", "edr"), ("Endpoints", "edr"), ("M365 Users", "itdr"),
     ("Huntress ITDR", "itdr"),
     ("MDR for Microsoft 365", "itdr"), ("ISPM", "ispm"), ("SAT Learners", "sat"), ("Log Sources", "siem"), ("Data Sources", "siem"),
     ("EDR Qty", "edr")],
)  # fmt: skip
def test_it_knows_products_by_many_names(header: str, product: str) -> None:
    assert lines_of(reading(f"Organization,{header}\nContoso,5\n")) == [("Contoso", product, 5)]
    assert lines_of(reading(f"Org,Product,Count\nContoso,{header.replace(' Qty', '')},5\n")) == [("Contoso", product, 5)]


def test_a_name_column_gives_way_to_an_organization_column() -> None:
    assert lines_of(reading("Name,Organization,Site,EDR\nBob,Contoso,Leeds,5\n")) == [("Contoso", "edr", 5)]


def test_title_lines_are_set_aside() -> None:
    result = reading("Huntress\n\nPeriod,2026-10-14 to 2026-11-14\nOrganization,EDR\nContoso,5\n")
    assert [(row.line, row.reason) for row in result.odd_rows] == [(1, "title"), (2, "blank"), (3, "title"), (4, "header")]
    assert result.mapping.header_line == 4
    assert result.lines["line"].tolist() == [5]


def test_ids_alone_are_enough() -> None:
    result = reading("Org ID,EDR\n17,5\n")
    assert result.lines["organization_id"].tolist() == ["17"]
    assert lines_of(result) == [("", "edr", 5)]


@pytest.mark.parametrize(
    ("header", "named"),
    [("Organization,EDR,Agents", ["B “EDR”", "C “Agents”"]), ("Organization,Product,Quantity,Qty", ["C “Quantity”", "D “Qty”"]),
     ("Company,Customer,EDR", ["A “Company”", "B “Customer”"]), ("Organization,EDR,EDR", ["B “EDR”", "C “EDR”"]),
     ("Org,Product,Qty,Price,Rate", ["D “Price”", "E “Rate”"]), ("Name,Site,EDR", ["A “Name”", "B “Site”"])],
)  # fmt: skip
def test_two_columns_for_one_field_are_refused_and_named(header: str, named: list[str]) -> None:
    error = refused(f"{header}\nContoso,EDR,1,1,1\n")
    assert [issue.code for issue in error.issues] == ["two_columns"]
    assert all(name in error.issues[0].message for name in named)
    assert list(error.header) == header.split(",")


def test_a_mapping_chooses_between_two_columns() -> None:
    mapping = Mapping({0: "organization", 2: "quantity:edr"})
    assert lines_of(reading("Organization,EDR,Agents\nContoso,5,6\n", mapping=mapping)) == [("Contoso", "edr", 6)]


def test_a_file_without_a_header_says_what_was_looked_for() -> None:
    error = refused("a,b\nc,1\n")
    assert error.issues[0].code == "no_header"
    assert "Organization" in error.issues[0].message
    assert error.mapping is not None
    assert [row.cells for row in error.first_rows] == [("a", "b"), ("c", "1")]


def test_a_quantity_without_a_product_is_refused() -> None:
    assert refused("Organization,Quantity\nContoso,5\n").issues[0].code == "no_product_column"
    mapping = Mapping({0: "organization", 1: "quantity:sat"})
    assert lines_of(reading("Organization,Quantity\nContoso,5\n", mapping=mapping)) == [("Contoso", "sat", 5)]


def test_an_unknown_column_of_numbers_stops_a_bill() -> None:
    text = "Organization,EDR,MDR Plus\nContoso,5,7\nFabrikam,1,\n"
    error = refused(text)
    assert error.issues[0].code == "unknown_column"
    assert "C “MDR Plus”" in error.issues[0].message
    assert error.mapping is not None
    assert error.mapping.columns == {0: "organization", 1: "quantity:edr"}
    assert codes(reading(text, "expected"), "warning") == ["unknown_column"]
    assert lines_of(reading(text, mapping=error.mapping)) == [("Contoso", "edr", 5), ("Fabrikam", "edr", 1)]


@pytest.mark.parametrize(
    "header", ["Total", "Amount", "Line Total", "Account Number", "InvoiceNo", "Zip", "Phone", "#", "Contract ID", "Year", "EDR cost"]
)
def test_a_column_that_is_plainly_no_product_does_not(header: str) -> None:
    assert codes(reading(f"Organization,EDR,{header}\nContoso,5,7\n")) == []


@pytest.mark.parametrize("cells", ["x", "0", "", "1.5"])
def test_nor_does_one_without_whole_numbers_above_zero(cells: str) -> None:
    assert codes(reading(f"Organization,EDR,Colour\nContoso,5,{cells}\n")) == []


def test_a_repeated_header_does_not_hide_an_unknown_column() -> None:
    assert refused("Organization,EDR,MDR Plus\nContoso,5,7\nOrganization,EDR,MDR Plus\nFabrikam,5,7\n").issues[0].code == "unknown_column"


def test_a_unit_price_belongs_to_the_only_product() -> None:
    assert reading("Organization,EDR,Unit Price\nContoso,5,6.50\n").lines["unit_price"].tolist() == [6_500_000]
    both = reading("Organization,EDR,SAT,Unit Price\nContoso,5,6,6.50\n")
    assert both.lines["unit_price"].isna().all()
    assert codes(both) == ["unit_price_unused"]


def test_each_product_may_have_its_own_price() -> None:
    result = reading("Organization,EDR,EDR Unit Price,SAT,sat rate\nContoso,5,6.50,7,0.1\n")
    assert result.lines["unit_price"].tolist() == [6_500_000, 100_000]


def test_the_product_column_with_the_most_products_is_taken() -> None:
    result = reading("Org,Description,Item,Quantity\nContoso,Monthly,EDR,5\nFabrikam,Monthly,SAT,6\n")
    assert result.mapping.columns[2] == "product"
    assert lines_of(result) == [("Contoso", "edr", 5), ("Fabrikam", "sat", 6)]


def test_long_is_preferred_where_product_cells_are_products() -> None:
    assert lines_of(reading("Org,Product,Quantity,EDR\nContoso,SAT,5,9\n")) == [("Contoso", "sat", 5)]
    assert lines_of(reading("Org,Description,Units,EDR\nContoso,whatever,x,9\n")) == [("Contoso", "edr", 9)]


@pytest.mark.parametrize(
    "columns",
    [{0: "organization"}, {1: "quantity:edr"}, {0: "organization", 1: "quantity:edr", 9: "quantity:sat"},
     {0: "organization", 1: "colour"},
     {0: "organization", 1: "quantity:edr", 2: "quantity:edr"}, {0: "organization", 1: "quantity"},
     {0: "organization", 1: "product", 2: "quantity:edr"}],
)  # fmt: skip
def test_a_bad_mapping_is_refused(columns: dict[int, str]) -> None:
    error = refused("Organization,EDR,SAT\nContoso,5,6\n", mapping=Mapping(columns))
    assert {issue.code for issue in error.issues} == {"bad_mapping"}


def test_a_mapping_of_another_line_is_refused() -> None:
    mapping = Mapping({0: "organization", 1: "quantity:edr"}, header_line=9)
    assert refused("Organization,EDR\nContoso,5\n", mapping=mapping).issues[0].code == "bad_mapping"


def test_a_mapping_may_point_at_a_header_nobody_would_guess() -> None:
    mapping = Mapping({1: "organization", 0: "quantity:edr"}, header_line=2, delimiter=";")
    result = reading("x\nZahl;Kunde\n5;Contoso\n", mapping=mapping)
    assert lines_of(result) == [("Contoso", "edr", 5)]


def test_a_row_with_more_cells_than_the_header_is_rejected() -> None:
    result = reading("Organization,EDR\nSmith, Jones,5\nContoso,6,\n")
    assert lines_of(result) == [("Contoso", "edr", 6)]
    assert codes(result) == ["extra_cells"]
    assert rejected_of(result) == [("2", "", "", "", "")]


def test_csv_bytes_quotes_what_needs_it() -> None:
    assert csv_bytes([("a,b", "1")]) == b'"a,b",1\n'


def test_an_empty_mapping_leaves_the_columns_to_be_guessed() -> None:
    result = reading("Title\nOrganization;EDR\n5;1.000\n", mapping=Mapping({}, header_line=0, delimiter=";", decimal=","))
    assert lines_of(result) == [("5", "edr", 1000)]


def test_a_cost_beside_a_price_is_not_what_customers_are_charged() -> None:
    text = "Client Name,Service Name,Units,Unit Cost,Unit Price\nContoso,Managed EDR,5,3.10,6.50\n"
    result = reading(text, "rebilled")
    assert result.lines["unit_price"].tolist() == [6_500_000]
    assert [issue.message for issue in result.issues if issue.code == "unused_column"] == [
        "Column D “Unit Cost” is not used: E “Unit Price” says what is charged."
    ]
    assert [issue.code for issue in refused(text).issues] == ["two_columns"]


def test_a_cost_alone_is_the_price_of_a_rebilled_list() -> None:
    result = reading("Client Name,Service Name,Units,Unit Cost\nContoso,Managed EDR,5,3.10\n", "rebilled")
    assert result.lines["unit_price"].tolist() == [3_100_000]


def test_a_refusal_says_its_line_once() -> None:
    (issue,) = refused("Company,Addition,Quantity\nContoso,Managed EDR,5\n", "rebilled").issues
    assert (issue.line, issue.code) == (1, "no_product_column")
    assert "ine 1" not in issue.message
