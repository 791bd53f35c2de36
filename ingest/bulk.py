"""Loading and removing many rows: COPY on PostgreSQL, short transactions on SQLite. None builds a model object."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from django.db import connection, models, transaction
from pyarrow.csv import WriteOptions, write_csv

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
    copies = connection.vendor == "postgresql"
    table, names = _names(model, columns)
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


def load_table(model: type[models.Model], table: pa.Table, loaded: Callable[[int], None] = lambda rows: None) -> None:
    """Insert an arrow table whose columns are named as the database's, in the same way; null is unknown, and texts have no nulls.

    Times are in UTC and without a zone. On PostgreSQL the whole table is one COPY.
    """
    if connection.vendor == "postgresql":
        into, names = _names(model, table.column_names)
        written = io.BytesIO()
        write_csv(table, written, WriteOptions(include_header=False))
        copying = f"COPY {into} ({names}) FROM STDIN (FORMAT csv)"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(copying) as copy:
            copy.write(written.getbuffer())
        loaded(table.num_rows)
        return
    texts = [column.cast(pa.string()) if pa.types.is_timestamp(column.type) else column for column in table.columns]
    load(model, table.column_names, zip(*(column.to_pylist() for column in texts), strict=True), loaded)


def load_frame(model: type[models.Model], frame: pd.DataFrame, loaded: Callable[[int], None] = lambda rows: None) -> None:
    """Insert a frame whose columns are named as the database's, in the same way; <NA> is unknown.

    On PostgreSQL each batch is written as CSV in one sweep, several times as fast as value by value.
    """
    columns = [str(column) for column in frame.columns]
    if connection.vendor != "postgresql":
        load(model, columns, zip(*(plain(frame[column]) for column in columns), strict=True), loaded)
        return
    table, names = _names(model, columns)
    for start in range(0, len(frame), _COPY_BATCH):
        batch = frame.iloc[start : start + _COPY_BATCH]
        written = io.BytesIO()
        write_csv(pa.Table.from_pandas(batch, preserve_index=False), written, WriteOptions(include_header=False))
        into = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(written.getbuffer())
        loaded(start + len(batch))


def plain(column: Any) -> list[Any]:
    """A column as Python's own values, None for unknown."""
    values: list[Any] = column.to_numpy(dtype=object, na_value=None).tolist()
    return values


def update(model: type[models.Model], columns: Sequence[str], records: Sequence[Record], kind: str = "text") -> None:
    """Set columns of one kind (as PostgreSQL calls it) of many rows: records are the row's key and then the values.

    In the caller's transaction.
    """
    if not records:
        return
    table, _ = _names(model, ())
    sets = [connection.ops.quote_name(column) for column in columns]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            new = ", ".join(f"unnest(%s::{each}[])" for each in ("bigint", *[kind] * len(sets)))
            assigned = ", ".join(f"{column} = new.c{place}" for place, column in enumerate(sets))
            names = ", ".join(["id", *(f"c{place}" for place in range(len(sets)))])
            sql = f"UPDATE {table} SET {assigned} FROM (SELECT {new}) AS new ({names}) WHERE {table}.id = new.id"  # noqa: S608
            cursor.execute(sql, [list(values) for values in zip(*records, strict=True)])
        else:
            sql = f"UPDATE {table} SET {', '.join(f'{column} = %s' for column in sets)} WHERE id = %s"  # noqa: S608
            cursor.executemany(sql, [(*values, key) for key, *values in records])


def _names(model: type[models.Model], columns: Sequence[str]) -> tuple[str, str]:
    """The table and its columns, quoted."""
    quote = connection.ops.quote_name
    return quote(model._meta.db_table), ", ".join(quote(column) for column in columns)


def remove(rows: models.QuerySet[Any]) -> None:
    """Delete rows that nothing refers to, without collecting them; in short transactions on SQLite."""
    if connection.vendor == "postgresql":
        rows._raw_delete(rows.db)
        return
    keys = np.sort(np.fromiter(rows.order_by().values_list("pk", flat=True).iterator(chunk_size=20_000), dtype=np.int64))
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        rows.filter(pk__range=(int(batch[0]), int(batch[-1])))._raw_delete(rows.db)
        _let_others_in()


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    rest = iter(records)
    while batch := list(islice(rest, size)):
        yield batch


def _let_others_in() -> None:
    if not connection.in_atomic_block:
        time.sleep(_PAUSE_SECONDS)
