"""From a header to a mapping: which column is which field, guessed from the header and the cells, or checked as a person stated it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from accounts.products import BY_CODE, CODES, folded, product_named
from ingest.sources.grid import Column, Grid, Mask, letter, titled, trimmed
from ingest.sources.header import fields_of, is_plainly_no_product
from ingest.sources.numbers import Fault, quantities
from ingest.sources.reader import Field
from ingest.sources.reading import Guess, Issue, Leg, Mapping

OWNERS: Final = ("organization", "organization_id", "organization_key")
_FIELDS: Final = frozenset(
    (*OWNERS, "product", "quantity", "unit_price", *(f"{name}:{code}" for name in ("quantity", "unit_price") for code in CODES))
)
_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One column of quantities: whose product it is (None: the row's product cell says), and where its unit price stands."""

    product: str | None
    quantity: int
    unit_price: int | None


@dataclass(frozen=True)
class Mark:
    """A column in which a cell can say that its row does not count: the field, the headers it goes by, such cells, and the reason."""

    field: Field
    aliases: tuple[str, ...]
    cells: frozenset[str]
    reason: str

    def is_named(self, header: str) -> bool:
        return folded(header) in map(folded, self.aliases)


@dataclass(frozen=True)
class Columns:
    """The columns that are read, as indices. ``product`` is set in a long layout only."""

    owners: dict[str, int]
    product: int | None
    entries: tuple[Entry, ...]
    marks: tuple[tuple[Mark, int], ...] = ()

    @property
    def is_long(self) -> bool:
        return self.product is not None

    @property
    def mapped(self) -> list[int]:
        others = [index for entry in self.entries for index in (entry.quantity, entry.unit_price) if index is not None]
        marks = [index for _, index in self.marks]
        return [*self.owners.values(), *([] if self.product is None else [self.product]), *others, *marks]


@dataclass
class Guessed:
    """A mapping's columns, and what is to be said about them; ``refused`` stops the document until a person chooses.

    ``guesses`` say why each column was taken for what it is; of stated columns there is nothing to say.
    """

    columns: dict[int, str] = field(default_factory=dict)
    notes: list[Issue] = field(default_factory=list)
    refused: list[Issue] = field(default_factory=list)
    guesses: dict[int, Guess] = field(default_factory=dict)


def columns_of(fields: dict[int, str], marks: Sequence[Mark] = ()) -> Columns:
    """The columns of a checked mapping."""
    at = {name: index for index, name in fields.items()}
    owners: dict[str, int] = {name: at[name] for name in OWNERS if name in at}
    marked = tuple((mark, at[mark.field.name]) for mark in marks if mark.field.name in at)
    if "product" in at:
        return Columns(owners, at["product"], (Entry(None, at["quantity"], at.get("unit_price")),), marked)
    codes = sorted((code for code in CODES if f"quantity:{code}" in at), key=lambda code: at[f"quantity:{code}"])
    lone = at.get("unit_price") if len(codes) == 1 else None
    entries = tuple(Entry(code, at[f"quantity:{code}"], at.get(f"unit_price:{code}", lone)) for code in codes)
    return Columns(owners, None, entries, marked)


def guess_columns(
    header: Sequence[str], body: Callable[[int], Column], line: int, marks: Sequence[Mark] = (), *, is_charged: bool = False
) -> Guessed:
    """Which column is which. ``body`` gives a column's cells below the header; ``is_charged``: its prices are what customers pay."""
    fields = fields_of(header)
    found: dict[str, list[int]] = {}
    for index, name in enumerate(fields):
        found.setdefault(name, []).append(index)
    if "organization" not in found and "second_organization" in found:
        found["organization"] = found["second_organization"]
    guessed = Guessed()
    product = _product_column(found, body)
    codes = [code for code in CODES if f"quantity:{code}" in found]
    wanted = [*OWNERS]
    if product is not None:
        found["product"] = [product]
        wanted += ["product", "quantity", "unit_price"]
        _note_unused(guessed, header, [found[f"quantity:{code}"] for code in codes], line)
    else:
        wanted += [f"{name}:{code}" for name in ("quantity", "unit_price") for code in codes]
        _lone_price(guessed, header, found, codes, line)
        if not codes:
            guessed.refused.append(_no_product(header, line))
    if is_charged:
        _leave_costs(guessed, header, found, [name for name in wanted if name.startswith("unit_price")], line)
    for name in wanted:
        _take(guessed, header, name, found.get(name, []), line)
    for mark in marks:
        _take(guessed, header, mark.field.name, [index for index, title in enumerate(header) if mark.is_named(title)], line)
    guessed.guesses = {index: _reason(name, header[index], fields[index], body(index)) for index, name in guessed.columns.items()}
    return guessed


