"""Workbooks that people open: formats, the frame around every sheet, and tables declared by their columns.

The same content gives the same bytes: no clock, no order of arrival, and properties that are those of the month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final, Literal

import pandas as pd
import xlsxwriter

from accounts.calendar import Cycle
from recon.exports.sheet import MonthSheet
from recon.exports.words import clean, cycle_words, heading, starts_a_formula, status

Kind = Literal["text", "severity", "units", "signed", "price", "money", "signed_money"]
#: An Excel sheet has no more rows, and a cell no more characters.
EXCEL_ROWS: Final = 1_048_576
EXCEL_TEXT: Final = 32_767
HEADER_ROW: Final = 1
FIRST_ROW: Final = 2
_CHUNK: Final = 10_000
_MICROS: Final = 1_000_000
_CENTS: Final = 100
_PRINT_TEXT: Final = 60

_NUMBER_FORMATS: Final[dict[Kind, str]] = {
    "units": '#,##0;"−"#,##0',
    "signed": '+#,##0;"−"#,##0;0',
    "price": '#,##0.00####;"−"#,##0.00####',
    "money": '#,##0.00;"−"#,##0.00',
    "signed_money": '+#,##0.00;"−"#,##0.00;0.00',
}
_SEVERITY_COLOURS: Final = {
    "Escalate": "#A3122A",
    "Investigate": "#8A4B00",
    "Unchecked": "#5B6270",
    "Within": "#2B5C8A",
    "Match": "#1E6B43",
}


class TooManyRows(Exception):
    """More rows than an Excel sheet holds. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. ``key`` names the frame's column; ``scale`` is what its whole numbers are divided by for the cell;
    ``formula`` holds ``{row}`` and is written over the value, which stays beside it as the result."""

    header: str
    key: str
    kind: Kind = "text"
    width: int = 10
    scale: int = 1
    formula: str = ""


def money(header: str, key: str, *, signed: bool = False, width: int = 14, formula: str = "") -> Column:
    """Whole cents as money."""
    return Column(header, key, "signed_money" if signed else "money", width, _CENTS, formula)


def price(header: str, key: str) -> Column:
    """Whole micros as a unit price."""
    return Column(header, key, "price", 12, _MICROS)


class Book:
    """A workbook being written, row after row: a row that has been left cannot be written again."""

    def __init__(self, out: BinaryIO, sheet: MonthSheet, title: str, folder: str) -> None:
        literal = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        options = {"constant_memory": True, "tmpdir": folder, **literal}
        self.sheet = sheet
        self.workbook: Any = xlsxwriter.Workbook(out, options)
        self.workbook.use_zip64()
        self.workbook.set_properties(
            {
                "title": clean(heading(sheet, title))[:255],
                "subject": cycle_words(sheet.cycle),
                "author": "",
                "status": status(sheet),
                "created": _fixed_moment(sheet.cycle),
            }
        )
        self.workbook.set_calc_mode("auto")
        self._formats: dict[str, Any] = {}

    def format(self, name: str, **properties: object) -> Any:
        """The format of a name, made once."""
        if name not in self._formats:
            self._formats[name] = self.workbook.add_format({"font_name": "Calibri", "font_size": 10, "valign": "top", **properties})
        return self._formats[name]

    def kind_format(self, kind: Kind) -> Any:
        if kind in _NUMBER_FORMATS:
            return self.format(kind, num_format=_NUMBER_FORMATS[kind])
        return self.format("text")

    def head_format(self, kind: Kind = "text") -> Any:
        align = "right" if kind in _NUMBER_FORMATS else "left"
        return self.format(
            f"head {align}", bold=True, text_wrap=True, valign="bottom", align=align, bg_color="#E8ECF2", bottom=1, bottom_color="#7C8798"
        )

    def add_sheet(self, name: str, *, frozen_columns: int = 0) -> Any:
        """A sheet with its face (heading, DRAFT first), frozen rows and print set-up."""
        page = self.workbook.add_worksheet(name)
        page.freeze_panes(FIRST_ROW if frozen_columns else HEADER_ROW, frozen_columns)
        self._set_up_print(page, name)
        page.set_row(0, 21)
        page.write_string(0, 0, clean(heading(self.sheet, name))[:EXCEL_TEXT], self._face_format())
        return page

    def _face_format(self) -> Any:
        if self.sheet.draft:
            return self.format("face", bold=True, font_size=13, font_color="#A3122A")
        return self.format("face", bold=True, font_size=13)

    def _set_up_print(self, page: Any, name: str) -> None:
        account = _print_text(self.sheet.account)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        mark = "&B&KA3122ADRAFT, not signed" if self.sheet.draft else ""
        page.set_header(f"&L&B{account}&C{mark}&R{_print_text(name)}, revision {self.sheet.revision}")
        page.set_footer(f"&L{account}&C{_print_text(cycle_words(self.sheet.cycle))}&RPage &P of &N")

    def write_text(self, page: Any, row: int, column: int, text: str, format_: Any = None) -> None:
        """A string-typed cell holding the text as it is; nothing in it is ever a formula, a link or markup."""
        text = clean(text)[:EXCEL_TEXT]
        if text.startswith("<r>") and text.endswith("</r>"):
            # XlsxWriter would take the text for runs that are XML already, so it is written as two runs.
            page.write_rich_string(row, column, text[0], self.format("run"), text[1:], format_ or self.format("text"))
        elif starts_a_formula(text) and format_ is None:
            # The prefix keeps it text when a person edits the cell, too.
            page.write_string(row, column, text, self.format("quoted", quote_prefix=True))
        elif text:
            page.write_string(row, column, text, format_ or self.format("text"))

    def write_head(self, page: Any, row: int, columns: Sequence[Column]) -> None:
        for place, column in enumerate(columns):
            page.write_string(row, place, column.header, self.head_format(column.kind))

    def add_table(self, name: str, columns: Sequence[Column], frame: pd.DataFrame) -> None:
        """A sheet that holds one table: header frozen, filtered and repeated in print. Raises TooManyRows."""
        refuse_too_many(name, len(frame))
        page = self.add_sheet(name, frozen_columns=1)
        for place, column in enumerate(columns):
            page.set_column(place, place, column.width)
        page.repeat_rows(0, HEADER_ROW)
        page.set_row(HEADER_ROW, 30)
        page.autofilter(HEADER_ROW, 0, HEADER_ROW + len(frame), len(columns) - 1)
        page.ignore_errors({"number_stored_as_text": f"A1:D{EXCEL_ROWS}"})
        self.write_head(page, HEADER_ROW, columns)
        for row, cells in enumerate(cells_of(columns, frame), start=FIRST_ROW):
            self.write_row(page, row, columns, cells)

    def write_row(self, page: Any, row: int, columns: Sequence[Column], cells: Sequence[Any]) -> None:
        for place, (column, value) in enumerate(zip(columns, cells, strict=True)):
            if value is None or value == "":
                continue
            if column.kind == "text":
                self.write_text(page, row, place, value)
            elif column.kind == "severity":
                self.write_text(page, row, place, value, self._severity_format(value))
            else:
                self.write_number(page, row, place, value / column.scale, column.kind, column.formula.format(row=row + 1))

    def write_number(self, page: Any, row: int, place: int, value: float, kind: Kind, formula: str = "") -> None:
        """A number or, where there is a formula, the formula with the number as its result."""
        if formula:
            page.write_formula(row, place, formula, self.kind_format(kind), value)
        else:
            page.write_number(row, place, value, self.kind_format(kind))

    def _severity_format(self, word: str) -> Any:
        return self.format(f"severity {word}", bold=word == "Escalate", font_color=_SEVERITY_COLOURS.get(word, "#000000"))


@contextmanager
def open_book(out: BinaryIO, sheet: MonthSheet, title: str) -> Iterator[Book]:
    """A workbook that is written to ``out`` at the end, and left unwritten when anything goes wrong on the way."""
    with TemporaryDirectory(prefix="sheet-") as folder:
        book = Book(out, sheet, title, folder)
        try:
            yield book
            book.workbook.close()
        finally:
            for page in book.workbook.worksheets():
                page.row_data_fh.close()


def cells_of(columns: Sequence[Column], frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """The frame's rows as plain values in the columns' order, None for <NA>, a slice at a time so that millions fit."""
    for start in range(0, len(frame), _CHUNK):
        piece = frame.iloc[start : start + _CHUNK]
        yield from zip(*(_plain(piece[column.key]) for column in columns), strict=True)


def _plain(series: pd.Series[Any]) -> list[Any]:
    values = series.astype(object)
    return values.where(series.notna(), None).tolist()


def refuse_too_many(name: str, rows: int) -> None:
    if rows > EXCEL_ROWS - FIRST_ROW:
        raise TooManyRows(
            f"“{name}” would have {rows:,} rows, and an Excel sheet holds {EXCEL_ROWS - FIRST_ROW:,} below its header: take the CSV."
        )


def _print_text(text: str) -> str:
    """Text inside a print header, where & begins a command and 255 characters are all there is."""
    return clean(text)[:_PRINT_TEXT].replace("&", "&&")


def _fixed_moment(cycle: Cycle | None) -> datetime:
    """A property that a workbook must have; not the clock, so that the same month gives the same bytes."""
    return datetime.combine(cycle.end if cycle else date(2000, 1, 1), time())
