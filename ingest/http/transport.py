"""One HTTP call with bounds: of time, of bytes, and of who may be spoken to.

urllib3, because the bounds are ours to set in it: the time of a *whole* answer is kept where its bytes are read from the socket, headers
and TLS included, so that a peer that drips bytes ends like one that is silent. Redirects and retries are not its business.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPResponse
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import certifi
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry, Timeout
from urllib3 import exceptions as broken
from urllib3.connection import HTTPConnection, HTTPSConnection

from ingest.http.errors import BadAddress, CannotReach, CutOff, NotTrusted, TooBig, TooSlow, Transient

_CHUNK: Final = 1 << 16
_POOL: Final = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds to connect, between two bytes, and for a whole answer; and how many bytes an answer may have."""

    connect: float = 10.0
    read: float = 30.0
    answer: float = 120.0
    most_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """What came. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """Calls to one host. Raises, of ``ingest.http.errors``, CannotReach, CutOff, TooSlow, NotTrusted and TooBig."""

    def __init__(self, base: str, bounds: Bounds = Bounds(), *, trusted: str = "") -> None:
        """``trusted`` is a file of certificates to trust beside those of the machine and of certifi."""
        self.base, self.bounds = _checked(base), bounds
        self.host = self.base.hostname or ""
        self._pool = self._open(trusted)

    def _open(self, trusted: str) -> HTTPConnectionPool:
        timeout = Timeout(connect=self.bounds.connect, read=self.bounds.read)
        if self.base.scheme == "http":
            plain = HTTPConnectionPool(self.host, self.base.port, timeout=timeout, maxsize=_POOL)
            plain.ConnectionCls = partial(_PlainConnection, bounds=self.bounds)  # type: ignore[assignment]
            return plain
        context = ssl.create_default_context()
        for path in filter(None, (certifi.where(), trusted)):
            context.load_verify_locations(path)
        secure = HTTPSConnectionPool(self.host, self.base.port, timeout=timeout, maxsize=_POOL, ssl_context=context)
        secure.ConnectionCls = partial(_SecureConnection, bounds=self.bounds)  # type: ignore[assignment]
        return secure

    def origin(self, address: SplitResult) -> bool:
        """Whether an address is on our host, port and scheme."""
        return (address.scheme, address.hostname, _port(address)) == (self.base.scheme, self.host, _port(self.base))

    def get(self, target: str, headers: Mapping[str, str], while_reading: Callable[[], None]) -> Reply:
        return self.ask("GET", target, headers, while_reading)

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], while_reading: Callable[[], None], body: bytes | None = None
    ) -> Reply:
        """Ask for path and query. ``while_reading`` is called between pieces of the answer, and may raise."""
        started = time.monotonic()
        try:
            response = self._pool.urlopen(
                method,
                target,
                body=body,
                headers=headers,
                retries=Retry(0, redirect=False),
                redirect=False,
                preload_content=False,
                assert_same_host=True,
            )
            try:
                came = self._body(response, while_reading)
            except BaseException:
                response.close()
                raise
            response.release_conn()
        except broken.HTTPError as error:
            raise self._translated(error, time.monotonic() - started) from None
        return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, came)

    def _body(self, response: Any, while_reading: Callable[[], None]) -> bytes:
        pieces, size = [], 0
        for piece in response.stream(_CHUNK, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self.bounds.most_bytes:
                raise TooBig(f"{self.host} sent more than {self.bounds.most_bytes / 2**20:,.0f} MiB, the most that an answer may have.")
            while_reading()
        return b"".join(pieces)

    def _translated(self, error: broken.HTTPError, seconds: float) -> Transient | NotTrusted:
        if isinstance(error, broken.MaxRetryError) and isinstance(error.reason, broken.HTTPError):
            return self._translated(error.reason, seconds)
        if isinstance(error, broken.SSLError):
            return NotTrusted(f"The certificate of {self.host} is not one to trust, so nothing was sent. Is the address right?")
        if isinstance(error, broken.ReadTimeoutError):
            if seconds >= self.bounds.answer:
                return TooSlow(f"{self.host} had not answered in full after {self.bounds.answer:g} seconds.")
            return TooSlow(f"{self.host} fell silent for {self.bounds.read:g} seconds.")
        if isinstance(error, (broken.NameResolutionError, broken.NewConnectionError, broken.ConnectTimeoutError)):
            return CannotReach(f"{self.host} cannot be reached from here. Is there a way out to the internet, and is the address right?")
        return CutOff(f"The connection to {self.host} broke before the answer was whole.")

    def close(self) -> None:
        self._pool.close()


def _checked(base: str) -> SplitResult:
    """Raises BadAddress, unless the address is https, or http on this very machine, as for the demonstration."""
    address = urlsplit(base if base.endswith("/") else f"{base}/")
    try:
        port_is_good = _port(address) > 0
    except ValueError:
        port_is_good = False
    if address.scheme not in ("http", "https") or not address.hostname or not port_is_good:
        raise BadAddress("The address should look like https://api.example.com/v1/.")
    if address.username or address.password or address.query or address.fragment:
        raise BadAddress("The address should be without a name, a password, a ? or a #. The key has fields of its own.")
    if address.scheme == "http" and not _is_here(address.hostname):
        raise BadAddress(f"The address should begin with https://: over http the key could be read on its way to {address.hostname}.")
    return address


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port(address: SplitResult) -> int:
    return address.port or {"http": 80, "https": 443}.get(address.scheme, 0)


class _ByTheClock(io.RawIOBase):
    """The bytes of one answer, which has to be whole by a moment."""

    def __init__(self, sock: socket.socket, bounds: Bounds) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        self._until, self._longest = time.monotonic() + bounds.answer, bounds.read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(min(left, self._longest))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, bounds: Bounds, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_ByTheClock(sock, bounds), _CHUNK)


class _PlainConnection(HTTPConnection):
    def __init__(self, *arguments: Any, bounds: Bounds, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.response_class = partial(_Response, bounds=bounds)  # type: ignore[assignment]


class _SecureConnection(HTTPSConnection):
    def __init__(self, *arguments: Any, bounds: Bounds, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.response_class = partial(_Response, bounds=bounds)  # type: ignore[assignment]
