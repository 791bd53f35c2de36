"""The records in an archive of answers: numbered from 1 through all of its answers, each in one bucket with its reason.

A record of a wrong shape is rejected and keeps the others waiting for nothing. An answer that is no JSON, or has no list where one is
described, is refused with the whole archive: nobody could say what is missing then, and no pull keeps such an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, BinaryIO, Final, NoReturn

import numpy as np
import pandas as pd

from ingest.huntress.answers import id_of, moment_of, text_of, whole_of
from ingest.huntress.endpoints import ENDPOINTS, Endpoint
from ingest.huntress.errors import WrongShape
from ingest.sources.answers import Archive, Entry, Manifest, open_archive
from ingest.sources.limits import Limits
from ingest.sources.reading import REJECTED_COLUMNS, Asked, Bucket, Counts, Guess, Issue, Reading, Row
from ingest.sources.reading import Mapping as ColumnMapping
from ingest.sources.refusals import refusal
from ingest.sources.remarks import Remarks, Said

_OK: Final = 200
_FIRST: Final = 20
_SHOWN: Final = 2_000
_MICROSOFT: Final = "microsoft"
_FIELD: Final = "record"
_MOST_COUNTED: Final = 2**53
_YEARS: Final = range(1980, 2200)


class BadRecord(WrongShape):
    """A record that cannot be kept, for a reason that has a code of its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answered:
    """The records of one answer, in their order. ``first`` is the number of its first one within the archive."""

    entry: Entry
    endpoint: Endpoint
    first: int
    records: list[Any]


def opened(stream: BinaryIO, kind: str, one: str, endpoints: Collection[str], limits: Limits) -> Archive:
    """An archive that is read as a kind (``one``: what that is called in a sentence). Raises Unreadable where it is none."""
    archive = open_archive(stream, limits)
    manifest = archive.manifest
    if manifest.kind != kind:
        raise refusal("other_kind", f"This archive is not {one}: what is in it are answers for “{manifest.subject[:80]}”.")
    if others := sorted({entry.endpoint for entry in manifest.answers} - set(endpoints)):
        raise refusal("other_kind", f"This archive calls itself {one}, and holds answers of “{others[0][:80]}”, which belong to none.")
    return archive


def answered(archive: Archive, parse_float: Callable[[str], Any] = float) -> Iterator[Answered]:
    """Answer by answer, one in memory at a time. Raises Unreadable for one that is not what came, or not what is described."""
    first = 1
    for entry, body in archive.bodies():
        if entry.status != _OK:  # kept as evidence: it has no record
            continue
        endpoint = ENDPOINTS.get(entry.endpoint)
        if endpoint is None:
            raise refusal("wrong_answer", f"Answer {entry.number} of this archive is of “{entry.endpoint[:80]}”, which is not known here.")
        records = _records_in(_parsed(entry, body, parse_float), endpoint, entry)
        yield Answered(entry, endpoint, first, records)
        first += len(records)


def record_at(archive: Archive, starts: list[list[int]], number: int) -> tuple[Entry, Any] | None:
    """One record by its number, with the answer that has it; None where there is none. ``starts`` is as ``runs_of`` gives it.

    Raises Unreadable.
    """
    answer, first = 0, 1
    for answers, records in starts:
        if records and number < first + answers * records:
            place = answer + (number - first) // records
            entry = archive.manifest.answers[place]
            if entry.status != _OK or (entry.endpoint not in ENDPOINTS and archive.manifest.source != _MICROSOFT):
                return None
            data = _parsed(entry, archive.body(entry.number), Decimal)
            listed = data.get("value") if archive.manifest.source == _MICROSOFT else None
            found = listed if isinstance(listed, list) else _records_in(data, ENDPOINTS[entry.endpoint], entry)
            within = (number - first) % records
            return (entry, found[within]) if within < len(found) else None
        answer, first = answer + answers, first + answers * records
    return None


def runs_of(records: list[int]) -> list[list[int]]:
    """How many records each answer has, as runs of answers that have as many: two thousand pages are two runs.

    >>> runs_of([500, 500, 12])
    [[2, 500], [1, 12]]
    """
    return [[len(list(same)), count] for count, same in groupby(records)]


