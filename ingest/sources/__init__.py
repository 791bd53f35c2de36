"""Readers: documents that people drop, turned into checked values. Pure: no framework, no clock, no environment."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from ingest.sources import agents, billed, exclusions, expected, guesses, invoice, prices, rebilled
from ingest.sources.guesses import guess_cycle
from ingest.sources.limits import Limits
from ingest.sources.reader import Field, Reader
from ingest.sources.reading import Asked, Counts, Guess, Issue, Leg, Mapping, Progress, Reading, Row, Unreadable

#: The kinds of document there are, in the order in which they are asked whether a document is theirs: the one with the most telling
#: words first. A further one is a module of its own, and a line here.
READERS: Final[dict[str, Reader]] = {
    reader.code: reader
    for reader in (
        exclusions.READER,
        agents.READER,
        prices.READER,
        rebilled.READER,
        expected.READER,
        billed.READER,
        invoice.READER,
    )
}

__all__ = [
    "READERS", "Asked", "Counts", "Field", "Guess", "Issue", "Leg", "Limits", "Mapping", "Reader", "Reading", "Row", "Unreadable",
    "guess_cycle", "guess_kind", "read", "recognise",
]  # fmt: skip


def read(
    data: bytes,
    *,
    name: str,
    kind: str,
    mapping: Mapping | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    progress: Progress | None = None,
    only_known: bool = False,
) -> Reading:
    """A document of a kind, read, with the SHA-256 of its bytes and what it seems to be. Raises Unreadable, and nothing else."""
    asked = Asked(name, mapping, limits, progress or (lambda done, total: None), only_known)
    # Hashing leaves the interpreter free, so it costs no time of its own beside the parsing.
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(lambda: hashlib.sha256(data).hexdigest())
        reading = READERS[kind].read(data, asked)
    return replace(reading, sha256=digest.result(), guesses=guesses.guess_document(READERS, reading))


def guess_kind(name: str, titles: Sequence[str] = (), header: Sequence[str] = ()) -> Guess | None:
    """What a document seems to be, from its name, title lines and headers; None where nothing tells."""
    return guesses.guess_kind(READERS, name, titles, header)


def recognise(data: bytes, *, name: str, limits: Limits = Limits()) -> Guess | None:  # noqa: B008  (frozen)
    """What a document seems to be, from its name and its first rows. Raises Unreadable for bytes that are no table at all."""
    return guesses.recognise(READERS, data, name, limits)
