"""A name taken apart: its words, its legal form, what it states as a former or trading name, and the tail that names a site."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from accounts.likeness.forms import table
from accounts.likeness.words import ABBREVIATIONS, DIRECTIONS, FAMILY, NUMBERS, PARTICLES, PLACES, PLAIN_TAILS, STOPS, TRADE

#: Names are cut here before they are compared: longer ones are not names, and comparing them would take for ever.
LONGEST: Final = 300
MOST_WORDS: Final = 24

_LETTERS: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "þ": "th", "ð": "d", "ß": "ss"})
_STATED: Final = re.compile(
    r"(?<!\w)(?:formerly(?: known as| trading as)?|previously(?: known as| trading as)?|trading as|doing business as|also known as|"
    r"now known as|(?:[fna][/.]?k|d[/.]?b)[/.]?a|t/as?|(?:previous|former|old) name|"
    r"ehemals|vormals|fruher|voorheen|anciennement|antes|anteriormente|gia|tidligere|tidigare)(?!\w)[.:]?"
    r"|[(\[,;]\s*(?:was|ex|now|prev|ehem|vorm|fd|née|nee)(?!\w)[.:]?"
    r"|(?<=\w)\s+now\s+(?=\w)"
)
_BRACKETS: Final = re.compile(r"[()\[\]{}]")
_TAIL: Final = re.compile(r"\s+[-–—]+\s+|\s*[|:]\s+|\s+/\s+|\s*[\\>]\s*")
_WEB: Final = re.compile(r"(?:https?://)?www\.|(?<=\w)\.(?:com|net|org|co\.uk|org\.uk|com\.au|de|fr|nl|eu)(?!\w)")
_PARTED: Final = re.compile(r"(?<!\w)(o|mc)\s+(?=[^\W\d_]{4})")
_PLACE_AT_END: Final = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]+)[)\]]\s*")
_APOSTROPHES: Final = re.compile("['’‘`´]")
_DOTTED: Final = re.compile(r"(?<!\w)(?:[^\W\d_]\.){2,}[^\W\d_]?(?!\w)|(?<!\w)[^\W\d_]/[^\W\d_](?!\w)")
_AND: Final = re.compile(r"[&+]")
_WORD: Final = re.compile(r"(\d+)(?:st|nd|rd|th)?(?![^\W\d_])|\d+|[^\W\d_]+")

Kind = int
PLAIN, TRADED, PLACE, DIRECTION, NUMBER = range(5)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name. ``spelt`` are the words as they stand, ``words`` the same with abbreviations written out."""

    words: tuple[str, ...]
    spelt: tuple[str, ...]
    kinds: tuple[Kind, ...]
    site: int  # how many of the last words are a site's tail
    form: str

    @property
    def sorted_words(self) -> str:
        return " ".join(sorted(self.words))


@dataclass(frozen=True, slots=True)
class Name:
    """``readings`` begins with the name itself; further ones are names that it states. ``folded`` is for names without a word."""

    folded: str
    readings: tuple[Reading, ...]


