"""What two readings of names share and what speaks against them, in points that add up to the score.

What is shared earns its weight's part of 100. What the two say against each other, another number, place or word, costs more than what
only one of them says: leaving a word out is how people shorten, saying another is how they name somebody else.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

from accounts.likeness.crowd import TELLING, Crowd
from accounts.likeness.reading import DIRECTION, NUMBER, PLACE, PLAIN, TRADED, Name, Reading
from accounts.likeness.slips import Slip, begun, may_be_two, slip
from accounts.likeness.words import PLAIN_TAILS

_CONTRARY: Final = {NUMBER: ("numbers", -60.0), PLACE: ("places", -45.0), DIRECTION: ("directions", -45.0)}
_LACKING: Final = {NUMBER: ("number", -25.0), PLACE: ("place", -12.0), DIRECTION: ("direction", -18.0), TRADED: ("extra", -4.0)}
_NAME_LACKING: Final = ("extra", -10.0)
_WORDS_DIFFER: Final = -32.0
_GENERIC: Final = -40.0
_ALONE: Final = -8.0
_STATED: Final = -7.0
_DOUBTFUL: Final = -9.0
_SAME_TRADE: Final = -8.0
_UNSURE: Final = -9.0
_UNSURE_MOST: Final = 89.0
_LED: Final = 64.0
_LED_APART: Final = 61.0
_APART: Final = frozenset({"numbers", "places", "directions", "number", "direction"})
_SLIPS: Final = frozenset({"missing", "doubled", "changed", "two", "plural"})

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One reason before it is put into words: its kind, its points, and the words of either name that it is about."""

    kind: str
    points: float
    one: Words = ()
    other: Words = ()


@dataclass(slots=True)
class _Side:
    reading: Reading
    weights: list[float]
    left: list[int] = field(default_factory=list)

    def spelt(self, places: list[int]) -> Words:
        return tuple(self.reading.spelt[place] for place in places)


@dataclass(slots=True)
class _Found:
    """Words that stand for each other: places on either side, how far (0 to 1), and in what way."""

    one: list[int]
    other: list[int]
    worth: float
    kind: str


def judge(one: Name, other: Name, crowd: Crowd) -> list[Part]:
    """The parts of the best pair of readings; their sum, within 0 and 100, is the score. The same score either way round."""
    if not one.readings or not other.readings:
        return [Part("same", 100.0 if one.folded == other.folded else 0.0)]
    best: list[Part] = []
    most = -1.0
    for a, mine in enumerate(one.readings):
        for b, theirs in enumerate(other.readings):
            parts = judge_readings(mine, theirs, crowd)
            if a or b:
                parts.append(Part("stated", _STATED, mine.spelt if a else (), theirs.spelt if b else ()))
            if (total := total_of(parts)) > most:
                best, most = parts, total
    return best


def total_of(parts: list[Part]) -> float:
    return min(100.0, max(0.0, sum(part.points for part in parts)))


def judge_readings(mine: Reading, theirs: Reading, crowd: Crowd) -> list[Part]:
    if mine.words == theirs.words and mine.spelt == theirs.spelt:
        return [Part("same", 100.0), *_forms(mine, theirs)]
    one, other = _Side(mine, crowd.weights(mine)), _Side(theirs, crowd.weights(theirs))
    found = _shared(one, other, crowd)
    whole = sum(one.weights) + sum(other.weights)
    parts = [_shared_part(one, other, each, whole) for each in found]
    if not parts or whole <= 0:
        return [Part("nothing", 0.0)]
    against = [*_against(one, other), *_doubts(one, other, found)]
    judged = [*_gathered(parts), *against, *_order(one, other, found), *_forms(mine, theirs)]
    if all(part.kind != "doubtful" for part in against):
        judged += _unsure(one, other, found, sum(part.points for part in judged))
    return [*judged, *_led(one, other, found, judged, crowd)]


def _shared(one: _Side, other: _Side, crowd: Crowd) -> list[_Found]:
    """The same words first; then, of what is left, words written together, initials, and words that are alike."""
    found: list[_Found] = []
    places: dict[str, list[int]] = {}
    for place, word in enumerate(other.reading.words):
        places.setdefault(word, []).append(place)
    for place, word in enumerate(one.reading.words):
        if places.get(word):
            mate = places[word].pop(0)
            expanded = one.reading.spelt[place] != other.reading.spelt[mate] and one.reading.kinds[place] != NUMBER
            found.append(_Found([place], [mate], 0.97 if expanded else 1.0, "short" if expanded else "same"))
        else:
            one.left.append(place)
    other.left = sorted(place for rest in places.values() for place in rest)
    if one.left and len(other.left) > 1:
        found += _runs(one, other, is_swapped=False)
    if other.left and len(one.left) > 1:
        found += _runs(other, one, is_swapped=True)
    return found + _alike(one, other, crowd)


