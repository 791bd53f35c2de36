"""Walking through a list page by page: each page once, each record once, and an end that says whether it was the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ingest.graph.answers import Answer, Record, next_link, parsed, records_in, total_in
from ingest.graph.calls import Call
from ingest.graph.client import Client
from ingest.graph.errors import GraphError
from ingest.graph.gaps import Gap, gap_of

#: So many pages in a row that repeat what was read, and the list goes round in a circle; and so many without a record, and it has no end.
_MOST_REPEATED: Final = 3
_MOST_EMPTY: Final = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came (``answer``), the records in it that no page before had, and how many it repeated.

    ``next_link`` is where the next page is, "" where there is none.
    """

    number: int
    answer: Answer
    records: tuple[Record, ...]
    repeats: int
    next_link: str


@dataclass(slots=True)
class Position:
    """How far a list was read: begin a walk here, and it goes on as if it had never stopped."""

    link: str = ""
    pages: int = 0
    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    repeated: int = 0
    empty: int = 0
    total: int | None = None
    is_at_end: bool = False

    @classmethod
    def after(cls, call: Call, bodies: Iterable[bytes]) -> Position:
        """Where a walk stood whose stored pages these are, in their order. Raises NotJson or WrongShape for what is no page of it."""
        position = cls()
        for body in bodies:
            data = parsed(body, call)
            position.take(data, records_in(data, call, body), call)
        return position

    def take(self, data: Record, records: Iterable[Record], call: Call) -> list[Record]:
        """Move past a page; returns the records that are new."""
        records, new = list(records), []
        for record in records:
            key = record[call.id_field].lower()  # GUIDs, whose case means nothing
            if key not in self.ids:
                self.ids.add(key)
                new.append(record)
        link = next_link(data, call)
        self.links.add(self.link)
        self.pages += 1
        self.repeated = 0 if new or not records else self.repeated + 1
        self.empty = 0 if records else self.empty + 1
        total = total_in(data)
        self.total = total if total is not None else self.total
        self.link, self.is_at_end = link, not link
        return new


class Walk:
    """Iterate over it for the pages. Afterwards ``remark`` says in words what makes the list perhaps not whole, and ``gap`` why an optional
    list was not read; the list is whole where there is neither.

    Another error ends it; the pages that came before stay good, and a new walk from ``position`` goes on after them.
    """

    def __init__(self, client: Client, call: Call, position: Position | None = None) -> None:
        self._client, self._call = client, call
        self.position = position or Position()
        self.remark = ""
        self.gap: Gap | None = None

    @property
    def is_whole(self) -> bool:
        return self.position.is_at_end and not self.remark and self.gap is None

    def __iter__(self) -> Iterator[Page]:
        at = self.position
        while not at.is_at_end and not self._goes_round():
            try:
                answer = self._client.get(self._call, link=at.link)
            except GraphError as error:
                self.gap = gap_of(self._call, error)
                if self.gap is None:
                    raise
                return
            records = answer.records()
            new = at.take(answer.data, records, self._call)
            yield Page(at.pages, answer, tuple(new), len(records) - len(new), at.link)
        self._count_again()

    def _goes_round(self) -> bool:
        """Whether reading on would read the same again."""
        at = self.position
        if at.link and at.link in at.links:
            self.remark = f"Page {at.pages} of {self._call.label} leads back to a page that was read already"
        elif at.repeated >= _MOST_REPEATED:
            self.remark = f"The last {at.repeated} pages of {self._call.label} brought nothing new"
        elif at.empty >= _MOST_EMPTY:
            self.remark = f"The last {at.empty} pages of {self._call.label} were empty"
        if self.remark:
            self.remark += f", so reading ended there with {len(at.ids):,} records. There may be more."
        return bool(self.remark)

    def _count_again(self) -> None:
        """The first page of an advanced query says how many there are."""
        at = self.position
        if not self.remark and at.total is not None and len(at.ids) < at.total:
            self.remark = (
                f"Of {self._call.label}, {len(at.ids):,} came, and Microsoft counted {at.total:,} at the beginning. Somebody may have been "
                "removed meanwhile, or a page may lack records. Pull it again."
            )
