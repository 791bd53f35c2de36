"""What holds of every reading and of every refusal, whatever the bytes were."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from ingest.sources import READERS, Limits, Mapping, Reading, Unreadable, read, recognise

T = TypeVar("T")
KINDS: Final = tuple(READERS)
_LEGS: Final = frozenset({"billed", "expected", "rebilled"})
#: Small, so that examples meet the limits too.
LIMITS: Final = Limits(max_columns=200, max_rows=5_000, max_workbook_cells=100_000, max_workbook_bytes=20 << 20, max_memory=1 << 30)


def tried(data: bytes, kind: str, mapping: Mapping | None = None) -> Reading | None:
    """The bytes as a worker reads them, with the reading or the refusal checked. Nothing but Unreadable may be raised."""
    guess = _refusal_checked(lambda: recognise(data, name="list.csv", limits=LIMITS))
    assert guess is None or guess.value in KINDS
    result = _refusal_checked(lambda: read(data, name="list.csv", kind=kind, mapping=mapping, limits=LIMITS))
    if result is not None:
        check_reading(result)
    return result


def _refusal_checked(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except Unreadable as error:
        _check_refusal(error)
    return None


def _check_refusal(error: Unreadable) -> None:
    assert error.issues
    assert all(issue.message.strip() and issue.level == "error" and issue.code for issue in error.issues)
    assert all(len(cell) <= 2_000 for row in error.first_rows for cell in row.cells)
    json.dumps(error.mapping.to_json() if error.mapping else None)


def check_reading(result: Reading) -> None:
    counts = result.counts
    assert counts.rows_in == counts.loaded + counts.merged + counts.set_aside + counts.rejected
    odd = Counter(row.bucket for row in result.odd_rows)
    assert (odd["merged"], odd["set_aside"], odd["rejected"]) == (counts.merged, counts.set_aside, counts.rejected)
    assert odd["loaded"] == 0
    assert result.lines["line"].nunique() == counts.loaded + (counts.merged if result.kind in _LEGS else 0)
    _check_lines(result)
    assert all(issue.message.strip() for issue in result.issues)
    assert Mapping.from_json(json.loads(json.dumps(result.mapping.to_json()))) == result.mapping


def _check_lines(result: Reading) -> None:
    """Every row has a place of its own, and what is said of a line is said of one that is there."""
    odd = [row.line for row in result.odd_rows]
    assert len(odd) == len(set(odd))
    read_lines = set(result.lines["line"].tolist())
    alone = {row.line for row in result.odd_rows if row.bucket != "merged"}
    assert not read_lines & alone
    lines = read_lines | set(odd)
    assert len(lines) == result.counts.rows_in
    assert not lines or min(lines) >= 1
    assert {issue.line for issue in result.issues if issue.line is not None} <= lines
    assert {row.line for row in result.first_rows} <= lines
    if result.kind in _LEGS:
        assert set(result.rejected["line"].tolist()) == {row.line for row in result.odd_rows if row.bucket == "rejected"}
