"""The two modes: what each demands, and what the embedded one makes for itself."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.environment import SERVICES_NEED
from tests.run import BASE_DIR, SERVICES


def _manage(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command in an environment that states nothing but this."""
    command = [sys.executable, "manage.py", *arguments]
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment}
    return subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True)


def _value(expression: str, environment: Mapping[str, str]) -> str:
    done = _manage("shell", "--no-imports", "-c", f"from django.conf import settings; print({expression})", environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("missing", SERVICES_NEED)
def test_the_services_mode_refuses_to_start_without_what_it_needs(missing: str) -> None:
    script = "import config.settings"
    env = {"PATH": os.environ["PATH"], **SERVICES, missing: " "}
    done = subprocess.run([sys.executable, "-c", script], cwd=BASE_DIR, env=env, capture_output=True, text=True)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert missing in last


def test_a_secret_may_come_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-0123456789-abcdefghijklmnopqrstuvwxyz-ABC\n")
    stated = {name: value for name, value in SERVICES.items() if name != "SECRET_KEY"} | {"SECRET_KEY_FILE": str(secret)}
    assert _value("settings.SECRET_KEY", stated) == secret.read_text().strip()
    assert "both stated" in _manage("check", environment=stated | {"SECRET_KEY": "x" * 50}).stderr
    assert "cannot be read" in _manage("check", environment=stated | {"SECRET_KEY_FILE": str(tmp_path / "none")}).stderr


def test_a_secret_in_a_file_does_not_hide_what_else_is_missing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-0123456789-abcdefghijklmnopqrstuvwxyz-ABC\n")
    stated = {name: value for name, value in SERVICES.items() if name not in ("SECRET_KEY", "DATABASE_URL")}
    last = _manage("migrate", environment=stated | {"SECRET_KEY_FILE": str(secret)}).stderr.strip().splitlines()[-1]
    assert "DATABASE_URL" in last


def test_an_unknown_mode_is_refused() -> None:
    done = _manage("check", environment={"RECON_MODE": "production"})
    assert "it is embedded or services" in done.stderr


def test_the_services_mode_is_fit_to_be_deployed(tmp_path: Path) -> None:
    done = _manage("check", "--deploy", "--fail-level", "WARNING", environment=SERVICES | {"RECON_DATA_DIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr


def test_the_services_mode_never_debugs_and_sends_cookies_over_https_alone() -> None:
    wanted = "settings.DEBUG, settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT"
    assert _value(wanted, SERVICES | {"RECON_DEBUG": "1"}) == "False True True True"


def test_a_command_that_signs_nothing_writes_nothing(tmp_path: Path) -> None:
    done = _manage("check", environment={"RECON_DATA_DIR": str(tmp_path / "data")})
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_mode_makes_a_key_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    environment = {"RECON_DATA_DIR": str(tmp_path / "data")}
    with ThreadPoolExecutor(3) as pool:
        keys = list(pool.map(lambda _: _value("settings.SECRET_KEY", environment), range(3)))
    assert len(set(keys)) == 1
    assert len(keys[0]) > 50
    files = list((tmp_path / "data").iterdir())
    assert [file.name for file in files] == ["secret.key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_sqlite_is_set_up_for_two_processes(tmp_path: Path) -> None:
    ask = "list(__import__('django.db').db.connection.cursor().execute('PRAGMA {}'))[0][0]"
    expression = ", ".join(ask.format(name) for name in ("journal_mode", "busy_timeout"))
    assert _value(expression, {"RECON_DATA_DIR": str(tmp_path)}) == "wal 20000"


def test_the_queue_is_where_the_environment_says(tmp_path: Path) -> None:
    environment = {"RECON_DATA_DIR": str(tmp_path), "REDIS_URL": "unix:///run/redis.sock?db=2"}
    assert _value("settings.CELERY_BROKER_URL", environment) == "redis+socket:///run/redis.sock?virtual_host=2"
    assert _value("settings.CELERY_BROKER_URL", environment | {"REDIS_URL": ""}) == "filesystem://localhost/"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("RECON_MAX_ROWS", "0", "from 1 to 100,000,000"), ("RECON_MAX_COLUMNS", "20000", "from 2 to 16,384"),
     ("RECON_MAX_UNPACKED_MB", "lots", "it is a whole number"), ("RECON_MAX_READ_SECONDS", "-5", "it is a whole number"),
     ("RECON_WORKER_MEMORY_MB", "64", "from 384 to 1,048,576, or 0 for no limit"), ("RECON_MAX_UPLOAD_MB", "0", "from 1 to 4,096")],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_is_a_refusal_to_start(name: str, value: str, words: str, tmp_path: Path) -> None:
    done = _manage("check", environment={"RECON_DATA_DIR": str(tmp_path), name: value})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert name in last
    assert words in last


def test_limits_reach_the_readers(tmp_path: Path) -> None:
    stated = {"RECON_DATA_DIR": str(tmp_path), "RECON_MAX_ROWS": "7", "RECON_MAX_CELL_LENGTH": "500", "RECON_WORKER_MEMORY_MB": "0"}
    wanted = "(lambda one: (one.max_rows, one.max_cell_length, one.max_memory))(__import__('ingest.guards').guards.limits())"
    assert _value(wanted, stated) == "(7, 500, 0)"


def test_the_documentation_names_every_variable() -> None:
    told = (BASE_DIR / "docs" / "operations.md").read_text()
    read = re.compile(r"""(?:(?:environ\.get\(|env\.\w+\(|flag\(|number\(|words\()["']|\$\{)([A-Z][A-Z_]+)""")
    sources = [*(BASE_DIR / "config").glob("*.py"), BASE_DIR / "docker-compose.yml"]
    names = {name for source in sources for name in read.findall(source.read_text())} | set(SERVICES_NEED)
    assert len(names) > 15
    assert sorted(name for name in names if f"`{name}`" not in told) == []
