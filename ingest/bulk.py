"""Loading and removing many rows: COPY on PostgreSQL, short transactions on SQLite. Neither builds a model object."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from django.db import connection, models, transaction

#: SQLite holds a web process and a worker only when no transaction is long: rows a transaction, and the pause that lets others in.
_BATCH: Final = 5_000
#: On PostgreSQL nobody waits for a COPY, but while it runs its connection can do nothing else, such as saying how far it is.
_COPY_BATCH: Final = 50_000
_PAUSE_SECONDS: Final = 0.002
Record = Sequence[Any]


def load(
    model: type[models.Model], columns: Sequence[str], records: Iterable[Record], loaded: Callable[[int], None] = lambda rows: None
) -> None:
    """Insert records, whose values stand in the order of ``columns`` (database column names), JSON already as text.

    Batches are committed as they come: the caller makes them count by flipping a state afterwards. After each, ``loaded`` is
    told how many rows are in, and may stop the rest by raising.
    """
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(quote(column) for column in columns)
    copies = connection.vendor == "postgresql"
    insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608  (names of our own models)
    done = 0
    for batch in _batches(records, _COPY_BATCH if copies else _BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            if copies:
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for record in batch:
                        copy.write_row(record)
            else:
                cursor.executemany(insert, batch)
        done += len(batch)
        loaded(done)
        if not copies:
            _let_others_in()


def remove(rows: models.QuerySet[Any]) -> None:
    """Delete rows that nothing refers to, without collecting them; in short transactions on SQLite."""
    if connection.vendor == "postgresql":
        rows._raw_delete(rows.db)
        return
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        rows.filter(pk__range=(keys[0], keys[-1]))._raw_delete(rows.db)
        _let_others_in()


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    rest = iter(records)
    while batch := list(islice(rest, size)):
        yield batch


def _let_others_in() -> None:
    if not connection.in_atomic_block:
        time.sleep(_PAUSE_SECONDS)
