"""XLSX workbooks as grids. Cells are text from here on: what a number or a date *means* is not guessed, only written out."""

import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Final, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from ingest.sources.archive import FAULT
from ingest.sources.grid import HEAD_ROWS, Grid, Record, check_lengths, check_size
from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal

Cell: TypeAlias = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta

T = TypeVar("T")

_NUMBERS: Final = frozenset({int, float})
_BROKEN: Final = "The workbook cannot be opened: it is damaged, or not a workbook. Open it, save it as XLSX again, and drop that."
_PROTECTED: Final = "The workbook is protected with a password. Open it, remove the password, save it, and drop that."


@dataclass(frozen=True)
class SheetTable:
    """One sheet of a workbook, or one table of a page; a row's line is its own number there. ``load`` gives rows of one length."""

    sheet: str
    hidden: bool
    load: Callable[[], Sequence[Sequence[Cell]]]
    limits: Limits
    has_faults: bool
    delimiter: str = ","
    encoding: str = "utf-8"

    @cached_property
    def _rows(self) -> Sequence[Sequence[Cell]]:
        rows = self.load()
        check_size(self.limits, len(rows), len(rows[0]) if rows else 0, self.limits.cells_in_memory)
        return rows

    def head(self, until: int = 0) -> list[Record]:
        rows = self._rows[: max(HEAD_ROWS, until)]
        return [Record(line, line, tuple(shown(cell) for cell in row)) for line, row in enumerate(rows, 1)]

    def grid(self, header: Record) -> Grid:
        rows = self._rows
        grid = Grid([], np.arange(1, len(rows) + 1, dtype=np.int64))
        for index, cells in enumerate(zip(*rows, strict=True)):
            _add_column(grid, index, cells, self.has_faults)
        check_lengths(self.limits, grid.columns, grid.lines)
        return grid


def open_workbook(clean: bytes, has_faults: bool, limits: Limits) -> list[SheetTable]:
    """The sheets of a workbook whose archive was opened with care, in its order. Raises Unreadable."""
    book: CalamineWorkbook = _guarded(lambda: CalamineWorkbook.from_object(io.BytesIO(clean)))
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    if not sheets:
        raise refusal("empty", "The workbook has no sheet with cells.")
    return [
        SheetTable(sheet.name, sheet.visible != SheetVisibleEnum.Visible, partial(_rows, book, sheet.name), limits, has_faults)
        for sheet in sheets
    ]


def rectangle(rows: list[list[Cell]], width: int) -> list[list[Cell]]:
    """Rows filled up with blanks to one length."""
    return [row if len(row) == width else row + [""] * (width - len(row)) for row in rows]


def _rows(book: CalamineWorkbook, name: str) -> Sequence[Sequence[Cell]]:
    rows: Sequence[Sequence[Cell]] = _guarded(lambda: _sheet(book, name).to_python(skip_empty_area=False))
    return rows


def _sheet(book: CalamineWorkbook, name: str) -> CalamineSheet:
    return book.get_sheet_by_name(name)


def _guarded(call: Callable[[], T]) -> T:
    """The workbook reader's own failures, its panics included, as Unreadable; anything else passes."""
    try:
        return call()
    except PasswordError as error:
        raise refusal("protected", _PROTECTED) from error
    except (CalamineError, OSError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise refusal("damaged", _BROKEN) from error
    except BaseException as error:
        # A panic of the library under it derives from BaseException, and its class cannot be imported.
        if type(error).__name__ == "PanicException":
            raise refusal("damaged", _BROKEN) from error
        raise


def _add_column(grid: Grid, index: int, cells: tuple[Cell, ...], has_faults: bool) -> None:
    """Appends a column, with masks of its typed numbers and its faults where it has any."""
    kinds = set(map(type, cells))
    if int in kinds or float in kinds:
        grid.typed[index] = np.fromiter(map(_NUMBERS.__contains__, map(type, cells)), dtype=np.bool_, count=len(cells))
    if has_faults and str in kinds:
        faults = np.fromiter((type(cell) is str and cell.startswith(FAULT) for cell in cells), dtype=np.bool_, count=len(cells))
        if faults.any():
            grid.faults[index] = faults
    grid.columns.append(pa.chunked_array([pa.array(_written(cells, kinds, has_faults), pa.string())]))


def _written(cells: tuple[Cell, ...], kinds: set[type], has_faults: bool) -> list[str] | tuple[Cell, ...]:
    """All cells as text; each distinct float is written once."""
    if kinds == {str} and not has_faults:
        return cells
    if bool in kinds or has_faults:  # True equals 1.0, so it could not be looked up
        return [shown(cell) for cell in cells]
    texts = {cell: _number(cell) if type(cell) is float else shown(cell) for cell in set(cells)}
    return [texts[cell] for cell in cells]


def shown(cell: Cell) -> str:
    """A cell as text: 12.0 is ``12``, True is ``TRUE``, a date is ISO.

    >>> shown(12.0), shown(6.5 * 1.1), shown(True), shown(dt.date(2026, 10, 14))
    ('12', '7.15', 'TRUE', '2026-10-14')
    """
    if isinstance(cell, str):
        return cell.removeprefix(FAULT)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return str(cell) if isinstance(cell, dt.timedelta) else cell.isoformat()


def _number(value: float) -> str:
    """Fifteen significant digits, which is what Excel keeps and shows: the float's tail beyond them is not the person's number."""
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text
