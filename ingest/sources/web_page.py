"""Tables of a web page as sheets: what many a PSA calls .xls. Nothing that the page points at is fetched, and no script is run."""

import codecs
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from lxml import etree

from ingest.sources.grid import check_size
from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal
from ingest.sources.sniff import STATED_ENCODINGS, to_utf8
from ingest.sources.workbook import Cell, SheetTable, rectangle

_NONE: Final = (
    "This is a web page (HTML) without a table, whatever its name says: perhaps one that asks to sign in. "
    "Open it to see what it is, ask for the CSV or XLSX, and drop that."
)
_BROKEN: Final = "This is a web page (HTML) that cannot be read to its end. Open it, save it as CSV or XLSX, and drop that."
_CHARSET: Final = re.compile(rb"<meta\b[^>]{0,200}?\bcharset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_-]{2,20})", re.I)
_HEAD: Final = 4096
#: What a page may name, apart from the encodings that any text may have; browsers take Latin-1 for code page 1252, too.
_NAMED: Final = re.compile(
    r"(windows|cp)-?125\d|iso-?8859-?\d{1,2}|koi8-?[ru]|shift_jis|gb2312|gbk|gb18030|big5|euc-(jp|kr)|macintosh", re.I
)
_ALIASES: Final = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "windows-1252": "cp1252", "macintosh": "mac-roman"}
_UNSEEN: Final = frozenset({"script", "style", "template", "noscript", "title", "object", "select", "textarea"})
_BREAKS: Final = frozenset({"br", "p", "div", "li", "hr"})
_MOST_SPAN, _MOST_ROWS = 1000, 65_534  # as browsers have it
_MOST_TABLES: Final = 1000
_SPAN: Final = re.compile(r"\s*(\d{1,9})")
_FEED: Final = 1 << 20


@dataclass
class _Table:
    """One table. ``taken`` has the columns that a cell further up reaches down into, and for how many rows still."""

    name: str
    hidden: bool
    rows: list[list[Cell]] = field(default_factory=list)
    width: int = 0
    row: list[Cell] | None = None
    cell: list[str] | None = None
    span: tuple[int, int] = (1, 1)
    length: int = 0
    taken: dict[int, int] = field(default_factory=dict)


@dataclass
class _Page:
    """Takes the events of a page. A table within a table is a sheet of its own: the outer one is there for the looks."""

    limits: Limits
    tables: list[_Table] = field(default_factory=list)
    _open: list[_Table] = field(default_factory=list)
    _unseen: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "table":
            if len(self.tables) >= _MOST_TABLES:
                raise refusal("too_many_tables", f"The page has more than {_MOST_TABLES:,} tables. Save the one that counts as CSV.")
            hidden = "hidden" in attributes or "display:none" in attributes.get("style", "").replace(" ", "").lower()
            self._open.append(_Table(f"Table {len(self.tables) + 1}", hidden))
            self.tables.append(self._open[-1])
        elif self._open:
            table = self._open[-1]
            if tag == "tr":
                self._end_row(table)
                table.row = []
            elif tag in ("td", "th"):
                self._end_cell(table)
                table.row = [] if table.row is None else table.row
                table.cell, table.length = [], 0
                table.span = _span(attributes, "colspan", _MOST_SPAN), _span(attributes, "rowspan", _MOST_ROWS)
            elif tag in _BREAKS:
                self.data(" ")

    def data(self, text: str) -> None:
        table = self._open[-1] if self._open else None
        if table is None or table.cell is None or self._unseen or table.length > 2 * self.limits.max_cell_length:
            return
        table.cell.append(text)
        table.length += len(text)

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif not self._open:
            return
        elif tag == "table":
            self._end_row(self._open.pop())
        elif tag == "tr":
            self._end_row(self._open[-1])
        elif tag in ("td", "th"):
            self._end_cell(self._open[-1])
        elif tag in _BREAKS:
            self.data(" ")

    def close(self) -> None:
        while self._open:
            self._end_row(self._open.pop())

    def _end_cell(self, table: _Table) -> None:
        if table.cell is None or table.row is None:
            return
        text, (columns, rows) = " ".join("".join(table.cell).split()), table.span
        table.cell = None
        while table.taken.get(len(table.row)):
            table.row.append("")
        if rows > 1:
            table.taken |= dict.fromkeys(range(len(table.row), len(table.row) + columns), rows)
        table.row += [text] + [""] * (columns - 1)
        check_size(self.limits, 1, len(table.row), self.limits.cells_in_memory)

    def _end_row(self, table: _Table) -> None:
        self._end_cell(table)
        if table.row is None:
            return
        table.rows.append(table.row)
        table.width = max(table.width, len(table.row))
        table.row = None
        if table.taken:
            table.taken = {column: rows - 1 for column, rows in table.taken.items() if rows > 1}
        check_size(self.limits, len(table.rows), table.width, self.limits.cells_in_memory)


def open_web_page(data: bytes, limits: Limits, wanted: str = "utf-8") -> list[SheetTable]:
    """The tables of a page, in its order; a cell that spans others leaves them blank, as a merged cell does. Raises Unreadable."""
    text, page = _text(data, wanted), _Page(limits)
    parser: Any = etree.HTMLParser(target=page, encoding="utf-8", no_network=True, recover=True)
    try:
        for start in range(0, len(text), _FEED):
            parser.feed(text[start : start + _FEED])
        parser.close()
    except etree.LxmlError as error:
        raise refusal("damaged", _BROKEN) from error
    page.close()
    tables = [table for table in page.tables if any(any(row) for row in table.rows)]
    if not tables:
        raise refusal("not_a_table", _NONE)
    return [SheetTable(table.name, table.hidden, partial(rectangle, table.rows, table.width), limits, has_faults=False) for table in tables]


def _text(data: bytes, wanted: str) -> bytes:
    """The page in UTF-8: as its mark says, as a person stated, as it says itself, else as any text."""
    named = _CHARSET.search(data[:_HEAD])
    name = named[1].decode().lower() if named else ""
    encoding = _ALIASES.get(name, name)
    if wanted in STATED_ENCODINGS or encoding in STATED_ENCODINGS or not _NAMED.fullmatch(encoding) or data.startswith(codecs.BOM_UTF8):
        return to_utf8(data, wanted if wanted in STATED_ENCODINGS else encoding if encoding != "utf-16" else "utf-8").data
    try:
        return to_utf8(data.decode(encoding).encode()).data
    except (UnicodeError, LookupError):
        raise refusal("encoding", f"The page says that it is in {name}, and its bytes are not. Save it as CSV or XLSX.") from None


def _span(attributes: dict[str, str], name: str, most: int) -> int:
    match = _SPAN.match(attributes.get(name, ""))
    if not match:
        return 1
    number = int(match[1])
    return min(number or (most if name == "rowspan" else 1), most)
