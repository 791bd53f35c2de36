"""Every reader against bytes and tables that nobody foresaw: a reading whose rows add up, or a refusal in words; never anything else.

``make fuzz`` runs many times as many examples, and prints the seed with which a failure comes again.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.checks import KINDS, tried
from tests.fuzz.making import ROWS, SAMPLES, TIMES, html, ods, spoiled, spoiled_parts, xlsx
from tests.sources.making import csv_bytes

KIND = st.sampled_from(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_is_read_or_refused_by_every_kind(kind: str) -> None:
    for data in SAMPLES:
        tried(data, kind)


@given(st.sampled_from(SAMPLES).flatmap(spoiled), KIND)
@settings(max_examples=100 * TIMES)
def test_spoiled_samples(data: bytes, kind: str) -> None:
    tried(data, kind)


@given(spoiled_parts(), KIND)
@settings(max_examples=60 * TIMES)
def test_spoiled_parts_of_workbooks(data: bytes, kind: str) -> None:
    tried(data, kind)


@given(
    st.sampled_from(
        [b"", b"PK\x03\x04", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<table>", b"SKU\n"]
    ),
    st.binary(max_size=200),
    KIND,
)
@settings(max_examples=80 * TIMES)
def test_any_bytes(start: bytes, rest: bytes, kind: str) -> None:
    tried(start + rest, kind)


@given(
    ROWS,
    KIND,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=120 * TIMES)
def test_tables_as_text(rows: list[list[str]], kind: str, delimiter: str, encoding: str, end: str) -> None:
    cells = rows if encoding.startswith("utf") else [[cell.encode("cp1252", "replace").decode("cp1252") for cell in row] for row in rows]
    result = tried(csv_bytes(cells, delimiter, encoding, end), kind)
    if result is not None and result.mapping.delimiter == delimiter and result.mapping.encoding == encoding.removesuffix("-sig"):
        assert result.counts.rows_in == len(rows)


@given(ROWS, KIND, st.booleans())
@settings(max_examples=25 * TIMES)
def test_tables_as_workbooks(rows: list[list[str]], kind: str, types: bool) -> None:
    tried(xlsx(rows, types), kind)


@given(ROWS, KIND)
@settings(max_examples=25 * TIMES)
def test_tables_as_pages_and_open_documents(rows: list[list[str]], kind: str) -> None:
    page, document = tried(html(rows), kind), tried(ods(rows), kind)
    for result in (page, document):
        assert result is None or result.counts.rows_in <= len(rows)
