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
from ingest.views.consents import consent_link, consent_links, consent_return, prove_again, withdraw_consent_link
from ingest.views.listing import files
from ingest.views.mappings import delete_mapping, export_mapping, export_mappings, mapping, mappings
from ingest.views.microsoft_app import microsoft_app, remove_microsoft_app
from ingest.views.one import discard, file, original, state_mapping
from ingest.views.privacy import privacy
from ingest.views.pulls import cancel_pull, pull, pull_plan, pulls
from ingest.views.record import record
from ingest.views.rows import rows_csv
from ingest.views.tenants import (
    add_google_tenant,
    confirm_tenant,
    huntress_tenants,
    import_tenants,
    move_tenant,
    remove_tenant,
    tenant,
    tenants,
    test_tenant,
    test_tenants,
)
from ingest.views.work import cancel, jobs

__all__ = [
    "add_connection", "add_google_tenant", "cancel", "cancel_pull", "change_connection", "confirm_connection", "confirm_tenant",
    "connection", "connections", "consent_link", "consent_links", "consent_return", "delete_mapping", "discard", "export_mapping",
    "export_mappings", "file", "files", "huntress_tenants", "import_tenants", "jobs", "mapping", "mappings", "microsoft_app",
    "move_tenant", "original", "privacy", "prove_again", "pull", "pull_plan", "pulls", "record", "remove_connection",
    "remove_microsoft_app", "remove_tenant", "replace_secret", "rows_csv", "state_mapping", "tenant", "tenants", "test_connection",
    "test_tenant", "test_tenants", "withdraw_consent_link",
]  # fmt: skip