def _runs(mine: _Side, theirs: _Side, *, is_swapped: bool) -> list[_Found]:
    """A word of mine that is several of theirs: without their blanks, or by their initials."""
    found = []
    for place in list(mine.left):
        word = mine.reading.words[place]
        if mine.reading.kinds[place] == NUMBER or len(word) < 2 or not (run := _run(word, theirs)):
            continue
        places, kind, worth = run
        mine.left.remove(place)
        theirs.left = [left for left in theirs.left if left not in places]
        mine.weights[place] = sum(theirs.weights[left] for left in places)
        pair = ([place], places) if not is_swapped else (places, [place])
        found.append(_Found(*pair, worth, kind))
    return found


def _run(word: str, theirs: _Side) -> tuple[list[int], str, float] | None:
    words, left = theirs.reading.words, theirs.left
    for start in range(len(left) - 1):
        if words[left[start]][0] != word[0]:
            continue
        for end in range(start + 2, min(len(left), start + 7) + 1):
            places = left[start:end]
            if places[-1] - places[0] != len(places) - 1:
                break
            if "".join(words[place] for place in places) == word:
                return places, "blank", 0.97
            if word in _initials(theirs, places):
                return places, "initials", (0.5, 0.8, 0.86)[min(len(word), 4) - 2]
    return None


def _initials(side: _Side, places: list[int]) -> tuple[str, ...]:
    """Of the words, and with the legal form's where they are the last: the C of "TBDC" is the company's."""
    letters = "".join(side.reading.words[place][0] for place in places)
    if places[-1] < len(side.reading.words) - 1 or not side.reading.form:
        return (letters,)
    return letters, letters + "".join(word[0] for word in side.reading.form.split())


def _alike(one: _Side, other: _Side, crowd: Crowd) -> list[_Found]:
    """The best pairs first. What is mistyped weighs what the right word weighs."""
    if not one.left or not other.left:
        return []
    able: list[tuple[float, tuple[str, str], int, int, Slip]] = []
    for mine in one.left:
        for theirs in other.left:
            a, b = one.reading.words[mine], other.reading.words[theirs]
            if NUMBER in (one.reading.kinds[mine], other.reading.kinds[theirs]):
                continue
            alike = slip(a, b, one_used=crowd.is_used(a), other_used=crowd.is_used(b))
            alike = alike or begun(one.reading.spelt[mine], b) or begun(other.reading.spelt[theirs], a)
            if alike:
                able.append((-alike[0], (min(a, b), max(a, b)), mine, theirs, alike))
    found = []
    for _, _, mine, theirs, (worth, kind) in sorted(able):
        if mine in one.left and theirs in other.left:
            one.left.remove(mine)
            other.left.remove(theirs)
            one.weights[mine] = other.weights[theirs] = min(one.weights[mine], other.weights[theirs])
            found.append(_Found([mine], [theirs], worth, kind))
    return found


def _shared_part(one: _Side, other: _Side, found: _Found, whole: float) -> Part:
    weight = sum(one.weights[place] for place in found.one) + sum(other.weights[place] for place in found.other)
    return Part(found.kind, 100 * weight / whole * found.worth, one.spelt(found.one), other.spelt(found.other))


def _gathered(parts: list[Part]) -> list[Part]:
    """One part for all words that are the same, one for each other way."""
    same = [part for part in parts if part.kind == "same"]
    others = [part for part in parts if part.kind != "same"]
    if not same:
        return others
    words = tuple(word for part in same for word in part.one)
    return [Part("words", sum(part.points for part in same), words, words), *others]


def _against(one: _Side, other: _Side) -> list[Part]:
    """What is said against each other, else what only one says."""
    found = []
    mine, theirs = list(one.left), list(other.left)
    for kind, (name, points) in _CONTRARY.items():
        a = [place for place in mine if one.reading.kinds[place] == kind]
        b = [place for place in theirs if other.reading.kinds[place] == kind]
        if a and b:
            found.append(Part(name, points, one.spelt(a), other.spelt(b)))
            mine = [place for place in mine if place not in a]
            theirs = [place for place in theirs if place not in b]
    if mine and theirs:
        found.append(Part("differ", _WORDS_DIFFER, one.spelt(mine), other.spelt(theirs)))
        return found
    return [*found, *_only_in(one, mine), *(Part(part.kind, part.points, (), part.one) for part in _only_in(other, theirs))]


