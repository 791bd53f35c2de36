"""Mappings as a file: what is written is read again as it was, and what cannot be used is said with its place."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import READERS, Mapping
from ingest.sources.profile_file import BadMappings, parsed, written
from ingest.sources.profiles import Profile

KINDS = {code: list(reader.labels) for code, reader in READERS.items() if reader.has_columns}
GOOD: dict[str, Any] = {
    "kind": "rebilled",
    "name": "PSA",
    "header": ["Customer", "Service", "Qty"],
    "columns": {"A": "organization", "B": "product", "C": "quantity"},
}


def as_file(*entries: Any, **more: Any) -> bytes:
    return json.dumps({"format": "recon column mappings", "version": 1, "mappings": list(entries)} | more).encode()


def refused(data: bytes) -> str:
    with pytest.raises(BadMappings) as refusal:
        parsed(data, KINDS)
    return "\n".join(refusal.value.reasons)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KINDS)),
            st.text(min_size=1, max_size=20).map(str.strip).filter(bool),
            st.lists(st.text("abcXYZ ", min_size=1, max_size=9).filter(str.strip), min_size=3, max_size=6),
            st.sampled_from(["", ".", ","]),
            st.sampled_from([",", ";", "\t", "|"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_was_written_is_read_as_it_was(given_ones: list[tuple[str, str, list[str], Any, str]]) -> None:
    profiles = {
        one.fingerprint: one
        for kind, name, header, decimal, delimiter in given_ones
        for one in [Profile(kind, name, tuple(header), Mapping({2: KINDS[kind][0]}, "List", 4, delimiter, "cp1252", decimal))]
    }
    assert parsed(written(profiles.values()).encode(), KINDS) == list(profiles.values())


def test_what_is_not_said_is_as_a_plain_list_has_it() -> None:
    (profile,) = parsed(as_file(GOOD | {"name": ""}), KINDS)
    assert profile == Profile(
        "rebilled", "Customer, Service, Qty", ("Customer", "Service", "Qty"), Mapping({0: "organization", 1: "product", 2: "quantity"})
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{\n  oops", "Line 2, column 3: this is no JSON"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"[1, 2]", 'it should begin with "format": "recon column mappings"'),
        (as_file(GOOD, version=2), "It is of version 2 of the format; version 1 is read here."),
        (as_file(GOOD, version=True), "It is of version true of the format"),
        (as_file(), "at least one"),
        (b"[" * 100_000, "nested deeper"),
        (as_file("x"), 'Mapping 1: "x" is no mapping'),
        (as_file(GOOD | {"kind": "bill"}), 'Mapping 1 (“PSA”): kind is "bill"; it should be one of '),
        (as_file(GOOD | {"header": ["", " "]}), 'header is ["", " "]; it should be the list of the header\'s cells as texts'),
        (as_file({key: value for key, value in GOOD.items() if key != "columns"}), "columns is missing; it should say the field"),
        (as_file(GOOD | {"columns": {"D": "product"}}), "columns: D is beyond the header, whose last column is C."),
        (as_file(GOOD | {"columns": {"7": "product"}}), "columns: “7” is no column; columns are named by letters"),
        (as_file(GOOD | {"columns": {"A": "colour"}}), 'columns: A is "colour", which is no field of this kind. Known: organization'),
        (as_file(GOOD | {"columns": {"A": ["x"]}}), 'columns: A is ["x"], which is no field'),
        (as_file(GOOD | {"columns": {"A": "product", "B": "product"}}), 'columns: "product" is given to more than one column.'),
        (as_file(GOOD | {"decimal": "point"}), 'decimal is "point"; it should be one of "", ".", ",".'),
        (as_file(GOOD | {"header_line": -1}), "header_line is -1; it should be a line's number"),
        (as_file(GOOD | {"encoding": 3}), 'encoding is 3; it should be one of "utf-8"'),
        (as_file(GOOD | {"color": 3}), "“color” is not known. A mapping has kind, name, header, columns, sheet"),
        (as_file(GOOD, GOOD | {"name": "Again"}), "Mapping 2 (“Again”): mapping 1 is of the same kind and header. Keep one of them."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_where_and_what_would_be_right(data: bytes, why: str) -> None:
    assert why in refused(data)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    said = refused(as_file(GOOD | {"kind": "bill", "decimal": "x"}, GOOD, GOOD | {"header": []}))
    assert said.count("Mapping 1") == 2
    assert "Mapping 3" in said


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda one: st.lists(one) | st.dictionaries(st.text(max_size=8), one),
    )
)
def test_no_json_breaks_it(entry: Any) -> None:
    for data in (as_file(entry), as_file(GOOD | {"columns": entry}), as_file(GOOD | {"header": entry}), json.dumps(entry).encode()):
        with suppress(BadMappings):
            parsed(data, KINDS)
