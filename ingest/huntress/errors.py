"""What can go wrong between us and Huntress. Every message is a sentence for people, and none holds the key, the secret or a header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ingest.http.errors import (
    BadAddress,
    BadRequest,
    CallError,
    CannotReach,
    CutOff,
    NotJson,
    NotThere,
    NotTrusted,
    RedirectRefused,
    Refused,
    TooBig,
    TooMany,
    TooSlow,
    Transient,
    Unavailable,
    WrongShape,
)

__all__ = [
    "BadAddress", "BadRequest", "CannotReach", "CutOff", "HuntressError", "LimiterLost", "NotJson", "NotThere", "NotTrusted",
    "RedirectRefused", "Refused", "TooBig", "TooMany", "TooSlow", "Transient", "Unavailable", "WrongShape", "said",
]  # fmt: skip

#: How much of what the other side says is repeated.
_MOST_SAID: Final = 200


HuntressError = CallError


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
