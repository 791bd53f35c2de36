"""What can go wrong between us and Huntress. Every message is a sentence for people, and none holds the key, the secret or a header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: How much of what the other side says is repeated.
_MOST_SAID: Final = 200


class HuntressError(Exception):
    """A call that got no usable answer. ``endpoint`` is its name in the table, ``status`` the HTTP status if there was one, and ``body``
    what came, for keeping.
    """

    def __init__(self, message: str, *, endpoint: str = "", status: int | None = None, body: bytes = b"") -> None:
        super().__init__(message)
        self.endpoint, self.status, self.body = endpoint, status, body


class BadAddress(HuntressError):
    """The base address is none that a key may be sent to."""


class Refused(HuntressError):
    """401 or 403: the key is wrong, was revoked, or is not of the kind that may read this. Other endpoints may answer all the same."""


class NotThere(HuntressError):
    """404: missing, or not permitted; Huntress does not say which."""


class BadRequest(HuntressError):
    """400, 409, 422 and others of their kind: asking again in the same way cannot help."""


class NotTrusted(HuntressError):
    """The other side's certificate is not to be trusted: nothing was sent."""


class RedirectRefused(HuntressError):
    """We were sent to another host, where the key does not belong."""


class TooBig(HuntressError):
    """More bytes than an answer may have."""


class Transient(HuntressError):
    """Worth another try. ``retry_after`` is how many seconds the other side asks us to wait, if it says."""

    retry_after: float | None = None


class TooMany(Transient):
    """429: the account's calls of this minute are used up."""


class Unavailable(Transient):
    """A 5xx, or 408: Huntress' own trouble."""


class CannotReach(Transient):
    """No connection came about."""


class CutOff(Transient):
    """The connection broke before the answer was whole."""


class TooSlow(Transient):
    """Silence, or bytes that trickle: the answer was not whole in its time."""


class NotJson(Transient):
    """A whole answer that is no JSON: a half-written one, or a page of some proxy."""


class WrongShape(HuntressError):
    """JSON, but not what this endpoint is described to answer."""


class LimiterLost(HuntressError):
    """The count of calls cannot be kept, so none is made."""


def said(data: object) -> str:
    """What an error's body says, whatever its shape: ``message``, ``error`` or ``errors[]``; "" when it says nothing.

    >>> said({"errors": [{"message": "limit must be at most 500"}, "and more"]})
    'limit must be at most 500; and more'
    """
    texts = [" ".join(text.split()) for text in _texts(data)]
    return "; ".join(text for text in texts if text)[:_MOST_SAID]


def _texts(data: object) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for one in data[:5]:
            yield from _texts(one)
    elif isinstance(data, Mapping):
        found: Mapping[str, Any] = data
        for name in ("message", "error", "errors", "detail"):
            if found.get(name):
                yield from _texts(found[name])
                return
