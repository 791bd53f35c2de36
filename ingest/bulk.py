"""Loading and removing many rows: COPY on PostgreSQL, short transactions on SQLite. Neither builds a model object."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from django.db import connection, models, transaction

#: SQLite holds a web process and a worker only when no transaction is long: rows a transaction, and the pause that lets others in.
_BATCH: Final = 5_000
_PAUSE_SECONDS: Final = 0.002
Record = Sequence[Any]


def load(model: type[models.Model], columns: Sequence[str], records: Iterable[Record]) -> None:
    """Insert records, whose values stand in the order of ``columns`` (database column names), JSON already as text.

    On PostgreSQL it is one COPY, whole or not at all. On SQLite batches are committed as they come: the caller makes them
    count by flipping a state afterwards.
    """
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(quote(column) for column in columns)
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for record in records:
                copy.write_row(record)
        return
    insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"
    for batch in _batches(records):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(insert, batch)
        _let_others_in()


def remove(rows: models.QuerySet[Any]) -> None:
    """Delete rows that nothing refers to, without collecting them; in short transactions on SQLite."""
    if connection.vendor == "postgresql":
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]
        return
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        rows.filter(pk__range=(keys[0], keys[-1]))._raw_delete(rows.db)  # type: ignore[attr-defined]
        _let_others_in()


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    rest = iter(records)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _let_others_in() -> None:
    if not connection.in_atomic_block:
        time.sleep(_PAUSE_SECONDS)
