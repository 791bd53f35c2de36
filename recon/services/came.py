"""What a part of a pull brought for a reseller as a whole: its archive, whose it is, and since when it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from accounts.models import Reseller, User
from accounts.templatetags.recon_ui import day
from ingest.huntress.answers import moment
from ingest.huntress.endpoints import ENDPOINTS
from ingest.models import Connection, PullPart
from ingest.sources.answers import Archive, Entry
from ingest.sources.refusals import refusal

_OK: Final = 200
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Came:
    """``at`` is when the last of the answers came."""

    part: PullPart
    archive: Archive

    @property
    def connection(self) -> Connection:
        return self.part.pull.connection

    @property
    def reseller(self) -> Reseller:
        reseller = self.connection.reseller
        if reseller is None:
            raise ValueError(f"part {self.part.pk} is no reseller's")
        return reseller

    @property
    def at(self) -> datetime:
        found = moment(self.archive.manifest.ended_at)
        if found is None:
            raise ValueError(f"archive {self.part.sha256} ended at no time")
        return found

    @property
    def is_whole(self) -> bool:
        return not self.archive.manifest.lacks

    @property
    def by(self) -> User:
        """For whom it was pulled: who asked, else who added the connection."""
        return self.part.pull.by or self.connection.added_by

    @property
    def where_from(self) -> str:
        """For people: from which connection, when, and which bytes prove it."""
        here = self.at.astimezone(ZoneInfo(self.connection.account.time_zone))
        return f"pulled by “{self.connection.name}”, {day(here.date())} {here:%H:%M}; answers {self.part.sha256[:12]}"

    @property
    def entries(self) -> list[Entry]:
        return [one for one in self.archive.manifest.answers if one.status == _OK]

    def of(self, endpoint: str) -> Iterator[Record]:
        return self.records(one for one in self.entries if one.endpoint == endpoint)

    def records(self, entries: Iterable[Entry]) -> Iterator[Record]:
        """The records of some answers; what is no object is left out, because nothing in it says whose it is. Raises Unreadable."""
        for entry in entries:
            yield from (record for record in _list_in(entry, self.archive.body(entry.number)) if isinstance(record, dict))


def _list_in(entry: Entry, body: bytes) -> list[Any]:
    """Numbers with decimals stay as they are written: they may be money."""
    try:
        data = json.loads(body, parse_float=str)
        found = next(data[key] for key in ENDPOINTS[entry.endpoint].keys if isinstance(data.get(key), list))
    except (ValueError, RecursionError, StopIteration, AttributeError, KeyError):
        raise refusal("damaged", f"Answer {entry.number} of this archive has no list of “{entry.endpoint[:40]}”.") from None
    return list(found)


# --- values: what is not there, or cannot be read, is nothing rather than zero ----------------------------------------------------


def inner(record: Record, name: str) -> Record:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def text(record: Record, name: str, most: int) -> str:
    found = record.get(name)
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return ""
    return " ".join(str(found).replace("\0", "").encode("utf-8", "replace").decode().split())[:most]


def identity(record: Record) -> str:
    return text(record, "id", 64)


def whole(record: Record, name: str, most: int = 10**12) -> int | None:
    found = record.get(name)
    return found if type(found) is int and 0 <= found <= most else None


def time_in(record: Record, name: str) -> datetime | None:
    found = record.get(name)
    return moment(found) if isinstance(found, str) else None


def day_in(record: Record, name: str) -> date | None:
    """A day, or the day of a time as it is written."""
    found = record.get(name)
    if not isinstance(found, str):
        return None
    try:
        return date.fromisoformat(found.strip()[:10])
    except ValueError:
        return None
