"""The client: one call at a time, within the account's limit, tried again where that can help.

tenacity tries again, because each try must first get its slot from the limiter, and every pause must be one that a person can end:
urllib3's own retries sleep where neither can be had. What was refused is never tried again, and never the key sent anywhere else.
"""

from __future__ import annotations

import logging
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay

from ingest.http.patience import Patience, pause, retry_after
from ingest.http.transport import Bounds, Reply, Transport
from ingest.huntress import errors
from ingest.huntress.answers import Answer, Record, parsed
from ingest.huntress.endpoints import BASE, Endpoint
from ingest.huntress.limiter import Limiter, Unlimited

log = logging.getLogger(__name__)

_MOST_HOPS: Final = 3
_TOLD: Final = ("content-type", "date", "retry-after", "x-request-id")
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_PASSING: Final = {408, *range(500, 600)}

Value = str | int | bool


class Credential:
    """Key and secret. Neither is in its repr, nor in that of anything that holds it."""

    __slots__ = ("_key", "_secret")

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key.strip(), secret.strip()

    def __repr__(self) -> str:
        return "Credential(…)"

    def header(self) -> str:
        return "Basic " + b64encode(f"{self._key}:{self._secret}".encode()).decode("ascii")

    def hidden_in(self, text: str) -> str:
        """The text without key and secret, should somebody repeat them to us."""
        for one in (self._secret, self._key, self.header().removeprefix("Basic ")):
            text = text.replace(one, "…") if one else text
        return text


def _go_on() -> None:
    """Nobody asked for an end."""