def fold(text: str) -> str:
    """Without case, accents and variants of letters."""
    text = text[:LONGEST]
    if text.isascii():
        return text.lower()
    loose = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS))
    bare = "".join(letter for letter in loose if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", bare)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a folded text: "I.B.M." is one, "a b c" is one, apostrophes are nothing, numbers have no zeros before them."""
    text = _PARTED.sub(r"\1", _APOSTROPHES.sub("", text))
    text = _DOTTED.sub(lambda found: found[0].replace(".", "").replace("/", ""), text)
    text = _AND.sub(" and ", text)
    found = [match[1] or match[0] for match in _WORD.finditer(text)]
    kept = [word for word in found if word not in STOPS] or found
    words: list[str] = []
    single = False
    for word in kept[:MOST_WORDS]:
        lone = len(word) == 1 and word.isalpha() and word.isascii()
        if lone and single:
            words[-1] += word
        else:
            words.append(word.lstrip("0") or "0" if word[0].isdecimal() else word)
        single = lone
    return tuple(words)


@lru_cache(maxsize=16_384)  # of two lists of some thousands all are kept; of longer ones no more than a few MiB
def read(name: str) -> Name:
    folded = " ".join(fold(name).split())
    main, stated = _stated(folded)
    readings = [reading for text in (main, *stated) if (reading := _reading(text)).words]
    return Name(folded, tuple(dict.fromkeys(readings)))


def _stated(folded: str) -> tuple[str, list[str]]:
    """The name, and the names it states: "acme (formerly widgets)", "widgets t/a acme", "acme f/k/a widgets"."""
    plain = _WEB.sub(" ", folded).strip()
    main, *stated = _STATED.split(plain)
    if not stated or not words_of(main):
        return plain, []
    return main.rstrip(" ([,;-"), [text.strip(" )],;.") for text in stated]


def _reading(text: str) -> Reading:
    head, tail = _head_and_tail(text)
    words, form = _named(head)
    after = words_of(_BRACKETS.sub(" ", tail)) if words else ()
    if tail and not words:
        words, form = _named(text)
    elif after:
        after, form_after = _without_form(after)
        form = form or form_after
    spelt = (*words, *after)
    plain = tuple(NUMBERS.get(word) or ABBREVIATIONS.get(word, word) for word in spelt)
    kinds = tuple(_kind(word) for word in plain)
    return Reading(plain, spelt, kinds, len(after), form)


def _head_and_tail(text: str) -> tuple[str, str]:
    """Where a site stands: "garrowby glass - leeds", "garrowby glass (leeds)"."""
    head, *tails = _TAIL.split(text, maxsplit=1)
    if tails:
        return (text, "") if head.strip().isdecimal() else (head, tails[0])  # "10423 - Garrowby Glass" is an account's number
    if (found := _PLACE_AT_END.fullmatch(text)) and all(word in PLACES or word in PLAIN_TAILS for word in words_of(found[2])):
        return found[1], found[2]
    return text, ""


def _named(head: str) -> tuple[tuple[str, ...], str]:
    """The words of a name with its brackets, and its legal form; the form may stand before a bracket as well as at the end."""
    before, *brackets = _BRACKETS.split(head)
    words, form = _without_form(words_of(before))
    for content in brackets:
        inside = words_of(content)
        if "".join(word[0] for word in words) == "".join(inside) and len(words) > 1:
            continue  # "International Widget Makers (IWM)" says the same thing twice
        words, form = (*words, *inside), form
        words, form_after = _without_form(words)
        form = form or form_after
    return words, form


def _without_form(words: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Forms at the end, else one at the start. At least one word stays; for short forms, one that is not of a trade."""
    forms = table(words_of)
    kept, found = words, ""
    cut = True
    while cut:
        cut = False
        for length in range(min(5, len(kept) - 1), 0, -1):
            form = forms.get(kept[-length:])
            if form and _may_go(form, kept[:-length]):
                kept, found, cut = kept[:-length], found or form, True
                break
    if found:
        return kept, found
    for length in range(min(5, len(kept) - 1), 0, -1):
        form = forms.get(kept[:length])
        if form and _may_go(form, kept[length:]) and form != "co":
            return kept[length:], form
    return kept, ""


def _may_go(form: str, rest: tuple[str, ...]) -> bool:
    return len(form) > 2 or any(word not in TRADE and word not in PLACES and word not in DIRECTIONS for word in rest)


def _kind(word: str) -> Kind:
    if word[0].isdecimal():
        return NUMBER
    if word in DIRECTIONS:
        return DIRECTION
    if word in PLACES:
        return PLACE
    return TRADED if word in TRADE or word in FAMILY or word in PLAIN_TAILS or word in PARTICLES else PLAIN
