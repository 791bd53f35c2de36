"""What the page of one file is put together from: columns and how sure their guesses are, rows, tabs, remarks, totals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from accounts.templatetags.recon_ui import day, money, signed, signed_money, units

#: How sure a guess is → its tone and its icon.
_SURE: Final = {"certain": ("done", "match"), "likely": ("merged", "within"), "unsure": ("todo", "investigate")}


@dataclass(frozen=True)
class Sure:
    """How sure a guess is, in a word and a shape, and why."""

    code: str
    tone: str
    symbol: str
    because: str

    @classmethod
    def of(cls, guess: dict[str, str]) -> Sure | None:
        code = guess.get("sureness", "")
        return cls(code, *_SURE[code], guess.get("because", "")) if code in _SURE else None


@dataclass(frozen=True)
class Remembered:
    """The remembered mapping that a file was read with. ``changes``: its columns are others now, and what is shown is a proposal."""

    name: str
    by: str
    at: datetime
    changes: list[dict[str, Any]]
    url: str

    @property
    def that_matter(self) -> list[dict[str, Any]]:
        return [change for change in self.changes if change["matters"]]

    @property
    def others(self) -> list[dict[str, Any]]:
        return [change for change in self.changes if not change["matters"]]


@dataclass(frozen=True)
class Column:
    """A column of the file: its letter, its header, and what it is taken for."""

    index: int
    letter: str
    header: str
    meaning: str
    is_number: bool
    select: Any = None
    guess: Sure | None = None


@dataclass(frozen=True)
class RowShown:
    """A row as it came, with the cell that is at fault. ``gap`` is how many lines before it are not shown."""

    line: int
    tone: str
    symbol: str
    word: str
    note: str
    cells: list[tuple[str, str]]
    gap: int = 0


@dataclass(frozen=True)
class Tab:
    code: str
    label: str
    tone: str
    count: int | None
    is_here: bool


@dataclass
class IssueGroup:
    """The same remark about one line or many."""

    level: str
    tone: str
    symbol: str
    word: str
    message: str
    lines: list[int] = field(default_factory=list)
    places: int = 0
    place: str = "Line"

    @property
    def where(self) -> str:
        if not self.lines:
            return ""
        others = self.places - 1
        return f"{self.place} {self.lines[0]:,}" + (f" and {others:,} other place{'s' if others > 1 else ''}" if others else "")


@dataclass(frozen=True)
class Total:
    """A figure beside the same one of the cycle before. ``form``: ``units``, ``money``, ``money:USD`` or ``day``."""

    label: str
    before: int | str | None
    now: int | str | None
    form: str = "units"

    @property
    def change(self) -> int | None:
        if isinstance(self.before, int) and isinstance(self.now, int):
            return self.now - self.before
        return None

    @property
    def shown_before(self) -> str:
        return self._shown(self.before)

    @property
    def shown_now(self) -> str:
        return self._shown(self.now)

    @property
    def shown_change(self) -> str:
        if self.change is None:
            return ""
        return signed_money(self.change, self._currency) if self.form.startswith("money") else signed(self.change)

    @property
    def _currency(self) -> str:
        return self.form.partition(":")[2]

    def _shown(self, value: int | str | None) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return day(date.fromisoformat(value)) if self.form == "day" else value
        return money(value, self._currency) if self.form.startswith("money") else units(value)


def figures(now: list[list[Any]], before: list[list[Any]]) -> list[Total]:
    """The figures of a file, as its preview keeps them, and of the one before."""
    old = {(label, form): value for label, value, form in before}
    new = {(label, form): value for label, value, form in now}
    return [Total(label, old.get((label, form)), new.get((label, form)), form) for label, form in dict.fromkeys([*new, *old])]
