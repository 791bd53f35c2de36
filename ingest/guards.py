"""What reading may cost: the settings' limits as the readers take them, and a limit of time around a reading."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from django.conf import settings

from ingest.sources.limits import Limits

#: Of a worker's memory, what it takes up before it reads anything.
_OWN_MB: Final = 256


class TookTooLong(Exception):
    """The time is up; the message is for people."""


def limits(*, streamed: bool = False) -> Limits:
    """What a reader takes in, as the settings say; ``streamed``: of a list that is read in batches."""
    return Limits(
        max_bytes=(max(settings.RECON_MAX_STREAMED_MB, settings.RECON_MAX_UPLOAD_MB) if streamed else settings.RECON_MAX_UPLOAD_MB) * 2**20,
        max_workbook_bytes=settings.RECON_MAX_UNPACKED_MB * 2**20,
        max_workbook_ratio=settings.RECON_MAX_UNPACKED_RATIO,
        max_rows=settings.RECON_MAX_STREAMED_ROWS if streamed else settings.RECON_MAX_ROWS,
        max_columns=settings.RECON_MAX_COLUMNS,
        max_cells=settings.RECON_MAX_CELLS,
        max_workbook_cells=settings.RECON_MAX_WORKBOOK_CELLS,
        max_cell_length=settings.RECON_MAX_CELL_LENGTH,
        max_odd_rows=settings.RECON_MAX_ODD_ROWS,
        max_issues=min(settings.RECON_MAX_ISSUES, 10_000) if streamed else settings.RECON_MAX_ISSUES,
        max_memory=max(settings.RECON_WORKER_MEMORY_MB - _OWN_MB, 64) * 2**20 if settings.RECON_WORKER_MEMORY_MB else 0,
    )


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises TookTooLong within the block when its time is up. Only a process' main thread can be told so; elsewhere nothing is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _time_is_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _time_is_up(number: int, frame: FrameType | None) -> None:
    seconds = settings.RECON_MAX_READ_SECONDS
    raise TookTooLong(f"Reading it took longer than {seconds:,} seconds, which is the most it may. Split the file, or save it as CSV.")
