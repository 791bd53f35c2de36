"""A document as a grid of text: what every format is turned into before anybody asks what a column means."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal

Mask: TypeAlias = npt.NDArray[np.bool_]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Texts: TypeAlias = pa.StringArray
Column: TypeAlias = pa.ChunkedArray

#: Title lines are looked for in this many rows: a header further down is for a person to point at.
HEAD_ROWS: Final = 50
#: What ``str.strip`` removes. Stated, so that arrow trims exactly what Python would.
WHITE_SPACE: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


class Record(NamedTuple):
    """One row: the line where it starts (from 1), the last line it covers, and its cells as written."""

    line: int
    end: int
    cells: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Grid:
    """All rows of a sheet or file. ``columns`` are chunked string arrays of one length without nulls, as written (not trimmed).

    ``lines`` is each row's place in the file. ``typed`` says, by column, which cells are numbers by type (workbooks only), and
    ``faults`` which are errors or formulas without a result (their text is what the workbook shows).
    """

    columns: list[Column]
    lines: Ints
    typed: dict[int, Mask] = field(default_factory=dict)
    faults: dict[int, Mask] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return len(self.lines)

    @property
    def width(self) -> int:
        return len(self.columns)

    def rows(self, indices: Sequence[int] | Ints, width: int | None = None) -> list[tuple[str, ...]]:
        """The cells of some rows, as written, from the first ``width`` columns."""
        places = np.asarray(indices, dtype=np.int64)
        if not len(places):
            return []
        first, wanted = int(places.min()), pa.array(places - places.min())
        near = int(places.max()) + 1 - first  # taking from many chunks puts them together first, so few are better
        columns = [column.slice(first, near).take(wanted).to_pylist() for column in self.columns[:width]]
        return list(zip(*columns, strict=True)) if columns else [()] * len(indices)


class Table(Protocol):
    """One way to see a document as rows: a sheet of a workbook, or a text file split at one delimiter."""

    @property
    def sheet(self) -> str: ...
    @property
    def delimiter(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def hidden(self) -> bool: ...

    def head(self, until: int = 0) -> list[Record]:
        """The first ``HEAD_ROWS`` rows, or more: up to the row that holds line ``until``."""

    def grid(self, header: Record) -> Grid:
        """All rows."""


def check_size(limits: Limits, rows: int, columns: int, cells: int) -> None:
    """Raises Unreadable where a document is past a limit of rows, columns or cells (given as the most that are allowed)."""
    if columns > limits.max_columns:
        raise refusal("too_many_columns", f"There are {columns:,} columns; at most {limits.max_columns:,} are read. Remove the others.")
    if rows > limits.max_rows:
        raise refusal("too_many_rows", f"There are more than {limits.max_rows:,} rows, which is the most that is read. Split the file.")
    if rows * columns > cells:
        raise refusal("too_many_cells", f"{rows:,} rows of {columns:,} columns are more than is read. Remove columns, or split the file.")


def check_lengths(limits: Limits, columns: Sequence[Column], lines: Ints) -> None:
    """Raises Unreadable, naming the line, where a cell is longer than a workbook could hold."""
    with ThreadPoolExecutor(2) as pool:
        longest = list(pool.map(lambda column: pc.max(pc.binary_length(column)).as_py() or 0, columns))
    for column, bytes_in_one in zip(columns, longest, strict=True):
        if bytes_in_one > limits.max_cell_length:
            long = flags(pc.greater(pc.utf8_length(column), limits.max_cell_length))
            if long.any():
                raise cell_too_long(limits, int(lines[int(long.argmax())]))


def cell_too_long(limits: Limits, line: int) -> Exception:
    message = (
        f"A cell on line {line:,} is longer than {limits.max_cell_length:,} characters. "
        "A quotation mark is probably opened there and not closed: close it, and drop the file again."
    )
    return refusal("cell_too_long", message, line=line)


def flags(array: pa.Array) -> Mask:
    """A boolean arrow array without nulls as numpy."""
    mask: Mask = array.to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    return mask


def any_of(masks: Sequence[Mask], height: int) -> Mask:
    found = np.zeros(height, dtype=np.bool_)
    for mask in masks:
        found |= mask
    return found


def trimmed(column: Column | Texts) -> Texts:
    cells = pc.utf8_trim(column, characters=WHITE_SPACE)
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def edges(cells: Texts) -> tuple[Bytes, Bytes]:
    """The first and the last byte of each text, 0 where it is empty: to put most texts out of question at little cost."""
    starts = np.frombuffer(cells.buffers()[1], dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1].astype(np.int64)
    text = np.frombuffer(cells.buffers()[2] or b"", dtype=np.uint8)
    if not len(text):
        return np.zeros(len(cells), dtype=np.uint8), np.zeros(len(cells), dtype=np.uint8)
    empty = starts[1:] == starts[:-1]
    first = np.where(empty, 0, text[np.minimum(starts[:-1], len(text) - 1)])
    return first, np.where(empty, 0, text[np.maximum(starts[1:] - 1, 0)])


def nonblank(column: Texts) -> Mask:
    """Of trimmed cells, those with something in them."""
    return flags(pc.not_equal(column, ""))


def letter(index: int) -> str:
    """A column's letter, as spreadsheets show it.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def titled(header: Sequence[str], index: int) -> str:
    """How a column is named to a person: ``B “EDR”``."""
    text = header[index].strip() if index < len(header) else ""
    return f"{letter(index)} “{text}”" if text else f"{letter(index)} (without a header)"
