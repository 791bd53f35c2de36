"""The list of machines to remove, as a technician takes it along: CSV, and a workbook with a column to tick."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, BinaryIO, Final

import xlsxwriter

from recon.exports.amounts import cents_text
from recon.exports.words import clean, csv_text, day_words

#: Above this a workbook takes too long to wait for: then the CSV is taken.
XLSX_ROWS: Final = 20_000
_HEADERS: Final = (
    "Customer", "Organization ID", "Hostname", "Serial", "Platform", "Last check-in", "Days", "Why", "If it comes back", "Cost a month",
    "List of", "Line",
)  # fmt: skip
_WIDTHS: Final = (30, 15, 24, 22, 12, 13, 7, 60, 30, 13, 13, 8)
_RISK: Final = "orphaned, if after the uninstall stopped waiting"


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine to remove. ``cents`` is its cost a month; None where no price is known."""

    customer: str
    organization_id: str
    hostname: str
    serial: str
    platform: str
    last_seen: date | None
    days: int | None
    why: str
    is_at_risk: bool
    cents: int | None
    as_of: date
    line: int

    @property
    def cells(self) -> tuple[str | int | date | None, ...]:
        risk = _RISK if self.is_at_risk else ""
        return (
            self.customer, self.organization_id, self.hostname, self.serial, self.platform, self.last_seen, self.days, self.why, risk,
            self.cents, self.as_of, self.line,
        )  # fmt: skip


class _Echo:
    """What ``csv`` writes to: it hands back the line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(machines: Iterable[Machine]) -> Iterator[str]:
    """A line a machine; nothing of it starts a formula."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield "\ufeff" + writer.writerow(_HEADERS)
    money = _HEADERS.index("Cost a month")
    for machine in machines:
        yield writer.writerow([_csv_cell(cell, is_money=place == money) for place, cell in enumerate(machine.cells)])


def _csv_cell(cell: str | int | date | None, *, is_money: bool) -> str:
    match cell:
        case None:
            return ""
        case str():
            return csv_text(cell)
        case int():
            return cents_text(cell) if is_money else str(cell)
        case _:
            return cell.isoformat()


def write_xlsx(machines: Sequence[Machine], out: BinaryIO, *, heading: str, made: date) -> None:
    """One sheet that prints well, with a column to tick; the same machines give the same bytes."""
    book: Any = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": clean(heading)[:255], "author": "", "created": datetime.combine(made, time())})
    usual = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
    formats = {
        "text": book.add_format(usual | {"text_wrap": True}),
        "date": book.add_format(usual | {"num_format": "d mmm yyyy"}),
        "money": book.add_format(usual | {"num_format": "#,##0.00"}),
        "head": book.add_format(usual | {"bold": True, "bg_color": "#E8ECF2", "bottom": 1, "text_wrap": True}),
        "face": book.add_format(usual | {"bold": True, "font_size": 13}),
    }
    page = book.add_worksheet("To remove")
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0, 1)
    page.set_footer("&RPage &P of &N")
    page.freeze_panes(2, 3)
    page.write_string(0, 0, clean(heading), formats["face"])
    for place, (title, width) in enumerate(zip((*_HEADERS, "Removed"), (*_WIDTHS, 9), strict=True)):
        page.set_column(place, place, width)
        page.write_string(1, place, title, formats["head"])
    page.autofilter(1, 0, 1 + len(machines), len(_HEADERS))
    for row, machine in enumerate(machines, start=2):
        for place, cell in enumerate(machine.cells):
            _write(page, row, place, cell, formats)
    book.close()


def _write(page: Any, row: int, place: int, cell: str | int | date | None, formats: dict[str, Any]) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, str):
        page.write_string(row, place, clean(cell), formats["text"])
    elif isinstance(cell, int):
        is_money = _HEADERS[place] == "Cost a month"
        page.write_number(row, place, cell / 100 if is_money else cell, formats["money" if is_money else "text"])
    else:
        page.write_datetime(row, place, datetime.combine(cell, time()), formats["date"])


def file_name(slug: str, as_of: date, extension: str) -> str:
    """
    >>> file_name("quillmere-it", date(2026, 11, 10), "csv")
    'sweep-quillmere-it-2026-11-10.csv'
    """
    return f"sweep-{slug}-{as_of.isoformat()}.{extension}"


def heading(account: str, as_of: date) -> str:
    return f"Machines to remove · {account} · agent list of {day_words(as_of)}"
