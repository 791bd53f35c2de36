"""Huntress' own list of agents, from an archive of answers: batch by batch, in bounded memory, as ``agents`` reads lists of rows.

Staleness comes from ``last_callback_at``, never from ``last_survey_at``; blank is an agent that never called. ``created_at`` is when it
was installed. The list has Organizations by their id alone [huntress.md §3].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.huntress.errors import WrongShape
from ingest.sources.agents_dates import DateFault, moments, parse_moment
from ingest.sources.agents_rows import AGENT_COLUMNS, NO_AGENTS, Batch, Owners
from ingest.sources.answers import Archive, Manifest
from ingest.sources.grid import Ints, Texts, flags, trimmed
from ingest.sources.reading import Asked, Counts, Guess, Mapping, Row
from ingest.sources.records import NO_COLUMNS, Answered, BadRecord, Sorting, answered, as_json, key_of, lacking, opened, runs_of, text
from ingest.sources.remarks import Remarks

KIND: Final = "agents"
ENDPOINTS: Final = ("agents", "account_agents")
#: Those of a list of rows, and when the agent was installed.
COLUMNS: Final = (*AGENT_COLUMNS, "installed_at")
_SHOWN: Final = ("id", "organization_id", "hostname", "serial_number", "platform", "created_at", "last_callback_at")
_TEXTS: Final = _SHOWN[2:]
_ALL: Final = itemgetter(*_SHOWN)
_LONGEST_HOSTNAME: Final = 255
#: Records that are sorted at once.
_AT_ONCE: Final = 20_000
_SECONDS: Final = pa.timestamp("s")


class _Unusual(Exception):
    """Some record is not as nearly all are: they are to be looked at one by one."""


class _Agent(NamedTuple):
    owner: str
    hostname: str
    serial: str
    platform: str
    installed: int | None
    seen: int | None


@dataclass
class AgentAnswers:
    """An archive, opened: what it says, and, after ``batches``, what became of its records. Of the same shape as ``agents.AgentList``."""

    archive: Archive
    asked: Asked
    owners: Owners = field(default_factory=Owners)
    counts: Counts = field(default_factory=Counts)
    first_rows: list[Row] = field(default_factory=list)
    remarks: Remarks = field(default_factory=lambda: Remarks(0))
    answers: list[list[int]] = field(default_factory=list)
    mapping: Mapping = NO_COLUMNS
    header: tuple[str, ...] = (*_SHOWN, "record")
    sheets: tuple[str, ...] = ()
    above: tuple[tuple[str, ...], ...] = ()
    column_guesses: dict[int, Guess] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        return self.archive.manifest

    @property
    def rows(self) -> int:
        """How many there are, as the archive says."""
        return sum(entry.records for entry in self.manifest.answers)

    def batches(self) -> Iterator[Batch]:
        """Every record, in batches. Raises Unreadable where an answer further down stops the whole."""
        sorting, seen, sizes = Sorting(_SHOWN, self.asked.limits), _Seen(), list[int]()
        sorting.remarks.add(*lacking(self.manifest))
        self.remarks, self.first_rows, waiting, some = sorting.remarks, sorting.first_rows, list[Answered](), 0
        for answer in answered(self.archive):
            sizes.append(len(answer.records))
            waiting.append(answer)
            some += len(answer.records)
            if some >= _AT_ONCE:
                yield self._sorted(waiting, sorting, seen)
                waiting, some = [], 0
        self.answers = runs_of(sizes)
        yield self._sorted(waiting, sorting, seen)

    def _sorted(self, answers: list[Answered], sorting: Sorting, seen: _Seen) -> Batch:
        """Nearly always all records are plain agents that no answer before had, and columns are made of them at once."""
        sorting.odd.clear()
        before = dict(sorting.counts)
        records = [record for answer in answers for record in answer.records]
        first = answers[0].first if answers else 1
        try:
            made, ids = _columns(records)
            if seen.has_some(ids):
                raise _Unusual
        except _Unusual:
            table = self._one_by_one(answers, sorting, seen)
        else:
            seen.add(ids)
            lines = np.arange(first, first + len(records), dtype=np.int64)
            table = self._table(lines, made)
            sorting.take_all(first, records)
        self.counts = Counts(**sorting.counts)
        counts = Counts(**{bucket: count - before[bucket] for bucket, count in sorting.counts.items()})
        return Batch(table, list(sorting.odd), counts, first + len(records) - 1)

    def _one_by_one(self, answers: list[Answered], sorting: Sorting, seen: _Seen) -> pa.Table:
        lines, agents, ids = list[int](), list[_Agent](), list[str]()
        here = set[str]()
        for answer in answers:
            known = seen.among([key for record in answer.records if (key := _id(record))]) | here
            for number, record in enumerate(answer.records, answer.first):
                try:
                    key = key_of(record, answer.endpoint)
                    if key in known:
                        sorting.take(number, record, "set_aside", "came again")
                        continue
                    agents.append(_agent(record))
                except WrongShape as why:
                    sorting.reject(number, record, why)
                    continue
                here.add(key)
                known.add(key)
                ids.append(key)
                lines.append(number)
                sorting.take(number, record, "loaded")
        seen.add(*_parted(ids))
        columns = list(zip(*agents, strict=True)) if agents else [()] * len(_Agent._fields)
        made = [pa.array(column, pa.string()) for column in columns[:4]] + [pa.array(column, pa.int64()) for column in columns[4:]]
        return self._table(np.asarray(lines, dtype=np.int64), dict(zip(_Agent._fields, made, strict=True)))

    def _table(self, lines: Ints, made: dict[str, Any]) -> pa.Table:
        if not len(lines):
            return NO_AGENTS.append_column("installed_at", pa.array([], _SECONDS))
        none = pa.repeat(pa.scalar("", pa.string()), len(lines))
        owners = self.owners.number([none, made["owner"], none])
        times = [made[name].cast(_SECONDS) for name in ("seen", "installed")]
        return pa.table(
            [pa.array(lines), pa.array(owners), made["hostname"], made["serial"], made["platform"], *times], names=list(COLUMNS)
        )


def open_answers(stream: BinaryIO, asked: Asked) -> AgentAnswers:
    """Look into an archive. Raises Unreadable."""
    return AgentAnswers(opened(stream, KIND, "an agent list", ENDPOINTS, asked.limits), asked)


# --- one by one


def _id(record: object) -> str:
    value = record.get("id") if isinstance(record, dict) else None
    return str(value) if isinstance(value, int | str) else ""


def _agent(record: dict[str, Any]) -> _Agent:
    """Raises WrongShape."""
    hostname = text(record, "hostname", 10_000)
    if not hostname:
        raise BadRecord("no_hostname", "There is an agent and no hostname.")
    if len(hostname) > _LONGEST_HOSTNAME:
        raise BadRecord("long_hostname", "A hostname has at most 255 characters.")
    owner = text(record, "organization_id", 64)
    if not owner:
        raise BadRecord("no_organization", f"{hostname} belongs to no Organization: its “organization_id” is missing.")
    serial, platform = text(record, "serial_number", 10_000)[:128], text(record, "platform", 10_000)[:32]
    return _Agent(owner, hostname, serial, platform, _moment(record, "created_at"), _moment(record, "last_callback_at"))


def _moment(record: dict[str, Any], name: str) -> int | None:
    """Seconds since 1970; None where it is absent, null or blank. Raises WrongShape."""
    value = record.get(name)
    if value is None:
        return None
    found = parse_moment(value, "") if isinstance(value, str) else DateFault.UNREADABLE
    if found is DateFault.BLANK:
        return None
    if isinstance(found, DateFault):
        message = f"“{name}” should be a time such as 2026-01-10T01:07:08Z, and is {as_json(value, 80)}."
        raise BadRecord("unreadable_date", message)
    return found[0]


# --- all at once


def _columns(records: Sequence[Any]) -> tuple[dict[str, Any], Ints]:
    """The columns of plain agents, and their ids. Raises _Unusual where one is not plain."""
    try:
        ids, owners, *texts = _taken(records)
        if {*map(type, ids), *map(type, owners)} - {int}:
            raise _Unusual
        whole, owner = np.asarray(ids, dtype=np.int64), pa.array(owners, pa.int64())
        made = {name: _texts(values) for name, values in zip(_TEXTS, texts, strict=True)}
    except (KeyError, TypeError, AttributeError, OverflowError, ValueError) as error:  # arrow's errors are some of these
        raise _Unusual from error
    lengths = pc.min_max(pc.utf8_length(made["hostname"])).as_py()
    if (records and not (lengths["min"] > 0 and lengths["max"] <= _LONGEST_HOSTNAME)) or whole.min(initial=1) < 0:
        raise _Unusual
    cut = {"serial": (made["serial_number"], 128), "platform": (made["platform"], 32)}
    return {
        "owner": owner.cast(pa.string()),
        "hostname": made["hostname"],
        **{name: pc.utf8_slice_codeunits(column, 0, most) for name, (column, most) in cut.items()},
        "installed": _times(made["created_at"]),
        "seen": _times(made["last_callback_at"]),
    }, whole


def _taken(records: Sequence[Any]) -> list[Sequence[Any]]:
    """Column by column. Where records leave out what they have not, it is looked for in each. Raises what is caught above."""
    if not records:
        return [()] * len(_SHOWN)
    try:
        return list(zip(*map(_ALL, records), strict=True))
    except KeyError:
        return [[record.get(name) for record in records] for name in _SHOWN]


def _texts(values: Sequence[Any]) -> Texts:
    column = trimmed(pa.array(values, pa.string()).fill_null(""))
    if flags(pc.match_substring(column, "\0")).any():
        raise _Unusual
    return column


def _times(texts: Texts) -> pa.Array:
    found = moments(texts, "")
    if found.bad.any():
        raise _Unusual
    return pa.array(found.seconds, mask=np.equal(found.faults, DateFault.BLANK.value))


def _parted(ids: Sequence[str]) -> tuple[Ints, set[str]]:
    """Those that are numbers, as numbers, and the others."""
    numbers = [one for one in ids if one.isascii() and one.isdecimal() and len(one) <= 18 and str(int(one)) == one]
    return np.asarray([int(one) for one in numbers], dtype=np.int64), set(ids).difference(numbers)


class _Seen:
    """The ids that came, as numbers in the sorted pieces they came in: a piece is only looked into where a new one's range meets it."""

    def __init__(self) -> None:
        self._pieces: list[Ints] = []
        self._low, self._high = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        self._texts = set[str]()

    def has_some(self, ids: Ints) -> bool:
        """Whether one of them came before, or stands twice among them."""
        ordered = np.sort(ids)
        return bool((ordered[1:] == ordered[:-1]).any()) or any(np.isin(ordered, piece).any() for piece in self._near(ordered))

    def among(self, ids: Sequence[str]) -> set[str]:
        """Those of them that came before."""
        numbers, texts = _parted(ids)
        found = texts & self._texts
        for piece in self._near(numbers):
            found |= {str(one) for one in numbers[np.isin(numbers, piece)].tolist()}
        return found

    def _near(self, ids: Ints) -> list[Ints]:
        if not len(ids):
            return []
        return [self._pieces[place] for place in np.flatnonzero((self._low <= ids.max()) & (self._high >= ids.min())).tolist()]

    def add(self, ids: Ints, texts: Iterable[str] = ()) -> None:
        self._texts.update(texts)
        if len(ids):
            self._pieces.append(np.sort(ids))
            self._low, self._high = np.append(self._low, ids.min()), np.append(self._high, ids.max())
