"""Legal forms: which words at the end or the start of a name are one, and which are only spellings of each other.

The terms are cleanco's (a maintained, plain list); what it lacks are forms written out in full, and what it has too many of are terms
that are words or places as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from cleanco.termdata import terms_by_country, terms_by_type

#: Terms of the list that in a customer's name are more often a word or a place.
_WORDS_TOO: Final = "uk private at et ok sal sem sep vat dat ik ba bm sd mb ps ca nl spa coop koop ent ep ec sp da"
_NOT_FORMS: Final = frozenset(_WORDS_TOO.split())

_SPELT_OUT: Final = {
    "limited": "ltd",
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
    "co limited": "co ltd",
    "company limited": "co ltd",
    "company ltd": "co ltd",
    "co ltd": "co ltd",
    "public limited company": "plc",
    "limited liability company": "llc",
    "limited liability partnership": "llp",
    "limited partnership": "lp",
    "proprietary limited": "pty ltd",
    "pty limited": "pty ltd",
    "private limited": "pvt ltd",
    "pvt limited": "pvt ltd",
    "pvt ltd": "pvt ltd",
    "pte limited": "pte ltd",
    "unlimited company": "unltd",
    "community interest company": "cic",
    "charitable incorporated organisation": "cio",
    "gesellschaft mit beschrankter haftung": "gmbh",
    "mbh": "gmbh",
    "ug": "ug",
    "haftungsbeschrankt": "ug",
    "ug haftungsbeschrankt": "ug",
    "unternehmergesellschaft": "ug",
    "aktiengesellschaft": "ag",
    "kommanditgesellschaft": "kg",
    "eingetragener verein": "ev",
    "societe anonyme": "sa",
    "societe a responsabilite limitee": "sarl",
    "societe par actions simplifiee": "sas",
    "sociedad anonima": "sa",
    "sociedad limitada": "sl",
    "societa per azioni": "s p a",
    "societa a responsabilita limitata": "srl",
    "besloten vennootschap": "bv",
    "naamloze vennootschap": "nv",
    "aktiebolag": "ab",
    "aksjeselskap": "as",
    "aktieselskab": "as",
    "anpartsselskab": "aps",
    "osakeyhtio": "oy",
}


@cache
def table(words_of: Callable[[str], tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Each form as the words a name would have it in, with the one spelling that stands for all of them."""
    listed = {term.strip() for terms in (*terms_by_type.values(), *terms_by_country.values()) for term in terms}
    found: dict[tuple[str, ...], str] = {}
    for term in sorted(listed):
        words = words_of(term)
        if words and " ".join(words) not in _NOT_FORMS and not any(len(words) == 1 and len(word) == 1 for word in words):
            found[words] = " ".join(words)
    for term, form in _SPELT_OUT.items():
        found[words_of(term)] = form
    return found
