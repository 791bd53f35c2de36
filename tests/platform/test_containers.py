"""The image's steps and compose's services, run for real where there is no container engine.

Needs PostgreSQL, and root with mount namespaces (`tests/platform/room.py`). What this cannot see is named in docs/operations.md.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.platform import image, room
from tests.platform.containers import HOST, Browser, Containers, composed, drop_database, make_database, told_env, until
from tests.platform.test_local import _free_port
from tests.run import BASE_DIR, REQUIRED
from tests.settings import POSTGRES, RUN_DIR

pytestmark = pytest.mark.services
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recon-image"
OURS = ("web", "worker", "beat")
PASSWORD = "a-long-phrase-of-Ines-1"
FILES = "/a/quillmere-it/files/"
BILLED = b"Huntress usage 2026-10-14 to 2026-11-14\nOrganization,EDR,ITDR\nAldermere Surveying,14,16\nMarrowdale Coffee,7,5\n"


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """Everything that is long-lived, up and healthy, in the order that compose keeps."""
    if why := room.why_not():
        (pytest.fail if "image" in REQUIRED else pytest.skip)(f"the image's steps cannot be run: {why}")
    if not POSTGRES:
        pytest.skip("needs RECON_TEST=postgres")
    scratch = tmp_path_factory.mktemp("containers")
    stages = image.stages((BASE_DIR / "Dockerfile").read_text())
    inside = room.built(stages, image.context(BASE_DIR), scratch / "root", CACHE)
    server = os.environ["DATABASE_URL"]
    name = f"{RUN_DIR.name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_image".replace("-", "_").lower()
    told = told_env() | {name: secrets.token_urlsafe(64) for name in ("SECRET_KEY", "RECON_SECRETS_KEY")}
    told["POSTGRES_PASSWORD"] = secrets.token_hex(16)
    ports = {"web": _free_port(), "redis": _free_port()}
    up = Containers(inside, composed(told), scratch, make_database(server, name), ports)
    try:
        up.start_all()
        yield up
    finally:
        up.end()
        drop_database(server, name)


@pytest.fixture(scope="module")
def ines(containers: Containers) -> Browser:
    """The first admin, with the password that they chose at the link of `add_account`, signed in."""
    told = containers.manage("add_account", "Quillmere IT", "--slug", "quillmere-it", "--day", "14", "--admin", "ines@quillmere.example")
    link = re.search(rf"https://{re.escape(HOST)}(/\S+)", told)
    assert link, told
    browser = Browser(containers.ports["web"])
    browser.post(link[1], {"password1": PASSWORD, "password2": PASSWORD})
    browser.cookies.clear()
    browser.post("/account/login/", {"login": "ines@quillmere.example", "password": PASSWORD})
    return browser


def _status(containers: Containers, name: str) -> dict[str, str]:
    lines = Path(f"/proc/{containers.running[name].pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("name", OURS)
def test_each_runs_as_the_image_s_user_without_any_right(containers: Containers, name: str) -> None:
    status = _status(containers, name)
    assert set(status["Uid"].split()) == {"10001"}
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"]) == (0, 0, "1")


@pytest.mark.parametrize("place", ["/app", "/app/config", "/opt/venv", "/etc", "/", "/var/tmp"])
def test_nothing_is_written_but_data_and_temporary_files(containers: Containers, place: str) -> None:
    inside = containers.inside(containers.services["web"])
    assert inside.run(["touch", f"{place}/new"]).returncode != 0
    assert inside.run(["touch", "/data/.new", "/tmp/new"]).returncode == 0
    (containers.volume / ".new").unlink()
    as_root = replace(inside, user="root")
    assert "Read-only file system" in as_root.run(["touch", f"{place}/new"]).stderr


def test_the_image_holds_the_locked_packages_and_no_others(containers: Containers) -> None:
    listed = containers.room.run(["python", "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]).stdout
    installed = {line.partition("==")[0].lower().replace("_", "-") for line in listed.split()} - {"pip", "setuptools"}
    locked = set(re.findall(r"^([\w.-]+)(?:\[.*?\])?==", (BASE_DIR / "requirements" / "run.txt").read_text(), re.MULTILINE))
    assert len(installed) > 25
    assert installed <= locked


def test_a_static_file_is_compressed_and_kept_for_ever(containers: Containers, ines: Browser) -> None:
    _, page = ines.get("/account/login/")
    sheet = re.search(r'href="(/static/[\w./-]+\.[0-9a-f]{12}\.css)"', page)
    assert sheet, page
    plain = Browser(containers.ports["web"]).ask("GET", sheet[1])[1]
    for coding in ("br", "gzip"):
        answer, content = Browser(containers.ports["web"]).ask("GET", sheet[1], Accept_Encoding=coding)
        assert answer.headers["Content-Encoding"] == coding
        assert len(content) < len(plain) / 2
        assert "immutable" in answer.headers["Cache-Control"]
        assert int(re.findall(r"max-age=(\d+)", answer.headers["Cache-Control"])[0]) >= 365 * 24 * 60 * 60
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_a_plain_request_is_sent_to_https_and_a_strange_host_is_refused(containers: Containers) -> None:
    answer, _ = Browser(containers.ports["web"]).ask("GET", "/", X_Forwarded_Proto="http")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/")
    answer, _ = Browser(containers.ports["web"]).ask("GET", "/", Host="elsewhere.example")
    assert answer.status == 400


def test_what_a_person_uploads_is_read_by_the_worker(containers: Containers, ines: Browser) -> None:
    _upload(containers, ines, BILLED)
    kept = [path for path in (containers.volume / "files").rglob("*") if path.is_file()]
    assert kept
    assert {(path.stat().st_uid, path.stat().st_mode & 0o777) for path in kept} == {(10001, 0o600)}


def test_beat_starts_again_what_the_queue_forgot(containers: Containers, ines: Browser) -> None:
    job = _upload(containers, ines, BILLED + b"Farnholt Academy,40,2\n")
    forget = "UPDATE ingest_job SET state = 'queued', finished_at = NULL, sent_at = now() - interval '1 hour' WHERE id = %s"
    containers.query(forget, job)
    assert until(lambda: containers.query("SELECT state, attempt FROM ingest_job WHERE id = %s", job) == [("done", 2)], 40)


def _upload(containers: Containers, browser: Browser, content: bytes) -> object:
    page = browser.post(FILES, {}, {"files": ("billing.csv", content)})
    number = int(page.rstrip("/").split("/")[-1])
    ask = "SELECT id, state, error FROM ingest_job WHERE source_file_id = %s"
    assert until(lambda: containers.query(ask, number)[0][1] not in ("queued", "running"), 30)
    job, state, error = containers.query(ask, number)[0]
    assert state == "done", error
    assert "Aldermere Surveying" in browser.get(page)[1]
    return job


def test_each_stops_within_its_grace_and_its_check_then_fails(containers: Containers) -> None:
    with ThreadPoolExecutor(len(OURS)) as at_once:
        assert list(at_once.map(containers.is_healthy, OURS)) == [True] * len(OURS)
        for name in OURS:
            started = time.monotonic()
            assert containers.stop(name) == 0, containers.log(name).read_text()
            assert time.monotonic() - started < containers.services[name].grace / 2
        assert list(at_once.map(containers.is_healthy, OURS)) == [False] * len(OURS)
    containers.start(*OURS)


def test_a_request_in_hand_is_answered_before_the_web_stops(containers: Containers) -> None:
    """A body that is still on its way when the signal comes: what a deployment does to an upload."""
    body = b"x" * 200_000
    with socket.create_connection(("127.0.0.1", containers.ports["web"]), timeout=20) as slow:
        head = f"POST /account/login/ HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nContent-Length: {len(body)}\r\n\r\n"
        slow.sendall(head.encode() + body[:1000])
        time.sleep(0.5)
        with ThreadPoolExecutor(1) as at_once:
            stopped = at_once.submit(containers.stop, "web")
            time.sleep(1)
            slow.sendall(body[1000:])
            assert slow.recv(100).startswith(b"HTTP/1.1 403")  # it has no token, and is told so
            assert stopped.result() == 0
    containers.start("web")


def test_migrating_again_changes_nothing(containers: Containers) -> None:
    before = containers.log("migrate").read_text()
    containers.start("migrate")
    assert "No migrations to apply." in containers.log("migrate").read_text().removeprefix(before)


def test_secrets_may_come_in_files(containers: Containers, tmp_path: Path) -> None:
    """With the files that docs/operations.md tells of: readable by all, in a directory that is not."""
    tmp_path.chmod(0o700)
    held = {"database_url": containers.database, "email_url": "smtp+tls://mail.example.com:587"}
    held |= {name: secrets.token_urlsafe(64) for name in ("secret_key", "secrets_key")}
    for name, value in held.items():
        (tmp_path / name).write_text(f"{value}\n")
        (tmp_path / name).chmod(0o444)
    told = told_env() | dict.fromkeys(("SECRET_KEY", "RECON_SECRETS_KEY", "POSTGRES_PASSWORD", "EMAIL_URL"), "")
    service = composed(told, "docker-compose.secrets.yml")["migrate"]
    inside = containers.inside(service, {name: tmp_path / name for name in held})
    done = inside.run(["python", "manage.py", "migrate", "--check"])
    assert done.returncode == 0, done.stderr
    (tmp_path / "database_url").write_text("")
    assert "DATABASE_URL" in inside.run(["python", "manage.py", "migrate", "--check"]).stderr