class Client:
    """Huntress' API for one credential. ``while_waiting`` is called several times a second while it waits, and may raise to end it."""

    def __init__(
        self,
        credential: Credential,
        *,
        base: str = BASE,
        limiter: Limiter | None = None,
        while_waiting: Callable[[], None] = _go_on,
        patience: Patience = Patience(),  # noqa: B008 (frozen)
        bounds: Bounds = Bounds(),  # noqa: B008 (frozen)
        trusted: str = "",
    ) -> None:
        self._credential, self._limiter, self._patience, self._while_waiting = credential, limiter or Unlimited(), patience, while_waiting
        self._transport = Transport(base, bounds, trusted=trusted)
        self._old_paths: set[str] = set()

    def __repr__(self) -> str:
        return f"Client({self._transport.base.geturl()})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def get(self, endpoint: Endpoint, ids: Mapping[str, Value] | None = None, params: Mapping[str, Value] | None = None) -> Answer:
        """One answer, whole and parsed. Raises an error of ``ingest.huntress.errors``, or what ``while_waiting`` raises."""
        if endpoint.name in self._old_paths:
            return self._get(endpoint, endpoint.old_path, ids, params)
        try:
            return self._get(endpoint, endpoint.path, ids, params)
        except errors.NotThere:
            if not endpoint.old_path:
                raise
        answer = self._get(endpoint, endpoint.old_path, ids, params)
        self._old_paths.add(endpoint.name)
        return answer

    def _get(self, endpoint: Endpoint, path: str, ids: Mapping[str, Value] | None, params: Mapping[str, Value] | None) -> Answer:
        filled = path.format_map({name: quote(str(value), safe="") for name, value in (ids or {}).items()})
        query = urlencode({name: _spelled(value) for name, value in (params or {}).items()})
        target = f"{self._transport.base.path}{filled}" + (f"?{query}" if query else "")
        tries = Retrying(
            retry=retry_if_exception_type(errors.Transient),
            stop=stop_after_attempt(self._patience.tries) | stop_before_delay(self._patience.total),
            wait=self._pause_after,
            sleep=lambda seconds: pause(seconds, self._while_waiting),
            before_sleep=lambda state: _tell(state, target),
            reraise=True,
        )
        for attempt in tries:
            with attempt:
                return self._try(endpoint, target, attempt.retry_state.attempt_number)
        raise AssertionError("tenacity either returns or raises")

    def _try(self, endpoint: Endpoint, target: str, number: int) -> Answer:
        asked_at, started = datetime.now(UTC), time.monotonic()
        try:
            reply = self._hop(target)
            self._check(endpoint, reply)
            data = parsed(reply.body, endpoint, reply.headers.get("content-type", ""))
        except errors.HuntressError as error:
            error.endpoint = endpoint.name
            if isinstance(error, errors.TooMany):
                self._limiter.close(self._asked_pause(error, number))
            raise
        told = {name: value for name, value in reply.headers.items() if name in _TOLD or name.startswith("x-huntress-")}
        return Answer(endpoint, target, reply.status, told, reply.body, data, asked_at, time.monotonic() - started, number)

    def _hop(self, target: str) -> Reply:
        """Ask, and follow where the same host sends us."""
        for _ in range(_MOST_HOPS + 1):
            reply = self._once(target)
            if reply.status not in _REDIRECTS or "location" not in reply.headers:
                return reply
            goal = urlsplit(urljoin(f"{self._transport.base.scheme}://{self._transport.base.netloc}{target}", reply.headers["location"]))
            if not self._transport.origin(goal):
                raise errors.RedirectRefused(
                    f"{self._transport.host} sends us on to {goal.hostname or 'nowhere'}, where the key does not belong: not followed.",
                    status=reply.status,
                )
            target = goal.path + (f"?{goal.query}" if goal.query else "")
        raise errors.RedirectRefused(f"{self._transport.host} sends us on and on: not followed.", status=reply.status)

    def _once(self, target: str) -> Reply:
        """One request in one slot, which is told of its end however it ends."""
        ticket = self._limiter.enter(self._while_waiting)
        limit = remaining = None
        headers = {
            "Authorization": self._credential.header(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # the bytes as they came are what is stored
            "User-Agent": "recon",
        }
        try:
            reply = self._transport.get(target, headers, self._while_waiting)
            limit, remaining = (_whole(reply.headers.get(f"x-huntress-api-call-{name}")) for name in ("limit", "remaining"))
        finally:
            self._limiter.settle(ticket, limit=limit, remaining=remaining)
        return reply

    def _check(self, endpoint: Endpoint, reply: Reply) -> None:
        """Raise what an answer's status means."""
        if reply.status == HTTPStatus.OK:
            return
        error = self._failure(endpoint, reply)
        if isinstance(error, errors.Transient):
            error.retry_after = retry_after(reply.headers.get("retry-after"))
        raise error

    def _failure(self, endpoint: Endpoint, reply: Reply) -> errors.HuntressError:
        status, words = reply.status, self._words_of(reply)
        given: Any = {"status": status, "body": reply.body}
        if status in (401, 403):
            return errors.Refused(_refusal(endpoint, status) + words, **given)
        if status == HTTPStatus.NOT_FOUND:
            return errors.NotThere(f"Huntress has not, or does not show this key, {endpoint.label} (404).{words}", **given)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return errors.TooMany(
                f"The account's calls of this minute are used up (429), and stayed so while {endpoint.label} was asked for.{words}", **given
            )
        if status in _PASSING:
            return errors.Unavailable(f"Huntress could not answer for {endpoint.label} ({status}): its own fault.{words}", **given)
        return errors.BadRequest(f"Huntress did not understand the question for {endpoint.label} ({status}).{words}", **given)

    def _words_of(self, reply: Reply) -> str:
        try:
            data: Record | None = parsed(reply.body, _ANY)
        except errors.HuntressError:
            data = None
        words = self._credential.hidden_in(errors.said(data))
        return f" It says: {words}" if words else ""

    def _pause_after(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self._asked_pause(error, state.attempt_number)

    def _asked_pause(self, error: BaseException | None, number: int) -> float:
        return self._patience.pause_after(number, error.retry_after if isinstance(error, errors.Transient) else None)


_ANY: Final = Endpoint("", "", "", "", frozenset(), is_list=False)


def _refusal(endpoint: Endpoint, status: int) -> str:
    if endpoint.name == "actor":
        return f"Huntress does not accept this key ({status}). It is wrong, was revoked, or key and secret changed places."
    kinds = " or ".join(sorted(endpoint.who))
    article = "an" if kinds.startswith("a") else "a"
    return f"Huntress refuses {endpoint.label} to this key ({status}). It takes {article} {kinds} key that may read it and was not revoked."


def _tell(state: RetryCallState, target: str) -> None:
    error = state.outcome.exception() if state.outcome else None
    after = state.next_action.sleep if state.next_action else 0.0
    log.info("GET %s: %s, again in %.1f s", target.partition("?")[0], type(error).__name__, after)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _spelled(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
