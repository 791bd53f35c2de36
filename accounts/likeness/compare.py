"""The comparison as people see it: whole points, reasons in words, and the stretch of each name that differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from accounts.likeness.crowd import NOBODY, Crowd
from accounts.likeness.reading import fold, read
from accounts.likeness.scoring import Part, Words, judge, total_of

Stretch = tuple[int, int]

#: What is left to gain by equal or nearly equal keys, and what keys that have nothing to do with each other cost.
_KEY_GAIN: Final = 0.5
_KEYS_ALIKE: Final = 85
_KEYS_UNLIKE: Final = 40
_KEYS_COST: Final = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in words; what speaks against has negative points, and 0 has no part in the score."""

    words: str
    points: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """``score`` is 0 to 100 and the sum of the reasons' points. ``marks`` are the differing stretches, as places in either name."""

    score: int
    reasons: tuple[Reason, ...]
    marks: tuple[Stretch, Stretch]


def compare(one: str, other: str, *, keys: tuple[str, str] = ("", ""), crowd: Crowd = NOBODY) -> Likeness:
    """How alike two names are, and their keys where both are given.

    ``crowd`` should be that of the search (see ``partners``): a word that many names have says less.
    """
    parts = judge(read(one), read(other), crowd)
    raw = [(_words(part), part.points) for part in parts]
    score = score_of(parts)
    if all(keys):
        raw.append(_keys(*keys, score))
        score = max(0, min(100, score + round(raw[-1][1])))
    return Likeness(score, _settled(raw, score), (mark(one, other), mark(other, one)))


def score_of(parts: list[Part]) -> int:
    return round(total_of(parts))


def _keys(mine: str, theirs: str, score: int) -> tuple[str, float]:
    """Keys gain a part of what the names leave open, and cost a little where they are of another make."""
    if mine == theirs:
        return "The same key", (100 - score) * _KEY_GAIN
    alike = score_of(judge(read(mine.replace("_", " ")), read(theirs.replace("_", " ")), NOBODY))
    if alike >= _KEYS_ALIKE:
        return f"Keys nearly the same: {_quoted((mine,))}, {_quoted((theirs,))}", (100 - score) * _KEY_GAIN * alike / 100
    if alike < _KEYS_UNLIKE:
        return "Keys that are not alike", -min(_KEYS_COST, score)
    return "Keys that are somewhat alike", 0


def _settled(raw: list[tuple[str, float]], score: int) -> tuple[Reason, ...]:
    """Whole points that sum to the score. What clamping takes away, it takes from what speaks against, the largest first."""
    points = [round(value) for _, value in raw]
    short = score - sum(points)
    order = sorted(range(len(points)), key=lambda place: (points[place] if short > 0 else -points[place], place))
    for place in order:
        room = max(0, -points[place]) if short > 0 else -max(0, points[place])
        step = min(short, room) if short > 0 else max(short, room)
        points[place] += step
        short -= step
    if short and points:
        points[max(range(len(points)), key=lambda place: points[place])] += short
    return tuple(Reason(words, value) for (words, _), value in zip(raw, points, strict=True))


def mark(name: str, other: str) -> Stretch:
    """The stretch of ``name`` between what both begin with and what both end with; never empty where they differ."""
    mine, theirs = [fold(letter) for letter in name], [fold(letter) for letter in other]
    if mine == theirs:
        return 0, 0
    least = min(len(mine), len(theirs))
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, theirs, strict=False)))
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(mine[head:]), reversed(theirs[head:]), strict=False)))
    tail = min(tail, least - head)
    if head + tail == least:  # one has nothing of its own: show a letter, so that there is something to see
        head, tail = (head, tail - 1) if tail else (max(0, head - 1), tail)
    return head, max(head, len(mine) - tail)


def _quoted(words: Words) -> str:
    return f"“{' '.join(words)}”"


def _two(part: Part) -> str:
    return f"{_quoted(part.one)}, {_quoted(part.other)}"


def _lone(part: Part) -> str:
    return _quoted(part.one or part.other)


_SAY: Final[dict[str, Callable[[Part], str]]] = {
    "same": lambda part: "The same name" if part.points else "Nothing in common",
    "nothing": lambda part: "Nothing in common",
    "words": lambda part: f"{'The same words' if len(part.one) > 1 else 'The same word'}: {_quoted(part.one)}",
    "short": lambda part: f"One shortened: {_two(part)}",
    "plural": lambda part: f"Singular and plural: {_two(part)}",
    "spelling": lambda part: f"Two spellings: {_two(part)}",
    "family": lambda part: f"Words of the same trade: {_two(part)}",
    "initial": lambda part: f"An initial: {_two(part)}",
    "initials": lambda part: f"Initials: {_two(part)}",
    "blank": lambda part: f"The same without the blanks: {_two(part)}",
    "doubled": lambda part: f"One letter missing: {_two(part)}",
    "missing": lambda part: f"One letter missing: {_two(part)}",
    "swapped": lambda part: f"Two letters swapped: {_two(part)}",
    "changed": lambda part: f"One letter differs: {_two(part)}",
    "two": lambda part: f"Two letters differ: {_two(part)}",
    "numbers": lambda part: f"Different numbers: {_two(part)}",
    "places": lambda part: f"Different places: {_two(part)}",
    "directions": lambda part: f"Told apart by {_two(part)}",
    "differ": lambda part: f"Different words: {_two(part)}",
    "number": lambda part: f"A number in one only: {_lone(part)}",
    "place": lambda part: f"A place in one only: {_lone(part)}",
    "direction": lambda part: f"In one only, and tells apart: {_lone(part)}",
    "extra": lambda part: f"In one only: {_lone(part)}",
    "site": lambda part: f"A site in one only: {_lone(part)}",
    "generic": lambda part: "Only words in common that many names have",
    "doubtful": lambda part: "It is the word that tells who it is",
    "trade": lambda part: "The same trade under another word may be another firm",
    "unsure": lambda part: f"Both may be words of their own: {_two(part)}",
    "led": lambda part: f"Hardly anybody else has {_lone(part)}",
    "code": lambda part: f"A number before one only: {_lone(part)}",
    "alone": lambda part: "A single word in common",
    "order": lambda part: "The words in another order",
    "form": lambda part: f"Different legal forms: {_two(part)}",
    "stated": lambda part: (
        f"Stated as a former or trading name: {_lone(part)}" if not (part.one and part.other) else f"Both stated: {_two(part)}"
    ),
}


def _words(part: Part) -> str:
    return _SAY[part.kind](part)
