"""The invented Huntress over HTTP: a server in a thread, which tests tell what to do, and the demonstration leaves alone."""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from recon.demo.huntress.answering import Desk, Habits, Wrong
from recon.demo.huntress.estate import Estate
from recon.demo.huntress.faults import Fault, Script
from recon.demo.huntress.keys import Whose
from recon.demo.huntress.records import Made
from recon.demo.huntress.window import Window

__all__ = ["FakeHuntress", "Habits"]

_PREFIX: Final = "/v1/"
_REMEMBERED: Final = 100_000


class FakeHuntress:
    """Use it as a context: inside, it listens on ``base``. ``seen`` has the path and query of every call, ``refused`` counts the 429s.

    ``limit`` calls in ``seconds`` for the account and its users together, and for the reseller; 0 is no limit.
    """

    def __init__(
        self,
        estate: Estate,
        *,
        habits: Habits | None = None,
        limit: int = 60,
        seconds: float = 60.0,
        port: int = 0,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        self.habits = habits or Habits()
        self.desk = Desk(estate, self.habits, {}, {}, set())
        self.script = Script()
        self.seen: deque[str] = deque(maxlen=_REMEMBERED)
        self.windows = {name: Window(limit, seconds) for name in ("account", "reseller")} if limit else {}
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        scheme = "http"
        if certificate:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.base = f"{scheme}://127.0.0.1:{self._server.server_port}{_PREFIX}"

    def __enter__(self) -> FakeHuntress:
        Thread(target=self.serve, name="fake-huntress", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answer until somebody leaves the context, or interrupts."""
        self._server.serve_forever(poll_interval=0.05)

    def fail(self, fault: Fault) -> None:
        self.script.add(fault)

    def delete(self, table: str, number: int) -> None:
        self.desk.gone.setdefault(table, set()).add(number)

    def edit(self, table: str, number: int, **fields: Any) -> None:
        self.desk.edits.setdefault((table, number), {}).update(fields)

    def revoke(self, whose: Whose) -> None:
        self.desk.revoked.add(whose)

    @property
    def refused(self) -> int:
        return sum(window.refused for window in self.windows.values())

    def calls(self, last: str) -> int:
        """How many calls there were to paths that end so."""
        return sum(urlsplit(target).path.rpartition("/")[2] == last for target in self.seen)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    fake: FakeHuntress

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up in the middle is no news; what breaks here is."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in as few packets as it needs
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        fake = self.server.fake
        fake.seen.append(self.path)
        path = urlsplit(self.path).path
        fault = fake.script.next_for(path)
        if fault and fault.kind == "act" and fault.act:
            fault.act()
            fault = None
        told: dict[str, str] = {}
        try:
            whose = fake.desk.who(self.headers.get("Authorization", ""))
            told = self._count(whose)
            if fault and fault.kind == "revoke":
                fake.revoke(whose)
                fake.desk.who(self.headers.get("Authorization", ""))
            if fault and fault.kind == "status":
                told |= {"Retry-After": fault.retry_after} if fault.retry_after else {}
                raise Wrong(fault.status, "Something is amiss")
            params = dict(parse_qsl(urlsplit(self.path).query))
            if fault and fault.kind == "repeated_page":
                params.pop("page_token", None)
            made = fake.desk.answer(whose, path.removeprefix(_PREFIX), params)
        except _Counted as wrong:
            self._send(wrong.status, _said(wrong, fake.habits.body), told | wrong.told)
        except Wrong as wrong:
            self._send(wrong.status, _said(wrong, fault.body if fault else fake.habits.body), told)
        else:
            self._fulfil(made, fault, told, params)

    def _count(self, whose: Whose) -> dict[str, str]:
        fake = self.server.fake
        window = fake.windows.get("reseller" if whose == "reseller" else "account")
        if window is None:
            return {}
        may, left, wait = window.take()
        told = {"x-huntress-api-call-limit": str(window.limit), "x-huntress-api-call-remaining": str(left)}
        if not may:
            until = datetime.now(UTC) + timedelta(seconds=wait + 1)  # a date has no parts of seconds
            after = {"seconds": str(int(wait) + 1), "date": format_datetime(until, usegmt=True)}.get(fake.habits.retry_after)
            raise _Counted("Rate limit exceeded", told | ({"Retry-After": after} if after else {}))
        return told

    def _fulfil(self, made: Made, fault: Fault | None, told: dict[str, str], params: dict[str, str]) -> None:
        """A good answer, unless a fault spoils it."""
        body = json.dumps(made).encode()
        match fault.kind if fault else "":
            case "malformed":
                body = body[: len(body) * 2 // 3]
            case "html":
                self._send(200, b"<!doctype html><title>Sign in</title>", told, kind="text/html")
                return
            case "shape":
                body = b'["not", "an", "object"]'
            case "huge":
                body = json.dumps(made | {"padding": "x" * (2 << 20)}).encode()
            case "repeated_token" | "repeated_page" if fault:
                body = json.dumps(self._again(made, fault, params)).encode()
            case "redirect" if fault:
                self._send(302, b"", told | {"Location": fault.to})
                return
            case "cut" | "drip" | "drip_headers" | "silence" if fault:
                self._trickle(body, fault)
                return
        self._send(200, body, told)

    def _again(self, made: Made, fault: Fault, params: dict[str, str]) -> Made:
        """A page that leads to itself: under the token it was asked with, or as the first page under always another one."""
        if fault.kind == "repeated_page":
            return made | {"pagination": {"next_page_token": f"round-{len(self.server.fake.seen)}"}}
        return made | ({"pagination": {"next_page_token": params["page_token"]}} if "page_token" in params else {})

    def _trickle(self, body: bytes, fault: Fault) -> None:
        self.close_connection = True
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        if fault.kind == "silence":
            time.sleep(fault.seconds)
            return
        if fault.kind == "cut":
            self.wfile.write(head + body[: len(body) // 2])
            self.wfile.flush()
            return
        whole, drops = (head, body) if fault.kind == "drip" else (b"", head + body)
        self.wfile.write(whole)
        for place in range(len(drops)):
            self.wfile.write(drops[place : place + 1])
            self.wfile.flush()
            time.sleep(fault.seconds)

    def _send(self, status: int, body: bytes, told: dict[str, str], kind: str = "application/json") -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **told}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Counted(Wrong):
    """429, with what the headers say."""

    def __init__(self, message: str, told: dict[str, str]) -> None:
        super().__init__(429, message)
        self.told = told


def _said(wrong: Wrong, style: str) -> bytes:
    """The three bodies that errors were met with."""
    message = str(wrong)
    return json.dumps({"errors": [{"message": message}]} if style == "errors" else {style: message}).encode()
