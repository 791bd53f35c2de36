"""What `docker compose up` would start, started without it: the image's rooms, a Redis and a database of their own."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config import broker
from tests.platform import image
from tests.platform.image import Service
from tests.platform.room import Room, with_secret_mounts
from tests.run import BASE_DIR

HOST: Final = "recon.example.com"
_READY_SECONDS: Final = 60.0
_SETTLE_SECONDS: Final = 4.0
_AWAITED: Final = ("service_healthy", "service_completed_successfully")


def told_env() -> dict[str, str]:
    """The `.env` of docs/operations.md, as it stands there; ``…`` is for the reader to fill in."""
    block = re.search(r"Write `\.env`.*?```\n(.*?)```", (BASE_DIR / "docs" / "operations.md").read_text(), re.DOTALL)
    assert block
    pairs = [line.split("#")[0].strip().partition("=") for line in block[1].splitlines()]
    return {name: value for name, _, value in pairs if name}


def composed(environment: Mapping[str, str], *names: str) -> dict[str, Service]:
    return image.services([(BASE_DIR / name).read_text() for name in ("docker-compose.yml", *names)], environment)


def until(true: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    deadline = time.monotonic() + seconds
    while not (answer := true()) and time.monotonic() < deadline:
        time.sleep(pause)
    return answer


@dataclass
class Containers:
    """The services of one compose file on one database and one Redis. Ports are free ones: the rest is as it is stated."""

    room: Room
    services: dict[str, Service]
    scratch: Path
    database: str
    ports: dict[str, int]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.volume = self.scratch / "data"
        shutil.copytree(self.room.root / "data", self.volume)  # a new volume begins as what the image has at its place
        owner = (self.room.root / "data").stat()
        os.chown(self.volume, owner.st_uid, owner.st_gid)

    # --- a service ---

    def inside(self, service: Service, secrets: Mapping[str, Path] | None = None) -> Room:
        with_secret_mounts(self.room, service.secrets)
        room = self.room.for_service(service, {"data": self.volume}, secrets or {})
        at = {"REDIS_URL": self._redis, "CACHE_URL": self._redis, "DATABASE_URL": lambda _: self.database}
        room.environment |= {name: change(room.environment[name]) for name, change in at.items() if room.environment[name]}
        return room

    def _redis(self, stated: str) -> str:
        parts = urlsplit(stated)
        assert (parts.hostname, parts.port) == ("redis", 6379)
        return urlunsplit(parts._replace(netloc=f"127.0.0.1:{self.ports['redis']}"))

    def start_all(self) -> None:
        """Start every service as soon as those that it needs are there, as compose does."""
        for name in (order := image.in_order(self.services)):
            for other, condition in self.services[name].needs.items():
                self._await(other, condition)
            self._launch(name)
        for name in order:
            self._await(name, _AWAITED[self.services[name].check is None])

    def start(self, *names: str) -> None:
        """Start services whose needs are there, all at once, and wait until each is healthy or has ended well."""
        for name in names:
            self._launch(name)
        for name in names:
            self._await(name, _AWAITED[self.services[name].check is None])

    def _launch(self, name: str) -> None:
        service = self.services[name]
        if not service.is_ours:
            self._start_other(service)
        else:
            room = self.inside(service)
            with self.log(name).open("ab") as log:
                command = room.enter([self._at_port(word) for word in room.command])
                self.running[name] = subprocess.Popen(
                    command, env=room.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
                )
        self.since[name] = time.monotonic()

    def _await(self, name: str, condition: str) -> None:
        if condition == "service_completed_successfully":
            assert self.running[name].wait(120) == 0, self.log(name).read_text()
            return
        assert condition == "service_healthy"
        if "inspect" in str(self.services[name].check):  # asked too early, it waits for an answer until its time is over
            time.sleep(max(0.0, self.since[name] + _SETTLE_SECONDS - time.monotonic()))
        assert until(lambda: self.is_healthy(name), _READY_SECONDS, 0.5), self.log(name).read_text()

    def _start_other(self, service: Service) -> None:
        if service.name == "redis":
            binary = broker.server_binary()
            assert binary
            assert service.command[0] == "redis-server"
            command = [binary, *service.command[1:], "--port", str(self.ports["redis"]), "--bind", "127.0.0.1", "--dir", str(self.scratch)]
            with self.log("redis").open("ab") as log:
                self.running["redis"] = subprocess.Popen(command, stdout=log, stderr=log)

    def _at_port(self, word: str) -> str:
        return re.sub(r"\b8000\b", str(self.ports["web"]), word)

    def is_healthy(self, name: str) -> bool:
        """Whether the service's own check passes, in the time that compose gives it."""
        service = self.services[name]
        assert service.check
        room = self.inside(service) if service.is_ours else Room(Path("/"), dict(os.environ))
        command = [self._at_port(word) for word in service.check.command]
        command = room.enter(command) if service.is_ours else self._elsewhere(command)
        try:
            done = subprocess.run(command, env=room.environment, capture_output=True, timeout=service.check.timeout)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _elsewhere(self, command: list[str]) -> list[str]:
        at = urlsplit(self.database)
        if command[0] == "redis-cli":
            server = Path(broker.server_binary() or "")
            return [str(server.with_name("redis-cli")), "-p", str(self.ports["redis"]), *command[1:]]
        options = {"--host": at.hostname or "", "--username": at.username or "", "--dbname": at.path[1:]}
        assert command[0] == "pg_isready"
        assert set(command[1::2]) == set(options)
        return ["pg_isready", *(word for pair in options.items() for word in pair), "--port", str(at.port or 5432)]

    def stop(self, name: str) -> int | None:
        """SIGTERM, and the exit status; None when it had to be killed at the end of its grace."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(self.services[name].grace)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL) if self.services[name].is_ours else process.kill()
            process.wait(10)

    def log(self, name: str) -> Path:
        return self.scratch / f"{name}.log"

    def end(self) -> None:
        for name in reversed([name for name in image.in_order(self.services) if name in self.running]):
            process = self.running[name]
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL) if self.services[name].is_ours else process.kill()
            process.wait(10)

    # --- what is asked of them ---

    def manage(self, *arguments: str) -> str:
        """As `docker compose exec web python manage.py …`."""
        done = self.inside(self.services["web"]).run(["python", "manage.py", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


class Browser:
    """Speaks to the port as the proxy in front of it does, and keeps cookies."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: SimpleCookie = SimpleCookie()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        sent = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Origin": f"https://{HOST}"}
        sent["Cookie"] = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        web.request(method, path, body, sent | {name.replace("_", "-"): value for name, value in headers.items()})
        answer = web.getresponse()
        content = answer.read()
        for stated in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(stated)
        return answer, content

    def get(self, path: str) -> tuple[str, str]:
        """The page at the end of the redirects: its path, and what it says."""
        for _ in range(5):
            answer, content = self.ask("GET", path)
            if answer.status // 100 != 3:
                assert answer.status == 200, (path, answer.status, content)
                return path, content.decode()
            path = urlsplit(answer.headers["Location"]).path
        raise AssertionError(f"{path}: redirects without end")

    def post(self, path: str, fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]] | None = None) -> str:
        """Send a form of the page at ``path``; returns where it leads."""
        path, page = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token, page
        told = {"csrfmiddlewaretoken": token[1], **fields}
        body, kind = _multipart(told, files) if files else (urlencode(told).encode(), "application/x-www-form-urlencoded")
        answer, content = self.ask("POST", path, body, Content_Type=kind)
        assert answer.status == 302, (path, answer.status, content)
        return urlsplit(answer.headers["Location"]).path


def _multipart(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    line = b"--boundary-of-the-form\r\nContent-Disposition: form-data; name="
    parts = [line + f'"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    parts += [line + f'"{name}"; filename="{called}"\r\n\r\n'.encode() + content + b"\r\n" for name, (called, content) in files.items()]
    return b"".join(parts) + b"--boundary-of-the-form--\r\n", "multipart/form-data; boundary=boundary-of-the-form"


def make_database(address: str, name: str) -> str:
    """A new database on the server of ``address``; returns its own address."""
    _on_server(address, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _on_server(address, "CREATE DATABASE {}", name)
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def drop_database(address: str, name: str) -> None:
    _on_server(address, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _on_server(address: str, statement: str, name: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
