"""One cheap look through a sheet's XML, to know whether a closer one is needed. Wrong guesses cost time only: they err towards yes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ingest.sources.grid import Bytes, Ints, Mask

_BLOCK: Final = 1 << 18  # a processor's cache holds it
_BEFORE, _AFTER = 4, 16


def _among(letters: bytes) -> Mask:
    found = np.zeros(256, dtype=np.bool_)
    found[list(letters)] = True
    return found


_SPACE: Final = _among(b" \t\r\n")
_LETTER: Final = _among(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGIT: Final = _among(b"0123456789")
_QUOTE: Final = _among(b"\"'")
_TAG_START: Final = _among(b"<:")


@dataclass(slots=True)
class Looked:
    """``is_wide``: a cell may stand past column Z or row 999,999, or does not say where; the others say what they say."""

    is_wide: bool = False
    has_errors: bool = False
    has_formulas: bool = False


def look_through(xml: bytes) -> Looked:
    """Block by block, with some bytes of the neighbours around each."""
    text, looked = np.frombuffer(xml, dtype=np.uint8), Looked()
    size = min(_BLOCK, len(text))
    block = np.zeros(_BEFORE + size + _AFTER, dtype=np.uint8)
    for start in range(0, len(text), _BLOCK):
        piece = text[max(start - _BEFORE, 0) : start + size + _AFTER]
        offset = 0 if start else _BEFORE
        block[:offset] = 0
        block[offset : offset + len(piece)] = piece
        block[offset + len(piece) :] = 0
        inner = block[_BEFORE : len(block) - _AFTER]
        _look_at_attributes(block, np.flatnonzero(inner == ord("=")) + _BEFORE, looked)
        _look_at_tags(block, np.flatnonzero(inner == ord("<")) + _BEFORE, looked)
        colons = np.flatnonzero(inner == ord(":")) + _BEFORE  # a prefix before a tag's name is allowed, and nobody's habit
        cells = (block[colons + 1] == ord("c")) & ~_LETTER[block[colons + 2]]
        rows = (block[colons + 1] == ord("r")) & (block[colons + 2] == ord("o")) & (block[colons + 3] == ord("w"))
        looked.is_wide |= bool((cells | rows).any())
        places = np.flatnonzero(inner == ord("f")) + _BEFORE
        looked.has_formulas |= bool(_TAG_START[block[places - 1]].any())
    return looked


def _look_at_tags(block: Bytes, tags: Ints, looked: Looked) -> None:
    """A row or cell whose first attribute is not its place stands after the one before, wherever that leads."""
    first, second = block[tags + 1], block[tags + 2]
    cells = tags[(first == ord("c")) & ~_LETTER[second]] + 2
    rows = tags[(first == ord("r")) & (second == ord("o")) & (block[tags + 3] == ord("w"))] + 4
    for ends in (cells, rows):
        looked.is_wide |= bool((~_SPACE[block[ends]] | (block[ends + 1] != ord("r"))).any())


def _look_at_attributes(block: Bytes, signs: Ints, looked: Looked) -> None:
    """``signs`` are the places of the equals signs."""
    before, after = block[signs - 1], block[signs + 1]
    if (_SPACE[before] | _SPACE[after]).any():  # white space around the sign: nobody writes so, and a closer look is safe
        looked.is_wide = looked.has_errors = True
    kinds = signs[before == ord("t")]
    looked.has_errors |= bool(((block[kinds + 2] == ord("e")) & _QUOTE[block[kinds + 3]]).any())
    cells = signs[(before == ord("r")) & _SPACE[block[signs - 2]]]
    many_letters = _LETTER[block[cells + 3]] & _LETTER[block[cells + 2]]
    far = cells[_DIGIT[block[cells + 8]]]  # few: the closer conditions are for them alone
    many_digits = np.logical_and.reduce([_DIGIT[block[far + place]] for place in range(3, 8)])
    many_digits &= _DIGIT[block[far + 2]] | _DIGIT[block[far + 9]]
    looked.is_wide |= bool(many_letters.any() or many_digits.any())
