"""One subject read step by step, so that whoever dies over it is followed by another who goes on after the last answer that was kept.

It hands out what came, one by one; where that is kept is not its business. A list is walked first, then what each of its records is asked
for. What one record's call does not bring is named and left out; what ends the list ends the reading, as an error of the client's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from ingest.huntress import errors
from ingest.huntress.answers import Answer, Record, id_of, parsed, records_in
from ingest.huntress.client import Client, Value
from ingest.huntress.endpoints import Endpoint, Kind
from ingest.huntress.paging import Position, Walk
from ingest.huntress.subjects import Subject

Learn = Callable[[Record], None]
_OK: Final = 200
_NOT_THERE: Final = 404
_REFUSED: Final = (401, 403)
#: So many records one after the other that bring nothing, and it is not the records.
_MOST_MISSED: Final = 3
#: What may be the trouble of a single record; any other error is everybody's.
_ITS_OWN: Final = (
    errors.NotThere, errors.BadRequest, errors.WrongShape, errors.TooBig, errors.Unavailable, errors.CutOff, errors.TooSlow, errors.NotJson,
)  # fmt: skip
#: An invoice in these states can still get other lines.
_UNSETTLED: Final = frozenset({"open", "draft", "processing"})
_MOST_BODY: Final = 100_000
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was kept, without its bytes. A status other than 200 is a record that was missed, and ``said`` says how."""

    number: int
    endpoint: str
    address: str
    status: int = _OK
    said: str = ""


@dataclass(frozen=True, slots=True)
class Got:
    """One thing to keep, as number so-and-so of this reading. ``records`` counts those that no page before had."""

    number: int
    endpoint: str
    address: str
    status: int
    headers: Mapping[str, str]
    asked_at: datetime
    body: bytes = field(repr=False)
    records: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """What was kept from this number on is to be dropped: its list begins again."""

    number: int


