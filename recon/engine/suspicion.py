"""What is suspected of one Organization, and what detection is given: tables of this cycle and the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import pandas as pd

Kind = Literal[
    "unmatched", "renamed", "split", "merged", "mistyped", "same_name", "swapped", "fallback_key", "site", "new", "missing"
]  # fmt: skip
#: Columns of the parties, one row a customer (members count under their root; they are no parties).
PARTIES: Final = ("pk", "name", "huntress_id", "key", "billed", "previous", "is_new", "named", "unsure", "name_now", "name_before")
#: Leg is ``billed`` or ``previous`` (billed in the cycle before).
UNITS: Final = ("pk", "leg", "product", "units")
Hostnames = Callable[[Collection[int]], Mapping[int, frozenset[str]]]
Pair = frozenset[int]
Reason = tuple[str, int]


def no_hostnames(_: Collection[int]) -> Mapping[int, frozenset[str]]:
    return {}


@dataclass(frozen=True)
class Months:
    """Who is in the bill, who was, and how they are called.

    ``parties``: PARTIES. ``billed``, ``previous``: the bill of this cycle, of the one before, names it; ``is_new``: no earlier bill ever
    did; ``named``: a list of this cycle other than the bill does; ``unsure``: a row that could not be read, or waits, may be its own.
    ``name_now`` and ``name_before`` are what those bills call it. ``decided``: nothing is asked of it any more (internal use, say).
    ``has_before``: there is an earlier bill, and it is complete. ``is_complete``: this bill is.
    ``different``: pairs that a person told apart.
    """

    parties: pd.DataFrame
    units: pd.DataFrame
    cycle: str
    has_before: bool = True
    is_complete: bool = True
    different: frozenset[Pair] = frozenset()
    decided: frozenset[int] = frozenset()
    hostnames: Hostnames = field(default=no_hostnames)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is suspected of ``subject``. ``parts``: all further Organizations of a split or a merger, the candidate among them.

    ``reasons`` sum to ``score``; ``margin`` is how far the runner-up is behind, the score itself where there is none.
    ``topic`` is stable from run to run. ``before``: the earlier name, of a rename whose id or key stayed.
    """

    kind: Kind
    subject: int
    topic: str
    candidate: int | None = None
    score: int = 0
    reasons: tuple[Reason, ...] = ()
    runner_up: int | None = None
    runner_up_score: int = 0
    parts: tuple[int, ...] = ()
    is_exact: bool = False
    before: str = ""
    marks: tuple[tuple[int, int], tuple[int, int]] | None = None
    shared_hostnames: int | None = None

    @property
    def margin(self) -> int:
        return max(0, self.score - self.runner_up_score)

    @property
    def is_blocking(self) -> bool:
        """A month is not closed over it. What merely came or went is looked at in its row."""
        return not (self.is_exact or self.kind in {"new", "missing"})


def topic_of(organizations: Iterable[int]) -> str:
    """Of two Organizations or more, whatever is suspected of them.

    >>> topic_of([7, 3])
    'orgs:3:7'
    """
    return ":".join(["orgs", *map(str, sorted(set(organizations)))])


def pairs_of(topic: str) -> set[Pair]:
    """The pairs that a topic is about; none where it is about one Organization or a name.

    >>> sorted(map(sorted, pairs_of("orgs:3:7:9")))
    [[3, 7], [3, 9], [7, 9]]
    """
    kind, *numbers = topic.split(":")
    if kind != "orgs" or not all(one.isdecimal() for one in numbers):
        return set()
    found = sorted(map(int, numbers))
    return {frozenset((one, other)) for place, one in enumerate(found) for other in found[place + 1 :]}


def settled(reasons: Iterable[Reason]) -> tuple[int, tuple[Reason, ...]]:
    """The sum of the points as a score of 0 to 100, and reasons that sum to it: what is too much is taken from the last ones.

    >>> settled([("Alike", 95), ("Same counts", 10)])
    (100, (('Alike', 95), ('Same counts', 5)))
    """
    given = list(reasons)
    total = sum(points for _, points in given)
    over = total - min(100, max(0, total))
    for place in range(len(given) - 1, -1, -1):
        words, points = given[place]
        step = min(over, max(points, 0)) if over > 0 else max(over, min(points, 0))
        given[place], over = (words, points - step), over - step
    return min(100, max(0, total)), tuple(given)
