"""Plain views: guard, form, act, redirect."""

from ingest.views.connections import (
    add_connection,
    change_connection,
    confirm_connection,
    connection,
    connections,
    remove_connection,
    replace_secret,
    test_connection,
)
from ingest.views.listing import files
from ingest.views.mappings import delete_mapping, export_mapping, export_mappings, mapping, mappings
from ingest.views.one import discard, file, original, state_mapping
from ingest.views.pulls import cancel_pull, pull, pull_plan, pulls
from ingest.views.record import record
from ingest.views.rows import rows_csv
from ingest.views.work import cancel, jobs

__all__ = [
    "add_connection", "cancel", "cancel_pull", "change_connection", "confirm_connection", "connection", "connections", "delete_mapping",
    "discard", "export_mapping", "export_mappings", "file", "files", "jobs", "mapping", "mappings", "original", "pull", "pull_plan",
    "pulls", "record", "remove_connection", "replace_secret", "rows_csv", "state_mapping", "test_connection",
]  # fmt: skip
