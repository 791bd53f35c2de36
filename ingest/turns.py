"""One at a time, across processes: a turn that ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

_POLL_SECONDS: Final = 0.2
_OURS: Final = 0x7EC0  # tells our advisory locks from those of other programs on the same database


@contextmanager
def turn(number: int, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Be the only one who does this number's work. ``while_waiting`` is called until the turn comes, and may raise."""
    while True:
        with try_turn(number) as is_mine:
            if is_mine:
                yield
                return
        while_waiting()
        time.sleep(_POLL_SECONDS)


@contextmanager
def try_turn(number: int) -> Iterator[bool]:
    """The turn if nobody has it: an advisory lock of the session on PostgreSQL, a locked file beside an SQLite database."""
    with _advisory_lock(number) if connection.vendor == "postgresql" else _locked_file(number) as is_mine:
        yield is_mine


@contextmanager
def _advisory_lock(number: int) -> Iterator[bool]:
    key = [_OURS, number % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a broken session has let go of it already
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@contextmanager
def _locked_file(number: int) -> Iterator[bool]:
    folder = Path(settings.DATA_DIR) / "turns"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(held)
