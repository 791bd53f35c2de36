"""The tolerance file: ``scope,organization,product,level,percent,units``."""

import pytest

from tests.command.making import Outcome, Reconcile

HEAD = "scope,organization,product,level,percent,units\n"
BILLED_TEXT = 'Organization,Organization ID,EDR,SAT\n"Contoso, Dental",,120,120\nFabrikam,7,120,120\n'
EXPECTED = 'Organization,Organization ID,EDR,SAT\n"Contoso, Dental",,100,100\nFabrikam Ltd,7,100,100\n'
CONTOSO, FABRIKAM = ("Contoso, Dental", "edr"), ("Fabrikam", "edr")


def run(reconcile: Reconcile, *lines: str, head: str = HEAD, **options: object) -> Outcome:
    return reconcile(billed=BILLED_TEXT, expected=EXPECTED, tolerance=head + "".join(f"{line}\n" for line in lines), **options)


def within(done: Outcome) -> set[tuple[str, str]]:
    """The rows whose check against expected is within tolerance; without any statement, 20 of 100 escalates."""
    words = {(row["organization"], row["product"]): row["checks"]["expected"]["severity"] for row in done.json["variances"]}
    assert set(words.values()) <= {"within", "escalate"}
    return {cell for cell, word in words.items() if word == "within"}


ALL = {(name, product) for name in ("Contoso, Dental", "Fabrikam") for product in ("edr", "sat")}


@pytest.mark.parametrize(
    ("stated", "cells"),
    [
        ("everywhere,,", ALL),
        ("account,,", ALL),
        ("product,,EDR", {CONTOSO, FABRIKAM}),
        ("product,,managed edr", {CONTOSO, FABRIKAM}),
        ('organization,"contoso dental",', {("Contoso, Dental", "edr"), ("Contoso, Dental", "sat")}),
        ("organization,7,", {("Fabrikam", "edr"), ("Fabrikam", "sat")}),
        ("organization,fabrikam ltd,", {("Fabrikam", "edr"), ("Fabrikam", "sat")}),
        ("organization_product,Fabrikam,edr", {FABRIKAM}),
        ("Organization and product,Fabrikam,edr", {FABRIKAM}),
    ],
)
def test_every_scope(reconcile: Reconcile, stated: str, cells: set[tuple[str, str]]) -> None:
    done = run(reconcile, f"{stated},investigate,50,0", f"{stated},escalate,60,0")
    assert within(done) == cells
    assert done.status == (0 if cells == ALL else 1)


def test_the_most_specific_wins_whole(reconcile: Reconcile) -> None:
    wide = ["everywhere,,,investigate,0,1000", "everywhere,,,escalate,0,1000"]
    assert within(run(reconcile, *wide)) == ALL
    narrow = ["product,,sat,investigate,5,0", "product,,sat,escalate,10,0"]
    assert within(run(reconcile, *narrow, *wide)) == {CONTOSO, FABRIKAM}, "whatever the order of lines"
    exact = ["organization_product,7,sat,investigate,30,0", "organization_product,7,sat,escalate,30,0"]
    assert within(run(reconcile, *exact, *narrow, *wide)) == {CONTOSO, FABRIKAM, ("Fabrikam", "sat")}


def test_a_level_left_out_comes_from_the_next_wider_scope_and_never_stands_below(reconcile: Reconcile) -> None:
    assert within(run(reconcile, "organization,Fabrikam,,investigate,50,0")) == {FABRIKAM, ("Fabrikam", "sat")}


def test_the_percentage_may_have_decimals_and_columns_may_stand_in_any_order(reconcile: Reconcile) -> None:
    head = "Level, Units ,percent,PRODUCT,organization,scope\n"
    assert within(run(reconcile, "investigate,0,20.0001,,,everywhere", "escalate,0,20.0001,,,everywhere", head=head)) == ALL
    done = run(reconcile, "investigate,0,19.9999,,,everywhere", "escalate,0,19.9999,,,everywhere", head=head)
    assert within(done) == set()


def test_an_organization_that_no_list_names_is_a_warning(reconcile: Reconcile) -> None:
    done = run(reconcile, "organization,Nobody,,investigate,50,0")
    [issue] = done.json["issues"]
    assert (issue["file"], issue["line"], issue["level"], issue["code"]) == ("tolerance.csv", 2, "warning", "unknown_organization")
    assert "Nobody" in issue["message"]
    assert within(done) == set()


def test_an_id_is_no_name(reconcile: Reconcile) -> None:
    lists = "Organization,Organization ID,EDR\nID 7,9,120\nFabrikam,7,120\n"
    expected = lists.replace("120", "100")
    stated = HEAD + "organization,7,,investigate,50,0\norganization,7,,escalate,50,0\n"
    assert within(reconcile(billed=lists, expected=expected, tolerance=stated)) == {FABRIKAM}
    assert within(reconcile(billed=lists, expected=expected, tolerance=stated.replace(",7,", ",id 7,"))) == {("ID 7", "edr")}


