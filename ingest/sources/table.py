"""Small tables of named columns, read row by row: what invoices, price lists and exclusion lists have in common.

A kind says its columns, how a row's values become records, and which records are the same. Everything else is here: blanks, repeated
headers, totals, cells that cannot be read, and that every row ends in one bucket with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from accounts.names import normalise
from accounts.products import folded
from ingest.sources.agents_dates import orders_proved
from ingest.sources.columns import Guessed
from ingest.sources.document import Document, Place, find_place, head_rows, open_document
from ingest.sources.grid import Grid, Record, trimmed
from ingest.sources.limits import Limits
from ingest.sources.numbers import evident_sign
from ingest.sources.reader import Reader
from ingest.sources.reading import REJECTED_COLUMNS, Asked, Bucket, Counts, Guess, Issue, Mapping, Reading, Row, Unreadable
from ingest.sources.remarks import Remarks, Said
from ingest.sources.table_cells import UNKNOWN_PRODUCT, Bad, Cell, Ways
from ingest.sources.table_columns import TableColumns
from ingest.sources.totals import LABELS

#: Rows are looked at one by one and held in memory, so a list of these kinds is not the place for millions.
MOST_ROWS: Final = 200_000
MOST_CELLS: Final = 4_000_000
_FIRST: Final = 20
_HEADLESS: Final = 0
Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class TableKind:
    """How rows of a kind become records of ``lines``, whose columns are ``line`` and these.

    ``make`` gives the records of a row's values (None is blank) and texts, at least one, or says why there are none. A row in which none
    of ``carriers`` has anything is set aside as ``without``; so is one for which ``note`` gives a reason, from its texts. Of records with
    one ``same`` the first counts; the others are merged, unless ``clash`` says what is wrong with having both. ``summed`` is the field that
    a row labelled as a total adds up. ``is_bare`` says whether cells without any header are a list of this kind, of the field ``bare``.
    """

    code: str
    columns: TableColumns
    lines: tuple[str, ...]
    make: Callable[[Values, dict[str, str]], list[Values] | Bad]
    carriers: tuple[str, ...]
    without: str
    same: Callable[[Values], Hashable | None] = lambda record: None
    clash: Callable[[Values, Values], str] = lambda first, record: ""
    summed: str = ""
    bare: str = ""
    is_bare: Callable[[list[str]], bool] = lambda cells: False
    note: Callable[[dict[str, str]], str] = lambda texts: ""


def table_reader(kind: TableKind, label: str, one: str, words: str) -> Reader:
    fields = tuple(column.field for column in kind.columns.columns)
    lines = ("line", *kind.lines)
    return Reader(
        kind.code, label, one, words, kind.columns.headers(), fields, kind.columns.needs, lines, lambda data, asked: read(data, asked, kind)
    )


def read(data: bytes, asked: Asked, kind: TableKind) -> Reading:
    """Raises Unreadable for a document that is refused as a whole, and nothing else."""
    limits = _bounded(asked.limits)
    document = open_document(data, limits, asked.mapping.encoding if asked.mapping else "utf-8")
    place = _place(document, asked, kind)
    grid = place.table.grid(place.header)
    asked.progress(0, grid.height)
    used, guessed = _mapping(place, asked, kind)
    remarks = Remarks(limits.max_issues)
    remarks.add(*place.notes)
    sorting = _Sorting(kind, grid, place.header, used, remarks)
    for row in range(grid.height):
        sorting.take(row)
    asked.progress(grid.height, grid.height)
    return sorting.reading(asked, place, limits, guessed.guesses)


def _bounded(limits: Limits) -> Limits:
    rows, cells = min(limits.max_rows, MOST_ROWS), min(limits.max_cells, MOST_CELLS)
    return replace(limits, max_rows=rows, max_cells=cells, max_workbook_cells=min(limits.max_workbook_cells, MOST_CELLS))


def _place(document: Document, asked: Asked, kind: TableKind) -> Place:
    try:
        return find_place(document, asked.mapping, kind.columns.headers())
    except Unreadable as refusal:
        bare = _bare_place(document, kind) if kind.bare and refusal.issues[0].code == "no_header" else None
        if bare is None:
            raise
        return bare


def _bare_place(document: Document, kind: TableKind) -> Place | None:
    """A list without a header, of one column that is plain from its cells."""
    for table in document.tables:
        head = table.head()
        cells = [record.cells[0].strip() for record in head if record.cells and record.cells[0].strip()]
        if cells and kind.is_bare(cells):
            return Place(table, Record(_HEADLESS, _HEADLESS, ("",) * max(len(record.cells) for record in head)), [], document.sheets)
    return None


def _mapping(place: Place, asked: Asked, kind: TableKind) -> tuple[Mapping, Guessed]:
    stated, header, table = asked.mapping, place.header, place.table
    if stated is not None and stated.columns:
        guessed = Guessed(dict(stated.columns), [], kind.columns.check(stated, header.cells))
    elif header.line == _HEADLESS:
        because = "there is no header, and its cells look like it"
        guessed = Guessed({0: kind.bare}, guesses={0: Guess(kind.bare, because, "likely")})
    else:
        guessed = kind.columns.guess(header.cells, header.line)
    ways = (stated.decimal, stated.dates) if stated else ("", "")
    used = Mapping(guessed.columns, table.sheet, header.line, table.delimiter, table.encoding, *ways)
    if guessed.refused:
        rows = head_rows(table.head(header.line))
        raise Unreadable(
            *guessed.refused, header=header.cells, sheets=place.sheets, mapping=used, first_rows=rows, column_guesses=guessed.guesses
        )
    return used, guessed


@dataclass
class _Sorting:
    """Every row into one bucket, in the file's order."""

    kind: TableKind
    grid: Grid
    header: Record
    mapping: Mapping
    remarks: Remarks
    rows: list[Row] = field(default_factory=list)
    records: list[Values] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    counts: dict[Bucket, int] = field(default_factory=lambda: dict.fromkeys(("loaded", "merged", "set_aside", "rejected"), 0))
    _first: dict[Hashable, Values] = field(default_factory=dict)
    _sums: list[int] = field(default_factory=lambda: [0, 0])
    _spoiled: list[bool] = field(default_factory=lambda: [False, False])

    def __post_init__(self) -> None:
        self._at = {name: index for index, name in self.mapping.columns.items()}
        self._written = self.grid.rows(np.arange(self.grid.height))
        self._cells = [tuple(cell.strip() for cell in cells) for cells in self._written]
        self._ways = {name: self._ways_of(name) for name in self._at}

    def _ways_of(self, name: str) -> Ways:
        column, decimal, dates = self.kind.columns.by_name[name], self.mapping.decimal, self.mapping.dates
        texts = trimmed(self.grid.columns[self._at[name]].slice(self._start)).unique()
        if column.is_money and not decimal:
            decimal = evident_sign(texts.to_pylist())
        if column.is_date and not dates:
            proved = orders_proved(texts)
            dates = proved.pop() if len(proved) == 1 else ""
        return Ways(decimal, dates)

    @property
    def _start(self) -> int:
        return int(np.searchsorted(self.grid.lines, self.header.line, side="right"))

    def take(self, row: int) -> None:
        cells = self._cells[row]
        bucket, reason = self._bucket(row, cells)
        self.counts[bucket] += 1
        line = int(self.grid.lines[row])
        if bucket == "rejected":
            self.rejected.append(line)
        self.rows.append(Row(line, bucket, self._written[row], reason))

    def _bucket(self, row: int, cells: tuple[str, ...]) -> tuple[Bucket, str]:
        if not any(cells):
            return "set_aside", "blank"
        if row < self._start:
            return "set_aside", "header" if int(self.grid.lines[row]) == self.header.line else "title"
        if all(folded(cells[index]) == folded(self.header.cells[index]) for index in self._at.values()):
            return "set_aside", "header"
        if normalise(next(cell for cell in cells if cell)) in LABELS:
            return self._total(row)
        if any(cells[len(self.header.cells) :]):
            message = f"The row has more cells than the header's {len(self.header.cells)}, so none of them can be trusted."
            return self._reject(row, Bad("extra_cells", message))
        if not any(cells[self._at[name]] for name in self.kind.carriers if name in self._at):
            return "set_aside", self.kind.without
        if note := self.kind.note({name: cells[index] for name, index in self._at.items()}):
            return "set_aside", note
        bucket, reason = self._record(row)
        if bucket == "rejected":
            self._spoiled = [True, True]
        return bucket, reason

    def _record(self, row: int) -> tuple[Bucket, str]:
        values = {name: self._value(name, row) for name in self._at}
        bad = [value._replace(field=name) for name, value in values.items() if isinstance(value, Bad)]
        made = bad[0] if bad else self.kind.make(values, {name: self._cells[row][index] for name, index in self._at.items()})
        if isinstance(made, Bad):
            return self._reject(row, *(bad or [made]))
        fresh, merged_into = [], 0
        for record in made:
            before = self._first.get(same) if (same := self.kind.same(record)) is not None else None
            if before is None:
                fresh.append(record)
            elif clash := self.kind.clash(before, record):
                return self._reject(row, Bad("clash", f"{clash} Line {before['line']:,} says otherwise: keep one of them."))
            else:
                merged_into = before["line"]
        line = int(self.grid.lines[row])
        for record in fresh:
            record["line"] = line
            if (same := self.kind.same(record)) is not None:
                self._first[same] = record
        self.records += fresh
        if not fresh:
            self._say("warning", row, Bad("merged", f"The same stands on line {merged_into:,}: it counts once."))
            return "merged", "merged"
        if self.kind.summed:
            amount = values.get(self.kind.summed) or 0
            self._sums = [total + amount for total in self._sums]
        return "loaded", ""

    def _value(self, name: str, row: int) -> Any:
        index = self._at[name]
        cell = Cell(self._cells[row][index], self._is(self.grid.typed, index, row), self._is(self.grid.faults, index, row))
        if cell.fault:
            return Bad(
                "unreadable_cell", f"{cell.text} is an error of the workbook, or a formula without a stored result. Put it right there."
            )
        return self.kind.columns.by_name[name].parse(cell, self._ways[name])

    @staticmethod
    def _is(masks: dict[int, Any], index: int, row: int) -> bool:
        return index in masks and bool(masks[index][row])

    def _total(self, row: int) -> tuple[Bucket, str]:
        """A total is of all rows above it, or of those since the last one; with a rejected row in between it proves nothing."""
        stated = self._value(self.kind.summed, row) if self.kind.summed in self._at else None
        sums, spoiled = self._sums, self._spoiled
        self._sums, self._spoiled = [sums[0], 0], [spoiled[0], False]
        text = self._cells[row][self._at[self.kind.summed]] if stated is not None else ""
        if stated is None or normalise(text) in LABELS:  # the label itself may stand in the amount's column
            return "set_aside", "total"
        if any(stated == total and not is_spoiled for total, is_spoiled in zip(sums, spoiled, strict=True)):
            return "set_aside", "total"
        if all(spoiled) and not isinstance(stated, Bad):
            self._say("warning", row, Bad("total_not_checked", "This total cannot be checked: a row above it could not be read."))
            return "set_aside", "total"
        message = f"The row is labelled as a total and is not the sum above it: {text} is stated, {shown_money(sums[0])} is the sum."
        return self._reject(row, Bad("total_does_not_tie", f"{message} Rows are missing or twice in it.", self.kind.summed))

    def _reject(self, row: int, *bad: Bad) -> tuple[Bucket, str]:
        if unknown := [one for one in bad if one.code == UNKNOWN_PRODUCT]:  # the row is about something else
            self._say("warning", row, unknown[0])
            return "set_aside", "unknown product"
        for one in bad:
            self._say("error", row, one)
        return "rejected", bad[0].code

    def _say(self, level: Any, row: int, bad: Bad) -> None:
        index = self._at.get(bad.field)
        header = self.header.cells[index] if index is not None else ""
        said = Said(bad.message, header, self._cells[row][index] if index is not None else "")
        self.remarks.say(level, bad.code, self.grid.lines, np.asarray([row]), lambda place: said)

    def reading(self, asked: Asked, place: Place, limits: Limits, guesses: dict[int, Guess]) -> Reading:
        odd = [row for row in self.rows if row.bucket != "loaded"]
        if len(odd) > limits.max_odd_rows:
            message = f"{len(odd) - limits.max_odd_rows:,} more rows are set aside, merged or rejected than are listed one by one."
            self.remarks.add(Issue(None, "info", "odd_rows_left_out", message))
        columns = ["line", *self.kind.lines]
        rejected = pd.DataFrame({"line": self.rejected, **dict.fromkeys(REJECTED_COLUMNS[1:], "")}, columns=list(REJECTED_COLUMNS))
        return Reading(
            kind=self.kind.code,
            name=asked.name,
            sha256="",
            mapping=self.mapping,
            header=place.header.cells,
            sheets=place.sheets,
            counts=Counts(**self.counts),
            lines=pd.DataFrame({name: pd.Series([record[name] for record in self.records], dtype=object) for name in columns}),
            rejected=rejected,
            first_rows=self.rows[: max(_FIRST, self._start + _FIRST // 2)],
            odd_rows=odd[: limits.max_odd_rows],
            issues=self.remarks.all(),
            column_guesses=guesses,
            above=tuple(record.cells for record in place.above),
        )


def shown_money(micros: int) -> str:
    """Exactly, with at least two decimals.

    >>> shown_money(1_234_500_000), shown_money(-5)
    ('1,234.50', '-0.000005')
    """
    whole, rest = divmod(abs(micros), 1_000_000)
    decimals = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole:,}.{decimals}"
