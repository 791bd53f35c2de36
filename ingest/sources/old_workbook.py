"""Old workbooks (.xls) as rows of cells. The library is Python alone: whatever is wrong in a file is an exception, never a lost process."""

import datetime as dt
import io
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import xlrd

from ingest.sources.archive import FAULT, MACROS
from ingest.sources.grid import check_size
from ingest.sources.limits import Limits
from ingest.sources.reading import Issue, Unreadable
from ingest.sources.refusals import refusal
from ingest.sources.workbook import Cell, SheetTable, rectangle

_PROTECTED: Final = "The workbook is protected with a password. Open it, remove the password, save it, and drop that."
_OTHER: Final = "This is an Office document, and not a workbook. Ask for the CSV or XLSX, and drop that."
_BROKEN: Final = "The old workbook (.xls) cannot be opened: it is damaged. Open it, save it as XLSX or CSV, and drop that."
_ENCRYPTED_XLSX: Final = "EncryptedPackage".encode("utf-16-le")
_WORKBOOKS: Final = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))
_VBA: Final = "_VBA_PROJECT".encode("utf-16-le")


def open_old_workbook(data: bytes, limits: Limits) -> tuple[list[SheetTable], list[Issue]]:
    """The sheets of a workbook, in its order, and what is to be said of them. Raises Unreadable."""
    if _ENCRYPTED_XLSX in data:
        raise refusal("protected", _PROTECTED)
    if not any(name in data for name in _WORKBOOKS):
        raise refusal("not_a_table", _OTHER)
    try:
        book: Any = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        sheets = list(zip(book.sheet_names(), book._sheet_visibility, strict=True))
    except MemoryError:
        raise
    except Exception as error:  # the library has no error of its own for most of what can be wrong
        raise _refused(error) from error
    if not sheets:
        raise refusal("empty", "The workbook has no sheet with cells.")
    tables = [
        SheetTable(name, visibility != 0, partial(_rows, book, place, limits), limits, has_faults=True)
        for place, (name, visibility) in enumerate(sheets)
    ]
    return tables, [MACROS] if _VBA in data else []


def _rows(book: Any, place: int, limits: Limits) -> Sequence[Sequence[Cell]]:
    try:
        sheet = book.sheet_by_index(place)
        check_size(limits, sheet.nrows, sheet.ncols, limits.cells_in_memory)
        return rectangle([_row(book, sheet, row) for row in range(sheet.nrows)], sheet.ncols)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        raise _refused(error) from error


def _row(book: Any, sheet: Any, row: int) -> list[Cell]:
    kinds, values = sheet.row_types(row), sheet.row_values(row)
    plain = (xlrd.XL_CELL_TEXT, xlrd.XL_CELL_NUMBER)
    return [value if kind in plain else _cell(book, kind, value) for kind, value in zip(kinds, values, strict=True)]


def _cell(book: Any, kind: int, value: Any) -> Cell:
    if kind == xlrd.XL_CELL_ERROR:
        return FAULT + str(xlrd.error_text_from_code.get(value, "#ERROR"))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    if kind != xlrd.XL_CELL_DATE:
        return ""
    moment: dt.datetime
    try:
        moment = xlrd.xldate_as_datetime(value, book.datemode)
    except (ArithmeticError, ValueError):  # a number that no date can be, shown as a date
        return float(value)
    return moment.time() if value < 1 else moment if value % 1 else moment.date()


def _refused(error: Exception) -> Exception:
    if isinstance(error, xlrd.XLRDError) and "encrypted" in str(error):
        return refusal("protected", _PROTECTED)
    if isinstance(error, xlrd.XLRDError) and "find workbook" in str(error):
        return refusal("not_a_table", _OTHER)
    return refusal("damaged", _BROKEN)
