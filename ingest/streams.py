"""Lists too large to be held in memory: read batch by batch, into a preview or into lines, while the next batch is being prepared."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import pandas as pd
import pyarrow as pa
from django.conf import settings
from django.db import connection
from django.db.models import Max

from ingest import bulk, guards, jobs, storage
from ingest.models import AgentLine, FileOwner, SourceFile, SourceRow
from ingest.sources import READERS, Asked, Mapping, Reading
from ingest.sources.agents import Agents, open_agents, told
from ingest.sources.agents_rows import Batch
from ingest.sources.answers import is_archive
from ingest.sources.guesses import guess_document
from ingest.sources.refusals import refusal
from ingest.sources.sniff import has_sheets

#: The kinds that are read so.
KINDS: Final = frozenset({"agents"})
_HEAD: Final = 1 << 20
_WAIT_SECONDS: Final = 0.4
#: Lines of an earlier attempt that are taken away at once, so that it can be stopped in between.
_REMOVED: Final = {"postgresql": 100_000, "sqlite": 5_000}
T = TypeVar("T")


class _Stopped(Exception):
    """The work that the batches are for has ended."""


@dataclass
class _Watch:
    """Tells the job how far a list is, from the thread that holds its connection; other threads only learn whether to go on."""

    progress: jobs.Progress
    doing: str = ""
    done: int = 0
    total: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    _owner: int = field(default_factory=threading.get_ident)

    def __call__(self, done: int, total: int) -> None:
        if threading.get_ident() == self._owner:
            self.done, self.total = done, total
            self.progress(done, total, self.doing)
        elif self.over.is_set():
            raise _Stopped

    def again(self) -> None:
        self(self.done, self.total)


def limit_bytes(kind: str) -> int:
    """The most bytes that a file of a kind may have; of a kind that nobody said yet, the most of any."""
    usual: int = settings.RECON_MAX_UPLOAD_MB
    return (max(settings.RECON_MAX_STREAMED_MB, usual) if kind in KINDS or not kind else usual) * 2**20


def limit_words() -> str:
    """The most that a file may have, as a page says it."""
    usual, streamed = (limit_bytes(kind) // 2**20 for kind in ("billed", ""))
    kinds = " and ".join(READERS[kind].label.lower() + "s" for kind in sorted(KINDS))
    return f"{usual:,} MB" + (f", {kinds} as CSV up to {streamed:,} MB" if streamed > usual else "")


def start_of(source_file: SourceFile) -> bytes:
    """The bytes; of a text that may have to be read in batches, its first rows, and of an archive of answers its first bytes: enough to
    tell what it is. Raises Unreadable.
    """
    if source_file.size <= _HEAD or (source_file.kind not in KINDS and source_file.size <= limit_bytes("billed")):
        return storage.fetch(source_file.sha256)
    with storage.opened(source_file.sha256) as stream:
        start = stream.read(_HEAD)
        if is_archive(start):
            return start
        if not has_sheets(start):
            end = start.rfind(b"\n") + 1
            return start[: (end + 1) & ~1 if start[:2] in (b"\xff\xfe", b"\xfe\xff") else end] or start
        if source_file.size > limit_bytes("billed"):
            raise too_large(source_file)
        return start + stream.read()


def too_large(source_file: SourceFile) -> Exception:
    limit = settings.RECON_MAX_UPLOAD_MB
    kinds = " and ".join(READERS[kind].label.lower() + "s" for kind in sorted(KINDS))
    message = f"The file is larger than {limit} MB, which only {kinds} as CSV may be. Say that it is one, or split it."
    return refusal("too_big", message)


def read_agents(source_file: SourceFile, mapping: Mapping | None, progress: jobs.Progress) -> Reading:
    """Look through a whole agent list, keeping each odd row on the way. The reading has its Organizations as ``lines``.

    Raises Unreadable.
    """
    bulk.remove(SourceRow.objects.filter(source_file=source_file))
    columns = ["source_file_id", "line", "bucket", "reason", "cells"]
    with opened(source_file, mapping, progress, "Reading rows") as (agents, batches, watch):
        for batch in batches:
            odd = ((source_file.pk, row.line, row.bucket, row.reason, json.dumps(row.cells)) for row in batch.odd)
            bulk.load(SourceRow, columns, odd, lambda rows: watch.again())
            watch(min(batch.end, agents.rows), agents.rows)
    reading = replace(told(agents, source_file.name, _owners_of(agents)), sha256=source_file.sha256)
    return replace(reading, guesses=guess_document(READERS, reading) | reading.guesses)


def load_agents(source_file: SourceFile, mapping: Mapping | None, progress: jobs.Progress) -> Agents:
    """Store every agent of a list under the numbers of its Organizations, which are stored afterwards. Raises Unreadable."""
    forget(source_file.pk, lambda: progress(0, 0, "Clearing an earlier attempt"))
    with opened(source_file, mapping, progress, "Loading rows") as (agents, batches, watch):
        for batch in batches:
            source = pa.repeat(pa.scalar(source_file.pk, pa.int64()), batch.agents.num_rows)
            before, rows = watch.done, agents.rows
            bulk.load_table(
                AgentLine,
                batch.agents.add_column(0, "source_file_id", source),
                lambda done: watch(min(before + done, rows), rows),  # noqa: B023  (called before the next round)
            )
            watch(min(batch.end, rows), rows)
    return agents


def _owners_of(agents: Agents) -> pd.DataFrame:
    return pd.DataFrame(list(agents.owners.numbers), columns=["organization", "organization_id", "organization_key"], dtype="str")


def forget(source_file_id: int, going_on: Callable[[], None] = lambda: None) -> None:
    """Take away what an earlier attempt stored, a part at a time. ``going_on`` is called in between, and may raise."""
    lines = AgentLine.objects.filter(source_file=source_file_id)
    last, step = lines.aggregate(last=Max("line"))["last"], _REMOVED[connection.vendor]
    for start in range(0, (last or -1) + 1, step):
        bulk.remove(lines.filter(line__range=(start, start + step - 1)))
        going_on()
    bulk.remove(FileOwner.objects.filter(source_file=source_file_id))


@contextmanager
def opened(
    source_file: SourceFile, mapping: Mapping | None, progress: jobs.Progress, doing: str
) -> Iterator[tuple[Agents, Iterator[Batch], _Watch]]:
    """An agent list, its batches, and whom to tell how far they are. Bytes that are no longer those that came are an error at the end."""
    watch = _Watch(progress, "Looking through the file")
    with ThreadPoolExecutor(1) as hashing, storage.opened(source_file.sha256) as stream:
        unchanged = hashing.submit(storage.is_unchanged, source_file.sha256)
        agents = open_agents(stream, Asked(source_file.name, mapping, guards.limits(streamed=True), watch))
        watch.doing, watch.done, watch.total = doing, 0, agents.rows
        with closing(_ahead(agents.batches(), watch)) as batches:
            yield agents, batches, watch
        if not unchanged.result():
            raise ValueError(f"the stored bytes of {source_file.sha256} have changed")


def _ahead(batches: Iterator[T], watch: _Watch) -> Generator[T, None, None]:
    """The batches, each prepared in a thread while the one before it is dealt with."""
    with ThreadPoolExecutor(1) as pool:
        try:
            coming = pool.submit(next, batches, None)
            while (batch := _awaited(coming, watch)) is not None:
                coming = pool.submit(next, batches, None)
                yield batch
        finally:
            watch.over.set()


def _awaited(coming: Future[T | None], watch: _Watch) -> T | None:
    while True:
        try:
            return coming.result(_WAIT_SECONDS)
        except TimeoutError:
            watch.again()
