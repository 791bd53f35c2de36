"""One customer that became two, or two that became one: the counts add up, and the names belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from accounts.names import normalise
from recon.engine.suspicion import Pair, Reason, settled
from recon.engine.weighing import Scales, Vector, added, are_near, count_words

_LOOKED_AT: Final = 6
_LEAST: Final = 55
_FEWEST_UNITS: Final = 3
#: What speaks for a split: exact sums and both names, then the weaker mixtures.
_EXACT, _NEAR, _NAME, _NAMED_WITHIN = 40, 25, 25, 22


@dataclass(frozen=True, slots=True)
class Parted:
    """``whole`` has become ``parts`` (or the reverse)."""

    whole: int
    parts: tuple[int, int]
    score: int
    reasons: tuple[Reason, ...]


def parted(
    scales: Scales,
    wholes: Sequence[int],
    pieces: Sequence[int],
    alike: Mapping[int, Mapping[int, int]],
    *,
    is_split: bool,
    different: Collection[Pair],
) -> list[Parted]:
    """Wholes whose counts two pieces have together, best first. One name at least must belong to it, and the other must fit alone.

    ``alike``: for each whole the pieces with a name like its own, and how like.
    """
    of_whole, of_piece = ("previous", "billed") if is_split else ("billed", "previous")
    vectors = {pk: scales.vector(of_piece, pk) for pk in pieces}
    by_vector: dict[Vector, list[int]] = defaultdict(list)
    for pk, vector in vectors.items():
        by_vector[vector].append(pk)
    found = []
    related = _related(scales, wholes, pieces, alike)
    for whole in wholes:
        total = scales.vector(of_whole, whole)
        if sum(total) < _FEWEST_UNITS or any(are_near(vectors[piece], total) for piece in related[whole]):
            continue
        options = [
            _said(whole, (one, other), related[whole], total, added([vectors[one], vectors[other]]))
            for one, other in _options(total, related[whole], vectors, by_vector)
            if not {frozenset((whole, one)), frozenset((whole, other))} & set(different)
        ]
        if options:
            found.append(max(options, key=lambda option: (option.score, -option.parts[0], -option.parts[1])))
    return sorted(found, key=lambda option: (-option.score, option.whole))


def _options(
    total: Vector, related: Mapping[int, int], vectors: Mapping[int, Vector], by_vector: Mapping[Vector, list[int]]
) -> Iterator[tuple[int, int]]:
    best = sorted(related, key=lambda pk: (-related[pk], pk))[:_LOOKED_AT]
    for one, other in combinations(best, 2):
        if are_near(added([vectors[one], vectors[other]]), total) and all(any(vectors[pk]) for pk in (one, other)):
            yield one, other
    for one in best:
        rest = tuple(a - b for a, b in zip(total, vectors[one], strict=True))
        fits = [pk for pk in by_vector.get(rest, ()) if pk != one and pk not in best]
        if len(fits) == 1 and any(rest) and any(vectors[one]):
            yield one, fits[0]


def _said(whole: int, parts: tuple[int, int], related: Mapping[int, int], total: Vector, together: Vector) -> Parted:
    exact = together == total
    words = (
        f"The counts add up: {count_words(total)}"
        if exact
        else f"The counts nearly add up: {count_words(together)} of {count_words(total)}"
    )
    reasons: list[Reason] = [(words, _EXACT if exact else _NEAR)]
    for pk in parts:
        alike = related.get(pk)
        if alike is None:
            reasons.append(("The other part has another name", 0))
        else:
            reasons.append(("A name that belongs to it", _NAME if alike >= _LEAST else _NAMED_WITHIN))
    score, said = settled(reasons)
    first, second = sorted(parts, key=lambda pk: (-related.get(pk, 0), pk))
    return Parted(whole, (first, second), score, said)


def _related(
    scales: Scales, wholes: Sequence[int], pieces: Sequence[int], alike: Mapping[int, Mapping[int, int]]
) -> dict[int, dict[int, int]]:
    """For each whole the pieces whose name is alike or has all its words, with a score."""
    found: dict[int, dict[int, int]] = {whole: dict(alike.get(whole, {})) for whole in wholes}
    words_of = {pk: frozenset(normalise(scales.name[pk]).split()) for pk in {*wholes, *pieces}}
    having: dict[str, set[int]] = defaultdict(set)
    for pk in pieces:
        for word in words_of[pk]:
            having[word].add(pk)
    for whole in wholes:
        sets = sorted((having.get(word, set()) for word in words_of[whole]), key=len)
        if len(words_of[whole]) > 1 and sets and len(sets[0]) <= _LOOKED_AT * 10:
            for pk in set.intersection(*sets):
                found[whole].setdefault(pk, _LEAST - 1)
    return found
