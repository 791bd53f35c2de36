"""Readers: documents that people drop, turned into checked values. Pure: no framework, no clock, no environment."""

import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from ingest.sources import agents, billed, directory, exclusions, expected, guesses, identities, invoice, invoices, live, prices, rebilled
from ingest.sources.answers import Manifest, is_archive, open_archive
from ingest.sources.guesses import guess_cycle
from ingest.sources.limits import Limits
from ingest.sources.reader import Field, Reader
from ingest.sources.reading import Asked, Counts, Guess, Issue, Leg, Mapping, Progress, Reading, Row, Unreadable
from ingest.sources.records import answered, runs_of
from ingest.sources.refusals import refusal

#: The kinds of document there are, in the order in which they are asked whether a document is theirs: the one with the most telling
#: words first. A further one is a module of its own, and a line here.
READERS: Final[dict[str, Reader]] = {
    reader.code: reader
    for reader in (
        exclusions.READER,
        agents.READER,
        directory.READER,
        prices.READER,
        rebilled.READER,
        expected.READER,
        billed.READER,
        invoice.READER,
        live.READER,
        identities.READER,
        invoices.READER,
    )
}

__all__ = [
    "READERS", "Asked", "Counts", "Field", "Guess", "Issue", "Leg", "Limits", "Mapping", "Reader", "Reading", "Row", "Unreadable",
    "guess_cycle", "guess_kind", "kind_of", "read", "recognise",
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
    """A document of a kind, read, with the SHA-256 of its bytes and what it seems to be. Raises Unreadable, and nothing else.

    An archive of answers is read as what it says it is, in every kind that comes in one.
    """
    asked = Asked(name, mapping, limits, progress or (lambda done, total: None), only_known)
    # Hashing leaves the interpreter free, so it costs no time of its own beside the parsing.
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(lambda: hashlib.sha256(data).hexdigest())
        reading = _of_answers(data, kind, asked) if is_archive(data) else READERS[kind].read(data, asked)
    return replace(reading, sha256=digest.result(), guesses=guesses.guess_document(READERS, reading) | reading.guesses)


def _of_answers(data: bytes, kind: str, asked: Asked) -> Reading:
    reader = READERS[kind]
    if reader.read_answers is None:
        raise refusal("other_kind", f"This is an archive of answers, and {reader.one} is read from none. Drop the list itself.")
    reading = reader.read_answers(data, asked)
    if reading.manifest is not None:
        return reading
    archive = open_archive(io.BytesIO(data), asked.limits)
    return replace(reading, manifest=archive.manifest, answers=runs_of([len(one.records) for one in answered(archive)]))


def kind_of(manifest: Manifest) -> str:
    """The kind that an archive says it is. Raises Unreadable where that is no document of an account's month."""
    reader = READERS.get(manifest.kind)
    if reader is None or reader.read_answers is None:
        what = f"answers of {manifest.source[:40] or 'somebody'} for “{manifest.subject[:40]}”"
        raise refusal("no_document", f"This archive holds {what}, which are no document of one account's month.")
    return reader.code


def guess_kind(name: str, titles: Sequence[str] = (), header: Sequence[str] = ()) -> Guess | None:
    """What a document seems to be, from its name, title lines and headers; None where nothing tells."""
    return guesses.guess_kind(READERS, name, titles, header)


def recognise(data: bytes, *, name: str, limits: Limits = Limits()) -> Guess | None:  # noqa: B008  (frozen)
    """What a document seems to be: an archive of answers by what it says itself, whatever its name; else from its name and first rows.

    Raises Unreadable for bytes that are no table at all.
    """
    if is_archive(data):
        return Guess(kind_of(open_archive(io.BytesIO(data), limits).manifest), "its list of answers says so", "certain")
    return guesses.recognise(READERS, data, name, limits)
