"""A database of its own for a benchmark, PostgreSQL or SQLite, made and dropped by the parent of the process that measures."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

NAMES = ("sqlite", "postgres")


def run_on_each(module: str, *arguments: str) -> None:
    """Run ``python -m module`` on each database, with "measure" as its first argument."""
    for name in NAMES:
        with _environment(name) as environment:
            if environment is None:
                print(f"{name}: not reached, not measured", flush=True)
                continue
            command = [sys.executable, "-m", module, "measure", name, *arguments]
            subprocess.run(command, check=True, env=os.environ | environment)


@contextmanager
def _environment(name: str) -> Iterator[dict[str, str] | None]:
    with tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
        stated = {"DJANGO_SETTINGS_MODULE": "tests.settings", "RECON_TEST": name, "RECON_TEST_RUN": folder}
        if name == "sqlite":
            yield stated
            return
        address = os.environ.get("TEST_DATABASE_URL") or f"postgres://{getpass.getuser()}@127.0.0.1:5432/postgres"
        database = f"recon_bench_{uuid.uuid4().hex[:8]}"
        try:
            server = psycopg.connect(address, autocommit=True, connect_timeout=3)
        except psycopg.Error:
            yield None
            return
        with server:
            server.execute(f"CREATE DATABASE {database}")
            try:
                yield stated | {"RECON_TEST_DATABASE": database}
            finally:
                server.execute(f"DROP DATABASE {database} WITH (FORCE)")


def set_up() -> None:
    """In the child: Django on that database, migrated. SQLite as it is in the product, not as fast as tests may have it."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    options = settings.DATABASES["default"].get("OPTIONS", {})
    if "init_command" in options:
        options["init_command"] = options["init_command"].replace("; PRAGMA synchronous = OFF", "")
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        settings.DATABASES["default"]["NAME"] = settings.DATA_DIR / "bench.sqlite3"
    django.setup()
    call_command("migrate", verbosity=0)
