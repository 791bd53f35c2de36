"""The price list: unit prices, what Huntress charges (cost) and what customers pay (sell), for everyone or for one Organization.

Long (a product in each row, with a column for cost, for sell, or one that says which of them a price is) or wide (a column a product).
A price holds from a quantity on, where tiers have one.
"""

from collections.abc import Hashable
from typing import Final

from accounts.names import normalise
from accounts.products import BY_CODE, PRODUCTS, Product, folded
from ingest.sources import table_cells as cells
from ingest.sources.header import ALIASES
from ingest.sources.reader import Field
from ingest.sources.table import TableKind, Values, table_reader
from ingest.sources.table_cells import Bad, Cell, Ways
from ingest.sources.table_columns import TableColumn, TableColumns

SIDES: Final = ("cost", "sell")
_SIDE_OF: Final = {
    **dict.fromkeys(("cost", "buy", "purchase", "vendor"), "cost"),
    **dict.fromkeys(("sell", "sale", "selling", "retail", "customer"), "sell"),
}
_ENDS: Final = {
    "cost": ("cost", "unit cost", "cost price", "buy price"),
    "sell": ("sell price", "selling price", "sell", "retail price", "retail"),
}
_PLAIN_PRICE: Final = ("Unit Price", "Price", "Rate", "Price per Unit")


def _side(cell: Cell, ways: Ways) -> str | Bad | None:
    if not cell.text:
        return None
    return _SIDE_OF.get(folded(cell.text).removesuffix("price")) or Bad(
        "unreadable_side", f"“{cell.text[:80]}” is neither cost nor sell. Write one of the two."
    )


def _of_product(side: str, product: Product) -> TableColumn:
    """In a wide list: a column of one product's prices. One that just says *price* is taken for the customers'."""
    names = (product.code, *product.aliases, *(f"Huntress {alias}" for alias in product.aliases))
    doubtful = tuple(f"{name} {end}".strip() for end in ("unit price", "price", "rate", "") for name in names) if side == "sell" else ()
    return TableColumn(
        Field(f"{side}:{product.code}", f"{product.label} {side} price"),
        tuple(f"{name} {end}" for end in _ENDS[side] for name in names),
        cells.price,
        doubtful=doubtful,
        is_money=True,
    )


_WIDE: Final = tuple(_of_product(side, product) for product in PRODUCTS for side in SIDES)
_WIDE_NAMES: Final = tuple(column.name for column in _WIDE)


def _refine(found: dict[str, list[int]]) -> None:
    """A column that says cost or sell belongs to one plain price column; without it a plain price is what customers pay."""
    if "side" in found and "unit_price" in found:
        for side in SIDES:
            found[side] = [index for index in found.get(side, []) if index not in found["unit_price"]]
    else:
        found.pop("side", None)
        found.pop("unit_price", None)
    long = "product" in found and any(found.get(name) for name in (*SIDES, "unit_price"))
    for name in [*_WIDE_NAMES] if long else ["product", "side", "unit_price", *SIDES]:
        found.pop(name, None)
    for name in [name for name, indices in found.items() if not indices]:
        del found[name]


_COLUMNS: Final = TableColumns(
    columns=(
        TableColumn(Field("organization", "Organization"), ALIASES["organization"], cells.text, doubtful=ALIASES["second_organization"]),
        TableColumn(Field("organization_id", "Organization ID"), ALIASES["organization_id"], cells.text),
        TableColumn(Field("organization_key", "Organization key"), ALIASES["organization_key"], cells.text),
        TableColumn(Field("product", "Product, named in each row"), ALIASES["product"], cells.product),
        TableColumn(
            Field("from_quantity", "From this quantity on"),
            (
                "From Quantity",
                "Quantity From",
                "From Units",
                "Units From",
                "From",
                "Minimum Quantity",
                "Min Quantity",
                "Min Qty",
                "Minimum",
            ),
            cells.quantity,
            doubtful=("Tier", "Quantity", "Qty", "Units"),
        ),
        TableColumn(Field("side", "Cost or sell, named in each row"), ("Side", "Cost or Sell", "Price Type", "Type"), _side),
        TableColumn(
            Field("cost", "Cost price"), ("Cost", "Unit Cost", "Cost Price", "Buy Price", "Cost per Unit"), cells.price, is_money=True
        ),
        TableColumn(
            Field("sell", "Sell price"),
            ("Sell Price", "Selling Price", "Sell", "Unit Sell Price", "Retail Price", "Retail", "Customer Price"),
            cells.price,
            doubtful=_PLAIN_PRICE,
            is_money=True,
        ),
        TableColumn(Field("unit_price", "Price, cost or sell by the row"), _PLAIN_PRICE, cells.price, is_money=True),
        *_WIDE,
    ),
    needs=(("product", *_WIDE_NAMES), (*SIDES, "unit_price", *_WIDE_NAMES)),
    least=2,
    looked_for="a Product column and beside it Cost, Sell Price or Unit Price, or a price column for each product, such as EDR Price",
    refine=_refine,
)


def _make(values: Values, texts: dict[str, str]) -> list[Values] | Bad:
    owner = {name: values.get(name) or "" for name in ("organization", "organization_id", "organization_key")}
    given: list[tuple[str, str, int]] = []
    for name, price in values.items():
        side, _, code = name.partition(":")
        if price is None or side not in (*SIDES, "unit_price"):
            continue
        side = values.get("side") or "" if side == "unit_price" else side
        code = code or values.get("product") or ""
        if not side:
            return Bad("no_side", "The row does not say whether its price is a cost or a sell price.", "side")
        if not code:
            return Bad("no_product", "The row has a price and no product.", "product")
        given.append((side, code, price))
    rest = {"from_quantity": values.get("from_quantity") or 0}
    return [{**owner, "side": side, "product": code, **rest, "unit_price": price} for side, code, price in given]


def _same(record: Values) -> Hashable:
    owner = record["organization_id"] or record["organization_key"] or normalise(record["organization"])
    return owner, record["side"], record["product"], record["from_quantity"]


def _clash(first: Values, record: Values) -> str:
    if first["unit_price"] == record["unit_price"]:
        return ""
    return f"{BY_CODE[record['product']].label} has two {record['side']} prices here."


#: Columns of ``Reading.lines``: line, organization, organization_id, organization_key (all "": everyone), side, product, from_quantity (0:
#: always), unit_price (micros). A row of a wide list gives several lines.
KIND: Final = TableKind(
    "prices",
    _COLUMNS,
    lines=("organization", "organization_id", "organization_key", "side", "product", "from_quantity", "unit_price"),
    make=_make,
    carriers=(*SIDES, "unit_price", *_WIDE_NAMES),
    without="no price",
    same=_same,
    clash=_clash,
)
READER: Final = table_reader(KIND, "Price list", "a price list", words=r"price\s?(?:list|book|file)s?|prices|pricing|rate\s?card|tariff")
