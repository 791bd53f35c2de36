"""The invented Microsoft over HTTP: both of its hosts in one server on this machine, which tests tell what to do."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from recon.demo.microsoft.estate import Estate
from recon.demo.microsoft.faults import Fault, Script
from recon.demo.microsoft.graph import Desk, Wrong
from recon.demo.microsoft.login import Login, NoToken
from recon.demo.microsoft.records import Made

_GRAPH: Final = "/v1.0/"
_REMEMBERED: Final = 100_000
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Seen:
    """One call: what was asked of which host, for which tenant (as the path or the token says), and if it had a token and the header."""

    method: str
    host: str
    target: str
    tenant: str
    has_token: bool
    is_advanced: bool
    body: bytes


class FakeMicrosoft:
    """Use it as a context: inside, it listens on ``base``, which is what ``through`` of ``ingest.graph.Microsoft`` takes.

    ``seen`` has every call, and ``most_batches`` how many batches were under way at once, by tenant.
    """

    def __init__(
        self,
        estate: Estate,
        *,
        port: int = 0,
        login: str = "https://login.microsoftonline.com",
        graph: str = "https://graph.microsoft.com",
    ) -> None:
        self.desk = Desk(estate, graph)
        self.login = Login(estate, self.desk, origin=login)
        self.script = Script()
        self.seen: deque[Seen] = deque(maxlen=_REMEMBERED)
        self.hosts = {"login": urlsplit(login).netloc, "graph": urlsplit(graph).netloc}
        self.under_way: Counter[str] = Counter()
        self.most_batches: Counter[str] = Counter()
        self.lock = Lock()
        self.desk.before_each = self._before_each
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeMicrosoft:
        Thread(target=self.serve, name="fake-microsoft", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answer until somebody leaves the context, or interrupts."""
        self._server.serve_forever(poll_interval=0.05)

    def fail(self, fault: Fault) -> None:
        self.script.add(fault)

    def delete(self, user: str) -> None:
        self.desk.gone.add(user)

    def edit(self, user: str, **fields: Any) -> None:
        self.desk.edits.setdefault(user, {}).update(fields)

    def withhold(self, tenant: str, *permissions: str) -> None:
        self.desk.withheld.setdefault(tenant, set()).update(permissions)

    def revoke(self, tenant: str) -> None:
        """The customer takes the consent back: tokens that are out there are refused too."""
        self.desk.consented.discard(tenant)

    def calls(self, last: str) -> int:
        """How many calls there were to paths that end so."""
        return sum(urlsplit(one.target).path.rpartition("/")[2] == last for one in self.seen)

    def _before_each(self, path: str, tenant: str) -> None:
        fault = self.script.next_for(path, tenant)
        if fault and fault.kind == "status":
            raise Wrong(fault.status, fault.code, fault.retry_after)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    fake: FakeMicrosoft

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up in the middle is no news; what breaks here is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in as few packets as it needs
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.fake.login.now if timestamp is None else timestamp, usegmt=True)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        fake, address = self.server.fake, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        is_graph = address.path.startswith(_GRAPH)
        tenant = fake.login.tokens.get(token, "") if is_graph else address.path.split("/")[1].lower()
        is_advanced = self.headers.get("ConsistencyLevel") == "eventual"
        host = self.headers.get("Host", "")
        fake.seen.append(Seen(self.command, host, self.path, tenant, bool(token), is_advanced, body))
        fault = fake.script.next_for(address.path, tenant)
        if fault and fault.kind == "act" and fault.act:
            fault.act()
            fault = None
        if fault and fault.kind == "revoke":
            fake.revoke(tenant)
            fault = None
        try:
            self._strike(fault)
            if is_graph:
                self._graph(tenant, host, body, fault, is_advanced=is_advanced)
            else:
                self._sign_in(address.path, dict(parse_qsl(address.query)), host, body, fault)
        except Wrong as wrong:
            self._send(wrong.status, json.dumps(wrong.body).encode(), {"Retry-After": wrong.retry_after} if wrong.retry_after else {})
        except NoToken as refused:
            self._send(refused.status, json.dumps(refused.body).encode())

    def _strike(self, fault: Fault | None) -> None:
        if fault and fault.kind == "status":
            raise Wrong(fault.status, fault.code, fault.retry_after)
        if fault and fault.kind == "refuse":
            raise NoToken(fault.aadsts)

    def _graph(self, tenant: str, host: str, body: bytes, fault: Fault | None, *, is_advanced: bool) -> None:
        fake = self.server.fake
        if host != fake.hosts["graph"]:
            raise Wrong(421, "BadRequest")
        if not tenant:
            raise Wrong(401, "InvalidAuthenticationToken")
        target = self.path.removeprefix(_GRAPH)
        if self.command == "POST" and target == "$batch":
            self._fulfil(self._batch(tenant, body), fault)
            return
        if fault and fault.kind == "repeated_page":
            target = "&".join(part for part in target.split("&") if not part.startswith("$skiptoken"))
        self._fulfil(fake.desk.answer(tenant, target, is_advanced=is_advanced), fault)

    def _batch(self, tenant: str, body: bytes) -> Made:
        fake = self.server.fake
        with fake.lock:
            fake.under_way[tenant] += 1
            fake.most_batches[tenant] = max(fake.most_batches[tenant], fake.under_way[tenant])
        try:
            return fake.desk.batch(tenant, body)
        finally:
            with fake.lock:
                fake.under_way[tenant] -= 1

    def _sign_in(self, path: str, query: dict[str, str], host: str, body: bytes, fault: Fault | None) -> None:
        fake = self.server.fake
        _, tenant, *rest = path.split("/")
        asked = "/".join(rest)
        if asked == "v2.0/adminconsent":
            self._consent(tenant.lower(), query)
        elif host != fake.hosts["login"]:
            raise Wrong(421, "BadRequest")
        elif asked == "v2.0/.well-known/openid-configuration":
            self._fulfil(fake.login.discovery(tenant.lower()), fault)
        elif asked == "oauth2/v2.0/token" and self.command == "POST":
            self._fulfil(fake.login.token(tenant.lower(), dict(parse_qsl(body.decode()))), fault)
        else:
            raise Wrong(404, "NotFound")

    def _consent(self, tenant: str, query: dict[str, str]) -> None:
        goal = self.server.fake.login.consent(tenant, query)
        if goal:
            self._send(302, b"", {"Location": goal})
        else:
            self._send(200, self.server.fake.login.chooser(query).encode(), kind=_HTML)

    def _fulfil(self, made: Made, fault: Fault | None) -> None:
        """A good answer, unless a fault spoils it."""
        body = json.dumps(made).encode()
        match fault.kind if fault else "":
            case "malformed":
                body = body[: len(body) * 2 // 3]
            case "html":
                self._send(200, b"<!doctype html><title>Sign in</title>", kind=_HTML)
                return
            case "shape":
                body = b'["not", "an", "object"]'
            case "huge":
                body = json.dumps(made | {"padding": "x" * (2 << 20)}).encode()
            case "empty_page" | "foreign_link" | "repeated_link" | "repeated_page" if fault:
                body = json.dumps(self._spoiled(made, fault)).encode()
            case "redirect" if fault:
                self._send(302, b"", {"Location": fault.to})
                return
            case "cut" | "drip" | "silence" if fault:
                self._trickle(body, fault)
                return
        self._send(200, body)

    def _spoiled(self, made: Made, fault: Fault) -> Made:
        fake = self.server.fake
        here = f"https://{fake.hosts['graph']}{self.path}"
        match fault.kind:
            case "empty_page":  # its records come on the next one
                return made | {"value": [], "@odata.nextLink": f"{here}&$emptied={len(fake.seen)}"}
            case "foreign_link":
                return made | {"@odata.nextLink": fault.to}
            case "repeated_link":
                return made | {"@odata.nextLink": here}
            case _:  # the first page again and again, under always another link
                return made | {"@odata.nextLink": f"{here.partition('&$skiptoken')[0]}&$skiptoken=round{len(fake.seen)}"}

    def _trickle(self, body: bytes, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "silence":
            time.sleep(fault.seconds)
            return
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        if fault.kind == "cut":
            self.wfile.write(head + body[: len(body) // 2])
            self.wfile.flush()
            return
        self.wfile.write(head)
        for place in range(len(body)):
            self.wfile.write(body[place : place + 1])
            self.wfile.flush()
            time.sleep(fault.seconds)

    def _send(self, status: int, body: bytes, told: dict[str, str] | None = None, kind: str = "application/json") -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(told or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
