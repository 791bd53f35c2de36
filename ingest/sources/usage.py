"""The usage list: how many of each product each Organization has, wide or long, as a bill, an expectation or a rebill says it."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ingest.sources.body import Body
from ingest.sources.columns import Guessed, check_mapping, columns_of, guess_columns, unknown_columns
from ingest.sources.document import Place, find_place, head_rows, open_document
from ingest.sources.grid import Grid
from ingest.sources.guesses import guess_document
from ingest.sources.limits import Limits
from ingest.sources.lines import build_lines, build_rejected
from ingest.sources.reading import Issue, Leg, Mapping, Reading, Unreadable
from ingest.sources.remarks import Remarks
from ingest.sources.samples import count_rows, first_rows, odd_rows
from ingest.sources.sorting import Sorting, sort_rows

Progress = Callable[[int, int], None]


def read(
    data: bytes,
    *,
    name: str,
    leg: Leg,
    mapping: Mapping | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    progress: Progress | None = None,
) -> Reading:
    """A usage list, read. ``mapping`` is what a person stated; without one it is guessed from the header and the cells.

    Rows that cannot be read are in the ``Reading``, rejected: whether the file counts without them is the caller's to decide.
    Raises Unreadable for a document that is refused as a whole, and nothing else. ``progress`` is called with rows done, rows in all.
    """
    tell = progress or (lambda done, total: None)
    # Hashing leaves the interpreter free, so it costs no time of its own beside the parsing.
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(lambda: hashlib.sha256(data).hexdigest())
        reading = _read(data, name, leg, mapping, limits, tell)
    return replace(reading, sha256=digest.result())


def _read(data: bytes, name: str, leg: Leg, mapping: Mapping | None, limits: Limits, tell: Progress) -> Reading:
    document = open_document(data, limits, mapping.encoding if mapping else "utf-8")
    place = find_place(document, limits, mapping)
    grid = place.table.grid(place.header)
    tell(0, grid.height)
    used, remarks = _mapping(place, grid, leg, mapping, limits)
    remarks.add(*place.notes)
    body = _body(place, grid, used)
    if mapping is None or not mapping.columns:
        _refuse_unknown_columns(place, body, used, leg, remarks)
    tell(grid.height // 3, grid.height)
    sorting = sort_rows(body, leg, remarks)
    tell(grid.height * 2 // 3, grid.height)
    reading = _reading(body, sorting, remarks, place, limits, name, leg, used)
    tell(grid.height, grid.height)
    return reading


def _reading(body: Body, sorting: Sorting, remarks: Remarks, place: Place, limits: Limits, name: str, leg: Leg, used: Mapping) -> Reading:
    lines, merged = build_lines(body, sorting, remarks)
    return Reading(
        leg=leg,
        name=name,
        sha256="",
        mapping=used,
        header=place.header.cells,
        sheets=place.sheets,
        counts=count_rows(body, sorting, merged),
        lines=lines,
        rejected=build_rejected(body, sorting),
        first_rows=first_rows(body, sorting, merged, remarks),
        odd_rows=odd_rows(body, sorting, merged, limits, remarks),
        issues=remarks.all(),
        guesses=guess_document(name, [record.cells for record in place.above], place.header.cells),
    )


def _first(place: Place, grid: Grid) -> int:
    """The index of the first row below the header."""
    return int(np.searchsorted(grid.lines, place.header.line, side="right"))


def _mapping(place: Place, grid: Grid, leg: Leg, stated: Mapping | None, limits: Limits) -> tuple[Mapping, Remarks]:
    remarks = Remarks(limits.max_issues)
    table, header = place.table, place.header
    if stated is not None and stated.columns:
        guessed = Guessed(dict(stated.columns), [], check_mapping(stated, header.cells))
    else:
        first = _first(place, grid)
        guessed = guess_columns(header.cells, lambda index: grid.columns[index].slice(first), header.line)
        if stated is not None and not guessed.refused:  # a stated header line may be no header at all
            guessed.refused = check_mapping(Mapping(guessed.columns, header_line=header.line), header.cells)
    decimal = stated.decimal if stated else ""
    used = Mapping(guessed.columns, table.sheet, header.line, table.delimiter, table.encoding, decimal)
    if guessed.refused:
        raise _refused(place, used, guessed.refused)
    remarks.add(*guessed.notes)
    return used, remarks


def _refused(place: Place, used: Mapping, issues: list[Issue]) -> Unreadable:
    rows = head_rows(place.table.head(place.header.line))
    return Unreadable(*issues, header=place.header.cells, sheets=place.sheets, mapping=used, first_rows=rows)


def _body(place: Place, grid: Grid, used: Mapping) -> Body:
    return Body(grid, _first(place, grid), place.header.cells, columns_of(used.columns), used.decimal)


def _refuse_unknown_columns(place: Place, body: Body, used: Mapping, leg: Leg, remarks: Remarks) -> None:
    if body.columns.is_long:
        return
    rows = np.concatenate([np.zeros(body.first, dtype=np.bool_), body.named & ~body.repeated_header])
    issues = unknown_columns(place.header.cells, used.columns, body.grid, rows, leg, place.header.line)
    refused = [issue for issue in issues if issue.level == "error"]
    if refused:
        raise _refused(place, used, refused)
    remarks.add(*issues)
