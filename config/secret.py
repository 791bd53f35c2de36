"""The secret key of an embedded installation: made when it is first needed, and kept beside the data."""

import os
import secrets
from functools import cache
from pathlib import Path


@cache
def kept_secret(path: Path) -> str:
    """The key in the file; where there is none, a new one, written so that of two processes only one makes it."""
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="ascii").strip()


def _write_once(path: Path, key: str) -> None:
    """Link a finished file into place: a reader never sees half a key, and the first of two writers wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key + "\n")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
