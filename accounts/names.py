"""How Organization names are compared: exactly, after a normalisation that is written down here, and never by likeness."""

import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final


@cache
def _spaces_and_punctuation() -> dict[int, str]:
    return {code: " " for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "ZP"}


_ASCII_TO_SPACE: Final = {code: " " for code in range(128) if unicodedata.category(chr(code))[0] in "ZP"}


def normalise(name: str) -> str:
    """NFKC, case-folded, each run of spaces and punctuation (Unicode Z and P) one space, trimmed.

    Where nothing is left, the trimmed name itself.

    >>> normalise("  Contoso--Dental, Ltd. ")
    'contoso dental ltd'
    >>> normalise(" *** ")
    '***'
    """
    if name.isascii():
        folded, table = name.lower(), _ASCII_TO_SPACE
    else:
        folded, table = unicodedata.normalize("NFKC", name).casefold(), _spaces_and_punctuation()
    # Control characters such as tab and line feed are white space to people, though not of the class Z.
    return " ".join(folded.translate(table).split()) or name.strip()


def normalise_all(names: Sequence[str]) -> list[str]:
    """``normalise`` for many names at once: plain ASCII ones are folded in one sweep."""
    swept = "\0".join(names)
    if not swept.isascii() or swept.count("\0") != len(names) - 1:
        return [normalise(name) for name in names]
    folded = swept.lower().translate(_ASCII_TO_SPACE).split("\0")
    return [" ".join(text.split()) or name.strip() for text, name in zip(folded, names, strict=True)]
