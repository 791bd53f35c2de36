"""Bytes to tables: what the document is, which of its sheets (or which delimiter) to read, and on which line its header stands.

A further format is one more branch in ``open_document``; nothing after it knows where rows came from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.sources.csv_text import DELIMITERS, CsvTable
from ingest.sources.grid import HEAD_ROWS, Record, Table
from ingest.sources.header import LOOKED_FOR, find_header, header_score
from ingest.sources.limits import Limits
from ingest.sources.reading import Issue, Mapping, Row, Unreadable
from ingest.sources.refusals import refusal
from ingest.sources.sniff import is_zip, refuse_foreign, to_utf8
from ingest.sources.workbook import open_workbook

SHOWN_ROWS = 20


@dataclass(frozen=True)
class Document:
    """All tables that the bytes could be. Of text, each delimiter makes one; of a workbook, each sheet."""

    tables: Sequence[Table]
    sheets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where to read: a table, its header, the rows above, and what is to be said about the choice."""

    table: Table
    header: Record
    above: list[Record]
    sheets: tuple[str, ...] = ()
    notes: list[Issue] = field(default_factory=list)


def open_document(data: bytes, limits: Limits, encoding: str = "utf-8") -> Document:
    """Raises Unreadable, saying what the bytes are instead and what to do."""
    if len(data) > limits.max_bytes:
        raise refusal("too_big", f"The file has more than {limits.max_bytes / 2**20:,.0f} MiB, which is the most that is read. Split it.")
    if is_zip(data):
        sheets = open_workbook(data, limits)
        return Document(sheets, tuple(sheet.sheet for sheet in sheets))
    refuse_foreign(data)
    text = to_utf8(data, encoding)
    return Document([CsvTable(text.data, delimiter, text.encoding, limits) for delimiter in DELIMITERS])


def find_place(document: Document, limits: Limits, mapping: Mapping | None) -> Place:
    """The table and header to read: as a person stated, else as they are found. Raises Unreadable."""
    if mapping is not None:
        return _stated_place(document, mapping)
    return _sheet_place(document) if document.sheets else _text_place(document)


def _stated_place(document: Document, mapping: Mapping) -> Place:
    if not document.sheets:
        return _on_line(_split_at(document, mapping.delimiter), mapping, ())
    if mapping.sheet:
        tables = [table for table in document.tables if table.sheet == mapping.sheet]
        if not tables:
            raise _bad(f"there is no sheet “{mapping.sheet}”, only {_quoted(document.sheets)}", document.sheets)
        return _on_line(tables[0], mapping, document.sheets)
    table = document.tables[0] if len(document.tables) == 1 else _sheet_place(document).table
    return _on_line(table, mapping, document.sheets)


def _split_at(document: Document, delimiter: str) -> Table:
    for table in document.tables:
        if table.delimiter == delimiter:
            return table
    raise _bad("the delimiter must be a comma, a semicolon, a tab or a vertical bar", ())


def _on_line(table: Table, mapping: Mapping, sheets: tuple[str, ...]) -> Place:
    if not mapping.header_line:
        return _found_in(table, sheets)
    above: list[Record] = []
    for record in table.head(mapping.header_line):
        if record.line == mapping.header_line:
            return Place(table, record, above, sheets)
        above.append(record)
    raise _bad(f"no row starts on line {mapping.header_line}", sheets)


def _found_in(table: Table, sheets: tuple[str, ...]) -> Place:
    head = table.head()
    header = find_header(head[:HEAD_ROWS])
    if header is None:
        raise no_header(table, head, sheets)
    return Place(table, header, [record for record in head if record.line < header.line], sheets)


def _bad(problem: str, sheets: tuple[str, ...]) -> Unreadable:
    return Unreadable(Issue(None, "error", "bad_mapping", f"The mapping cannot be used: {problem}."), sheets=sheets)


def _text_place(document: Document) -> Place:
    """The delimiter under which the header shows the most known columns. An unclosed quotation mark under one may be none under another."""
    best: Place | None = None
    heads: list[tuple[Table, list[Record]]] = []
    refused: list[Unreadable] = []
    for table in document.tables:
        try:
            head = table.head()
        except Unreadable as error:
            refused.append(error)
            continue
        heads.append((table, head))
        header = find_header(head[:HEAD_ROWS])
        if header and (best is None or header_score(header.cells) > header_score(best.header.cells)):
            best = Place(table, header, [record for record in head if record.line < header.line])
    if best:
        return best
    if not heads:
        raise refused[0]
    raise no_header(*max(heads, key=lambda pair: sum(len(record.cells) > 1 for record in pair[1])), ())


def _sheet_place(document: Document) -> Place:
    """The one sheet that looks like a report; hidden ones only where no visible one does."""
    for hidden in (False, True):
        found = [place for table in document.tables if table.hidden == hidden and (place := _report(table, document.sheets))]
        if len(found) > 1:
            raise _several(found)
        if found:
            return found[0]
    visible = [table for table in document.tables if not table.hidden] or document.tables
    raise no_header(visible[0], visible[0].head(), document.sheets)


def _report(table: Table, sheets: tuple[str, ...]) -> Place | None:
    """A sheet that has a header and at least one row with something in it below."""
    head = table.head()
    header = find_header(head[:HEAD_ROWS])
    if not header or not any(any(cell.strip() for cell in record.cells) for record in table.head(header.line + HEAD_ROWS)[header.line :]):
        return None
    notes = []
    if len(sheets) > 1:
        others = _quoted([sheet for sheet in sheets if sheet != table.sheet])
        notes.append(Issue(None, "info", "sheet_chosen", f"The sheet “{table.sheet}” is read; {others} not."))
    return Place(table, header, [record for record in head if record.line < header.line], sheets, notes)


def _several(found: list[Place]) -> Unreadable:
    first = found[0]
    message = f"{len(found)} sheets look like a report: {_quoted([place.table.sheet for place in found])}. Choose one."
    issue = Issue(None, "error", "several_sheets", message)
    mapping = Mapping({}, sheet=first.table.sheet, header_line=first.header.line)
    return Unreadable(issue, header=first.header.cells, sheets=first.sheets, mapping=mapping, first_rows=head_rows(first.table.head()))


def no_header(table: Table, head: list[Record], sheets: tuple[str, ...]) -> Unreadable:
    """The refusal of a table without a header, with its fullest row as the one that a person may point at."""
    if not any(any(cell.strip() for cell in record.cells) for record in head):
        return Unreadable(Issue(None, "error", "empty", "There is nothing in it: no row has a cell with text."), sheets=sheets)
    message = (
        f"No header was found in the first {HEAD_ROWS} rows. Looked for {LOOKED_FOR}. Name the columns so, or say which column is which."
    )
    likely = max(head, key=lambda record: sum(bool(cell.strip()) for cell in record.cells))
    mapping = Mapping({}, table.sheet, likely.line, table.delimiter, table.encoding)
    issue = Issue(None, "error", "no_header", message)
    return Unreadable(issue, header=likely.cells, sheets=sheets, mapping=mapping, first_rows=head_rows(head))


def head_rows(head: list[Record]) -> tuple[Row, ...]:
    return tuple(Row(record.line, "set_aside", record.cells, "title") for record in head[:SHOWN_ROWS])


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
