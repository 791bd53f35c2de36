"""The arithmetic once more: from the words of the specification, in dictionaries and fractions, as slow and as plain as can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

Cell = tuple[int, str]
PRODUCTS = ("edr", "itdr", "ispm", "sat", "siem")
WORST_LAST = ("match", "within", "unchecked", "investigate", "escalate")
WIDEST_FIRST = ("default", "everywhere", "account", "product", "organization", "organization_product")


@dataclass(frozen=True)
class Line:
    organization: int
    product: str
    quantity: int
    price: int | None = None


@dataclass(frozen=True)
class GivenLeg:
    """A list: its lines, what its rejected rows are about (None: could be any), and whether it claims to be complete."""

    lines: tuple[Line, ...]
    rejected: tuple[tuple[int | None, str | None], ...] = ()
    partial: bool = False


@dataclass(frozen=True)
class Stated:
    """One level of one scope."""

    scope: str
    level: str
    percent: Fraction
    units: Fraction
    organization: int | None = None
    product: str | None = None

    def is_about(self, cell: Cell) -> bool:
        return self.organization in (None, cell[0]) and self.product in (None, cell[1])


@dataclass
class Judged:
    """One row of the month."""

    quantities: dict[str, int | None] = field(default_factory=dict)
    differences: dict[str, int | None] = field(default_factory=dict)
    severities: dict[str, str] = field(default_factory=dict)
    severity: str = ""
    flags: set[str] = field(default_factory=set)
    cost: int | None = None
    sell: int | None = None
    money: dict[str, int | None] = field(default_factory=dict)


def month(legs: dict[str, GivenLeg], tolerances: Sequence[Stated]) -> dict[Cell, Judged]:
    """A row exists when at least one leg has a quantity for it, an explicit 0 included."""
    cells = sorted({(line.organization, line.product) for leg in legs.values() for line in leg.lines})
    return {cell: judge(legs, cell, tolerances) for cell in cells}


def judge(legs: dict[str, GivenLeg], cell: Cell, tolerances: Sequence[Stated]) -> Judged:
    row = Judged()
    for name in LEGS:
        row.quantities[name], counted_as_none = quantity(name, legs.get(name), cell)
        if counted_as_none and name != "previous":
            row.flags.add("not_billed" if name == "billed" else f"not_in_{name}")
    billed = row.quantities["billed"]
    for name in LEGS[1:]:
        other = row.quantities[name]
        row.differences[name] = None if billed is None or other is None else billed - other
    for name in ("expected", "rebilled"):
        row.severities[name] = check(billed, row.quantities[name], cell, tolerances)
    if "microsoft" in legs and cell[1] == "itdr":  # of other products, and without tenants, nobody asks
        row.severities["microsoft"] = check(billed, row.quantities["microsoft"], cell, tolerances)
    row.severity = max(row.severities.values(), key=WORST_LAST.index)
    row.cost = one_price(legs.get("billed"), cell)
    if not prices_of(legs.get("billed"), cell):
        row.cost = one_price(legs.get("expected"), cell)
    row.sell = one_price(legs.get("rebilled"), cell)
    for name, price in (("expected", row.cost), ("rebilled", row.sell), ("microsoft", row.cost)):
        difference = row.differences[name]
        row.money[name] = None if difference is None or price is None else difference * price
    return row


def quantity(name: str, leg: GivenLeg | None, cell: Cell) -> tuple[int | None, bool]:
    """What a leg says of a cell (None: nothing), and whether it says 0 by not naming it."""
    if leg is None or not leg.lines:
        return None, False
    if any(organization in (None, cell[0]) and product in (None, cell[1]) for organization, product in leg.rejected):
        return None, False
    own = [line.quantity for line in leg.lines if (line.organization, line.product) == cell]
    if own:
        return sum(own), False
    if leg.partial:
        return None, False
    if name == "expected" and not any(line.product == cell[1] for line in leg.lines):
        return None, False
    return 0, True


def check(billed: int | None, other: int | None, cell: Cell, tolerances: Sequence[Stated]) -> str:
    if billed is None or other is None:
        return "unchecked"
    if billed == other:
        return "match"
    size = abs(billed - other)
    investigate, escalate = (most_specific(level, cell, tolerances) for level in ("investigate", "escalate"))
    above = {stated.level: size > max(stated.units, stated.percent * abs(other) / 100) for stated in (investigate, escalate)}
    if WIDEST_FIRST.index(escalate.scope) < WIDEST_FIRST.index(investigate.scope):
        above["escalate"] = above["escalate"] and above["investigate"]
    if above["escalate"]:
        return "escalate"
    if above["investigate"] or billed == 0 or other == 0:
        return "investigate"
    return "within"


def most_specific(level: str, cell: Cell, tolerances: Sequence[Stated]) -> Stated:
    defaults = {"investigate": (5, 0), "escalate": (10, 1)}
    percent, units = map(Fraction, defaults[level])
    own = [stated for stated in tolerances if stated.level == level and stated.is_about(cell)]
    return max(own, key=lambda stated: WIDEST_FIRST.index(stated.scope), default=Stated("default", level, percent, units))


def one_price(leg: GivenLeg | None, cell: Cell) -> int | None:
    """The price of a cell where its lines agree on one."""
    prices = prices_of(leg, cell)
    return prices.pop() if len(prices) == 1 else None


def prices_of(leg: GivenLeg | None, cell: Cell) -> set[int]:
    lines = leg.lines if leg else ()
    return {line.price for line in lines if (line.organization, line.product) == cell and line.price is not None}


def totals(legs: dict[str, GivenLeg], cells: Iterable[Cell]) -> dict[str, dict[str, int | None]]:
    """Units by product; None where a leg was not provided for the product."""
    return {product: {name: total(name, legs.get(name), product) for name in LEGS} for product in sorted({cell[1] for cell in cells})}


LEGS = ("billed", "expected", "rebilled", "microsoft", "previous")


def total(name: str, leg: GivenLeg | None, product: str) -> int | None:
    if leg is None or not leg.lines:
        return None
    own = [line.quantity for line in leg.lines if line.product == product]
    if not own and (leg.partial or name == "expected"):
        return None
    return sum(own)
