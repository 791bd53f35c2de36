"""Agent lists as bytes, and what a reader makes of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.sources import Asked, Counts, Issue, Mapping, Row
from ingest.sources.agents import open_agents
from ingest.sources.limits import Limits

HEADER = ("Hostname", "Organization", "Organization ID", "Serial Number", "Platform", "Last Callback At")


def csv_bytes(*rows: Sequence[Any], delimiter: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()


def hosts(count: int, organizations: int = 3, first: int = 1) -> list[tuple[str, ...]]:
    """Invented hosts, each Organization's beside each other."""
    return [
        (
            f"WS-{n}",
            f"Customer {n % organizations} Ltd",
            str(100 + n % organizations),
            f"SN{n}",
            "windows",
            f"2026-10-{n % 28 + 1:02}T01:07:08Z",
        )
        for n in range(first, first + count)
    ]


@dataclass(frozen=True)
class Seen:
    """Everything that a list says."""

    agents: list[tuple[Any, ...]]
    odd: list[Row]
    counts: Counts
    owners: dict[tuple[str, str, str], int]
    rows_of: list[int]
    issues: list[Issue]

    @property
    def hosts(self) -> list[str]:
        return [agent[2] for agent in self.agents]

    @property
    def codes(self) -> list[tuple[int | None, str]]:
        return [(issue.line, issue.code) for issue in self.issues]


def seen(data: bytes, mapping: Mapping | None = None, *, block: int = 8 << 20, limits: Limits = Limits()) -> Seen:  # noqa: B008
    opened = open_agents(io.BytesIO(data), Asked("list.csv", mapping, limits), block)
    agents: list[tuple[Any, ...]] = []
    odd: list[Row] = []
    for batch in opened.batches():
        agents += zip(*(column.to_pylist() for column in batch.agents.columns), strict=True)
        odd += batch.odd
        assert batch.counts.rows_in == batch.agents.num_rows + len(batch.odd)
    assert opened.counts.loaded == len(agents)
    return Seen(agents, odd, opened.counts, dict(opened.owners.numbers), opened.owners.rows, opened.remarks.all())


def rows_of_csv(data: bytes, delimiter: str = ",") -> list[int]:
    """The line on which each row begins, by Python's own csv module."""
    text = data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = csv.reader((line + "\n" for line in (text if text[-1] else text[:-1])), delimiter=delimiter)
    starts, before = [], 0
    for _ in reader:
        starts.append(before + 1)
        before = reader.line_num
    return starts
