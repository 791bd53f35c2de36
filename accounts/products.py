"""The products that Huntress bills, with their units and the names that people's lists use for them.

A new product is one entry in ``PRODUCTS``. Units and names: Huntress's product pages and its billing help.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Product:
    """One billed product. ``aliases`` are headers and product cells that mean it, compared by ``folded``."""

    code: str
    label: str
    unit: str
    units: str
    aliases: tuple[str, ...]


PRODUCTS: Final[tuple[Product, ...]] = (
    Product(
        "edr",
        "EDR",
        "agent",
        "agents",
        ("EDR", "Agents", "Agent Count", "EDR Agents", "Managed EDR", "Endpoints", "Billable Agents"),
    ),
    Product(
        "itdr",
        "ITDR",
        "billable identity",
        "billable identities",
        (
            "ITDR",
            "Identities",
            "Managed ITDR",
            "Billable Identities",
            "M365 Users",
            "Microsoft 365 Users",
            "MDR for Microsoft 365",
        ),
    ),
    Product("ispm", "ISPM", "billable identity", "billable identities", ("ISPM", "Managed ISPM")),
    Product("sat", "SAT", "learner", "learners", ("SAT", "Learners", "SAT Learners", "Managed SAT")),
    Product(
        "siem",
        "SIEM",
        "data source",
        "data sources",
        ("SIEM", "Sources", "Log Sources", "Data Sources", "Managed SIEM"),
    ),
)

CODES: Final[tuple[str, ...]] = tuple(product.code for product in PRODUCTS)
BY_CODE: Final[dict[str, Product]] = {product.code: product for product in PRODUCTS}
_SEPARATORS: Final = str.maketrans("", "", "_-.:/\u200b\ufeff")


def folded(text: str) -> str:
    """The form in which headers and product cells are compared: case and spacing do not count.

    >>> folded(" Managed  EDR ")
    'managededr'
    """
    return "".join(text.casefold().translate(_SEPARATORS).split())


_BY_ALIAS: Final[dict[str, str]] = {folded(alias): p.code for p in PRODUCTS for alias in (p.code, *p.aliases)}


def product_named(text: str) -> str | None:
    """The code of the product that a header or a product cell names, with or without the vendor's name, or None.

    >>> product_named("huntress managed edr")
    'edr'
    >>> product_named("Backup") is None
    True
    """
    name = folded(text)
    return _BY_ALIAS.get(name) or _BY_ALIAS.get(name.removeprefix("huntress"))