def _parsed(entry: Entry, body: bytes, parse_float: Callable[[str], Any]) -> Mapping[str, Any]:
    try:
        data = json.loads(body, parse_constant=_no_constant, parse_float=parse_float)
    except (ValueError, RecursionError):
        raise refusal("damaged", f"Answer {entry.number} of this archive is no JSON that can be read.") from None
    if not isinstance(data, dict):
        raise refusal("wrong_answer", f"Answer {entry.number} of this archive should be an object, and is none.")
    return data


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _records_in(data: Mapping[str, Any], endpoint: Endpoint, entry: Entry) -> list[Any]:
    """As the client looks for them: under the described key, else in the only list at the root."""
    if not endpoint.is_list:
        return [next((data[key] for key in endpoint.keys if key in data), data)]
    lists = [data[key] for key in endpoint.keys if isinstance(data.get(key), list)]
    lists = lists or [value for value in data.values() if isinstance(value, list)]
    if len(lists) != 1:
        raise refusal("wrong_answer", f"Answer {entry.number} of this archive has no list “{endpoint.key}”.")
    found: list[Any] = lists[0]
    return found


# --- values


def clean(text: str) -> str:
    """A text without what no database keeps: NUL, and halves of characters. The archive has it as it came.

    >>> clean(" a" + chr(0) + chr(0xD800))
    'a??'
    """
    return text.replace("\0", "?").encode("utf-8", "replace").decode().strip()


def text(record: Mapping[str, Any], name: str, most: int = 500) -> str:
    """A text; "" where it is absent or null. Raises WrongShape for objects and lists, and what is longer than any."""
    found = clean(text_of(record, name))
    if len(found) > most:
        raise WrongShape(f"“{name}” has {len(found):,} characters, and at most {most} are kept.")
    return found


def count(record: Mapping[str, Any], name: str) -> int | None:
    """A count; None where it is absent or null. Raises WrongShape for what is none, and for more than a database holds."""
    found = whole_of(record, name)
    if found is not None and found > _MOST_COUNTED:
        raise WrongShape(f"“{name}” is {as_json(found, 40)}: no count is so large.")
    return found


def when(record: Mapping[str, Any], name: str) -> datetime | None:
    """A time in UTC; None where it is absent, null or empty. Raises WrongShape, also for a year in which nothing of this was."""
    found = moment_of(record, name)
    if found is not None and found.year not in _YEARS:
        raise WrongShape(f"“{name}” is of the year {found.year}, in which there was nothing of this.")
    return found