def _reason(name: str, title: str, field: str, cells: Column) -> Guess:
    """Why a column was taken for a field, and how sure that is; of its cells the first few are looked at."""
    shown = [text for cell in cells.slice(0, _LOOKED_AT).to_pylist() if (text := cell.strip())]
    title = title.strip()
    if name == "product":
        known = sum(1 for text in shown if product_named(text))
        because = f"{known} of its first {len(shown)} cells name a product" if shown else f"its header is “{title}”, and it is empty"
        return Guess(name, because, "certain" if known and known * 2 >= len(shown) else "unsure")
    if ":" in name and field != name:
        return Guess(name, f"its header is “{title}”, and only one product is counted", "likely")
    if field == "second_organization":
        return Guess(name, f"its header is “{title}”, and no column is called Organization, Company or Customer", "likely")
    if name.startswith("quantity") and shown and not any(any(char.isdigit() for char in text) for text in shown):
        return Guess(name, f"its header is “{title}”, though its first cells are no numbers", "unsure")
    because = f"its header “{title}” names {BY_CODE[name.partition(':')[2]].label}" if ":" in name else f"its header is “{title}”"
    return Guess(name, because, "certain")


def _product_column(found: dict[str, list[int]], body: Callable[[int], Column]) -> int | None:
    """The product column of a long layout: the one with the most cells that name a product; None means a wide layout.

    Beside columns of products it is taken for long only if at least half of its cells name one.
    """
    candidates = found.get("product", [])
    if not candidates or "quantity" not in found:
        return None
    is_wide_too = any(name.startswith("quantity:") for name in found)
    if len(candidates) == 1 and not is_wide_too:
        return candidates[0]
    counts = [_recognised(body(index)) for index in candidates]
    best = max(range(len(candidates)), key=lambda place: (counts[place][0], -place))
    if is_wide_too and (counts[best][0] == 0 or counts[best][0] * 2 < counts[best][1]):
        return None
    return candidates[best]


def _recognised(cells: Column) -> tuple[int, int]:
    """How many cells name a product, and how many are not blank."""
    counts = cells.value_counts()
    known = total = 0
    for text, count in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
        if text.strip():
            total += count
            known += count if product_named(text) else 0
    return known, total


def _take(guessed: Guessed, header: Sequence[str], name: str, indices: list[int], line: int) -> None:
    if not indices:
        return
    guessed.columns[indices[0]] = name
    if len(indices) > 1:
        named = " and ".join(titled(header, index) for index in indices)
        what = name.replace("_", " ")
        if ":" in name:
            field, code = name.split(":")
            what = f"{BY_CODE[code].label} ({field.replace('_', ' ')})"
        message = f"{len(indices)} columns could be the {what}: {named}. Choose the one that counts."
        guessed.refused.append(Issue(line, "error", "two_columns", message.replace("2 columns", "Two columns"), header[indices[0]].strip()))


def _lone_price(guessed: Guessed, header: Sequence[str], found: dict[str, list[int]], codes: list[str], line: int) -> None:
    """A price column without a product's name belongs to the only product, if there is only one."""
    prices = found.get("unit_price", [])
    if not prices:
        return
    if len(codes) == 1:
        found.setdefault(f"unit_price:{codes[0]}", []).extend(prices)
    elif codes:
        message = f"Column {titled(header, prices[0])} is not used: it does not say which of {len(codes)} products it prices."
        guessed.notes.append(Issue(line, "warning", "unit_price_unused", message, header[prices[0]].strip()))


