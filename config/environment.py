"""What the environment says, read strictly: in the services mode, a missing or empty value is a refusal to start that names it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import environ
from django.core.exceptions import ImproperlyConfigured

env: Final = environ.Env()

#: Without these the services mode does not start. DATABASE_URL and the others hold addresses; SECRET_KEY signs sessions,
#: RECON_SECRETS_KEY encrypts the keys of connections.
SERVICES_NEED: Final = (
    "SECRET_KEY", "RECON_SECRETS_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
)  # fmt: skip


def mode() -> str:
    """``embedded`` or ``services``."""
    value = os.environ.get("RECON_MODE") or "embedded"
    if value not in ("embedded", "services"):
        raise ImproperlyConfigured(f"RECON_MODE is {value!r}: it is embedded or services.")
    return value


def read_secret_files(names: Sequence[str]) -> None:
    """Take what a file holds for each name whose ``NAME_FILE`` is stated, as container secrets come. Both at once is a refusal."""
    for name in names:
        path = os.environ.get(f"{name}_FILE", "").strip()
        if not path:
            continue
        if os.environ.get(name, "").strip():
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both stated: state one.")
        try:
            os.environ[name] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE is {path}, which cannot be read.") from error
        del os.environ[f"{name}_FILE"]  # Django reads the settings a second time when the first ended in an error


def require(names: Sequence[str]) -> None:
    """Refuse to start when any of these is missing or empty, and name all of them at once."""
    if missing := [name for name in names if not os.environ.get(name, "").strip()]:
        raise ImproperlyConfigured(f"RECON_MODE=services needs these in the environment: {', '.join(missing)}. See docs/operations.md.")


def data_dir(default: Path) -> Path:
    return Path(os.environ.get("RECON_DATA_DIR") or default).expanduser().resolve()


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """A list with commas between."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()] or list(default)


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value not in ("", "0", "1", "true", "false", "yes", "no", "on", "off"):
        raise ImproperlyConfigured(f"{name} is {value!r}: it is 1 or 0.")
    return value in ("1", "true", "yes", "on") if value else default


def number(name: str, default: int, least: int = 0, most: int = 0, *, or_zero: bool = False) -> int:
    """A whole number within bounds; ``most`` 0 is no bound. ``or_zero``: 0 is allowed beside them, and says *no limit*."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is {value!r}: it is a whole number.")
    stated = int(value)
    if (stated or not or_zero) and (stated < least or (most and stated > most)):
        bounds = f"from {least:,} to {most:,}" if most else f"of at least {least:,}"
        raise ImproperlyConfigured(f"{name} is {stated:,}: it is a whole number {bounds}{', or 0 for no limit' if or_zero else ''}.")
    return stated
