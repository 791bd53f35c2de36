"""Rows labelled as totals: set aside where their numbers are the sum above them, an error where they are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from accounts.names import normalise
from accounts.products import CODES, folded
from ingest.sources.body import Body
from ingest.sources.grid import Ints, Mask, Texts, edges, flags, nonblank, trimmed
from ingest.sources.numbers import Fault, Numbers

LABELS: Final = frozenset({"total", "grand total", "subtotal", "sub total", "sum"})


def _bytes(letters: str) -> Mask:
    """Which bytes a label may start or end with: some letters, whatever is no letter or digit, and all of other alphabets."""
    return np.asarray([chr(code).lower() in letters or not chr(code).isalnum() or code > 127 for code in range(256)], dtype=np.bool_)


_LABEL_STARTS: Final = _bytes("gst")
_LABEL_ENDS: Final = _bytes("lm")


@dataclass
class Totals:
    """The labelled rows by verdict; of those that differ, the products concerned ("" is all) and both numbers, for a person."""

    tied: list[int] = field(default_factory=list)
    unproved: list[int] = field(default_factory=list)
    differing: dict[int, list[str]] = field(default_factory=dict)
    sentences: dict[int, str] = field(default_factory=dict)

    def tie_by(self, other: Totals) -> None:
        """What ties when it is added up the other way ties too."""
        for row in set(self.differing).intersection(other.tied):
            self.tied.append(row)
            del self.differing[row], self.sentences[row]


def labelled(body: Body, among: Mask) -> Ints:
    """Rows whose Organization cell (where that is blank, whose first cell with text) is nothing but a total's label."""
    names = body.owners["organization"]
    bare = np.flatnonzero(among & ~nonblank(names))
    found = among & _is_label(names)
    found[bare] = _is_label(_first_texts(body, bare))
    return np.flatnonzero(found)


def _first_texts(body: Body, rows: Ints) -> Texts:
    places = pa.array(rows + body.first)
    texts = pa.repeat(pa.scalar("", pa.string()), len(rows))
    for column in body.grid.columns if len(rows) else []:
        texts = pc.if_else(pc.equal(texts, ""), trimmed(column.take(places)), texts)
    return texts


def _is_label(texts: Texts) -> Mask:
    """Only texts that could be a label are normalised one by one."""
    first, last = edges(texts)
    maybe = np.flatnonzero(_LABEL_STARTS[first] & _LABEL_ENDS[last])
    likely = texts.take(pa.array(maybe))
    labels = [text for text in pc.unique(likely).to_pylist() if normalise(text) in LABELS]
    found = np.zeros(len(texts), dtype=np.bool_)
    found[maybe] = flags(pc.is_in(likely, pa.array(labels, pa.string())))
    return found


def check_totals(body: Body, rows: Ints, summed: Mask, rejected: Mask) -> Totals:
    """``rows`` are the labelled ones, ``summed`` the rows that a total adds up, ``rejected`` those that prove nothing.

    A total may be of all rows above it, or of those since the last labelled row. With a rejected row in between it cannot be proved.
    """
    totals = Totals()
    if not len(rows):
        return totals
    spoiled = _running(rejected.astype(np.int64))
    sums = _Sums(body, summed)
    since = 0
    for row in rows.tolist():
        _check_one(totals, body, sums, row, [0, since], spoiled)
        since = row
    return totals


def _running(values: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])


class _Sums:
    """Sums of a stretch of rows: by entry (wide), or by product, by an unknown product's text, and of all (long)."""

    def __init__(self, body: Body, summed: Mask) -> None:
        self._body, self._summed = body, summed
        self._running: dict[str, Ints] = {}

    def between(self, key: str, start: int, end: int) -> int:
        if key not in self._running:
            self._running[key] = _running(self._values(key))
        running = self._running[key]
        return int(running[end] - running[start])

    def _values(self, key: str) -> Ints:
        body = self._body
        if not body.columns.is_long:
            place = [entry.product for entry in body.columns.entries].index(key)
            return np.where(self._summed, body.quantities[place].values, 0)
        values = np.where(self._summed, body.quantities[0].values, 0)
        if key in CODES:
            return np.where(body.products == CODES.index(key), values, 0)
        if key:
            texts = body.text(body.columns.product or 0).dictionary_encode()
            same = np.asarray([folded(text) == key for text in texts.dictionary.to_pylist()], dtype=np.bool_)
            return np.where(same[texts.indices.to_numpy(zero_copy_only=False)], values, 0)
        return values


def _check_one(totals: Totals, body: Body, sums: _Sums, row: int, starts: list[int], spoiled: Ints) -> None:
    stated = _stated(body, row)
    if not stated:
        totals.tied.append(row)
        return
    unreadable = [key for key, number in stated.items() if isinstance(number, str)]
    spans = [{key: sums.between(key, start, row) for key in stated} for start in starts]
    clean = [spoiled[row] == spoiled[start] for start in starts]
    misses = [[key for key, number in stated.items() if number != span[key]] for span in spans]
    if any(not missing and is_clean for missing, is_clean in zip(misses, clean, strict=True)):
        totals.tied.append(row)
    elif not unreadable and not all(clean):
        totals.unproved.append(row)
    else:
        missing = min(misses, key=len)
        span = spans[misses.index(missing)]
        totals.differing[row] = _concerned(body, missing)
        totals.sentences[row] = "; ".join(f"{_label(key)}{stated[key]} is stated, {span[key]:,} is the sum" for key in missing)


def _stated(body: Body, row: int) -> dict[str, int | str]:
    """A total row's numbers by product ("" is all, an unknown product's folded text itself); an unreadable one stays text."""
    found: dict[str, int | str] = {}
    for entry, numbers in zip(body.columns.entries, body.quantities, strict=True):
        text = body.cell(entry.quantity, row)
        if text and normalise(text) not in LABELS:  # the label itself may stand in a quantity's column
            found[entry.product or _long_key(body, row)] = _number(numbers, row, text)
    return found


def _number(numbers: Numbers, row: int, text: str) -> int | str:
    return int(numbers.values[row]) if numbers.faults[row] == Fault.OK.value else text


def _long_key(body: Body, row: int) -> str:
    """The product of a long total row: a known one's code, an unknown one's text if any row has it, else "" for all products."""
    if body.products[row] >= 0:
        return CODES[int(body.products[row])]
    text = folded(body.cell(body.columns.product or 0, row))
    if not text or normalise(body.cell(body.columns.product or 0, row)) in LABELS:
        return ""
    others = body.text(body.columns.product or 0).slice(0, row)
    return text if text in {folded(other) for other in pc.unique(others).to_pylist()} else ""


def _concerned(body: Body, missing: list[str]) -> list[str]:
    if body.columns.is_long:
        return [key if key in CODES else "" for key in missing]
    return [""] if len(missing) == len(body.columns.entries) else missing


def _label(key: str) -> str:
    return f"{key.upper()} " if key else ""