def _only_in(side: _Side, places: list[int]) -> list[Part]:
    """What only one says, together by its kind."""
    found: dict[str, Part] = {}
    for place in places:
        name, points = _lacking(side, place)
        before = found.get(name, Part(name, 0.0))
        found[name] = Part(name, before.points + points, (*before.one, side.reading.spelt[place]))
    return list(found.values())


def _lacking(side: _Side, place: int) -> tuple[str, float]:
    kind = side.reading.kinds[place]
    in_tail = place >= len(side.reading.words) - side.reading.site
    if kind == NUMBER and place == 0 and len(side.reading.words[0]) > 2:
        return "code", -6.0
    if in_tail and kind != NUMBER:
        return "site", -1.0 if side.reading.words[place] in PLAIN_TAILS else -8.0
    return _LACKING.get(kind, _NAME_LACKING)


def _doubts(one: _Side, other: _Side, found: list[_Found]) -> list[Part]:
    """Words of a trade alone are no evidence, one word of a longer name is little, and a slip in the only telling word may be none."""
    left = bool(one.left or other.left)
    telling = [each for each in found if max(one.weights[each.one[0]], other.weights[each.other[0]]) >= TELLING]
    if not telling and (left or any(each.kind not in ("same", "short") for each in found)):
        return [Part("generic", _GENERIC)]
    doubts = [Part("trade", _SAME_TRADE)] if any(each.kind == "family" for each in found) else []
    if telling and all(each.kind in _SLIPS for each in telling):
        doubts.append(Part("doubtful", _DOUBTFUL, one.spelt(telling[0].one), other.spelt(telling[0].other)))
    lone = min(len(one.reading.words), len(other.reading.words)) == 1 and len(found) == 1
    if left and lone and found[0].kind not in ("blank", "initials"):
        doubts.append(Part("alone", _ALONE))
    return doubts


def _unsure(one: _Side, other: _Side, found: list[_Found], so_far: float) -> list[Part]:
    """What may be two words leaves the score under that of *very likely*, however much else is shared."""
    for each in found:
        mine, theirs = one.reading.words[each.one[0]], other.reading.words[each.other[0]]
        if may_be_two(mine, theirs, each.kind):
            return [Part("unsure", min(_UNSURE, _UNSURE_MOST - so_far), one.spelt(each.one), other.spelt(each.other))]
    return []


def _led(one: _Side, other: _Side, found: list[_Found], judged: list[Part], crowd: Crowd) -> list[Part]:
    """A name that nobody else has leads to whoever has it, whatever else they say of themselves; never further than *possible*."""
    mine = _lead(one, {place for each in found for place in each.one}, crowd)
    theirs = _lead(other, {place for each in found for place in each.other}, crowd)
    kinds = {part.kind for part in judged}
    if mine is None or theirs is None or kinds & _APART:
        return []
    if not any(each.one == [mine] and each.other == [theirs] and each.kind == "same" for each in found):
        return []
    lacking = (_LED_APART if "differ" in kinds else _LED) - sum(part.points for part in judged)
    return [Part("led", lacking, one.spelt([mine]), other.spelt([theirs]))] if lacking > 0 else []


def _lead(side: _Side, shared: set[int], crowd: Crowd) -> int | None:
    """Where the first word stands that is a name and that few have: who it is, before what they do."""
    for place, (word, kind) in enumerate(zip(side.reading.words, side.reading.kinds, strict=True)):
        if kind != PLAIN or len(word) < 3 or crowd.is_used(word):
            continue
        if crowd.is_rare(word):
            return place
        if place not in shared:
            return None
    return None


def _order(one: _Side, other: _Side, found: list[_Found]) -> list[Part]:
    if one.left or other.left or len(found) < 2:
        return []
    pairs = sorted((each.one[0], each.other[0]) for each in found)
    return [Part("order", -2.0)] if any(a[1] > b[1] for a, b in itertools.pairwise(pairs)) else []


def _forms(mine: Reading, theirs: Reading) -> list[Part]:
    if not mine.form or not theirs.form or mine.form == theirs.form:
        return []
    return [Part("form", -3.0, (mine.form,), (theirs.form,))]
