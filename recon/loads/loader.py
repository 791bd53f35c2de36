"""What it takes to get the rows of a kind of document into the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from accounts.access import Need
from accounts.models import BillingCycle, User
from ingest import guards, jobs, storage
from ingest.models import SourceFile
from ingest.sources import read
from ingest.sources.agents_rows import Owners
from ingest.sources.reading import Mapping, Reading, Unreadable
from recon.services.owners import match_owners, name_owners
from recon.services.sweeping import ask_again

_OWNED: Final = ("organization", "organization_id", "organization_key")
Taught = Callable[[], None]


class Effect(Enum):
    """What a file of a kind does to months.

    ``COUNTED``: its month is counted from it. ``COUNTED_ON``: so are those that follow, until another such file takes over. ``EVIDENCE``:
    a month that is worked on is looked at again, for what the file shows of it. ``NONE``: it stands beside its month.
    """

    COUNTED = 1
    COUNTED_ON = 2
    EVIDENCE = 3
    NONE = 4


def nothing(*given: Any) -> None:
    """Nothing to do."""


@dataclass(frozen=True)
class Loader:
    """How files of a kind are loaded.

    ``read`` gives what ``load`` needs, before it is the file's turn. ``load`` writes the rows, after ``forget`` took away what an earlier
    attempt left, and returns what is to be done in the transaction in which the file begins to count; ``settled`` is done after that.
    Imports of one account take turns, unless they are ``alone``: such a list makes no Organization, and waits only for itself.
    ``need`` is what it takes to put such a list in force, to use it again and to withdraw it; None: the page that asks knows.
    ``place`` puts a file in force where there is more than one of its kind a cycle.
    """

    load: Callable[[SourceFile, Any, jobs.Progress], Taught]
    forget: Callable[[int], None]
    read: Callable[[SourceFile, jobs.Progress], Any]
    effect: Effect = Effect.NONE
    alone: bool = False
    settled: Callable[[SourceFile], object] = nothing
    need: Need | None = None
    place: Callable[[SourceFile, BillingCycle, User], None] | None = None


def stated(source_file: SourceFile) -> Mapping | None:
    """A stated mapping speaks for itself; a guessed one is guessed again, so that the checks on guesses are made again too."""
    return Mapping.from_json(source_file.mapping) if source_file.mapping_stated and source_file.mapping else None


def read_file(source_file: SourceFile, progress: jobs.Progress) -> Reading:
    """Raises JobFailed where the file is refused as a whole."""
    data = storage.fetch(source_file.sha256)
    try:
        return read(
            data, name=source_file.name, kind=source_file.kind, mapping=stated(source_file), limits=guards.limits(), progress=progress
        )
    except Unreadable as refusal:
        raise jobs.JobFailed(str(refusal)) from refusal


def owned(source_file: SourceFile, reading: Reading, columns: Sequence[str]) -> tuple[Owners, pa.Table]:
    """The rows of a list that names Organizations, as the database's columns, and the Organizations by the numbers that rows have."""
    lines, owners = reading.lines, Owners()
    texts = [pa.array(lines[name].astype("str"), pa.string()) for name in _OWNED]
    numbers = owners.number(texts) if len(lines) else pd.array([], dtype="int64")
    made = pa.Table.from_pandas(lines[list(columns)].assign(source_file_id=source_file.pk, owner=numbers), preserve_index=False)
    for place, one in enumerate(made.schema):
        if pa.types.is_timestamp(one.type):  # in UTC, and said so by the column
            made = made.set_column(place, one.name, made.column(place).cast(pa.timestamp("s", tz="UTC")).cast(pa.timestamp("s")))
    return owners, made


def match_again(source_file: SourceFile) -> None:
    """An Organization that another import made meanwhile did not find these names among those that wait; and a list that has
    Organizations by their id alone may have a name for them now.
    """
    name_owners(source_file.account)
    if match_owners(source_file.account):
        ask_again(source_file.account, by=source_file.imported_by)
