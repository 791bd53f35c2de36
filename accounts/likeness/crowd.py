"""The names that a comparison happens among: a word that many of them have says less, and is no typing error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from math import log
from typing import Final

from accounts.likeness.reading import DIRECTION, NUMBER, PLACE, PLAIN, TRADED, Reading, read
from accounts.likeness.words import KNOWN, PLAIN_TAILS

_WEIGHTS: Final = {PLAIN: 1.0, TRADED: 0.35, PLACE: 0.5, DIRECTION: 0.5, NUMBER: 0.5}
_SITE, _PLAIN_SITE = 0.25, 0.08
#: A word in so many names is one that people use, not a slip.
_USED: Final = 4
#: A word that so many names share, and no more, leads from the one to the other.
_RARE: Final = 3
#: Words that weigh less than this do not say who somebody is.
TELLING: Final = 0.45


class Crowd:
    """Made once of all the names at hand, in whatever order; without names, only the built-in words count."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        distinct = set(names)
        self.size: Final = len(distinct)
        self._known: Final[dict[tuple[tuple[str, ...], int], list[float]]] = {}
        self._counts: Final[Counter[str]] = Counter()
        for name in distinct:
            self._counts.update({word for reading in read(name).readings for word in reading.words})

    @cached_property
    def _many(self) -> float:
        return max(40.0, self.size / 100)

    def weights(self, reading: Reading) -> list[float]:
        """One a word, in a list of the caller's own."""
        known = self._known.get((reading.words, reading.site))
        if known is None:
            known = self._known[(reading.words, reading.site)] = self._weighed(reading)
        return known.copy()

    def _weighed(self, reading: Reading) -> list[float]:
        found = [self._weight(word, kind) for word, kind in zip(reading.words, reading.kinds, strict=True)]
        for place in range(len(found) - reading.site, len(found)):
            found[place] = min(found[place], _PLAIN_SITE if reading.words[place] in PLAIN_TAILS else _SITE)
        return found

    def is_used(self, word: str) -> bool:
        return word in KNOWN or self._counts[word] >= _USED

    def is_rare(self, word: str) -> bool:
        return 1 < self._counts[word] <= _RARE

    def _weight(self, word: str, kind: int) -> float:
        if kind == PLAIN and (seen := self._counts[word]) > _USED:
            return 1 - 0.5 * min(1.0, log(seen / _USED) / log(self._many / _USED))
        return _WEIGHTS[kind]


NOBODY: Final = Crowd()
