"""Whether two different words may be the same word: mistyped, shortened, in the plural, or another word of the same trade."""

from __future__ import annotations

from typing import Final

from rapidfuzz.distance import OSA

from accounts.likeness.words import ABBREVIATIONS, DIRECTIONS, FAMILY, KNOWN, PLACES

_SAINTS: Final = (frozenset({"st", "saint"}), frozenset({"st", "street"}), frozenset({"dr", "doctor"}), frozenset({"ft", "fort"}))
_UMLAUTS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))
_LONG: Final = 8
_LEAST: Final = 4  # letters: shorter ones are initials, and other initials are somebody else
_FAMILY_WORTH: Final = 0.35
#: In which a word is mistyped, or may be another one.
SLIPS: Final = frozenset({"missing", "doubled", "changed", "swapped", "two", "plural"})

Slip = tuple[float, str]


def slip(one: str, other: str, *, one_used: bool, other_used: bool) -> Slip | None:
    """How far the one stands for the other, 0 to 1, and in what way; None where they are two words.

    ``used`` says that a word is known, or had by many names: two such words a letter apart are two words.
    """
    short, long = (one, other) if (len(one), one) <= (len(other), other) else (other, one)
    if len(short) == 1:
        return (0.6, "initial") if long[0] == short and long.isalpha() else None
    if short[0] != long[0] and len(long) - len(short) > 1:
        return (_FAMILY_WORTH, "family") if FAMILY.get(short, -1) == FAMILY.get(long, -2) else None
    if (alike := _same_word(short, long)) or (alike := _shortened(short, long)):
        return alike
    if one in PLACES or other in PLACES or one in DIRECTIONS or other in DIRECTIONS:
        return _mistyped(short, long) if one_used != other_used and len(long) >= 5 else None
    return None if one_used and other_used else _mistyped(short, long)


def begun(short: str, long: str) -> Slip | None:
    """A short spelling that stands for more than one word (Dist. for distribution and for district), against the other of them."""
    return (0.9, "short") if len(short) > 2 and short in ABBREVIATIONS and long in KNOWN and long.startswith(short) else None


def may_be_two(one: str, other: str, kind: str) -> bool:
    """Whether the slip may as well be two words. Only known words are sure, with two letters swapped, one doubled, or a plural: a letter
    less or another is as often a word that is not known here (Tailors, Trailers; Heating, Healing)."""
    if kind not in SLIPS:
        return False
    return kind not in ("swapped", "doubled", "plural") or (one not in KNOWN and other not in KNOWN)


def _same_word(short: str, long: str) -> Slip | None:
    if long == short + "s" and len(short) > 2:
        return (0.97 if short in KNOWN or long in KNOWN else 0.8), "plural"
    if {short, long} in _SAINTS:
        return 0.97, "short"
    if any(two in long and long.replace(two, one) == short.replace(two, one) for two, one in _UMLAUTS):
        return 0.97, "spelling"
    if FAMILY.get(short, -1) == FAMILY.get(long, -2):
        return _FAMILY_WORTH, "family"
    return None


def _shortened(short: str, long: str) -> Slip | None:
    """Abbreviations of words that are known; the beginning of an unknown one may as well be another name (Hart, Hartley)."""
    if len(short) < 3 or len(long) < len(short) + 2 or short[0] != long[0] or short in KNOWN:
        return None
    if long in KNOWN and (long.startswith(short) or (not set("aeiou") & set(short[1:]) and _letters_in_order(short, long))):
        return 0.9, "short"
    return None


def _letters_in_order(short: str, long: str) -> bool:
    letters = iter(long)
    return all(letter in letters for letter in short)


def _mistyped(short: str, long: str) -> Slip | None:
    if len(short) < _LEAST or not short.isalpha() or not long.isalpha() or len(long) - len(short) > 2:
        return None
    wrong = OSA.distance(short, long, score_cutoff=2)
    if wrong == 1:
        return _one_wrong(short, long)
    if wrong == 2 and len(short) >= _LONG - 1 and short[0] == long[0]:
        return (0.8 if len(short) >= _LONG + 2 else 0.7), "two"
    return None


def _one_wrong(short: str, long: str) -> Slip | None:
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) != len(long):
        if at and long[at] == long[at - 1]:
            return 0.95, "doubled"
        if at == 0:
            return (0.75, "missing") if len(short) >= _LONG else None
        return (0.93 if len(long) >= _LONG else 0.8 if len(long) >= 6 else 0.6), "missing"
    if short[at + 1 :] != long[at + 1 :]:
        return (0.93 if len(short) >= 6 else 0.75), "swapped"
    if at == 0:
        return (0.6 if len(short) >= _LONG else 0.35), "changed"
    return (0.87 if len(short) >= _LONG else 0.7 if len(short) >= 6 else 0.45), "changed"
