"""Laws that hold for every document, found out with invented ones."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources import Leg, Mapping, Reading, Unreadable, read
from ingest.sources.csv_text import CsvTable
from ingest.sources.grid import Record
from ingest.sources.limits import Limits
from tests.sources.making import csv_bytes, lines_of, workbook

NAMES = st.sampled_from(
    ["Contoso", "NA", "None", "True", "007", "3.0", "Total", "Total Care", "", " ", "Ünïcode", "a\nb", 'say "hi"', "x,y"]
)
QUANTITIES = st.sampled_from(["", "0", "1", "12", "1,234", "12.0", "1.000", "-3", "abc", " 7 ", "(5)"])
PRODUCTS = st.sampled_from(["EDR", "agents", "ITDR", "Backup", "", "huntress managed edr"])
PRICES = st.sampled_from(["", "6.50", "$1,234.56", "1.000", "-1"])
LEGS = st.sampled_from(["billed", "expected", "rebilled"])
WIDE = st.lists(st.tuples(NAMES, QUANTITIES, QUANTITIES, PRICES), max_size=12).map(
    lambda rows: [("Organization", "EDR", "ITDR", "EDR price"), *rows]
)
LONG = st.lists(st.tuples(NAMES, PRODUCTS, QUANTITIES, PRICES), max_size=12).map(
    lambda rows: [("Organization", "Product", "Quantity", "Unit Price"), *rows]
)
TABLES = st.one_of(WIDE, LONG)


def check_sound(result: Reading, rows: int) -> None:
    counts = result.counts
    assert counts.rows_in == rows
    assert counts.rows_in == counts.loaded + counts.merged + counts.set_aside + counts.rejected
    buckets = Counter(row.bucket for row in result.odd_rows)
    assert (buckets["merged"], buckets["set_aside"], buckets["rejected"]) == (counts.merged, counts.set_aside, counts.rejected)
    assert result.lines["line"].nunique() == counts.loaded + counts.merged
    rejected = {row.line for row in result.odd_rows if row.bucket == "rejected"}
    assert rejected == set(result.rejected["line"])
    assert rejected <= {issue.line for issue in result.issues if issue.level == "error"}
    assert str(result.lines["organization"].dtype) == "str"
    assert [str(result.lines[name].dtype) for name in ("line", "quantity", "unit_price", "merged_into")] == [
        "int64",
        "int64",
        "Int64",
        "Int64",
    ]
    assert Mapping.from_json(json.loads(json.dumps(result.mapping.to_json()))) == result.mapping


@given(TABLES, LEGS)
@settings(max_examples=150, deadline=None)
def test_every_row_ends_in_one_bucket(table: list[tuple[str, ...]], leg: Leg) -> None:
    check_sound(read(csv_bytes(table), name="a.csv", kind=leg), len(table))


@given(TABLES, LEGS, st.data())
@settings(max_examples=100, deadline=None)
def test_shuffled_rows_give_the_same_lines(table: list[tuple[str, ...]], leg: Leg, data: st.DataObject) -> None:
    rows = [row for row in table[1:] if row[0].strip().lower() != "total"]  # a total's place matters
    mixed = data.draw(st.permutations(rows))
    one, other = (read(csv_bytes([table[0], *some]), name="a.csv", kind=leg) for some in (rows, mixed))
    assert Counter(lines_of(one)) == Counter(lines_of(other))
    # Which of two rows is the one that is merged into the other is a matter of order, and with it how many are.
    taken = [(c.loaded + c.merged, c.set_aside, c.rejected) for c in (one.counts, other.counts)]
    assert taken[0] == taken[1]


@given(
    TABLES, LEGS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from(["\n", "\r\n"])
)
@settings(max_examples=100, deadline=None)
def test_delimiter_encoding_and_line_ends_change_nothing(
    table: list[tuple[str, ...]], leg: Leg, delimiter: str, encoding: str, end: str
) -> None:
    plain = read(csv_bytes(table), name="a.csv", kind=leg)
    other = read(csv_bytes(table, delimiter, encoding, end), name="a.csv", kind=leg)
    assert plain.lines.equals(other.lines)
    assert plain.rejected.equals(other.rejected)
    assert plain.issues == other.issues
    assert plain.odd_rows == other.odd_rows


@given(TABLES, LEGS)
@settings(max_examples=25, deadline=None)
def test_a_workbook_of_texts_reads_as_the_csv_does(table: list[tuple[str, ...]], leg: Leg) -> None:
    one = read(csv_bytes(table), name="a.csv", kind=leg)
    cells = [[cell or None for cell in row] for row in table]
    try:
        other = read(workbook({"Sheet": cells}), name="a.xlsx", kind=leg)
    except Unreadable:
        assert not one.counts.loaded  # a sheet with nothing below its header is no report
        return
    assert lines_of(one) == lines_of(other)
    assert one.counts.rejected == other.counts.rejected


PIECES = st.sampled_from(
    ["a", "12", " ", ",", ",", ",", "\n", "\n", '"', '"', '""', "é", "\t", ";", "\x0b", "\u2028", "x,y\n", '"q",z\n', '"p\nq",r\n']
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=600, deadline=None)
def test_the_fast_path_and_the_slow_one_are_the_same(text: str) -> None:
    table = CsvTable(("Organization,EDR\n" + text).encode(), ",", "utf-8", Limits())
    header = Record(1, 1, ("Organization", "EDR"))
    try:
        slow = table.slow_grid()
    except Unreadable:  # a quotation mark that is never closed
        with pytest.raises(Unreadable):
            table.grid(header)
        return
    fast = table.fast_grid(header)
    if fast is not None:
        assert fast.rows(np.arange(fast.height)) == slow.rows(np.arange(slow.height))
        assert fast.lines.tolist() == slow.lines.tolist()


@pytest.mark.parametrize("text", ['"a",1\n"b\nc",2\n', "a,1\nb,2", '"a""b",1\n', '"",""\n', "a,\n,b\n"])
def test_regular_text_takes_the_fast_path(text: str) -> None:
    table = CsvTable(("Organization,EDR\n" + text).encode(), ",", "utf-8", Limits())
    assert table.fast_grid(table.head()[0]) is not None


def read_anything(data: bytes, leg: Leg = "billed") -> None:
    try:
        result = read(data, name="a", kind=leg)
    except Unreadable as error:
        check_refusal(error)
    else:
        check_sound(result, result.counts.rows_in)


def check_refusal(error: Unreadable) -> None:
    assert error.issues
    assert all(issue.message and issue.level == "error" for issue in error.issues)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", b"Organization,EDR\n", b"\xd0\xcf\x11\xe0"])
)
@settings(max_examples=400, deadline=None)
def test_garbage_is_refused_in_words(tail: bytes, start: bytes) -> None:
    read_anything(start + tail)


CELLS = st.one_of(
    st.sampled_from(
        ["Organization", "Name", "Company", "EDR", "Agents", "Product", "Quantity", "Qty", "Unit Price", "Total", "Subtotal", "1.000"]
    ),
    st.text(max_size=6),
    st.integers(-5, 2000).map(str),
)


@given(st.lists(st.lists(CELLS, max_size=6), max_size=12), LEGS, st.sampled_from([",", ";", "\t", "|"]))
@settings(max_examples=400, deadline=None)
def test_no_table_breaks_the_reader(rows: list[list[str]], leg: Leg, delimiter: str) -> None:
    read_anything(csv_bytes(rows, delimiter, "utf-8").replace(b"\0", b"") if not has_surrogates(rows) else b"", leg)


def has_surrogates(rows: list[list[str]]) -> bool:
    return any(0xD800 <= ord(char) < 0xE000 for row in rows for cell in row for char in cell)


SMALL_WORKBOOK = workbook({"Sheet": [["Organization", "EDR"], ["Contoso", 12.0]]})  # made once: it holds the time of its making


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_a_damaged_workbook_is_refused_in_words(data: st.DataObject) -> None:
    whole = SMALL_WORKBOOK
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = data.draw(st.binary(min_size=1, max_size=4))
    read_anything(whole[:place] + changed + whole[place + len(changed) :])


FIELDS = st.sampled_from(
    ["organization", "organization_id", "organization_key", "product", "quantity", "unit_price", "quantity:edr", "colour"]
)


@given(TABLES, st.dictionaries(st.integers(-1, 5), FIELDS, max_size=4), st.integers(-1, 4), st.sampled_from([",", ";", "xx"]))
@settings(max_examples=200, deadline=None)
def test_any_mapping_reads_or_is_refused_in_words(table: list[tuple[str, ...]], columns: dict[int, str], line: int, delimiter: str) -> None:
    mapping = Mapping(columns, header_line=line, delimiter=delimiter)
    try:
        result = read(csv_bytes(table), name="a.csv", kind="billed", mapping=mapping)
    except Unreadable as error:
        check_refusal(error)
    else:
        check_sound(result, len(table))
