"""The usage list: how many of each product each Organization has, wide or long, as a bill, an expectation or a rebill says it."""

from typing import Final

import numpy as np

from accounts.products import PRODUCTS
from ingest.sources.body import Body
from ingest.sources.columns import Guessed, Mark, check_mapping, columns_of, guess_columns, unknown_columns
from ingest.sources.document import Place, find_place, head_rows, open_document
from ingest.sources.grid import Grid
from ingest.sources.header import USAGE
from ingest.sources.lines import build_lines, build_rejected
from ingest.sources.reader import Field, Reader
from ingest.sources.reading import LINE_COLUMNS, Asked, Issue, Leg, Mapping, Reading, Unreadable
from ingest.sources.remarks import Remarks
from ingest.sources.samples import count_rows, first_rows, odd_rows
from ingest.sources.sorting import Sorting, sort_rows

FIELDS: Final = (
    Field("organization", "Organization"),
    Field("organization_id", "Organization ID"),
    Field("organization_key", "Organization key"),
    Field("product", "Product, named in each row"),
    Field("quantity", "Quantity, of the row's product"),
    Field("unit_price", "Unit price"),
    *(Field(f"quantity:{product.code}", f"{product.label} quantity ({product.units})") for product in PRODUCTS),
    *(Field(f"unit_price:{product.code}", f"{product.label} unit price") for product in PRODUCTS),
)
_NEEDS: Final = (
    ("organization", "organization_id", "organization_key"),
    ("quantity", *(f"quantity:{product.code}" for product in PRODUCTS)),
)


def leg_reader(leg: Leg, label: str, one: str, words: str, marks: tuple[Mark, ...] = ()) -> Reader:
    """A kind of document that is a leg of the comparison; ``marks`` are columns that it has beside those of every leg."""

    def read_leg(data: bytes, asked: Asked) -> Reading:
        return read(data, asked, leg, marks)

    fields = (*FIELDS, *(mark.field for mark in marks))
    return Reader(leg, label, one, words, USAGE, fields, _NEEDS, LINE_COLUMNS, read_leg)


def read(data: bytes, asked: Asked, leg: Leg, marks: tuple[Mark, ...]) -> Reading:
    """A usage list, read. Rows that cannot be read are in the ``Reading``, rejected: whether the file counts without them is the caller's
    to decide. Raises Unreadable for a document that is refused as a whole, and nothing else.
    """
    document = open_document(data, asked.limits, asked.mapping.encoding if asked.mapping else "utf-8")
    place = find_place(document, asked.mapping)
    grid = place.table.grid(place.header)
    asked.progress(0, grid.height)
    used, guessed, remarks = _mapping(place, grid, asked, leg, marks)
    remarks.add(*place.notes)
    body = Body(grid, _first(place, grid), place.header.cells, columns_of(used.columns, marks), used.decimal)
    if asked.mapping is None or not asked.mapping.columns:
        _refuse_unknown_columns(place, body, used, leg, remarks, guessed)
    asked.progress(grid.height // 3, grid.height)
    sorting = sort_rows(body, leg, remarks, only_known=asked.only_known)
    asked.progress(grid.height * 2 // 3, grid.height)
    reading = _reading(body, sorting, remarks, place, asked, leg, used, guessed)
    asked.progress(grid.height, grid.height)
    return reading


def _reading(
    body: Body, sorting: Sorting, remarks: Remarks, place: Place, asked: Asked, leg: Leg, used: Mapping, guessed: Guessed
) -> Reading:
    lines, merged = build_lines(body, sorting, remarks)
    return Reading(
        kind=leg,
        name=asked.name,
        sha256="",
        mapping=used,
        header=place.header.cells,
        sheets=place.sheets,
        counts=count_rows(body, sorting, merged),
        lines=lines,
        rejected=build_rejected(body, sorting),
        first_rows=first_rows(body, sorting, merged, remarks),
        odd_rows=odd_rows(body, sorting, merged, asked.limits, remarks),
        issues=remarks.all(),
        column_guesses=guessed.guesses,
        above=tuple(record.cells for record in place.above),
    )


def _first(place: Place, grid: Grid) -> int:
    """The index of the first row below the header."""
    return int(np.searchsorted(grid.lines, place.header.line, side="right"))


def _mapping(place: Place, grid: Grid, asked: Asked, leg: Leg, marks: tuple[Mark, ...]) -> tuple[Mapping, Guessed, Remarks]:
    remarks, stated = Remarks(asked.limits.max_issues), asked.mapping
    table, header = place.table, place.header
    if stated is not None and stated.columns:
        guessed = Guessed(dict(stated.columns), [], check_mapping(stated, header.cells, marks))
    else:
        first = _first(place, grid)
        is_charged = leg == "rebilled"
        guessed = guess_columns(header.cells, lambda index: grid.columns[index].slice(first), header.line, marks, is_charged=is_charged)
        if stated is not None and not guessed.refused:  # a stated header line may be no header at all
            guessed.refused = check_mapping(Mapping(guessed.columns, header_line=header.line), header.cells, marks)
    decimal = stated.decimal if stated else ""
    used = Mapping(guessed.columns, table.sheet, header.line, table.delimiter, table.encoding, decimal)
    if guessed.refused:
        raise _refused(place, used, guessed.refused, guessed)
    remarks.add(*guessed.notes)
    return used, guessed, remarks


def _refused(place: Place, used: Mapping, issues: list[Issue], guessed: Guessed) -> Unreadable:
    rows = head_rows(place.table.head(place.header.line))
    return Unreadable(
        *issues, header=place.header.cells, sheets=place.sheets, mapping=used, first_rows=rows, column_guesses=guessed.guesses
    )


def _refuse_unknown_columns(place: Place, body: Body, used: Mapping, leg: Leg, remarks: Remarks, guessed: Guessed) -> None:
    if body.columns.is_long:
        return
    rows = np.concatenate([np.zeros(body.first, dtype=np.bool_), body.named & ~body.repeated_header])
    issues = unknown_columns(place.header.cells, used.columns, body.grid, rows, leg, place.header.line)
    refused = [issue for issue in issues if issue.level == "error"]
    if refused:
        raise _refused(place, used, refused, guessed)
    remarks.add(*issues)
