"""One of Microsoft's two hosts, and the only way to it. A token or a secret goes nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from ingest.graph.errors import BadAddress
from ingest.http.transport import Bounds, Reply, Transport

#: What may stand in a path or query as it is: a link that Graph made is followed as it came.
_AS_IT_IS = "%/:=&?~#+!$,;'@()*[]-._"


class Host:
    """An origin such as https://graph.microsoft.com. ``through`` is the address on this machine of one that plays it."""

    def __init__(self, origin: str, bounds: Bounds, *, through: str = "", trusted: str = "") -> None:
        self._origin = urlsplit(origin)
        self._transport = Transport(through or origin, bounds, trusted=trusted)
        if through and self._transport.base.scheme != "http":  # and http goes to this very machine only
            raise BadAddress("Whoever plays Microsoft has to be on this machine, at an address that begins with http://127.0.0.1.")

    def __repr__(self) -> str:
        return f"Host({self._origin.geturl()})"

    def owns(self, link: str) -> bool:
        """Whether an address is here: the same scheme, host and port, and nobody's name in it."""
        try:
            address = urlsplit(link)
            port = address.port
        except ValueError:
            return False
        same = (address.scheme, address.hostname, port or 443) == (self._origin.scheme, self._origin.hostname, self._origin.port or 443)
        return same and "@" not in address.netloc

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], while_reading: Callable[[], None], body: bytes | None = None
    ) -> Reply:
        """Raises what ``Transport`` does."""
        named = {"Host": self._origin.netloc, "Accept-Encoding": "identity", "User-Agent": "recon", **headers}
        return self._transport.ask(method, quote(target, safe=_AS_IT_IS), named, while_reading, body)

    def close(self) -> None:
        self._transport.close()


def target_of(link: str) -> str:
    """Path and query of an address."""
    address = urlsplit(link)
    return (address.path or "/") + (f"?{address.query}" if address.query else "")


def host_of(link: str) -> str:
    """For a sentence: whose address it is."""
    try:
        return urlsplit(link).hostname or "nowhere"
    except ValueError:
        return "nowhere"
