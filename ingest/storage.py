"""Where the bytes are: under their SHA-256, once, exactly as they came."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from django.core.files.base import File
from django.core.files.storage import default_storage

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    sha256: str
    size: int


def path_of(sha256: str) -> str:
    return f"received/{sha256[:2]}/{sha256}"


def store(content: IO[bytes]) -> Stored:
    """Keep bytes under their SHA-256. The same bytes again change nothing."""
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    sha256 = digest.hexdigest()
    if not default_storage.exists(path_of(sha256)):
        content.seek(0)
        default_storage.save(path_of(sha256), File(content))
    return Stored(sha256, size)


def fetch(sha256: str) -> bytes:
    """The bytes, checked against their name. Raises ValueError when the store no longer holds what it was given."""
    with default_storage.open(path_of(sha256)) as stored:
        data: bytes = stored.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"the stored bytes of {sha256} have changed")
    return data


def opened(sha256: str) -> BinaryIO:
    """The bytes as a stream, for sending on."""
    return cast(BinaryIO, default_storage.open(path_of(sha256)))
