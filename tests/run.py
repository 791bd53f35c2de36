"""`make test`: every check, then the tests on SQLite, and again on PostgreSQL and Redis where they answer. It says which it did.

``RECON_REQUIRE=postgresql,redis,chromium,image`` makes what is named there a condition: unreachable is then a failure, never a skip.
"""

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from tests.platform import room

BASE_DIR: Final = Path(__file__).resolve().parent.parent
REQUIRED: Final = frozenset(filter(None, os.environ.get("RECON_REQUIRE", "").split(",")))
SERVICES: Final = {
    "RECON_MODE": "services",
    "SECRET_KEY": "nobody-signs-anything-with-this-0123456789-abcdefghijklmnop",
    "RECON_SECRETS_KEY": "nobody-keeps-anything-with-this-0123456789-abcdefghijklmnop",
    "DATABASE_URL": "postgres://recon@127.0.0.1/recon",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "ALLOWED_HOSTS": "recon.example.test",
    "CSRF_TRUSTED_ORIGINS": "https://recon.example.test",
    "EMAIL_URL": "smtp+tls://user:word@mail.example.test:587",
    "DEFAULT_FROM_EMAIL": "recon@example.test",
}
_HALF_AN_HOUR: Final = 30 * 60
_PYTEST: Final = ("pytest", "-q", "-n", "2", "--dist", "worksteal")


@dataclass(frozen=True)
class Check:
    """One command, run as ``python -m …`` at the top of the repository."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    name: str
    passed: bool
    seconds: float
    output: str


def main() -> int:
    database, redis, chromium = _database(), _redis(), _chromium()
    reasons = {"postgresql": database[1], "redis": redis[1], "chromium": chromium[1], "image": room.why_not()}
    unavailable = {name: why for name, why in reasons.items() if why}
    if refused := sorted(REQUIRED & unavailable.keys()):
        print("\n".join(f"{name} is required and is not to be had: {unavailable[name]}" for name in refused), file=sys.stderr)
        return 1
    failed = [outcome.name for outcome in _checked() if not _told(outcome).passed]
    ran = ["sqlite"]
    if _tests("sqlite", {"RECON_TEST": "sqlite"}, "not services" if chromium[0] else "not services and not browser"):
        failed.append("tests on sqlite")
    if chromium[0]:
        ran.append("chromium")
    if database[0] and redis[0]:
        ran.insert(1, "postgresql+redis")
        services = {"RECON_TEST": "postgres", "TEST_DATABASE_URL": database[0], "TEST_REDIS_URL": redis[0]}
        if _tests("postgresql+redis", services, "not browser"):
            failed.append("tests on postgresql+redis")
    print(f"\nran: {', '.join(ran)}")
    if unavailable:
        print("NOT run: " + "; ".join(f"{name} ({why})" for name, why in unavailable.items()))
    print(f"FAILED: {', '.join(failed)}" if failed else "Everything that ran passed.", flush=True)
    return 1 if failed else 0


def _checks(scratch: str) -> tuple[Check, ...]:
    data = {"RECON_MODE": "embedded", "RECON_DATA_DIR": scratch}
    return (
        Check("mypy", ("mypy",), data),
        Check("ruff", ("ruff", "check", "."), {}),
        Check("format", ("ruff", "format", "--check", "."), {}),
        Check("imports", ("importlinter.cli", "lint"), {}),
        Check("migrations", ("manage", "makemigrations", "--check", "--dry-run"), data),
        Check("deploy", ("manage", "check", "--deploy", "--fail-level", "WARNING"), SERVICES | {"RECON_DATA_DIR": scratch}),
        Check("static files", ("manage", "collectstatic", "--no-input", "--verbosity", "0"), data),
    )


def _checked() -> Iterator[Outcome]:
    """Two at a time: mypy takes as long as the others together."""
    with tempfile.TemporaryDirectory(prefix="recon-check-") as scratch, ThreadPoolExecutor(2) as pool:
        yield from pool.map(_run, _checks(scratch))


def _run(check: Check) -> Outcome:
    started = time.monotonic()
    command = [sys.executable, "-W", "ignore::RuntimeWarning:django", "-m", *check.command]
    done = subprocess.run(command, cwd=BASE_DIR, env=os.environ | check.environment, capture_output=True, text=True)
    return Outcome(check.name, done.returncode == 0, time.monotonic() - started, done.stdout + done.stderr)


def _told(outcome: Outcome) -> Outcome:
    print(f"{'ok    ' if outcome.passed else 'FAILED'} {outcome.name} ({outcome.seconds:.1f} s)", flush=True)
    if not outcome.passed:
        print(outcome.output, flush=True)
    return outcome


def _tests(name: str, environment: Mapping[str, str], marks: str) -> int:
    print(f"\n== tests on {name} ==", flush=True)
    command = [sys.executable, "-m", *_PYTEST, "-m", marks, *sys.argv[1:]]
    try:
        return subprocess.run(command, cwd=BASE_DIR, env=os.environ | environment, timeout=_HALF_AN_HOUR).returncode
    except subprocess.TimeoutExpired:
        print(f"The tests on {name} were stopped after {_HALF_AN_HOUR} s.", flush=True)
        return 1


def _database() -> tuple[str, str]:
    """The first address that answers, and "" or why there is none. The role must be one that may make databases."""
    stated = os.environ.get("TEST_DATABASE_URL")
    candidates = [stated] if stated else [f"postgres://{who}@127.0.0.1:5432/postgres" for who in ("recon:recon", getpass.getuser())]
    return _first(candidates, _postgresql_answers)


def _postgresql_answers(address: str) -> str:
    try:
        with psycopg.connect(address, connect_timeout=3) as connection:
            row = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return "" if row and row[0] else "the role may not make databases"


def _redis() -> tuple[str, str]:
    return _first([os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/10"], _redis_answers)


def _redis_answers(address: str) -> str:
    try:
        Redis.from_url(address, socket_connect_timeout=3).ping()
    except (RedisError, ValueError) as error:
        return str(error)
    return ""


def _first(addresses: Sequence[str], why_not: Callable[[str], str]) -> tuple[str, str]:
    why = ""
    for address in addresses:
        why = why_not(address)
        if not why:
            return address, ""
    return "", why


def _chromium() -> tuple[str, str]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    return (found, "") if found else ("", "no chromium on the PATH")


if __name__ == "__main__":
    sys.exit(main())
