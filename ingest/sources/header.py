"""Headers: which words mean which field, which row is the header, and which words are plainly no product.

Aliases: the headers seen in Huntress's and other vendors' exports (docs/domain.md). Nobody publishes the Billing Detail Report's
headers, so none of them is relied on: a person can correct every guess.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from accounts.products import folded, product_named
from ingest.sources.grid import Record


@dataclass(frozen=True, slots=True)
class Headers:
    """How a kind of document knows its header: the row that is one, how many of its cells it knows, and what it looked for, in words.

    ``is_another`` tells headers that would do, and are plainly those of another kind.
    """

    find: Callable[[Sequence[Record]], Record | None]
    score: Callable[[Sequence[str]], int]
    looked_for: str
    is_another: Callable[[Sequence[str]], bool] = lambda cells: False

    def fit(self, cells: Sequence[str]) -> bool:
        return self.find([Record(1, 1, tuple(cells))]) is not None and not self.is_another(cells)


ALIASES: Final = {
    "organization": (
        "Organization", "Organization Name", "Org", "Org Name", "Company", "Company Name", "Customer", "Customer Name", "Client",
        "Client Name", "Account Name",
    ),
    "second_organization": ("Name", "Site", "Site Name"),
    "organization_id": ("Organization ID", "Org ID"),
    "organization_key": ("Organization Key", "Org Key", "Key"),
    "product": ("Product", "Product Name", "Service", "Service Name", "Item", "Item Name", "Description", "Product ID"),
    "quantity": ("Quantity", "Qty", "Count", "Units"),
    "unit_price": ("Unit Price", "Price", "Rate", "Unit Cost"),
}  # fmt: skip
_FIELD_OF: Final = {folded(alias): name for name, aliases in ALIASES.items() for alias in aliases}
_PRICE_ENDS: Final = ("unitprice", "unitcost", "price", "rate", "cost")
_COUNT_ENDS: Final = ("quantity", "qty", "count", "units")
#: A column with one of these words counts no product, whatever numbers are in it.
_NO_PRODUCT: Final = frozenset(
    {"total", "subtotal", "sum", "amount", "price", "cost", "rate", "fee", "charge", "charges", "tax", "vat", "gst",
     "discount", "balance", "currency", "date", "day", "days", "period", "month", "months", "year", "years", "quarter", "week",
     "term", "phone", "telephone", "fax", "mobile", "number", "no", "nr", "num", "zip", "zipcode", "postcode", "post",
     "postal", "code", "line", "lines", "row", "rows", "index", "rank", "invoice", "contract", "agreement", "account", "id",
     "ids", "key", "guid", "uuid", "status", "note", "notes", "comment", "comments", "po", "order", "ticket", "ref",
     "reference", "version", "age", "percent"}
)  # fmt: skip
_COUNTED: Final = re.compile(r"\s*(number|no\.?|#|count)\s+of\b", re.I)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
LOOKED_FOR: Final = (
    "a column such as Organization, Company or Customer, and beside it either a product's (EDR, ITDR, ISPM, SAT, SIEM or their units) "
    "or Product with Quantity"
)


def field_of(header: str) -> str:
    """What a header means: a field of ``Mapping``, ``second_organization``, or "" where nothing is known.

    >>> field_of("Org Name"), field_of("Billable Agents"), field_of("EDR unit price"), field_of("Colour")
    ('organization', 'quantity:edr', 'unit_price:edr', '')
    """
    name = folded(header)
    if found := _FIELD_OF.get(name):
        return found
    if code := product_named(header):
        return f"quantity:{code}"
    for ends, field in ((_PRICE_ENDS, "unit_price"), (_COUNT_ENDS, "quantity")):
        for end in ends:
            if name.endswith(end) and (code := product_named(name.removesuffix(end))):
                return f"{field}:{code}"
    return ""


def is_plainly_no_product(header: str) -> bool:
    """Whether a header's words say that its numbers are no product's: totals, money, dates, numbers of things, places.

    >>> is_plainly_no_product("Line Total"), is_plainly_no_product("MDR Plus"), is_plainly_no_product("Number of servers")
    (True, False, False)
    """
    if _COUNTED.match(header):
        return False
    return "#" in header or not _NO_PRODUCT.isdisjoint(word.lower() for word in _WORD.findall(header))


def fields_of(cells: Sequence[str]) -> list[str]:
    return [field_of(cell) for cell in cells]


def is_header(cells: Sequence[str], *, named: bool = True) -> bool:
    """Whether a row names an Organization column (or, not ``named``, its id or key) and a product's or a quantity column."""
    fields = set(fields_of(cells))
    owners = {"organization", "second_organization"} if named else {"organization_id", "organization_key"}
    return not owners.isdisjoint(fields) and any(field.startswith("quantity") for field in fields)


def find_header(rows: Sequence[Record]) -> Record | None:
    """The first row that looks like a header; a row that names an Organization is preferred to one with its id or key alone."""
    for named in (True, False):
        for row in rows:
            if is_header(row.cells, named=named):
                return row
    return None


def header_score(cells: Sequence[str]) -> int:
    """How many cells of a header are known: to tell apart two ways of splitting the same text."""
    return sum(1 for field in fields_of(cells) if field)


USAGE: Final = Headers(find_header, header_score, LOOKED_FOR)
