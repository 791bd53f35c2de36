"""Archives of answers: what an API said to one question, answer by answer, with the bytes as they came. Written once, read for ever.

A ZIP whose first part is ``recon-answers.json``, the manifest, and whose others are the answers, numbered in the order they came. The same
answers make the same bytes. Any tool opens it; each answer's SHA-256 is in the manifest, and is checked when it is read.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import IO, Any, BinaryIO, Final

from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal

MANIFEST: Final = "recon-answers.json"
FORMAT: Final = "recon-answers/1"
_START: Final = b"PK\x03\x04"
_MOST_MANIFEST: Final = 64 * 2**20
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
    _limits: Limits

    def bodies(self) -> Iterator[tuple[Entry, bytes]]:
        """Every answer in its order, one in memory at a time. Raises Unreadable where one is missing or is not what came."""
        for entry in self.manifest.answers:
            yield entry, self._body(entry)

    def _body(self, entry: Entry) -> bytes:
        if entry.size > self._limits.max_bytes:
            raise refusal("too_big", f"Answer {entry.number} is larger than {self._limits.max_bytes // 2**20} MB.")
        try:
            with self._zip.open(entry.file) as packed:
                body = packed.read(entry.size + 1)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
            raise refusal("damaged", f"Answer {entry.number} of this archive cannot be unpacked: it is damaged.") from error
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise refusal("damaged", f"Answer {entry.number} of this archive is not what came: its SHA-256 is another one.")
        return body


def open_archive(stream: BinaryIO, limits: Limits = Limits()) -> Archive:  # noqa: B008  (frozen)
    """Raises Unreadable for what is no such archive, or one that is damaged."""
    try:
        archive = zipfile.ZipFile(stream)
        info = archive.getinfo(MANIFEST)
        if info.file_size > _MOST_MANIFEST:
            raise refusal("too_big", "The list of answers in this archive is too long.")
        data = json.loads(archive.read(info))
        manifest = _manifest(data)
    except _NOT_OURS as error:
        raise refusal("damaged", "This archive of answers is damaged, or was made by something else.") from error
    return Archive(manifest, archive, limits)


def _manifest(data: Mapping[str, Any]) -> Manifest:
    if data["format"] != FORMAT:
        raise ValueError(data["format"])
    fields = {name: data[name] for name in ("source", "subject", "kind", "began_at", "ended_at")}
    if not all(isinstance(value, str) for value in fields.values()):
        raise TypeError("a text is none")
    names = tuple(name for name in Entry.__slots__)
    entries = tuple(Entry(**{name: entry[name] for name in names}) for entry in data["answers"])
    if any(not isinstance(entry.size, int) or isinstance(entry.size, bool) or entry.size < 0 for entry in entries):
        raise TypeError("a size is none")
    if [entry.number for entry in entries] != list(range(1, len(entries) + 1)):
        raise ValueError("answers are missing")
    return Manifest(**fields, whose=dict(data["whose"]), lacks=tuple(data["lacks"]), answers=entries, about=dict(data["about"]))
