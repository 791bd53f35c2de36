"""Which column of a small table is which: by header, the best alias first, or as a person stated it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts.products import folded
from ingest.sources.columns import Guessed
from ingest.sources.grid import Record, letter, titled
from ingest.sources.header import Headers, is_header
from ingest.sources.reader import Field
from ingest.sources.reading import Guess, Issue, Mapping
from ingest.sources.table_cells import Parse


@dataclass(frozen=True)
class TableColumn:
    """A field of a small table: the headers it goes by, the surest first; those from ``doubtful`` on are taken, and said to be unsure.

    ``is_money``: its texts show which decimal sign they are written with. ``is_date``: they show what comes first.
    """

    field: Field
    aliases: tuple[str, ...]
    parse: Parse
    doubtful: tuple[str, ...] = ()
    is_money: bool = False
    is_date: bool = False

    @property
    def name(self) -> str:
        return self.field.name

    def rank(self, header: str) -> int | None:
        """The place of a header among those that it goes by; None: it is not one of them."""
        names = [folded(alias) for alias in (*self.aliases, *self.doubtful)]
        name = folded(header)
        return names.index(name) if name in names else None


@dataclass(frozen=True)
class TableColumns:
    """All fields of a kind, of which of each tuple in ``needs`` at least one has to be there, and in a header at least ``least`` fields."""

    columns: tuple[TableColumn, ...]
    needs: tuple[tuple[str, ...], ...]
    least: int
    looked_for: str
    refine: Callable[[dict[str, list[int]]], None] = lambda found: None

    @property
    def by_name(self) -> dict[str, TableColumn]:
        return {column.name: column for column in self.columns}

    def headers(self) -> Headers:
        return Headers(self._find, self._score, self.looked_for, lambda cells: is_header(cells) or is_header(cells, named=False))

    def _find(self, rows: Sequence[Record]) -> Record | None:
        return next((row for row in rows if self._is_header(row.cells)), None)

    def _is_header(self, cells: Sequence[str]) -> bool:
        found = self.found(cells)
        return len(found) >= self.least and all(set(names) & set(found) for names in self.needs)

    def _score(self, cells: Sequence[str]) -> int:
        return len(self.found(cells))

    def found(self, cells: Sequence[str]) -> dict[str, list[int]]:
        """By field, the columns that could be it, the best first."""
        found: dict[str, list[int]] = {}
        for column in self.columns:
            ranked = [(rank, index) for index, cell in enumerate(cells) if cell.strip() and (rank := column.rank(cell)) is not None]
            if ranked:
                found[column.name] = [index for _, index in sorted(ranked)]
        self.refine(found)
        return found

    def guess(self, header: Sequence[str], line: int) -> Guessed:
        """Where several headers could be a field the best one is; twice the same header is for a person to choose from."""
        guessed = Guessed()
        for name, indices in self.found(header).items():
            column, first = self.by_name[name], indices[0]
            if first in guessed.columns:
                continue
            guessed.columns[first] = name
            guessed.guesses[first] = self._reason(column, header, indices)
            twice = [index for index in indices if folded(header[index]) == folded(header[first])]
            if len(twice) > 1:
                named = " and ".join(titled(header, index) for index in twice)
                message = f"Two columns could be the {column.field.label.lower()}: {named}. Choose the one that counts."
                guessed.refused.append(Issue(line, "error", "two_columns", message, header[first].strip()))
        guessed.refused += self.missing(set(guessed.columns.values()), line)
        return guessed

    def _reason(self, column: TableColumn, header: Sequence[str], indices: list[int]) -> Guess:
        because = f"its header is “{header[indices[0]].strip()}”"
        if (column.rank(header[indices[0]]) or 0) >= len(column.aliases):
            return Guess(column.name, f"{because}, which can mean something else", "unsure")
        if len(indices) > 1:
            return Guess(column.name, f"{because}, which says it better than {titled(header, indices[1])}", "likely")
        return Guess(column.name, because, "certain")

    def check(self, mapping: Mapping, header: Sequence[str]) -> list[Issue]:
        """What is wrong with a mapping that a person stated, if anything."""
        names = list(mapping.columns.values())
        problems = [f"column {letter(max(index, 0))} is beyond the header" for index in mapping.columns if not 0 <= index < len(header)]
        problems += [f"“{name}” is no field" for name in sorted(set(names) - set(self.by_name))]
        problems += [f"“{name}” is given to {names.count(name)} columns" for name in sorted(set(names)) if names.count(name) > 1]
        issues = [Issue(mapping.header_line, "error", "bad_mapping", f"The mapping cannot be used: {problem}.") for problem in problems]
        return issues + self.missing(set(names), mapping.header_line)

    def missing(self, names: set[str], line: int) -> list[Issue]:
        labels = {name: column.field.label for name, column in self.by_name.items()}
        return [
            Issue(line, "error", "no_column", f"No column is the {_or([labels[name] for name in needed[:4]])}. Say which one is.")
            for needed in self.needs
            if not set(needed) & names
        ]


def _or(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} or {labels[-1]}"
