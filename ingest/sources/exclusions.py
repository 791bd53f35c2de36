"""The exclusion list: SKU part numbers of licences that make nobody billable, as Huntress keeps it by part number.

A table with a SKU column; one column alone, with or without a header; or lines as they are pasted out of an article, with bullets, headings
and notes (``ingest.sources.pasted``). Two tables that have a SKU column and are no such list are refused, whoever calls them one:
Microsoft's own table of product names, and a list of candidates with the evidence for each.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Final

from accounts.products import folded
from accounts.skus import sku_key, tidy
from ingest.sources import table
from ingest.sources import table_cells as cells
from ingest.sources.pasted import beside_a_dash, is_prose, read_pasted, without_marks
from ingest.sources.reader import Field
from ingest.sources.reading import Asked, Issue, Reading, Unreadable
from ingest.sources.table import TableKind, Values, table_reader
from ingest.sources.table_cells import Bad
from ingest.sources.table_columns import TableColumn, TableColumns

_LONGEST: Final = 200
_PART_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.()+&-]{2,}")
_COLUMNS: Final = TableColumns(
    columns=(
        TableColumn(
            Field("sku", "SKU part number"),
            ("SKU Part Number", "SKU", "String ID", "Part Number", "SKU Code", "SKU String ID", "License SKU"),
            cells.text,
            doubtful=("SKU ID", "SKU Name", "License SKU ID"),
        ),
        TableColumn(
            Field("name", "Name"),
            (
                "Product Display Name",
                "Display Name",
                "Product Name",
                "Name",
                "Friendly Name",
                "License Name",
                "License",
                "Licence",
                "Product",
                "Description",
            ),
            cells.text,
        ),
    ),
    needs=(("sku",),),
    least=1,
    looked_for="a column such as SKU, SKU Part Number or String ID",
)


def _make(values: Values, texts: dict[str, str]) -> list[Values] | Bad:
    sku, beside = beside_a_dash(without_marks(values.get("sku") or ""))
    if not sku:
        return Bad("unreadable_sku", "There is no part number in this cell.", "sku")
    if len(sku) > _LONGEST:
        return Bad("unreadable_sku", f"A SKU part number has at most {_LONGEST} characters; this is no part number.", "sku")
    return [{"sku": sku, "sku_key": sku_key(sku), "name": tidy(values.get("name") or beside)}]


def _same(record: Values) -> Hashable:
    key: str = record["sku_key"]
    return key


def _is_bare(column: list[str]) -> bool:
    """Whether cells without a header are part numbers: no spaces in any, and most with an underscore or in capitals."""
    telling = [text for text in column if "_" in text or (text.isupper() and len(text) > 3)]
    return all(_PART_NUMBER.fullmatch(text) for text in column) and len(telling) * 2 > len(column)


def _note(texts: dict[str, str]) -> str:
    """A sentence below or between the rows, in the SKU's column for want of another."""
    return "a note" if is_prose(texts.get("sku", "")) and not texts.get("name") else ""


#: Columns of ``Reading.lines``: line, sku (as written), sku_key (how it is compared), name ("": none). A SKU counts once.
KIND: Final = TableKind(
    "exclusions",
    _COLUMNS,
    lines=("sku", "sku_key", "name"),
    make=_make,
    carriers=("sku",),
    without="no SKU",
    same=_same,
    bare="sku",
    is_bare=_is_bare,
    note=_note,
)
_OTHERS: Final = (
    (
        {"serviceplanid", "guid"},
        "This is Microsoft’s table of product names, not a list of what is excluded. An admin uploads it under Settings, Exclusion list.",
    ),
    (
        {"confidence", "evidence"},
        "These are suggestions with their evidence, not a list of what is excluded. An admin uploads them under Settings, Exclusion list.",
    ),
)


def _of_another(header: Sequence[str]) -> str:
    """What a header with a SKU column belongs to instead, in a sentence."""
    names = {folded(cell) for cell in header}
    return next((said for telling, said in _OTHERS if telling <= names), "")


def _read(data: bytes, asked: Asked) -> Reading:
    """Raises Unreadable for a document that is refused as a whole, and nothing else."""
    try:
        reading = table.read(data, asked, KIND)
    except Unreadable as refusal:
        headless = asked.mapping is None or not asked.mapping.header_line
        is_text = not refusal.sheets and refusal.issues[0].code == "no_header"
        pasted = read_pasted(data, asked, KIND.code) if headless and is_text else None
        if pasted is None:
            raise
        return pasted
    if said := _of_another(reading.header):
        raise Unreadable(Issue(reading.mapping.header_line, "error", "no_exclusion_list", said), header=reading.header)
    return reading


_TABLE: Final = table_reader(KIND, "Exclusion list", "an exclusion list", words=r"exclu\w*|skus?|non-?billable licen[cs]es?")
_HEADERS: Final = replace(_TABLE.headers, is_another=lambda cells: _TABLE.headers.is_another(cells) or bool(_of_another(cells)))
READER: Final = replace(_TABLE, headers=_HEADERS, read=_read)
