"""`make run` and `make demo-reset`: the whole product on one machine, in the embedded mode, with one command."""

import fcntl
import io
import os
import shlex
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import IO, Final

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command, get_commands
from django.db import connections

from config import broker, celery_app, environment
from config.process import SUPERVISED
from config.supervisor import Supervisor

HOST: Final = os.environ.get("RECON_HOST") or "127.0.0.1"
PATIENCE: Final = 60
_GRANIAN: Final = "--interface wsgi --workers 1 --blocking-threads 2 --no-ws --workers-kill-timeout 3"
# Nothing is kept on disk: a job is a row, and what a queue forgets is started again from there.
_REDIS: Final = "--port 0 --unixsocketperm 700 --save '' --appendonly no --loglevel warning --logfile redis.log"
#: What `make demo-reset` sets aside: everything that is made from data, and nothing that it does not know.
RESETS: Final = ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "files", "queue")


class CannotStart(Exception):
    """What is wrong, and the remedy, in a line."""


def main(argv: Sequence[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        if environment.mode() != "embedded":
            raise CannotStart(
                "`make run` is the embedded mode, and RECON_MODE says services. Remedy: unset RECON_MODE, or see docs/operations.md"
            )
        port = environment.number("RECON_PORT", 8000)
        data_dir = environment.data_dir(Path(__file__).resolve().parent.parent / "var")
        return reset(data_dir) if argv == ["reset"] else run(data_dir, port)
    except (CannotStart, ImproperlyConfigured) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(data_dir: Path, port: int) -> int:
    address = f"http://{'localhost' if HOST in ('127.0.0.1', '0.0.0.0', '::') else HOST}:{port}/"  # noqa: S104
    with _only_one(data_dir, address):
        _claim(port)
        own_redis = "" if os.environ.get("REDIS_URL") else broker.server_binary()
        people = _prepare(data_dir)
        if own_redis:
            os.environ["REDIS_URL"] = f"unix://{broker.socket_path(data_dir)}"
        elif not os.environ.get("REDIS_URL"):
            _use_files(data_dir)
        supervisor = Supervisor(lambda: _announce(port, address, people))
        for name, command in (_invented() | _processes(data_dir, port, own_redis)).items():
            supervisor.add_process(name, f"exec {shlex.join(command)}", env=os.environ | {"PYTHONUNBUFFERED": "1", SUPERVISED: "1"})
        status = supervisor.run()
        if supervisor.ended_first:
            print(f"Stopped, because {supervisor.ended_first} ended; its last lines are above. Remedy: make run starts everything again")
        return status


def reset(data_dir: Path) -> int:
    """Set the data aside and load the demo anew. The data of before stay in ``before-reset`` until the next time."""
    with _only_one(data_dir, ""):
        aside = data_dir / "before-reset"
        if aside.exists():
            _remove(aside)
        aside.mkdir()
        for name in RESETS:
            if (data_dir / name).exists():
                (data_dir / name).rename(aside / name)
        people = _prepare(data_dir)
    print(f"{people}The demo starts over: make run. What was there before is kept in {aside} until the next reset.")
    return 0


def _remove(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    directory.rmdir()


class _only_one:
    """Hold a data directory for this process alone. The lock goes with the process, however it ends; the file it leaves means nothing."""

    def __init__(self, data_dir: Path, address: str) -> None:
        self.data_dir, self.address = data_dir, address

    def __enter__(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self.file: IO[str] = (self.data_dir / "run.lock").open("a+")
        except OSError as error:
            raise CannotStart(
                f"{self.data_dir} cannot be written ({error.strerror}). Remedy: RECON_DATA_DIR=/a/directory/of/yours make run"
            ) from None
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.seek(0)
            raise CannotStart(f"Already running on this data: {self.file.read().strip()}. Remedy: stop it there with Ctrl-C") from None
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()} {self.address}".strip())
        self.file.flush()

    def __exit__(self, *_: object) -> None:
        self.file.truncate(0)
        self.file.close()


def _claim(port: int) -> None:
    """See that the port is free before anything is started."""
    family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            why = "taken" if getattr(error, "errno", 0) == 98 else f"not to be had ({error})"
            other = port + 1 if 0 < port < 65535 else 8001
            raise CannotStart(f"Port {port} is {why}. Remedy: RECON_PORT={other} make run") from None


def _prepare(data_dir: Path) -> str:
    """Bring database, static files and demo up to date; returns what the demo says of its people."""
    django.setup()
    celery_app.conf.broker_url = "memory://localhost/"  # no worker runs yet: what the demo enqueues is found by the first sweep
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    if not _has_demo():
        return ""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            call_command("demo", stdout=said)
    except CommandError as error:
        raise CannotStart(f"{error} Remedy: make demo-reset, or RECON_DEMO=0 make run to start without it") from error
    connections.close_all()
    return said.getvalue()


def _use_files(data_dir: Path) -> None:
    (data_dir / "queue" / "control").mkdir(parents=True, exist_ok=True)
    print("No Redis on this machine: jobs are passed on in files, which is slower. Remedy: install redis-server, or set REDIS_URL")


def _invented() -> dict[str, list[str]]:
    """The demonstration's Huntress and Microsoft, on free ports that only this machine reaches; the other processes are told where."""
    processes: dict[str, list[str]] = {}
    if not _has_demo():
        return processes
    for name, variable, path in (("huntress", "RECON_DEMO_HUNTRESS", "/v1/"), ("microsoft", "RECON_DEMO_MICROSOFT", "")):
        if os.environ.get(variable):
            continue
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        os.environ[variable] = f"http://127.0.0.1:{port}{path}"
        processes[name] = [sys.executable, "-m", f"recon.demo.{name}", "--port", str(port)]
    return processes


def _has_demo() -> bool:
    return "demo" in get_commands() and environment.flag("RECON_DEMO", default=True)


def _processes(data_dir: Path, port: int, own_redis: str | None) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--quiet", "-A", "config"]
    processes = {
        "web": [*python, "granian", *shlex.split(_GRANIAN), "--host", HOST, "--port", str(port), "config.wsgi:application"],
        "worker": [*celery, "worker", "--without-gossip", "--without-mingle"],
        "beat": [*celery, "beat"],
    }
    if own_redis:
        path = broker.socket_path(data_dir)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        processes["redis"] = [own_redis, *shlex.split(_REDIS), "--unixsocket", str(path), "--dir", str(data_dir)]
    return processes


def _announce(port: int, address: str, people: str) -> None:
    """Say where it is as soon as it answers."""
    started = time.monotonic()
    health = f"http://{'127.0.0.1' if HOST == '0.0.0.0' else HOST}:{port}/healthz"  # noqa: S104
    request = urllib.request.Request(health, headers={"Host": "localhost"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() - started < PATIENCE:
        try:
            opener.open(request, timeout=2)
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            line = "-" * 78
            sys.stdout.write(f"\n{line}\n{people.rstrip()}\n\nReady: {address}   (Ctrl-C stops everything)\n{line}\n\n")
            sys.stdout.flush()
            return
    sys.stdout.write(f"The web server has not answered within {PATIENCE} seconds; its lines are above.\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
