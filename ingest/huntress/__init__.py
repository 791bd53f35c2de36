"""Huntress' API: it brings bytes, which are stored like any upload. It knows nothing of accounts, months or variances of ours."""

from ingest.http.patience import Patience
from ingest.http.transport import Bounds
from ingest.huntress.answers import Answer, Record, moment_of, text_of, whole_of
from ingest.huntress.client import Client, Credential
from ingest.huntress.endpoints import BASE, ENDPOINTS, Endpoint, Kind
from ingest.huntress.errors import HuntressError
from ingest.huntress.paging import Page, Position, Walk
from ingest.huntress.reach import Actor, Reach, actor, survey, surveyed

__all__ = [
    "BASE", "ENDPOINTS", "Actor", "Answer", "Bounds", "Client", "Credential", "Endpoint", "HuntressError", "Kind", "Page", "Patience",
    "Position", "Reach", "Record", "Walk", "actor", "moment_of", "survey", "surveyed", "text_of", "whole_of",
]  # fmt: skip
