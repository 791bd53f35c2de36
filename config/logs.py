"""What the log leaves out."""

from logging import WARNING, Filter, LogRecord
from typing import Final

_ROUTINE: Final = "ingest.tasks.sweep_jobs"


class NoRoutine(Filter):
    """Drops the lines that say every few seconds that the sweep went well."""

    def filter(self, record: LogRecord) -> bool:
        return record.levelno >= WARNING or _ROUTINE not in record.getMessage()