def digest_of(record: Record) -> str:
    """What tells whether a record is still the same."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def id_in(endpoint: Endpoint, address: str) -> str:
    """The ``{id}`` that an address was made with; "" where the endpoint has none.

    >>> from ingest.huntress.endpoints import ENDPOINTS
    >>> id_in(ENDPOINTS["account_usage"], "/v1/reseller/invoices/70/account_usage_line_items?limit=500")
    '70'
    """
    template = endpoint.path.split("/")
    if "{id}" not in template:
        return ""
    return unquote(urlsplit(address).path.split("/")[-len(template) :][template.index("{id}")])


class Reading:
    """Iterate over it for what is to be kept (``Got``), or dropped (``Again``), in this order and each at once.

    ``kept`` is what earlier readings of the same part kept, and ``body_of`` its bytes. ``account`` is the id at Huntress of the account
    that a reseller's key asks for. ``known`` are digests of records, by id, whose own calls were made before and need not be made again.
    Afterwards ``lacks`` says in sentences what is missing, ``remarks`` what else is worth knowing, and ``refusal`` is the error where
    single records were refused. Raises the client's errors for what ends it, and what the client's ``while_waiting`` raises.
    """

    def __init__(
        self,
        client: Client,
        subject: Subject,
        key: Kind,
        *,
        account: str = "",
        kept: Sequence[Kept] = (),
        body_of: Callable[[Kept], bytes] = lambda _: b"",
        known: Mapping[str, str] | None = None,
        remarks: Iterable[str] = (),
        expected: int = 1,
    ) -> None:
        self._client, self._subject, self._body_of, self._known = client, subject, body_of, known or {}
        self._list, *self._each = subject.steps(key)
        self._ids: dict[str, Value] = {"account_id": account} if "account_id" in self._list.ids else {}
        self._take_stock(kept)
        self._to_ask: list[str] = []
        self.unchanged: list[str] = []
        self.lacks: list[str] = []
        self.remarks = list(remarks)
        self.refusal: errors.Refused | None = None
        self.records, self.expected, self.doing = 0, expected, self._list.label

    def _take_stock(self, kept: Sequence[Kept]) -> None:
        """What is there already: answers by endpoint and id, and what was missed."""
        endpoints = {one.name: one for one in (self._list, *self._each)}
        self._number = max((one.number for one in kept), default=0)
        self._pages: dict[tuple[str, str], list[Kept]] = {}
        self._missed: dict[tuple[str, str], tuple[int, str]] = {}
        self._off: set[str] = set()
        self._row, self._has_brought = 0, False
        for one in kept:
            place = (one.endpoint, id_in(endpoints[one.endpoint], one.address))
            self._row = 0 if one.status == _OK else self._row + 1
            if one.status == _OK:
                self._pages.setdefault(place, []).append(one)
                self._has_brought |= one.endpoint != self._list.name
            else:
                self._note(place, one.status, one.said)

    def __iter__(self) -> Iterator[Got | Again]:
        yield from self._walk(self._list, self._ids, self._learn if self._each else _ignore)
        for place, number in enumerate(self._to_ask):
            for endpoint in self._each:
                if endpoint.name not in self._off:
                    self.doing = f"{endpoint.label}, {place + 1:,} of {len(self._to_ask):,}"
                    yield from self._of_one(endpoint, number)
        self._say_missed()

    # --- a list ---

    def _walk(self, endpoint: Endpoint, ids: Mapping[str, Value], learn: Learn) -> Iterator[Got | Again]:
        mine = self._pages.get((endpoint.name, str(ids.get("id", ""))), [])
        first = mine[0].number if mine else self._number + 1
        position = self._taken_up(endpoint, mine, learn)
        try:
            yield from self._read(endpoint, ids, position, learn)
        except errors.BadRequest:
            again = f"Huntress no longer knew where reading {endpoint.label} had stopped, so it began again."
            if not position.pages or again in self.remarks:
                raise
            self.remarks.append(again)
            self.records -= len(position.ids)
            self._number = first - 1
            if learn is not _ignore:
                self._to_ask, self.unchanged = [], []
            yield Again(first)
            yield from self._read(endpoint, ids, Position(), learn)

    def _taken_up(self, endpoint: Endpoint, mine: Iterable[Kept], learn: Learn) -> Position:
        """Where the walk stands after the pages that were kept."""
        position = Position()
        for one in mine:
            body = self._body_of(one)
            data = parsed(body, endpoint)
            for record in position.take(data, records_in(data, endpoint, body), endpoint):
                learn(record)
        self.records += len(position.ids)
        return position

    def _read(self, endpoint: Endpoint, ids: Mapping[str, Value], position: Position, learn: Learn) -> Iterator[Got]:
        walk = Walk(self._client, endpoint, ids, position=position)
        for page in walk:
            for record in page.records:
                learn(record)
            self.records += len(page.records)
            if endpoint is self._list:
                self.doing = f"{endpoint.label}, page {position.pages:,}"
                self.expected = max(self.expected, position.pages + (not position.is_at_end))
            yield self._got(page.answer, len(page.records))
        if endpoint is self._list and self._each:
            self.expected = position.pages + len(self._to_ask) * len(self._each)
        if walk.remark:
            self.lacks.append(walk.remark)

    def _learn(self, record: Record) -> None:
        """Note whom else to ask for."""
        number = id_of(record, self._list)
        is_known = number in self._known and self._known[number] == digest_of(record)
        (self.unchanged if is_known and record.get("status") not in _UNSETTLED else self._to_ask).append(number)

    # --- single records ---

    def _of_one(self, endpoint: Endpoint, number: str) -> Iterator[Got | Again]:
        place, ids = (endpoint.name, number), self._ids | {"id": number}
        if place in self._missed:
            return
        try:
            if endpoint.is_list:
                yield from self._walk(endpoint, ids, _ignore)
            elif place not in self._pages:
                answer = self._client.get(endpoint, ids)
                answer.record()
                yield self._got(answer, 1)
            self._row, self._has_brought = 0, True
        except errors.Refused as error:
            self.refusal = error
            yield self._miss(endpoint, ids, error)
        except _ITS_OWN as error:
            self._row += not (isinstance(error, errors.NotThere) and self._has_brought)
            if self._row >= _MOST_MISSED:
                raise
            yield self._miss(endpoint, ids, error)

    def _note(self, place: tuple[str, str], status: int, said: str) -> None:
        """A record that was missed. Where the key was refused the call, no more of them are made."""
        self._missed[place] = (status, said)
        if status in _REFUSED:
            self._off.add(place[0])

    def _miss(self, endpoint: Endpoint, ids: Mapping[str, Value], error: errors.HuntressError) -> Got:
        path = endpoint.path.format_map({name: quote(str(value), safe="") for name, value in ids.items()})
        status, said = error.status or 0, str(error)
        self._number += 1
        self._note((endpoint.name, str(ids["id"])), status, said)
        return Got(self._number, endpoint.name, path, status, {}, datetime.now(UTC), error.body[:_MOST_BODY], said=said)

    def _got(self, answer: Answer, records: int) -> Got:
        self._number += 1
        name, address = answer.endpoint.name, answer.address
        return Got(self._number, name, address, answer.status, answer.headers, answer.asked_at, answer.body, records)

    def _say_missed(self) -> None:
        """Every record that was missed, in one sentence for each way in which it was."""
        gone = [number for (_, number), (status, _) in self._missed.items() if status == _NOT_THERE]
        if gone:
            self.remarks.append(f"In {self._list.label}, and gone when asked for by itself: {_names(gone)}.")
        for endpoint in self._each:
            missed = {place[1]: found for place, found in self._missed.items() if place[0] == endpoint.name and found[0] != _NOT_THERE}
            said = [said for status, said in missed.values() if status in _REFUSED or endpoint.name not in self._off]
            if endpoint.name in self._off:
                self.lacks.append(f"{said[0]} {self._subject.without}")
            elif missed:
                self.lacks.append(f"{sentence_case(endpoint.label)} could not be read for {_names(list(missed))}. {said[0]}")


def sentence_case(label: str) -> str:
    """A label at the beginning of a sentence."""
    return label[:1].upper() + label[1:]


def _names(numbers: Sequence[str]) -> str:
    more = len(numbers) - _NAMED
    return ", ".join(numbers[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _ignore(record: Record) -> None:
    """Nobody is asked for by itself."""
