"""The few likely partners of each of many names: a cheap look at all pairs, the dear one at those that may be partners.

The cheap look takes sorted words, compared as one text in blocks of rows, so that memory does not grow with the number of pairs; and, for
what that misses (initials, names stated as former ones, words left out), an index of the rarer words.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from accounts.likeness.compare import score_of
from accounts.likeness.crowd import Crowd
from accounts.likeness.reading import Name, Reading, read
from accounts.likeness.scoring import judge

Certainty = Literal["very likely", "likely", "possible"]
CERTAINTIES: Final[tuple[Certainty, ...]] = ("very likely", "likely", "possible")

#: Score and margin to the runner-up from which a suggestion is called so. Measured in ``tests/likeness``.
_VERY_LIKELY: Final = (90, 8)
_LIKELY: Final = (78, 4)

_CELLS: Final = 8_000_000  # of a block, one byte each
_CUTOFF: Final = 0.62
_BY_TEXT: Final = 6
_BY_WORDS: Final = 8
_RARE: Final = 60  # a word that more names have leads nowhere
_WORKERS: Final = 2
_SMALL: Final = 32  # so few are all looked at


@dataclass(frozen=True, slots=True)
class Partner:
    """``place`` in the names that were searched."""

    place: int
    score: int


def certainty(score: int, margin: int) -> Certainty:
    """What a suggestion is called, by its score and by how far the runner-up is behind (the score itself where there is none)."""
    for name, (least, ahead) in zip(CERTAINTIES, (_VERY_LIKELY, _LIKELY), strict=False):
        if score >= least and margin >= ahead:
            return name
    return "possible"


def partners(
    names: Sequence[str], among: Sequence[str], *, keep: int = 3, least: int = 60, crowd: Crowd | None = None
) -> list[list[Partner]]:
    """For each name its best partners among others, best first, ties by place; none that scores under ``least``.

    ``crowd`` is what words are weighed by, the two lists themselves where not given; give the same to ``compare`` for the same scores.
    """
    crowd = crowd or Crowd([*names, *among])
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(among):
        places[name].append(place)
    searched = sorted(places)
    readings = [read(name) for name in searched]
    asked = {name: read(name) for name in sorted(set(names))}
    found: dict[str, list[Partner]] = {}
    for (name, reading), candidates in zip(asked.items(), _candidates(list(asked.values()), readings, crowd), strict=True):
        scored = [(score_of(judge(reading, readings[at], crowd)), at) for at in candidates]
        best = [Partner(place, score) for score, at in scored if score >= least for place in places[searched[at]]]
        found[name] = sorted(best, key=lambda partner: (-partner.score, partner.place))[:keep]
    return [found[name] for name in names]


def _candidates(asked: list[Name], searched: list[Name], crowd: Crowd) -> Iterator[list[int]]:
    """For each asked name, the places worth a look. Does not depend on the order that names were given in: both lists are sorted."""
    if len(searched) <= _SMALL:
        yield from (list(range(len(searched))) for _ in asked)
        return
    index = _Index(searched, crowd)
    for name, by_text in zip(asked, _by_text(asked, searched), strict=True):
        yield sorted({*by_text, *index.find(name)})


def _by_text(asked: list[Name], searched: list[Name]) -> Iterator[list[int]]:
    """The nearest by their sorted words, in blocks of rows; of equals the first."""
    mine, theirs = [_text(name) for name in asked], [_text(name) for name in searched]
    rows = max(1, _CELLS // max(1, len(theirs)))
    for start in range(0, len(mine), rows):
        block = mine[start : start + rows]
        scores = process.cdist(
            block, theirs, scorer=Indel.normalized_similarity, score_cutoff=_CUTOFF, score_multiplier=250, dtype=np.uint8, workers=_WORKERS
        )
        yield from _nearest(scores)


def _nearest(scores: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> Iterator[list[int]]:
    rows, columns = np.nonzero(scores)
    order = np.lexsort((columns, -scores[rows, columns].astype(np.int16), rows))
    columns = columns[order]
    ends = np.cumsum(np.bincount(rows, minlength=len(scores)))
    for start, end in zip(np.concatenate(([0], ends[:-1])), ends, strict=True):
        yield columns[start : min(end, start + _BY_TEXT)].tolist()


def _text(name: Name) -> str:
    return name.readings[0].sorted_words if name.readings else name.folded


class _Index:
    """Which names have a rare word, a former name, initials."""

    def __init__(self, names: list[Name], crowd: Crowd) -> None:
        self._crowd = crowd
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(names):
            for clue in _clues(name):
                self._places[clue].append(place)
        self._worth = {clue: 1 / len(places) for clue, places in self._places.items() if len(places) <= _RARE}

    def find(self, name: Name) -> list[int]:
        """The places that share the most, and the rarest; of equals the first."""
        shared: dict[int, float] = defaultdict(float)
        for clue in sorted(_clues(name)):
            worth = self._worth.get(clue)
            if worth:
                for place in self._places[clue]:
                    shared[place] += worth
        return sorted(shared, key=lambda place: (-shared[place], place))[:_BY_WORDS]


def _clues(name: Name) -> set[str]:
    """Words, words written together, and initials, of every reading."""
    found: set[str] = set()
    for reading in name.readings:
        words = reading.words
        found.update(words)
        found.add("".join(words))
        found.update(first + second for first, second in itertools.pairwise(words))
        for kept in {words, words[: len(words) - reading.site]}:
            if 2 < len(kept) <= 6:
                found.add("".join(word[0] for word in kept))
        found.update(_initials(reading))
    return found


def _initials(reading: Reading) -> Iterator[str]:
    """Of the words it begins with, when others follow, and with the legal form's: "PHB Solicitors", "TBD Co", "TBDC"."""
    letters = [word[0] for word in (*reading.words, *reading.form.split())]
    for count in range(3, min(len(letters), 6) + 1):
        yield "".join(letters[:count])
