"""The files that a run writes: all of them, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from recon.offline.refusal import Refusal


def check_outputs(outputs: Iterable[str], inputs: Iterable[str]) -> None:
    """Refuse, before anything is read, to write over an input, over a folder or a device, or two files into one place."""
    read = {os.path.realpath(path) for path in inputs}
    taken: set[str] = set()
    for path in outputs:
        place = os.path.realpath(path)
        if place in read:
            raise Refusal([f"{path}: is one of the lists, and is not written over."])
        if place in taken:
            raise Refusal([f"{path}: is to hold two outputs: give each a place of its own."])
        if not _could_be_a_file(path):
            raise Refusal([f"{path}: cannot be written: it is no file."])
        taken.add(place)


def _could_be_a_file(path: str) -> bool:
    try:
        return Path(path).is_file() or not Path(path).exists()
    except OSError as error:
        raise Refusal([f"{path}: cannot be written: {error.strerror}"]) from error


def put_in_place(made: dict[str, bytes]) -> None:
    """Write all files or none: beside their places first, then by renaming, with what was there before kept until the last."""
    beside: dict[str, Path] = {}
    before: dict[str, Path] = {}
    placed: list[str] = []
    path = ""
    try:
        for path, content in made.items():
            beside[path] = _new_beside(path)
            beside[path].write_bytes(content)
            beside[path].chmod(_mode(path))
        for path in made:
            if Path(path).exists():
                before[path] = _new_beside(path)
                shutil.copy2(path, before[path])
        for path in made:
            beside[path].replace(os.path.realpath(path))
            placed.append(path)
    except OSError as error:
        for done in placed:
            _put_back(done, before.get(done))
        raise Refusal([f"{path}: cannot be written: {error.strerror or error}"]) from error
    finally:
        for left in (*beside.values(), *before.values()):
            left.unlink(missing_ok=True)


def _new_beside(path: str) -> Path:
    handle, name = tempfile.mkstemp(dir=Path(os.path.realpath(path)).parent, prefix=".recon-")
    os.close(handle)
    return Path(name)


def _put_back(path: str, before: Path | None) -> None:
    if before is None:
        Path(os.path.realpath(path)).unlink()
    else:
        before.replace(os.path.realpath(path))


def _mode(path: str) -> int:
    """That of the file to be replaced, else that of any new file."""
    if Path(path).exists():
        return Path(path).stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
