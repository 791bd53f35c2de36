"""Readers: documents that people drop, turned into checked values. Pure: no framework, no clock, no environment."""

from typing import Final

from ingest.sources import usage
from ingest.sources.guesses import guess_cycle, guess_kind
from ingest.sources.limits import Limits
from ingest.sources.reading import Counts, Guess, Issue, Leg, Mapping, Reading, Row, Unreadable
from ingest.sources.usage import read

#: What kinds of document there are, by name. A further one is a module of its own, and a line here.
READERS: Final = {"usage": usage.read}

__all__ = [
    "READERS", "Counts", "Guess", "Issue", "Leg", "Limits", "Mapping", "Reading", "Row", "Unreadable", "guess_cycle", "guess_kind", "read",
]  # fmt: skip