def inner(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within a record; empty where it is absent or null. Raises WrongShape."""
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WrongShape(f"“{name}” should be an object, and is {as_json(value, 80)}.")
    return value


def truth(record: Mapping[str, Any], name: str) -> bool | None:
    """True or false; None where it is absent or null. Raises WrongShape."""
    value = record.get(name)
    if value is not None and not isinstance(value, bool):
        raise WrongShape(f"“{name}” should be true or false, and is {as_json(value, 80)}.")
    return value


def key_of(record: object, endpoint: Endpoint) -> str:
    """A record's id. Raises WrongShape where it has none, or is no object."""
    if not isinstance(record, dict):
        raise WrongShape(f"A record should be an object, and is {as_json(record, 80)}.")
    if found := id_of(record, endpoint):
        return clean(found)[:64]
    raise WrongShape(f"A record has no “{endpoint.id_field}”.")


def as_json(value: object, most: int = _SHOWN) -> str:
    shown = clean(json.dumps(value, ensure_ascii=False, default=str))
    return shown if len(shown) <= most else f"{shown[:most]}…"


# --- sorting


@dataclass
class Sorting:
    """Every record into one bucket. ``shown`` are the fields that rows show (``tenant.id`` is within another one).

    Odd rows have the record itself as a last cell: of records with more about people than is read, no more of it than ``shown``.
    """

    shown: tuple[str, ...]
    limits: Limits
    is_personal: bool = False
    remarks: Remarks = field(default_factory=lambda: Remarks(0))
    odd: list[Row] = field(default_factory=list)
    first_rows: list[Row] = field(default_factory=list)
    counts: dict[Bucket, int] = field(default_factory=lambda: dict.fromkeys(("loaded", "merged", "set_aside", "rejected"), 0))

    def __post_init__(self) -> None:
        self.remarks = Remarks(self.limits.max_issues)

    @property
    def header(self) -> tuple[str, ...]:
        return (*self.shown, _FIELD)

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    def take(self, number: int, record: object, bucket: Bucket, reason: str = "") -> None:
        self.counts[bucket] += 1
        self._check_rows()
        is_first = len(self.first_rows) < _FIRST
        if bucket == "loaded" and not is_first:
            return
        row = self.row(number, record, bucket, reason)
        if is_first:
            self.first_rows.append(row)
        if bucket != "loaded" and len(self.odd) < self.limits.max_odd_rows:
            self.odd.append(row)

    def take_all(self, first: int, records: Sequence[object]) -> None:
        """Records that are all loaded, numbered from ``first``."""
        for number, record in enumerate(records[: _FIRST - len(self.first_rows)], first):
            self.first_rows.append(self.row(number, record, "loaded", ""))
        self.counts["loaded"] += len(records)
        self._check_rows()

    def _check_rows(self) -> None:
        if self.rows > self.limits.max_rows:
            most = f"There are more than {self.limits.max_rows:,} records, which is the most that is read."
            raise refusal("too_many_rows", most)

    def reject(self, number: int, record: object, why: WrongShape) -> None:
        code = why.code if isinstance(why, BadRecord) else "wrong_shape"
        self.say("error", number, code, str(why))
        self.take(number, record, "rejected", code)

    def say(self, level: Any, number: int, code: str, message: str) -> None:
        said = Said(message, "", "")
        self.remarks.say(level, code, np.asarray([number], dtype=np.int64), np.asarray([0]), lambda row: said)

    def row(self, number: int, record: object, bucket: Bucket, reason: str) -> Row:
        cells = tuple(_cell(record, name) for name in self.shown)
        if bucket == "loaded":
            return Row(number, bucket, cells)
        kept = {name: _value(record, name) for name in self.shown} if self.is_personal and isinstance(record, dict) else record
        return Row(number, bucket, (*cells, as_json(kept)), reason)

    def reading(self, kind: str, asked: Asked, manifest: Manifest, lines: pd.DataFrame, answers: list[int]) -> Reading:
        self.remarks.add(*lacking(manifest))
        left_out = self.rows - self.counts["loaded"] - len(self.odd)
        if left_out > 0:
            message = f"{left_out:,} more records are set aside, merged or rejected than are listed one by one."
            self.remarks.add(Issue(None, "info", "odd_rows_left_out", message))
        return Reading(
            kind=kind,
            name=asked.name,
            sha256="",
            mapping=NO_COLUMNS,
            header=self.header,
            sheets=(),
            counts=Counts(**self.counts),
            lines=lines,
            rejected=rejected_frame([row.line for row in self.odd if row.bucket == "rejected"]),
            issues=self.remarks.all(),
            first_rows=self.first_rows,
            odd_rows=self.odd,
            guesses=guesses_of(manifest),
            manifest=manifest,
            answers=runs_of(answers),
        )


#: There is no column to map in an archive.
NO_COLUMNS: Final = ColumnMapping({}, header_line=0)


def guesses_of(manifest: Manifest) -> dict[str, Guess]:
    return {"kind": Guess(manifest.kind, "its list of answers says so", "certain")}


def lacking(manifest: Manifest) -> list[Issue]:
    """What the pull could not get, as it said."""
    return [Issue(None, "warning", "incomplete", f"Incomplete: {sentence}") for sentence in manifest.lacks]


def rejected_frame(lines: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"line": lines, **dict.fromkeys(REJECTED_COLUMNS[1:], "")}, columns=list(REJECTED_COLUMNS))


def _value(record: object, name: str) -> Any:
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _cell(record: object, name: str) -> str:
    value = _value(record, name)
    return "" if value is None else clean(value)[:_SHOWN] if isinstance(value, str) else as_json(value, 200)
