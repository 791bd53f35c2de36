"""Archives of answers: what an API said to one question, answer by answer, with the bytes as they came. Written once, read for ever.

A ZIP whose first part is ``recon-answers.json``, the manifest, and whose others are the answers, numbered in the order they came. The same
answers make the same bytes. Any tool opens it; each answer's SHA-256 is in the manifest, and is checked when it is read.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import IO, Any, BinaryIO, Final

from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal

MANIFEST: Final = "recon-answers.json"
FORMAT: Final = "recon-answers/1"
_START: Final = b"PK\x03\x04"
_MOST_MANIFEST: Final = 64 * 2**20
#: No answer has more: the transport stops there. All of them together, unpacked, have at most so many times the bytes of a file.
_MOST_ANSWER: Final = 64 * 2**20
_MOST_UNPACKED: Final = 4
_RATIO_FROM: Final = 64 * 2**20
_YEARS: Final = range(2000, 2200)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_NOT_OURS: Final = (
    KeyError, TypeError, ValueError, AttributeError, RecursionError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer: ``endpoint`` by its name, ``address`` (path and query), ``asked_at`` in ISO 8601, and what its bytes are."""

    number: int
    endpoint: str
    address: str
    status: int
    headers: Mapping[str, str]
    asked_at: str
    sha256: str
    size: int
    records: int

    @property
    def file(self) -> str:
        return f"{self.number:05d}.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was asked. ``kind`` is the kind of document that it is read as, "" for one that is none; ``whose`` is the account in the words
    of who answered (``id``, ``name``); ``lacks`` are sentences on what is missing, none where it is whole.
    """

    source: str
    subject: str
    kind: str
    whose: Mapping[str, str]
    began_at: str
    ended_at: str
    lacks: tuple[str, ...] = ()
    answers: tuple[Entry, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> datetime:
        """When the last answer came, in UTC. Raises ValueError; of an archive that was opened, never."""
        return _moment(self.ended_at)

    @property
    def is_whole(self) -> bool:
        return not self.lacks


def write(into: IO[bytes], manifest: Manifest, bodies: Iterable[bytes]) -> None:
    """The archive. ``bodies`` stand in the order of ``manifest.answers``, and are as they came."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        said = {"format": FORMAT, **asdict(manifest)}
        archive.writestr(_info(MANIFEST), json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1).encode())
        for entry, body in zip(manifest.answers, bodies, strict=True):
            archive.writestr(_info(entry.file), body)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
    return info


def is_archive(start: bytes) -> bool:
    """Whether bytes begin as such an archive does."""
    return start.startswith(_START) and start[30 : 30 + len(MANIFEST)] == MANIFEST.encode()


@dataclass
class Archive:
    """One that is opened. Use ``open_archive``."""

    manifest: Manifest
    _zip: zipfile.ZipFile

    def bodies(self) -> Iterator[tuple[Entry, bytes]]:
        """Every answer in its order, one in memory at a time. Raises Unreadable where one is missing or is not what came."""
        for entry in self.manifest.answers:
            yield entry, self._body(entry)

    def body(self, number: int) -> bytes:
        """One answer, counted from 1. Raises Unreadable as ``bodies`` does."""
        return self._body(self.manifest.answers[number - 1])

    def _body(self, entry: Entry) -> bytes:
        try:
            with self._zip.open(entry.file) as packed:
                body = packed.read(entry.size + 1)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
            raise refusal("damaged", f"Answer {entry.number} of this archive cannot be unpacked: it is damaged.") from error
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise refusal("damaged", f"Answer {entry.number} of this archive is not what came: its SHA-256 is another one.")
        return body


def open_archive(stream: BinaryIO, limits: Limits = Limits()) -> Archive:  # noqa: B008  (frozen)
    """Raises Unreadable for what is no such archive, one that is damaged, and one that holds more than is read."""
    try:
        archive = zipfile.ZipFile(stream)
        info = archive.getinfo(MANIFEST)
        if info.file_size > _MOST_MANIFEST:
            raise refusal("too_big", "The list of answers in this archive is too long.")
        manifest = _manifest(json.loads(archive.read(info)))
        _check_parts(archive, manifest, limits)
    except _NOT_OURS as error:
        raise refusal("damaged", "This archive of answers is damaged, or was made by something else.") from error
    return Archive(manifest, archive)


def _check_parts(archive: zipfile.ZipFile, manifest: Manifest, limits: Limits) -> None:
    """The parts are the answers, as large as the manifest says, and unpacked they are no more than is read."""
    parts = {info.filename: info for info in archive.infolist()}
    if len(archive.infolist()) != len(manifest.answers) + 1 or any(info.flag_bits & 1 for info in parts.values()):
        raise ValueError("other parts than its answers")
    for entry in manifest.answers:
        if parts[entry.file].file_size != entry.size:
            raise ValueError(f"answer {entry.number} has another size")
        if entry.size > _MOST_ANSWER:
            raise refusal("too_big", f"Answer {entry.number} is larger than {_MOST_ANSWER // 2**20} MiB, which is more than is read.")
    unpacked, packed = sum(entry.size for entry in manifest.answers), sum(info.compress_size for info in parts.values())
    is_bomb = unpacked > _RATIO_FROM and unpacked / max(packed, 1) > limits.max_workbook_ratio
    if is_bomb or unpacked > _MOST_UNPACKED * limits.max_bytes:
        raise refusal("too_big", f"The answers in this archive unpack to {unpacked / 2**20:,.0f} MiB, which is more than is read.")


def _manifest(data: Mapping[str, Any]) -> Manifest:
    if data["format"] != FORMAT:
        raise ValueError(data["format"])
    fields = {name: data[name] for name in ("source", "subject", "kind", "began_at", "ended_at")}
    _texts(fields.values())
    if not _moment(fields["began_at"]) <= _moment(fields["ended_at"]):
        raise ValueError("it ended before it began")
    whose, lacks, about = data["whose"], data["lacks"], data["about"]
    _texts([*whose.values(), *lacks])
    entries = tuple(_entry(entry) for entry in data["answers"])
    if [entry.number for entry in entries] != list(range(1, len(entries) + 1)):
        raise ValueError("answers are missing")
    return Manifest(**fields, whose=dict(whose), lacks=tuple(lacks), answers=entries, about=dict(about))


def _entry(data: Mapping[str, Any]) -> Entry:
    entry = Entry(**{name: data[name] for name in Entry.__slots__})
    _texts([entry.endpoint, entry.address, entry.asked_at, entry.sha256, *entry.headers.values()])
    _wholes(entry.number, entry.status, entry.size, entry.records)
    if not _SHA256.fullmatch(entry.sha256):
        raise ValueError("no SHA-256")
    return entry


def _texts(values: Iterable[object]) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("a text is none")


def _wholes(*values: object) -> None:
    if not all(type(value) is int and value >= 0 for value in values):
        raise TypeError("a number is none")


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.year not in _YEARS:
        raise ValueError(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
