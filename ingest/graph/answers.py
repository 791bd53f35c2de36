"""One answer of Graph: its bytes as they came, and what they say. Unknown fields stay; blank is not zero."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

from ingest.graph.calls import Call
from ingest.graph.errors import NotJson, WrongShape

Record = Mapping[str, Any]
_SHOWN: Final = 80
_LINK, _COUNT = "@odata.nextLink", "@odata.count"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``address`` is path and query; ``headers`` only those that say something, in small letters."""

    call: Call
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
        return records_in(self.data, self.call, self.body)


def parsed(body: bytes, call: Call, content_type: str = "") -> Record:
    """The object that an answer's bytes say. Raises NotJson, or WrongShape for JSON that is no object."""
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        head = body.lstrip()[:1]
        what = "a web page" if head == b"<" or "html" in content_type else "nothing at all" if not head else "no JSON that can be read"
        hint = " Is something between us and Microsoft, such as a proxy or a sign-in page?" if head == b"<" else ""
        raise NotJson(f"For {call.label}, Microsoft's address answered {what}.{hint}", endpoint=call.name, body=body) from None
    if not isinstance(data, Mapping):
        wrong(call, f"it should be an object and is {_shown(data)}", body)
    return data


def records_in(data: Record, call: Call, body: bytes = b"") -> Sequence[Record]:
    """The records under “value”. Raises WrongShape, also for a record without its id."""
    found = data.get("value")
    if not isinstance(found, list):
        wrong(call, f"a list “value” is expected, and there are {', '.join(sorted(data)[:10]) or 'no fields'}", body)
    for one in found:
        if not isinstance(one, dict) or not isinstance(one.get(call.id_field), str) or not one[call.id_field]:
            wrong(call, f"a record has no “{call.id_field}”: {_shown(one)}", body)
    return found


def next_link(data: Record, call: Call) -> str:
    """Where the next page is, "" at the end. Raises WrongShape."""
    link = data.get(_LINK)
    if link is None:
        return ""
    if not isinstance(link, str) or not link:
        wrong(call, f"“{_LINK}” should be an address and is {_shown(link)}", b"")
    return link


def total_in(data: Record) -> int | None:
    """How many records there are in all, which the first page of an advanced query says."""
    total = data.get(_COUNT)
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def wrong(call: Call, what: str, body: bytes) -> NoReturn:
    """Raise WrongShape with a sentence."""
    message = f"Microsoft's answer for {call.label} is not as Graph is described: {what}."
    raise WrongShape(message, endpoint=call.name, body=body)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
