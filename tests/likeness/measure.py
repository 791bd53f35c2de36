"""The measure: each name of the labelled set is searched among all partners of the set and a crowd of strangers.

Of a pair labelled *same*, the partner should come first. Of a pair labelled *different*, nobody is right, and the look-alike stands in the
crowd. The constants were chosen by the mistakes of half "a" and of fresh pairs; half "b" is what counts, as far as docs/matching.md
says. "blind" and "later" are another hand's.

``python -m tests.likeness.measure [a|b|blind|later]`` prints the figures, and what all but half "b" get wrong.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from accounts.likeness import CERTAINTIES, Certainty, Partner, certainty, partners
from accounts.names import normalise
from tests.likeness.making import strangers

STRANGERS = 3_500
SETS = tuple(Path(__file__).parent / name for name in ("pairs.csv", "blind.csv"))


@dataclass(frozen=True)
class Pair:
    half: str
    label: str
    why: str
    one: str
    other: str


@dataclass
class Figures:
    """Of one half. ``marked`` counts first suggestions by what they are called, ``wrong`` those of them that are not the partner."""

    same: int = 0
    first: int = 0
    marked: Counter[Certainty] = field(default_factory=Counter)
    wrong: Counter[Certainty] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    kinds_first: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        marks = "; ".join(f"{name} {self.marked[name]}, wrong {self.wrong[name]}" for name in CERTAINTIES)
        kinds = "; ".join(f"{why} {self.kinds_first[why]} of {count}" for why, count in sorted(self.kinds.items()))
        return [f"partner first: {self.first} of {self.same} ({100 * self.first / self.same:.1f}%)", marks, kinds]


@cache
def labelled() -> tuple[Pair, ...]:
    return tuple(pair for path in SETS for pair in _read(path))


def _read(path: Path) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Pair(**row) for row in csv.DictReader(file)]


@cache
def searched() -> tuple[str, ...]:
    """The partners and look-alikes of both halves, and the strangers."""
    own = {name for pair in labelled() for name in (pair.one, pair.other)}
    return (*sorted({pair.other for pair in labelled()}), *strangers(STRANGERS, but=own))


def measure(half: str) -> Figures:
    pairs = [pair for pair in labelled() if pair.half == half]
    right: dict[str, set[str]] = {}
    for pair in labelled():
        right.setdefault(pair.one, set()).update({normalise(pair.other)} if pair.label == "same" else ())
    among = searched()
    figures = Figures()
    for pair, found in zip(pairs, partners([pair.one for pair in pairs], among), strict=True):
        _count(figures, pair, found, right[pair.one], among)
    return figures


def _count(figures: Figures, pair: Pair, found: list[Partner], right: set[str], among: tuple[str, ...]) -> None:
    is_right = bool(found) and normalise(among[found[0].place]) in right
    if pair.label == "same":
        figures.same += 1
        figures.first += is_right
        figures.kinds[pair.why] += 1
        figures.kinds_first[pair.why] += is_right
    called: Certainty | None = None
    if found:
        called = certainty(found[0].score, found[0].score - (found[1].score if len(found) > 1 else 0))
        figures.marked[called] += 1
        figures.wrong[called] += not is_right
    if not is_right and (pair.label == "same" or called == "very likely"):
        best = [f"{among[partner.place]} {partner.score}" for partner in found]
        figures.mistakes.append(f"{pair.label}, {pair.why}: {pair.one} = {pair.other}? {called}: {best}")


def main() -> None:
    for half in sys.argv[1:] or ("a", "b", "blind", "later"):
        figures = measure(half)
        print(f"half {half}", *figures.lines(), sep="\n  ")
        if half != "b":
            print(*figures.mistakes, sep="\n  ")


if __name__ == "__main__":
    main()