def test_an_organization_may_be_named_by_its_key(reconcile: Reconcile) -> None:
    lists = "Organization,Organization Key,EDR\nContoso,cts,120\nFabrikam,fab,120\n"
    stated = HEAD + "organization,fab,,investigate,50,0\norganization,fab,,escalate,50,0\n"
    assert within(reconcile(billed=lists, expected=lists.replace("120", "100"), tolerance=stated)) == {FABRIKAM}


def test_a_name_of_two_organizations_is_refused_with_its_line(reconcile: Reconcile) -> None:
    lists = "Organization,Organization ID,EDR\nContoso,8,120\nContoso,9,120\n"
    done = reconcile(billed=lists, tolerance=HEAD + "organization,contoso,,investigate,50,0\n")
    assert done.status == 2
    assert "tolerance.csv, line 2: “contoso” could be more than one Organization" in done.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nowhere,,,investigate,5,0", "scope"),
        (",,,investigate,5,0", "scope"),
        ("everywhere,,,panic,5,0", "level"),
        ("everywhere,,,,5,0", "level"),
        ("everywhere,,,investigate,-5,0", "percent"),
        ("everywhere,,,investigate,5%,0", "percent"),
        ("everywhere,,,investigate,,0", "percent"),
        ("everywhere,,,investigate,5,", "units"),
        ("everywhere,,,investigate,5,abc", "units"),
        ("everywhere,,,investigate,nan,0", "percent"),
        ("everywhere,,,investigate,1e1,0", "percent"),
        ("everywhere,,,investigate,5.00001,0", "percent"),
        ("everywhere,,,investigate,10001,0", "percent"),
        ("everywhere,,,investigate,9999999999,0", "percent"),
        ("everywhere,,,investigate,٥,0", "percent"),
        ("everywhere,,,investigate,2,5,0", "cells"),
        ("everywhere,,,investigate", "percent"),
        ("everywhere,Contoso,,investigate,5,0", "scope"),
        ("organization,,,investigate,5,0", "organization"),
        ("organization,Fabrikam,edr,investigate,5,0", "scope"),
        ("organization_product,Fabrikam,,investigate,5,0", "product"),
        ("product,,backup,investigate,5,0", "backup"),
        ("product,,,investigate,5,0", "product"),
        ('everywhere,,,"investigate,5,0', "CSV"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(reconcile: Reconcile, line: str, said: str) -> None:
    done = run(reconcile, "account,,,investigate,5,0", line)
    assert (done.status, done.found) == (2, None)
    assert "tolerance.csv, line 3: " in done.err
    assert said in done.err


def test_every_wrong_line_is_said_at_once(reconcile: Reconcile) -> None:
    done = run(reconcile, "nowhere,,,investigate,5,0", "", "everywhere,,,panic,5,0")
    assert "line 2: " in done.err
    assert "line 4: " in done.err


def test_one_level_of_one_scope_is_stated_once(reconcile: Reconcile) -> None:
    done = run(reconcile, "organization,Fabrikam,,investigate,5,0", "organization,7,,investigate,5,0")
    assert done.status == 2
    assert "line 3: investigate is stated twice" in done.err


@pytest.mark.parametrize("head", ["", "scope,organization,product,level,percent\n", "scope;organization;product;level;percent;units\n"])
def test_a_header_that_lacks_a_column_is_refused(reconcile: Reconcile, head: str) -> None:
    done = run(reconcile, head=head)
    assert done.status == 2
    assert "tolerance.csv, line 1: the header lacks " in done.err


def test_a_header_that_has_a_column_twice_is_refused(reconcile: Reconcile) -> None:
    assert "has units twice" in run(reconcile, head=HEAD.replace("units", "units,units")).err


def test_a_header_alone_changes_nothing(reconcile: Reconcile) -> None:
    assert within(run(reconcile)) == set()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", HEAD.encode("utf-16"), HEAD.encode() + b"\xe9,,,,,\n", b'"' + b"x" * 200_000])
def test_what_is_no_text_is_refused(reconcile: Reconcile, data: bytes) -> None:
    done = reconcile(billed=BILLED_TEXT, expected=EXPECTED, tolerance=data)
    assert done.status == 2
    assert "tolerance.csv" in done.err


def test_a_byte_order_mark_is_no_part_of_the_header(reconcile: Reconcile) -> None:
    stated = ("\ufeff" + HEAD + "everywhere,,,investigate,50,0\neverywhere,,,escalate,50,0\n").encode()
    assert within(reconcile(billed=BILLED_TEXT, expected=EXPECTED, tolerance=stated)) == ALL
