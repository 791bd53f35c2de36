"""Walking through a list page by page: each page once, each record once, and an end that says whether it was the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from ingest.huntress.answers import Answer, Record, id_of, parsed, records_in
from ingest.huntress.client import Client, Value
from ingest.huntress.endpoints import PAGE_SIZE, Endpoint

#: So many pages one after the other without a single new record, and the list goes round in a circle.
_MOST_STALE: Final = 3
_BY_ID: Final[Mapping[str, Value]] = {"sort_field": "id", "sort_direction": "asc"}


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came (``answer``), the records in it that no page before had, and how many it repeated.

    ``next_token`` begins the next page, "" where there is none. A page of the older, numbered form has ``#2`` and so on for a token.
    """

    number: int
    answer: Answer
    records: tuple[Record, ...]
    repeats: int
    next_token: str


@dataclass(slots=True)
class Position:
    """How far a list was read: begin a walk here, and it goes on as if it had never stopped."""

    token: str = ""
    pages: int = 0
    ids: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    stale: int = 0
    total: int | None = None
    has_shrunk: bool = False
    is_at_end: bool = False

    @classmethod
    def after(cls, endpoint: Endpoint, bodies: Iterable[bytes]) -> Position:
        """Where a walk stood whose stored pages these are, in their order. Raises NotJson or WrongShape for what is no page of it."""
        position = cls()
        for body in bodies:
            data = parsed(body, endpoint)
            position.take(data, records_in(data, endpoint, body), endpoint)
        return position

    def take(self, data: Record, records: Iterable[Record], endpoint: Endpoint) -> list[Record]:
        """Move past a page; returns the records that are new."""
        new = []
        for record in records:
            if (key := id_of(record, endpoint)) not in self.ids:
                self.ids.add(key)
                new.append(record)
        self.tokens.add(self.token)
        self.pages += 1
        self.stale = 0 if new else self.stale + 1
        self.token, total = next_page(data)
        self.has_shrunk |= self.total is not None and total is not None and total < self.total
        self.total = total if total is not None else self.total
        self.is_at_end = not self.token
        return new


class Walk:
    """Iterate over it for the pages. Afterwards ``remark`` says in words what makes the list perhaps not whole; "" means that it is whole.

    An error of the client's ends it; the pages that came before stay good, and a new walk from ``position`` goes on after them.
    """

    def __init__(
        self,
        client: Client,
        endpoint: Endpoint,
        ids: Mapping[str, Value] | None = None,
        params: Mapping[str, Value] | None = None,
        position: Position | None = None,
    ) -> None:
        self._client, self._endpoint, self._ids = client, endpoint, ids
        self._params: dict[str, Value] = {"limit": PAGE_SIZE} | (dict(_BY_ID) if endpoint.is_sorted else {}) | dict(params or {})
        self.position = position or Position()
        self.remark = ""

    @property
    def is_whole(self) -> bool:
        return self.position.is_at_end and not self.remark

    def __iter__(self) -> Iterator[Page]:
        at = self.position
        while not at.is_at_end and not self._goes_round():
            answer = self._client.get(self._endpoint, self._ids, self._params | _asked(at.token))
            records = answer.records()
            new = at.take(answer.data, records, self._endpoint)
            yield Page(at.pages, answer, tuple(new), len(records) - len(new), at.token)
        self._count_again()

    def _goes_round(self) -> bool:
        """Whether reading on would read the same again."""
        at = self.position
        if at.token and at.token in at.tokens:
            self.remark = f"Page {at.pages} of {self._endpoint.label} leads back to a page that was read already"
        elif at.stale >= _MOST_STALE:
            self.remark = f"The last {at.stale} pages of {self._endpoint.label} brought nothing new"
        if self.remark:
            self.remark += f", so reading ended there with {len(at.ids):,} records. There may be more."
        return bool(self.remark)

    def _count_again(self) -> None:
        """The older form says how many there are, and numbers its pages: what is deleted meanwhile moves another record over their edge."""
        at = self.position
        if self.remark or at.total is None:
            return
        if at.has_shrunk:
            self.remark = f"Something was deleted from {self._endpoint.label} while it was read, so a record may be missing. Pull it again."
        elif len(at.ids) < at.total:
            self.remark = f"Of {self._endpoint.label}, {len(at.ids):,} records came, and Huntress counts {at.total:,}. Pull it again."


def next_page(data: Record) -> tuple[str, int | None]:
    """The token of the page after this one, "" at the end; and how many records there are in all, where the page says it.

    >>> next_page({"pagination": {"next_page_token": "b2xk"}}), next_page({"pagination": None}), next_page({})
    (('b2xk', None), ('', None), ('', None))
    >>> next_page({"pagination": {"current_page": 1, "next_page": 2, "total_count": 700}})
    ('#2', 700)
    """
    about = data.get("pagination")
    if not isinstance(about, Mapping):
        return "", None
    total = about.get("total_count")
    return _token_in(about), total if isinstance(total, int) and not isinstance(total, bool) else None


def _token_in(about: Mapping[str, Any]) -> str:
    """A token, else the number of the next page, else what its address says: of that only the query is used, never the host."""
    if token := about.get("next_page_token"):
        return str(token)
    if number := about.get("next_page"):
        return f"#{number}"
    url = about.get("next_page_url")
    query = parse_qs(urlsplit(url).query) if isinstance(url, str) else {}
    if "page_token" in query:
        return query["page_token"][0]
    return f"#{query['page'][0]}" if "page" in query else ""


def _asked(token: str) -> dict[str, Value]:
    if not token:
        return {}
    return {"page": token[1:]} if token.startswith("#") else {"page_token": token}
