"""Laws of the small tables: every row in one bucket, money exact, totals that tie or do not, found out with invented documents."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources import READERS, Mapping, Reading, Unreadable, read
from ingest.sources.numbers import parse_amount
from ingest.sources.table import shown_money
from tests.sources.making import csv_bytes
from tests.sources.test_laws import check_refusal

TEXTS = st.sampled_from(["", " ", "EDR", "ITDR", "Backup", "Total", "Tarn Vale Dental", "INVENTED_A", "x,y", 'say "hi"', "cost", "sell"])
NUMBERS = st.sampled_from(["", "0", "5", "1.50", "(2.25)", "-3", "1.000", "abc", "$1,204.50", "USD 3", "1e3", " 7 "])
DATES = st.sampled_from(["", "2026-11-14", "03/04/2026", "13/11/2026", "soon"])
HEADERS = {
    "invoice": (["Number", "Date", "Amount", "Currency", "Quantity"], (TEXTS, DATES, NUMBERS, TEXTS, NUMBERS)),
    "prices": (["Organization", "Product", "Cost", "Sell Price", "From"], (TEXTS, TEXTS, NUMBERS, NUMBERS, NUMBERS)),
    "exclusions": (["SKU", "Name"], (TEXTS, TEXTS)),
}
TABLES = st.sampled_from(sorted(HEADERS)).flatmap(
    lambda kind: st.lists(st.tuples(*HEADERS[kind][1]), max_size=12).map(lambda rows: (kind, [tuple(HEADERS[kind][0]), *rows]))
)
MICROS = st.integers(-(10**15) + 1, 10**15 - 1)


def check_sound(result: Reading) -> None:
    buckets = Counter(row.bucket for row in result.odd_rows)
    counts = result.counts
    assert (buckets["merged"], buckets["set_aside"], buckets["rejected"]) == (counts.merged, counts.set_aside, counts.rejected)
    assert result.lines["line"].nunique() == counts.loaded
    assert tuple(result.lines.columns) == READERS[result.kind].lines
    errors = {issue.line for issue in result.issues if issue.level == "error"}
    assert {row.line for row in result.odd_rows if row.bucket == "rejected"} == set(result.rejected["line"]) == errors
    assert Mapping.from_json(json.loads(json.dumps(result.mapping.to_json()))) == result.mapping


@given(TABLES)
@settings(max_examples=150, deadline=None)
def test_every_row_ends_in_one_bucket(table: tuple[str, list[tuple[str, ...]]]) -> None:
    kind, rows = table
    result = read(csv_bytes(rows), name="a.csv", kind=kind)
    assert result.counts.rows_in == len(rows)
    check_sound(result)


@given(TABLES, st.sampled_from([";", "\t", "|"]), st.sampled_from(["utf-8-sig", "utf-16"]))
@settings(max_examples=50, deadline=None)
def test_delimiter_and_encoding_change_nothing(table: tuple[str, list[tuple[str, ...]]], delimiter: str, encoding: str) -> None:
    kind, rows = table
    plain, other = read(csv_bytes(rows), name="a", kind=kind), read(csv_bytes(rows, delimiter, encoding), name="a", kind=kind)
    assert plain.lines.equals(other.lines)
    assert (plain.issues, plain.odd_rows) == (other.issues, other.odd_rows)


@given(MICROS)
def test_an_amount_reads_as_it_is_written(micros: int) -> None:
    text = shown_money(micros)
    for written in (text, f"USD {text}", text.replace("-", "\u2212")):
        assert parse_amount(written, ".") == micros
    if micros < 0:
        assert parse_amount(f"({text[1:]})", ".") == parse_amount(f"{text[1:]}-", ".") == micros


@given(st.lists(MICROS, min_size=1, max_size=8), st.integers(1, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_total_ties_when_it_is_the_sum_and_only_then(amounts: list[int], off: int) -> None:
    rows = [("Number", "Amount"), *((f"I-{place}", shown_money(amount)) for place, amount in enumerate(amounts))]
    mapping = Mapping({0: "number", 1: "amount"}, decimal=".")
    for stated, ties in ((sum(amounts), True), (sum(amounts) + off, False)):
        if abs(stated) < 10**15:
            result = read(csv_bytes([*rows, ("Total", shown_money(stated))]), name="a.csv", kind="invoice", mapping=mapping)
            assert result.lines["amount"].tolist() == amounts
            assert (result.counts.rejected == 0) is ties


@given(st.lists(st.sampled_from(["INVENTED_A", "invented_a", "INVENTED_B", "Invented_C"]), min_size=1))
@settings(max_examples=50, deadline=None)
def test_a_sku_counts_once_whatever_the_order(skus: list[str]) -> None:
    one = read(csv_bytes([("SKU",), *((sku,) for sku in skus)]), name="a", kind="exclusions")
    other = read(csv_bytes([("SKU",), *((sku,) for sku in reversed(skus))]), name="a", kind="exclusions")
    assert set(one.lines["sku_key"]) == set(other.lines["sku_key"]) == {sku.casefold() for sku in skus}
    assert one.counts.loaded == other.counts.loaded == len(one.lines)


@pytest.mark.parametrize("kind", HEADERS)
@given(
    st.lists(st.lists(st.one_of(TEXTS, NUMBERS, st.sampled_from(["SKU", "Amount", "Product", "Cost", "Date"])), max_size=6), max_size=12),
    st.dictionaries(st.integers(-1, 5), st.sampled_from(["sku", "amount", "product", "cost", "sell:edr", "side", "colour"]), max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_any_table_and_any_mapping_reads_or_is_refused_in_words(kind: str, rows: list[list[str]], columns: dict[int, str]) -> None:
    for mapping in (None, Mapping(columns), Mapping({}, header_line=0)):
        try:
            check_sound(read(csv_bytes(rows), name="a.csv", kind=kind, mapping=mapping))
        except Unreadable as refusal:
            check_refusal(refusal)
