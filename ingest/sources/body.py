"""The rows below the header, column by column: trimmed texts, numbers with their faults, and who each row belongs to."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from accounts.products import CODES, folded, product_named
from ingest.sources.columns import OWNERS, Columns, Entry
from ingest.sources.grid import Grid, Ints, Mask, Texts, any_of, edges, flags, nonblank, trimmed
from ingest.sources.numbers import Numbers, prices, quantities
from ingest.sources.reading import DecimalSign

_LONGEST_ID = 15
#: What tells Organizations apart within a file, the strongest first.
IDENTITIES = ("organization_id", "organization_key", "organization")
Made = TypeVar("Made")


def _two_at_once(work: Callable[[int], Made], columns: list[int]) -> dict[int, Made]:
    """What is made of each column: Arrow works outside the interpreter's lock, so two threads halve the wait."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(columns, pool.map(work, columns), strict=True))


@dataclass(frozen=True)
class Body:
    """Rows from ``first`` (an index into the grid) to the end. ``header`` is the header's cells, all of them."""

    grid: Grid
    first: int
    header: Sequence[str]
    columns: Columns
    decimal: DecimalSign

    @property
    def height(self) -> int:
        return self.grid.height - self.first

    @cached_property
    def lines(self) -> Ints:
        return self.grid.lines[self.first :]

    @cached_property
    def _texts(self) -> dict[int, Texts]:
        return _two_at_once(self._trimmed, list(self.columns.owners.values()))

    @cached_property
    def _encoded(self) -> dict[int, pa.DictionaryArray]:
        """Of the numbers and products, and of the column that tells Organizations apart best: the longest work first."""
        owners = self.columns.owners
        best = next((owners[name] for name in IDENTITIES if name in owners), None)
        others = [index for index in self.columns.mapped if index not in set(owners.values())]
        return _two_at_once(self._encode, [*([] if best is None else [best]), *others])

    def _trimmed(self, index: int) -> Texts:
        return trimmed(self.grid.columns[index].slice(self.first))

    def _encode(self, index: int) -> pa.DictionaryArray:
        if index in self.columns.owners.values():
            return self.text(index).dictionary_encode()
        cells = self.grid.columns[index].slice(self.first).combine_chunks()
        return (cells if isinstance(cells, pa.Array) else pa.concat_arrays(cells.chunks)).dictionary_encode()

    def text(self, index: int) -> Texts:
        """A column's cells, trimmed."""
        if index not in self._texts:
            self._texts[index] = self._trimmed(index)
        return self._texts[index]

    def encoded(self, index: int) -> pa.DictionaryArray:
        """A column's cells as written (an owner's: trimmed), each distinct text once."""
        if index not in self._encoded:
            self._encoded[index] = self._encode(index)
        return self._encoded[index]

    def cell(self, index: int, row: int) -> str:
        text: str = self.grid.columns[index][self.first + row].as_py()
        return text.strip()

    def fault(self, index: int) -> Mask:
        """Cells of a workbook that are errors, or formulas without a result."""
        found = self.grid.faults.get(index)
        return self.none if found is None else found[self.first :]

    @cached_property
    def none(self) -> Mask:
        return np.zeros(self.height, dtype=np.bool_)

    @cached_property
    def owners(self) -> dict[str, Texts]:
        """Name, id and key, "" where the file has none."""
        empty = pa.repeat(pa.scalar("", pa.string()), self.height)
        return {name: self.text(self.columns.owners[name]) if name in self.columns.owners else empty for name in OWNERS}

    @cached_property
    def named(self) -> Mask:
        """Rows with a name, an id or a key."""
        return any_of([nonblank(self.owners[name]) for name in self.columns.owners], self.height)

    @cached_property
    def quantities(self) -> list[Numbers]:
        """One for each entry of ``columns``."""
        return [quantities(self.encoded(entry.quantity), self.decimal, self._typed(entry.quantity)) for entry in self.columns.entries]

    @cached_property
    def prices(self) -> list[Numbers | None]:
        return [self._prices(entry) for entry in self.columns.entries]

    def _prices(self, entry: Entry) -> Numbers | None:
        index = entry.unit_price
        return None if index is None else prices(self.encoded(index), self.decimal, self._typed(index))

    def _typed(self, index: int) -> Mask | None:
        typed = self.grid.typed.get(index)
        return None if typed is None else typed[self.first :]

    @cached_property
    def counted(self) -> Mask:
        """Rows with something in a quantity's cell, readable or not."""
        return any_of([numbers.given for numbers in self.quantities], self.height)

    @cached_property
    def products(self) -> Ints:
        """In a long layout, each row's product as an index into ``CODES``; -1 where it is blank or unknown (0 throughout in a wide one)."""
        if self.columns.product is None:
            return np.zeros(self.height, dtype=np.int64)
        encoded = self.encoded(self.columns.product)
        codes = [CODES.index(code) if (code := product_named(text)) else -1 for text in encoded.dictionary.to_pylist()]
        places = encoded.indices.to_numpy(zero_copy_only=False)
        return np.asarray(codes, dtype=np.int64)[places] if codes else np.zeros(0, dtype=np.int64)

    def says(self, index: int, words: frozenset[str]) -> Mask:
        """Cells of a column that are one of some words, whatever their case and spacing."""
        encoded = self.encoded(index)
        found = np.asarray([folded(text) in words for text in encoded.dictionary.to_pylist()], dtype=np.bool_)
        return found[encoded.indices.to_numpy(zero_copy_only=False)] if len(found) else self.none

    @cached_property
    def unknown_products(self) -> tuple[Ints, int]:
        """In a long layout, a number for each row's product cell, the same for every spelling of one product, and how many there are."""
        encoded = self.encoded(self.columns.product or 0)
        numbers, names = pd.factorize(np.asarray([folded(text) for text in encoded.dictionary.to_pylist()], dtype=object))
        return numbers.astype(np.int64)[encoded.indices.to_numpy(zero_copy_only=False)], len(names)

    @cached_property
    def unreadable_number(self) -> Mask:
        """Rows with a quantity, or beside a quantity a unit price, that cannot be read."""
        found = self.none.copy()
        for numbers, costs in zip(self.quantities, self.prices, strict=True):
            found |= numbers.bad | (self.none if costs is None else costs.bad & numbers.given)
        return found

    @cached_property
    def blank(self) -> Mask:
        """Rows without anything in any cell; only those without Organization and quantity are looked at further."""
        rows = np.flatnonzero(~(self.named | self.counted))
        for column in self.grid.columns:
            if len(rows):
                rows = rows[~nonblank(trimmed(column.take(pa.array(rows + self.first))))]
        blank = self.none.copy()
        blank[rows] = True
        return blank

    @cached_property
    def repeated_header(self) -> Mask:
        """Rows whose read cells are the header's own, whatever their case and spacing."""
        index = next(iter(self.columns.owners.values()))
        wanted = {place: folded(self.header[place]) for place in self.columns.mapped}
        start = self.header[index].strip()[:1]
        likely = {ord(char) for char in (start.lower(), start.upper()) if len(char) == 1 and char.isascii()} or range(256)
        maybe = np.flatnonzero(np.isin(edges(self.text(index))[0], list(likely)))
        texts = self.text(index).take(pa.array(maybe))
        same = [text for text in pc.unique(texts).to_pylist() if folded(text) == wanted[index]]
        found = self.none.copy()
        for row in maybe[flags(pc.is_in(texts, pa.array(same, pa.string())))].tolist():
            found[row] = all(folded(self.cell(place, row)) == text for place, text in wanted.items())
        return found

    @cached_property
    def long_ids(self) -> Mask:
        """Ids that are numbers by type with more digits than a workbook keeps: already wrong inside it."""
        index = self.columns.owners.get("organization_id")
        typed = None if index is None else self._typed(index)
        if index is None or typed is None:
            return self.none
        return typed & flags(pc.greater(pc.utf8_length(self.text(index)), _LONGEST_ID))

    @cached_property
    def extra(self) -> Mask:
        """Rows with something in a cell beyond the header's last: where the cells of such a row belong, nobody can tell."""
        found = self.none.copy()
        for column in self.grid.columns[len(self.header) :]:
            found |= nonblank(trimmed(column.slice(self.first)))
        return found
