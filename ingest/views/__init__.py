"""Plain views: guard, form, act, redirect."""

from ingest.views.listing import files
from ingest.views.mappings import delete_mapping, export_mapping, export_mappings, mapping, mappings
from ingest.views.one import discard, file, original, state_mapping
from ingest.views.rows import rows_csv
from ingest.views.work import cancel, jobs

__all__ = [
    "cancel", "delete_mapping", "discard", "export_mapping", "export_mappings", "file", "files", "jobs", "mapping", "mappings", "original",
    "rows_csv", "state_mapping",
]  # fmt: skip
