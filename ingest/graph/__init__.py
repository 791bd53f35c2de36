"""Microsoft Graph: it brings bytes, which are stored like any upload. It knows nothing of accounts, months or variances of ours."""

from ingest.graph.answers import Answer, Record, parsed, records_in
from ingest.graph.apps import App, Certificate, Secret
from ingest.graph.calls import CALLS, NEEDED, Call
from ingest.graph.client import Client
from ingest.graph.clouds import CLOUDS, GLOBAL, Cloud
from ingest.graph.consent import Returned, consent_link, returned
from ingest.graph.errors import GraphError
from ingest.graph.factory import Microsoft
from ingest.graph.gaps import Gap, gap_of
from ingest.graph.mailboxes import NO_MAILBOX, PURPOSES, Batch, Mailboxes, Purpose, answered
from ingest.graph.paging import Page, Position, Walk
from ingest.graph.reach import Reach, Tenant, prove, skewed, survey, tenant_in
from ingest.graph.tenants import tenant_id
from ingest.http.patience import Patience
from ingest.http.transport import Bounds

__all__ = [
    "CALLS", "CLOUDS", "GLOBAL", "NEEDED", "NO_MAILBOX", "PURPOSES", "Answer", "App", "Batch", "Bounds", "Call", "Certificate", "Client",
    "Cloud", "Gap", "GraphError", "Mailboxes", "Microsoft", "Page", "Patience", "Position", "Purpose", "Reach", "Record", "Returned",
    "Secret", "Tenant", "Walk", "answered", "consent_link", "gap_of", "parsed", "prove", "records_in", "returned", "skewed", "survey",
    "tenant_id", "tenant_in",
]  # fmt: skip
