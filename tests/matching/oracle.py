"""Matching once more, in plain sets: from the words of the specification, one reference at a time."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Who a reference is: an id, a key or a name of its own, or None where nobody can tell.
Who = tuple[str, str] | None


@dataclass(frozen=True, order=True)
class Reference:
    source: int
    name: str = ""
    its_id: str = ""
    key: str = ""


def normalised(name: str) -> str:
    """NFKC, case-folded, each run of spaces and punctuation (Unicode Z and P, and what else is white space) to one space, trimmed.

    If nothing is left, the trimmed name itself.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    words, word = [], ""
    for character in folded:
        if unicodedata.category(character)[0] in "ZP" or character.isspace():
            words.append(word)
            word = ""
        else:
            word += character
    kept = " ".join(word for word in [*words, word] if word)
    return kept or name.strip()


KNOWN = -1


def matched(references: Sequence[Reference], weak: frozenset[int] = frozenset()) -> list[Who]:
    """Each reference by its id, else key, else name; what is known already is itself where nothing else can be said."""
    found = [_who(one, references, weak) for one in references]
    return [("known", repr(one)) if who is None and one.source == KNOWN else who for one, who in zip(references, found, strict=True)]


def _who(one: Reference, all_of_them: Iterable[Reference], weak: frozenset[int]) -> Who:
    if one.its_id:
        return ("id", one.its_id)
    if one.key:
        return _by_key(one.key, list(all_of_them), weak)
    return _by_name(one, list(all_of_them), weak)


def _by_key(key: str, others: list[Reference], weak: frozenset[int]) -> Who:
    """The one id that comes with the key; else the one id without any key that has its name, if that is no other key's name too."""
    ids = {other.its_id for other in others if other.key == key and other.its_id}
    if ids:
        return ("id", ids.pop()) if len(ids) == 1 else None
    found = _keyless_ids(key, others, weak)
    if not found:
        return ("key", key)
    [its_id, *more] = found
    free_keys = {other.key for other in others if other.key and not any(o.its_id and o.key == other.key for o in others)}
    rivals = {other for other in free_keys if its_id in _keyless_ids(other, others, weak)}
    return ("id", its_id) if not more and rivals == {key} else None


def _keyless_ids(key: str, others: list[Reference], weak: frozenset[int]) -> set[str]:
    """Ids that nobody gives a key, and that have a name which the key has."""
    names = {normalised(other.name) for other in others if other.key == key and not other.its_id and other.name}
    keyed = {other.its_id for other in others if other.its_id and other.key}
    found = set()
    for name in names:
        named = [other for other in others if other.its_id and other.name and normalised(other.name) == name]
        strong = [other for other in named if other.source not in weak]
        found |= {other.its_id for other in strong or named} - keyed
    return found


def _by_name(one: Reference, others: list[Reference], weak: frozenset[int]) -> Who:
    """The one identified Organization of that name; another spelling of it in the same list makes it nobody's."""
    name = normalised(one.name)
    alike = [other for other in others if other.name and normalised(other.name) == name]
    if one.source >= 0 and len({other.name for other in alike if other.source == one.source}) > 1:
        return None
    identified = [other for other in alike if other.its_id or other.key]
    known = [(other, who) for other in identified if (who := _who(other, others, weak))]
    strong = {who for other, who in known if other.source not in weak}
    fits = strong or {who for _, who in known}
    if len(fits) > 1:
        return None
    return fits.pop() if fits else ("name", name)
