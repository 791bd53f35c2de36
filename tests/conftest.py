"""Fixtures that every test may ask for: a clean cache, a real worker, a real browser."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, Page, sync_playwright
from redis import Redis
from redis.exceptions import RedisError

from config import broker
from config.celery import app as celery_app
from recon import triggers
from tests.settings import BROKER_PREFIX, POSTGRES

BASE_DIR = Path(__file__).resolve().parent.parent
REQUIRED = set(filter(None, os.environ.get("RECON_REQUIRE", "").split(",")))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
USES_DATABASE = {"db", "transactional_db", "live_server", "worker", "django_assert_num_queries", "client", "admin_client"}

# The same examples each time, so that a change is judged by what it changed; `make fuzz` draws others.
hypothesis_settings.register_profile(
    "recon", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
hypothesis_settings.register_profile("search", hypothesis_settings.get_profile("recon"), derandomize=False)
hypothesis_settings.load_profile("search" if "RECON_FUZZ" in os.environ else "recon")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what a database can change is run again; journeys run once, on SQLite."""
    if not POSTGRES:
        skip_services = pytest.mark.skip(reason="needs RECON_TEST=postgres")
        for item in items:
            if item.get_closest_marker("services"):
                item.add_marker(skip_services)
        return
    kept = [item for item in items if _touches_the_database(item) and not item.get_closest_marker("browser")]
    if left := [item for item in items if item not in set(kept)]:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def _touches_the_database(item: pytest.Item) -> bool:
    marks = any(item.get_closest_marker(name) for name in ("django_db", "services", "worker"))
    return marks or bool(USES_DATABASE & set(getattr(item, "fixturenames", ())))


@pytest.fixture(autouse=True)
def _clean_cache() -> None:
    """The rate limits of sign-in count in it, and would count across tests."""
    cache.clear()


@pytest.fixture(autouse=True)
def _without_triggers_when_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """A transactional test's database is emptied after it, which the triggers refuse. ``flush`` brings them back."""
    marker = request.node.get_closest_marker("django_db")
    is_transactional = {"transactional_db", "live_server"} & set(request.fixturenames) or (marker and marker.kwargs.get("transaction"))
    if not is_transactional:
        yield
        return
    request.getfixturevalue("transactional_db")  # set up before this fixture, it is torn down after it
    yield
    triggers.remove(connection)


# --- a real worker ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis for the queue: ``TEST_REDIS_URL`` when PostgreSQL is tested, else one of our own on a socket, as `make run` has it."""
    if POSTGRES:
        yield os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/10"
        return
    binary = broker.server_binary()
    if binary is None:
        pytest.skip("no redis-server on this machine")
    socket = Path(settings.DATA_DIR) / "redis.sock"
    server = subprocess.Popen(
        [binary, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(settings.DATA_DIR)],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: Redis(unix_socket_path=str(socket)).ping(), 10, "the test's Redis")
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait(10)


def _wait(answers: Any, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(RedisError, OSError):
            if answers():
                return
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not answer within {seconds:g} s")


@dataclass
class Worker:
    """A Celery worker as a process of its own. ``kill`` is a SIGKILL of the whole worker: its work in flight is lost."""

    redis_url: str
    log_path: Path
    process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self._log = self.log_path.open("wb")
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "RECON_TEST_BROKER": self.redis_url,
            "RECON_TEST_DATABASE": str(connection.settings_dict["NAME"]),
        }
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "1", "--without-gossip", "--without-mingle"]
        self.process = subprocess.Popen(
            command, cwd=BASE_DIR, env=env, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        _wait(self._is_ready, 30, f"the worker ({self.log_path})")

    def _is_ready(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"the worker stopped:\n{self.log()}")
        return b" ready." in self.log_path.read_bytes()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def queued(self) -> int:
        """How many tasks wait in the queue; what a worker holds is not among them."""
        with Redis.from_url(self.redis_url) as redis:
            return int(redis.llen(f"{BROKER_PREFIX}{settings.CELERY_TASK_DEFAULT_QUEUE}"))

    def kill(self) -> None:
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        if self._log:
            self._log.close()


@pytest.fixture
def worker(transactional_db: None, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker on this test's database and an empty queue; what the test enqueues on commit goes there."""
    _empty(redis_url)
    with _queue_at(broker.celery_address(redis_url)):
        one = Worker(redis_url, Path(settings.DATA_DIR) / f"worker-{time.monotonic_ns()}.log")
        one.start()
        try:
            yield one
        finally:
            one.kill()  # nothing of it is kept, and a polite stop takes two seconds
            _empty(redis_url)


def _empty(redis_url: str) -> None:
    """Drop the queues of this test process, and of no other that shares the Redis."""
    with Redis.from_url(redis_url) as redis:
        if keys := list(redis.scan_iter(match=f"{BROKER_PREFIX}*")):
            redis.delete(*keys)


class _queue_at:
    """Point this process' Celery application at another broker for a while."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> None:
        self.before, celery_app.conf.broker_url = celery_app.conf.broker_url, self.address
        celery_app._after_fork()  # forgets the pools of connections to the old address

    def __exit__(self, *_: object) -> None:
        celery_app.conf.broker_url = self.before
        celery_app._after_fork()


# --- a real browser ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; skipped where there is none, unless ``RECON_REQUIRE`` names it."""
    if CHROMIUM is None:
        (pytest.fail if "chromium" in REQUIRED else pytest.skip)("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window, 1280 × 900, with nobody signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
