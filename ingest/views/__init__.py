"""Plain views: guard, form, act, redirect."""

from ingest.views.listing import files
from ingest.views.one import discard, file, original, state_mapping
from ingest.views.rows import rows_csv
from ingest.views.work import cancel, jobs

__all__ = ["cancel", "discard", "file", "files", "jobs", "original", "rows_csv", "state_mapping"]
