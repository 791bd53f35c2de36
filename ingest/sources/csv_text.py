"""Text with delimiters as a grid: by arrow where the text is regular, by Python's csv module where it is not, with the same result."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from ingest.sources.grid import HEAD_ROWS, Grid, Ints, Record, Texts, cell_too_long, check_lengths, check_size
from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal

DELIMITERS: Final = (",", ";", "\t", "|")
_CHUNK: Final = 20_000
_QUOTE, _NEWLINE = 0x22, 0x0A
# Read after the last line: unless it comes back as a row of its own, a quotation mark is still open.
_END: Final = "end"


@dataclass(frozen=True)
class CsvTable:
    """UTF-8 text with line feeds, split at one delimiter. ``encoding`` is what it came in."""

    data: bytes
    delimiter: str
    encoding: str
    limits: Limits
    sheet: str = ""
    hidden: bool = False

    def head(self, until: int = 0) -> list[Record]:
        found: list[Record] = []
        for record in self.records():
            found.append(record)
            if len(found) >= HEAD_ROWS and record.end >= until:
                break
        return found

    def grid(self, header: Record) -> Grid:
        grid = self.fast_grid(header) or self.slow_grid()
        check_size(self.limits, grid.height, grid.width, self.limits.max_cells)
        check_lengths(self.limits, grid.columns, grid.lines)
        return grid

    def records(self) -> Iterator[Record]:
        """Each row in turn. Raises Unreadable where a quotation mark is never closed, and at a row that is wider than is read."""
        text = io.TextIOWrapper(io.BytesIO(self.data), encoding="utf-8", newline="\n")
        lines = (line.removesuffix("\n") + "\n" for line in text)
        reader = csv.reader(chain(lines, [_END]), delimiter=self.delimiter)
        before: Record | None = None
        start = 1
        try:
            for cells in reader:
                if before is not None:
                    yield before
                if len(cells) > self.limits.max_columns:
                    check_size(self.limits, 1, len(cells), self.limits.max_cells)
                before = Record(start, reader.line_num, tuple(cells))
                start = reader.line_num + 1
        except csv.Error:  # the one error left: a field past the module's own limit
            raise cell_too_long(self.limits, start) from None
        if before is not None and before.cells != (_END,):
            message = (
                f"A quotation mark opened on line {before.line:,} is never closed, so the rows after it cannot be told apart. Close it."
            )
            raise refusal("unclosed_quote", message, line=before.line)

    def slow_grid(self) -> Grid:
        """Any text: ragged rows are filled up with blanks."""
        chunks: list[list[Texts]] = []
        lines: list[int] = []
        records = self.records()
        while block := list(islice(records, _CHUNK)):
            chunks.append(_columns([record.cells for record in block]))
            lines.extend(record.line for record in block)
            check_size(self.limits, len(lines), max(map(len, chunks)), self.limits.max_cells)
        width = max(map(len, chunks), default=0)
        sizes = [len(chunk[0]) if chunk else min(_CHUNK, len(lines) - i * _CHUNK) for i, chunk in enumerate(chunks)]
        columns = [
            pa.chunked_array([chunk[i] if i < len(chunk) else blanks(size) for chunk, size in zip(chunks, sizes, strict=True)])
            for i in range(width)
        ]
        return Grid(columns, np.asarray(lines, dtype=np.int64))

    def fast_grid(self, header: Record) -> Grid | None:
        """Text whose every row below the header has as many cells as the header, and whose quoting is regular; else None."""
        if not header.line:  # a list without a header
            return None
        head = [record for record in self.head(header.end) if record.line <= header.line]
        start = _offset(self.data, header.end)
        width, above = len(header.cells), max(len(record.cells) for record in head)
        if start >= len(self.data) or not 2 <= width <= self.limits.max_columns or above > self.limits.max_columns:
            return None
        found = self._body(start, width, header.end + 1)
        if found is None:
            return None
        body, lines = found
        tops = _columns([record.cells for record in head], max(above, width))
        columns = [pa.chunked_array([top, *(body.column(i).chunks if i < width else [blanks(len(lines))])]) for i, top in enumerate(tops)]
        return Grid(columns, np.concatenate([np.asarray([record.line for record in head], dtype=np.int64), lines]))

    def _body(self, start: int, width: int, first: int) -> tuple[pa.Table, Ints] | None:
        """The rows from ``start`` on, which is line ``first``, and the line that each begins on."""
        if self.data.find(b'"', start) < 0:
            body = self._arrow(start, width, False)
            return None if body is None else (body, np.arange(first, first + body.num_rows, dtype=np.int64))
        lines = _regular_lines(self.data, start, ord(self.delimiter), first)
        spans = lines is not None and len(lines) != self.data.count(b"\n", start) + (self.data[-1] != _NEWLINE)
        body = None if lines is None else self._arrow(start, width, spans)
        return None if lines is None or body is None or body.num_rows != len(lines) else (body, lines)

    def _arrow(self, start: int, width: int, spans: bool) -> pa.Table | None:
        """The text from ``start`` on; ``spans`` says that some cell holds a line end."""
        names = [str(index) for index in range(width)]
        try:
            return pa_csv.read_csv(
                pa.BufferReader(pa.py_buffer(self.data).slice(start)),
                read_options=pa_csv.ReadOptions(column_names=names, block_size=1 << 22),
                parse_options=pa_csv.ParseOptions(delimiter=self.delimiter, ignore_empty_lines=False, newlines_in_values=spans),
                convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
            )
        except pa.ArrowInvalid:
            return None


def blanks(size: int) -> Texts:
    return pa.repeat(pa.scalar("", pa.string()), size)


def _columns(rows: list[tuple[str, ...]], width: int = 0) -> list[Texts]:
    width = max(width, max(map(len, rows), default=0))
    filled = [row if len(row) == width else row + ("",) * (width - len(row)) for row in rows]
    return [pa.array(column, pa.string()) for column in zip(*filled, strict=True)]


def _offset(data: bytes, lines: int) -> int:
    """Where the line after the first ``lines`` lines starts."""
    offset = 0
    for _ in range(lines):
        found = data.find(b"\n", offset)
        if found < 0:
            return len(data)
        offset = found + 1
    return offset


def _regular_lines(data: bytes, start: int, delimiter: int, first: int) -> Ints | None:
    """The line on which each row from ``start`` on begins, or None where quotation marks stand where no rule expects them.

    Regular means: one opens at the start of a cell or right after its twin, one closes before a delimiter, a line end or its twin.
    Then, and only then, a line end belongs to a cell exactly when an odd number of marks stands before it.
    """
    text = np.frombuffer(data, dtype=np.uint8)[start:]
    marks = np.flatnonzero(text == _QUOTE)
    opening, closing = marks[0::2], marks[1::2]
    if len(opening) != len(closing):
        return None
    before = np.where(opening > 0, text[opening - 1], _NEWLINE)
    after = np.where(closing + 1 < len(text), text[np.minimum(closing + 1, len(text) - 1)], _NEWLINE)
    allowed = [delimiter, _NEWLINE, _QUOTE]
    if not (np.isin(before, allowed).all() and np.isin(after, allowed).all()):
        return None
    ends = np.flatnonzero(text == _NEWLINE)
    real = np.flatnonzero(np.searchsorted(marks, ends) % 2 == 0)
    if len(text) and text[-1] == _NEWLINE:
        real = real[:-1]
    return np.concatenate([np.asarray([first], dtype=np.int64), real.astype(np.int64) + first + 1])
