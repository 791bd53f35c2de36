"""Where the bytes are: under their SHA-256, once, exactly as they came."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast
from uuid import uuid4

from django.core.files.base import File
from django.core.files.storage import default_storage

_CHUNK = 1 << 20
#: Seconds in which bytes that were stored may have no row yet.
_MAY_BE_ARRIVING = 3600.0


@dataclass(frozen=True, slots=True)
class Stored:
    sha256: str
    size: int


def path_of(sha256: str) -> str:
    return f"received/{sha256[:2]}/{sha256}"


def store(content: IO[bytes]) -> Stored:
    """Keep bytes under their SHA-256: at their place all at once, so that no kill leaves half of them there.

    The same bytes again are written again, which mends what the disk has lost since.
    """
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    sha256 = digest.hexdigest()
    content.seek(0)
    arrived = default_storage.save(f"arriving/{uuid4().hex}", File(content))
    kept = Path(default_storage.path(path_of(sha256)))
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    Path(default_storage.path(arrived)).replace(kept)
    return Stored(sha256, size)


def fetch(sha256: str) -> bytes:
    """The bytes, checked against their name. Raises ValueError when the store no longer holds what it was given."""
    with default_storage.open(path_of(sha256)) as stored:
        data: bytes = stored.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"the stored bytes of {sha256} have changed")
    return data


def is_unchanged(sha256: str) -> bool:
    """Whether the bytes are those that were given, read piece by piece: for files that nobody holds in memory."""
    digest = hashlib.sha256()
    with default_storage.open(path_of(sha256)) as stored:
        while piece := stored.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest() == sha256


def opened(sha256: str) -> BinaryIO:
    """The bytes as a stream, for sending on, or for reading without holding them."""
    return cast(BinaryIO, default_storage.open(path_of(sha256)))


def discard(sha256: str, is_used: Callable[[], bool]) -> bool:
    """Delete bytes for good, unless somebody uses them; False: they are there still, and it may be tried again.

    They are set aside before it is asked again who uses them, so that nobody comes to rely on bytes that are about to go. What was stored
    within the last hour may have no row yet: it stays.
    """
    kept = Path(default_storage.path(path_of(sha256)))
    aside = Path(default_storage.path(f"purging/{uuid4().hex}"))
    if is_used():
        return False
    aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        kept.replace(aside)
    except FileNotFoundError:
        return True
    if time.time() - aside.stat().st_mtime < _MAY_BE_ARRIVING or is_used():
        if not kept.exists():
            aside.replace(kept)
        aside.unlink(missing_ok=True)
        return False
    aside.unlink()
    return True


def sweep_purging() -> None:
    """Delete what a kill left set aside. After an hour nobody is at it any more."""
    folder = Path(default_storage.path("purging"))
    for left in folder.glob("*") if folder.exists() else ():
        if time.time() - left.stat().st_mtime > _MAY_BE_ARRIVING:
            left.unlink(missing_ok=True)
