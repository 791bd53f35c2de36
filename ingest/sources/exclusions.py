"""The exclusion list: SKU part numbers of licences that make nobody billable, as Huntress keeps it by part number.

A table with a SKU column, or one column alone as it is pasted out of an article, with or without a header.
"""

import re
from collections.abc import Hashable
from typing import Final

from ingest.sources import table_cells as cells
from ingest.sources.reader import Field
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
        ),
        TableColumn(
            Field("name", "Name"),
            ("Product Display Name", "Display Name", "Product Name", "Name", "Friendly Name", "License Name", "License", "Description"),
            cells.text,
        ),
    ),
    needs=(("sku",),),
    least=1,
    looked_for="a column such as SKU, SKU Part Number or String ID",
)


def _make(values: Values, texts: dict[str, str]) -> list[Values] | Bad:
    sku = " ".join((values.get("sku") or "").split())
    if len(sku) > _LONGEST:
        return Bad("unreadable_sku", f"A SKU part number has at most {_LONGEST} characters; this is no part number.", "sku")
    return [{"sku": sku, "sku_key": sku.casefold(), "name": values.get("name") or ""}]


def _same(record: Values) -> Hashable:
    key: str = record["sku_key"]
    return key


def _is_bare(column: list[str]) -> bool:
    """Whether cells without a header are part numbers: no spaces in any, and most with an underscore or in capitals."""
    telling = [text for text in column if "_" in text or (text.isupper() and len(text) > 3)]
    return all(_PART_NUMBER.fullmatch(text) for text in column) and len(telling) * 2 > len(column)


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
)
READER: Final = table_reader(KIND, "Exclusion list", "an exclusion list", words=r"exclu\w*|skus?|non-?billable licen[cs]es?")
