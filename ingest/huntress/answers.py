"""One answer of Huntress: its bytes as they came, and what they say. Unknown fields stay; blank is not zero."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from ingest.huntress.endpoints import Endpoint
from ingest.huntress.errors import HuntressError, NotJson, WrongShape

Record = Mapping[str, Any]
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``address`` is path and query, which hold no secret; ``headers`` only those that say something, in small letters."""

    endpoint: Endpoint
    address: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    data: Record = field(repr=False)
    asked_at: datetime
    seconds: float
    tries: int

    def records(self) -> Sequence[Record]:
        """The records of a list. Raises WrongShape."""
        return records_in(self.data, self.endpoint, self.body)

    def record(self) -> Record:
        """The one record of a detail. Raises WrongShape."""
        found = next((self.data[key] for key in self.endpoint.keys if key in self.data), None) if self.endpoint.key else self.data
        if not isinstance(found, Mapping):
            _wrong(self.endpoint, f"“{self.endpoint.key}” should be an object and is {_shown(found)}", self.body)
        return found


def parsed(body: bytes, endpoint: Endpoint, content_type: str = "") -> Record:
    """The object that an answer's bytes say. Raises NotJson, or WrongShape for JSON that is no object."""
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        head = body.lstrip()[:1]
        what = "a web page" if head == b"<" or "html" in content_type else "nothing at all" if not head else "no JSON that can be read"
        hint = " Is something between us and Huntress, such as a proxy or a sign-in page?" if head == b"<" else ""
        raise NotJson(f"For {endpoint.label}, Huntress' address answered {what}.{hint}", endpoint=endpoint.name, body=body) from None
    if not isinstance(data, Mapping):
        _wrong(endpoint, f"it should be an object and is {_shown(data)}", body)
    return data


def records_in(data: Record, endpoint: Endpoint, body: bytes = b"") -> Sequence[Record]:
    """Where the described key is missing, the only list at the root is taken: a renamed key must not hide records."""
    lists = [data[key] for key in endpoint.keys if isinstance(data.get(key), list)] or [
        value for value in data.values() if isinstance(value, list)
    ]
    if len(lists) != 1:
        _wrong(endpoint, f"a list “{endpoint.key}” is expected, and there are {', '.join(sorted(data)[:10]) or 'no fields'}", body)
    for one in lists[0]:
        if not isinstance(one, dict):
            _wrong(endpoint, f"“{endpoint.key}” should hold objects and holds {_shown(one)}", body)
        if id_of(one, endpoint) == "":
            _wrong(endpoint, f"a record has no “{endpoint.id_field}”: {_shown(one)}", body)
    found: Sequence[Record] = lists[0]
    return found


def id_of(record: Record, endpoint: Endpoint) -> str:
    """A record's id as text; "" when it has none. An Organization's id is the only thing about it that stays [huntress.md, fact 6]."""
    value = record.get(endpoint.id_field)
    if type(value) is int:  # nearly always: there are sixty thousand of them
        return str(value)
    return value if isinstance(value, str) else ""


def whole_of(record: Record, name: str) -> int | None:
    """A count; None where it is absent or null. Raises WrongShape for anything but a whole number that is not negative.

    >>> whole_of({"agents_count": 3}, "agents_count"), whole_of({}, "agents_count")
    (3, None)
    """
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise WrongShape(f"“{name}” should be a whole number and is {_shown(value)}.")
    return value


def text_of(record: Record, name: str) -> str:
    """A text; "" where it is absent or null. Raises WrongShape for objects and lists."""
    value = record.get(name)
    if isinstance(value, (Mapping, list)):
        raise WrongShape(f"“{name}” should be a text and is {_shown(value)}.")
    return "" if value is None else str(value)


def moment_of(record: Record, name: str) -> datetime | None:
    """A time in UTC; None where it is absent, null or empty. Raises WrongShape."""
    value = record.get(name)
    if value is None or value == "":
        return None
    found = moment(value) if isinstance(value, str) else None
    if found is None:
        raise WrongShape(f"“{name}” should be a time such as 2026-01-10T01:07:08Z and is {_shown(value)}.")
    return found


def moment(text: str) -> datetime | None:
    """Both of the forms that Huntress writes, in UTC; None for what is neither. A time without a zone is UTC.

    >>> moment("2026-01-10 01:07:08 UTC") == moment("2026-01-10T01:07:08Z") == moment("2026-01-09T20:07:08-05:00")
    True
    """
    text = text.strip()
    try:
        found = datetime.fromisoformat(text[:-4] + "+00:00" if text.endswith(" UTC") else text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # a zone can lead out of all years
        return None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _wrong(endpoint: Endpoint, what: str, body: bytes) -> NoReturn:
    message = f"Huntress' answer for {endpoint.label} is not as its API is described: {what}."
    error: HuntressError = WrongShape(message, endpoint=endpoint.name, body=body)
    raise error
