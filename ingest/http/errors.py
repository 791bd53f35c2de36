"""What can go wrong between us and another side. Every message is a sentence for people, and none holds a key, a secret or a token."""

from __future__ import annotations


class CallError(Exception):
    """A call that got no usable answer. ``endpoint`` is its name in the caller's table, ``status`` the HTTP status if there was one,
    ``code`` what the other side calls the error, where it has names for them, and ``body`` what came, for keeping.
    """

    def __init__(self, message: str, *, endpoint: str = "", status: int | None = None, code: str = "", body: bytes = b"") -> None:
        super().__init__(message)
        self.endpoint, self.status, self.code, self.body = endpoint, status, code, body


class BadAddress(CallError):
    """The base address is none that a key may be sent to."""


class Refused(CallError):
    """401 or 403: the credential is wrong, was revoked, or may not read this. Other endpoints may answer all the same."""


class NotThere(CallError):
    """404: missing, or not permitted; who answers often does not say which."""


class BadRequest(CallError):
    """400, 409, 422 and others of their kind: asking again in the same way cannot help."""


class NotTrusted(CallError):
    """The other side's certificate is not to be trusted: nothing was sent."""


class RedirectRefused(CallError):
    """We were sent to another host, where the credential does not belong."""


class TooBig(CallError):
    """More bytes than an answer may have."""


class WrongShape(CallError):
    """JSON, but not what this endpoint is described to answer."""


class Transient(CallError):
    """Worth another try. ``retry_after`` is how many seconds the other side asks us to wait, if it says."""

    retry_after: float | None = None


class TooMany(Transient):
    """429: more calls than are allowed just now."""


class Unavailable(Transient):
    """A 5xx, or 408: the other side's own trouble."""


class CannotReach(Transient):
    """No connection came about."""


class CutOff(Transient):
    """The connection broke before the answer was whole."""


class TooSlow(Transient):
    """Silence, or bytes that trickle: the answer was not whole in its time."""


class NotJson(Transient):
    """A whole answer that is no JSON: a half-written one, or a page of some proxy."""
