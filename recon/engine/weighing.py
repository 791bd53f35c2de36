"""How alike two Organizations are: their names and keys, then what their counts and their machines add or take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from accounts.likeness import Crowd, Partner, compare, partners
from accounts.products import BY_CODE, CODES
from recon.engine.suspicion import Months, Reason, settled

Vector = tuple[int, ...]
#: Pairs of names that are compared at most in one search, so that a first month of very many unknown names ends in seconds.
MOST_PAIRS: Final = 60_000_000
_SAME, _NEAR, _FAR = 10, 6, -15
_NEAR_PERCENT: Final = 10
_ALL_HOSTS, _MOST_HOSTS, _NO_HOSTS = 30, 15, -10


@dataclass(frozen=True, slots=True)
class Weighed:
    score: int
    reasons: tuple[Reason, ...]
    marks: tuple[tuple[int, int], tuple[int, int]]
    shared: int | None


class Scales:
    """The parties of a month by number, with their units as vectors over the products."""

    def __init__(self, months: Months) -> None:
        parties = months.parties
        self.months = months
        self.name: dict[int, str] = dict(zip(parties["pk"].tolist(), parties["name"].tolist(), strict=True))
        self.key: dict[int, str] = dict(zip(parties["pk"].tolist(), parties["key"].tolist(), strict=True))
        self.units = {leg: _vectors(months.units, leg) for leg in ("billed", "previous")}
        self._hosts: dict[int, frozenset[str]] = {}
        self._asked: set[int] = set()
        self.crowd = Crowd()

    def vector(self, leg: str, pk: int) -> Vector:
        return self.units[leg].get(pk, _NOTHING)

    def ask_hostnames(self, pks: Collection[int]) -> None:
        """Fetch once what will be weighed, for many at a time."""
        if new := set(pks) - self._asked:
            self._hosts |= self.months.hostnames(new)
            self._asked |= new

    def partners(self, asked: Sequence[int], among: Sequence[int], *, keep: int, least: int, by_key: bool = False) -> list[list[Partner]]:
        """Likely partners among others, by name (or key), as places in ``among``. Of very many only those with most units are asked."""
        if not asked or not among:
            return [[] for _ in asked]
        text = self.key if by_key else self.name
        few = max(1, MOST_PAIRS // len(among))
        heavy = asked if len(asked) <= few else sorted(asked, key=lambda pk: (-sum(self.vector("billed", pk)), pk))[:few]
        crowd = Crowd([*(text[pk] for pk in asked), *(text[pk] for pk in among)])
        self.crowd = self.crowd if by_key else crowd
        found = partners([text[pk] for pk in heavy], [text[pk] for pk in among], keep=keep, least=least, crowd=crowd)
        by_pk = dict(zip(heavy, found, strict=True))
        return [by_pk.get(pk, []) for pk in asked]

    def keys_alike(self, one: int, other: int) -> int:
        return compare(self.key[one], self.key[other]).score if self.key[one] and self.key[other] else 0

    def weigh(self, one: int, other: int, *, counts: bool = True, extra: Iterable[Reason] = ()) -> Weighed:
        """``one`` is in this bill, ``other`` was in the one before (``counts``: theirs are compared)."""
        likeness = compare(self.name[one], self.name[other], keys=(self.key[one], self.key[other]), crowd=self.crowd)
        reasons: list[Reason] = [(reason.words, reason.points) for reason in likeness.reasons]
        if counts:
            reasons.append(count_reason(self.vector("billed", one), self.vector("previous", other)))
        shared = self.shared(one, other)
        if shared is not None and (said := self._host_reason(one, shared)):
            reasons.append(said)
        score, reasons_settled = settled([*reasons, *extra])
        return Weighed(score, reasons_settled, likeness.marks, shared)

    def shared(self, one: int, other: int) -> int | None:
        """How many hostnames the two have in common; None where one of them has no agent list."""
        mine, theirs = self._hosts.get(one), self._hosts.get(other)
        return len(mine & theirs) if mine and theirs else None

    def _host_reason(self, one: int, shared: int) -> Reason | None:
        of = len(self._hosts[one])
        if shared * 10 >= of * 8:
            words = f"All {of} hostnames are known there" if shared == of else f"{shared} of {of} hostnames are known there"
            return (words, _ALL_HOSTS)
        if shared * 2 >= of:
            return (f"{shared} of {of} hostnames are known there", _MOST_HOSTS)
        return ("No hostname in common", _NO_HOSTS) if not shared else None


_NOTHING: Final[Vector] = (0,) * len(CODES)


def _vectors(units: pd.DataFrame, leg: str) -> Mapping[int, Vector]:
    of_leg = units[units["leg"] == leg]
    found: dict[int, list[int]] = {}
    for pk, product, count in zip(of_leg["pk"].tolist(), of_leg["product"].tolist(), of_leg["units"].tolist(), strict=True):
        found.setdefault(pk, list(_NOTHING))[CODES.index(product)] += int(count)
    return {pk: tuple(vector) for pk, vector in found.items()}


def count_reason(now: Vector, before: Vector) -> Reason:
    """What the counts say of two being one: the same, nearly, somehow, or far from it."""
    if now == before:
        return (f"The same counts: {count_words(now)}", _SAME)
    if are_near(now, before):
        return (f"Nearly the same counts: {count_words(before)} before, {count_words(now)} now", _NEAR)
    less, more = sorted((sum(now), sum(before)))
    if less * 2 < more:
        return (f"Counts that differ: {count_words(before)} before, {count_words(now)} now", _FAR)
    return (f"Counts that moved: {count_words(before)} before, {count_words(now)} now", 0)


def are_near(now: Vector, before: Vector) -> bool:
    """Within a tenth or one unit, product by product."""
    return all(abs(a - b) <= max(1, max(a, b) * _NEAR_PERCENT // 100) for a, b in zip(now, before, strict=True))


def count_words(vector: Vector) -> str:
    """
    >>> count_words((9, 6, 0, 0, 0))
    'EDR 9, ITDR 6'
    """
    return ", ".join(f"{BY_CODE[code].label} {count:,}" for code, count in zip(CODES, vector, strict=True) if count) or "nothing"


def added(vectors: Iterable[Vector]) -> Vector:
    return tuple(np.sum([_NOTHING, *vectors], axis=0).tolist())