def _leave_costs(guessed: Guessed, header: Sequence[str], found: dict[str, list[int]], prices: list[str], line: int) -> None:
    """A PSA writes what a thing costs beside what is charged for it. Where there is no price beside it, a cost is the price."""
    for name in prices:
        costs = [index for index in found.get(name, []) if folded(header[index]).endswith("cost")]
        if not costs or len(costs) == len(found[name]):
            continue
        found[name] = [index for index in found[name] if index not in costs]
        for index in costs:
            message = f"Column {titled(header, index)} is not used: {titled(header, found[name][0])} says what is charged."
            guessed.notes.append(Issue(line, "info", "unused_column", message, header[index].strip()))


def _note_unused(guessed: Guessed, header: Sequence[str], products: list[list[int]], line: int) -> None:
    for index in (index for indices in products for index in indices):
        message = f"Column {titled(header, index)} is not used: each row has a product and a quantity of its own."
        guessed.notes.append(Issue(line, "warning", "unused_column", message, header[index].strip()))


def _no_product(header: Sequence[str], line: int) -> Issue:
    message = (
        "This row looks like the header, but nothing in it says which product is counted. "
        "Say which column is the product's, or which product the quantities are of."
    )
    return Issue(line, "error", "no_product_column", message)


def unknown_columns(header: Sequence[str], guessed: dict[int, str], grid: Grid, rows: Mask, leg: Leg, line: int) -> list[Issue]:
    """Columns of a wide list that hold whole numbers and are no known product: in a bill they may be money, so they stop it.

    ``rows`` says which of the grid's rows are an Organization's.
    """
    issues = []
    fields = fields_of(header)
    for index, title in enumerate(header):
        known = fields[index] not in ("", "quantity")
        if index in guessed or known or is_plainly_no_product(title) or not _holds_quantities(grid, index, rows):
            continue
        message = f"Column {titled(header, index)} holds whole numbers and is no product known here"
        if leg == "billed":
            message += ": no money may vanish, so say which product it counts, or that it is to be ignored."
            issues.append(Issue(line, "error", "unknown_column", message, title.strip()))
        else:
            issues.append(Issue(line, "warning", "unknown_column", message + "; it is not used.", title.strip()))
    return issues


def _holds_quantities(grid: Grid, index: int, rows: Mask) -> bool:
    numbers = quantities(trimmed(grid.columns[index].filter(pa.array(rows))).unique().dictionary_encode())
    odd = numbers.bad & (numbers.faults != Fault.AMBIGUOUS.value)
    return bool(not odd.any() and ((numbers.values > 0) | numbers.bad).any())


def check_mapping(mapping: Mapping, header: Sequence[str], marks: Sequence[Mark] = ()) -> list[Issue]:
    """What is wrong with a mapping that a person stated, if anything."""
    problems = []
    names, known = list(mapping.columns.values()), _FIELDS.union(mark.field.name for mark in marks)
    problems += [f"column {letter(max(index, 0))} is beyond the header" for index in mapping.columns if not 0 <= index < len(header)]
    problems += [f"“{name}” is no field" for name in sorted(set(names) - known)]
    problems += [f"“{name}” is given to {names.count(name)} columns" for name in sorted(set(names)) if names.count(name) > 1]
    if not set(OWNERS) & set(names):
        problems.append("no column is the Organization's name, id or key")
    problems += _layout_problems(set(names))
    return [Issue(mapping.header_line, "error", "bad_mapping", f"The mapping cannot be used: {problem}.") for problem in problems]


def _layout_problems(names: set[str]) -> list[str]:
    wide = any(name.startswith("quantity:") for name in names)
    if wide and names & {"product", "quantity"}:
        return ["it has columns of products and a product or quantity column as well; choose one layout"]
    if not wide and not {"product", "quantity"} <= names:
        return ["it needs a product's column, or a product column together with a quantity column"]
    return []
