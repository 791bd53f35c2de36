"""The client of Graph for one tenant: one call at a time, tried again where that can help.

Its calls go over urllib3 as those to Huntress do, because only there the bounds (bytes, and the time of a whole answer) are kept where the
bytes come in. tenacity tries again, because every pause must be one that a person can end. What was refused is never tried again, no
redirect is followed, and the token goes to Graph's own host only.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay

from ingest.graph import errors
from ingest.graph.answers import Answer, Record, parsed
from ingest.graph.calls import CALLS, Call
from ingest.graph.clouds import Cloud
from ingest.graph.hosts import Host, host_of, target_of
from ingest.graph.signin import SignIn
from ingest.http.patience import Patience, pause, retry_after
from ingest.http.transport import Reply

log = logging.getLogger(__name__)

_TOLD: Final = ("content-type", "date", "retry-after", "request-id", "client-request-id")
_PASSING: Final = {408, *range(500, 600)}
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_PREMIUM: Final = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_EXPIRED: Final = frozenset({"Directory_ExpiredPageToken", "Directory_ResyncRequired"})
_MOST_IN_BATCH: Final = 20


class Client:
    """Graph for one tenant. ``while_waiting`` is called several times a second while it waits, and may raise to end it.

    ``skew`` is by how many seconds Microsoft's clock is ahead of ours, as its last answer said; None before one did.
    """

    def __init__(self, cloud: Cloud, host: Host, sign_in: SignIn, *, patience: Patience, while_waiting: Callable[[], None]) -> None:
        self.cloud, self.tenant, self.patience, self.while_waiting = cloud, sign_in.tenant, patience, while_waiting
        self.skew: float | None = None
        self._host, self._sign_in, self._base = host, sign_in, urlsplit(cloud.base).path
        self._one_batch = Lock()

    def __repr__(self) -> str:
        return f"Client({self.tenant})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._sign_in.close()

    def get(self, call: Call, params: Mapping[str, str] | None = None, *, link: str = "") -> Answer:
        """One answer, whole and parsed: the first page, or the one at ``link``, which Graph gave for the next.

        Raises an error of ``ingest.graph.errors``, or what ``while_waiting`` raises.
        """
        if link and not self._host.owns(link):
            where = host_of(link)
            raise errors.ForeignLink(
                f"The next page of {call.label} is said to be at {where}, where the token does not belong: not followed.",
                endpoint=call.name,
            )
        query = urlencode({**call.params, **(params or {})}, quote_via=quote, safe="$,/()")
        return self._send(call, "GET", target_of(link) if link else f"{self._base}{call.path}" + (f"?{query}" if query else ""))

    def batch(self, call: Call, paths: Mapping[str, str]) -> Answer:
        """Up to twenty GETs in one call, by an id each: whole as a call, though each answer in it has a status of its own.

        Graph allows one tenant few calls to Exchange at a time: only one batch is under way, whoever shares the client.
        """
        if not 0 < len(paths) <= _MOST_IN_BATCH:
            raise ValueError(f"a batch has 1 to {_MOST_IN_BATCH} calls")
        wanted = {"requests": [{"id": name, "method": "GET", "url": path} for name, path in paths.items()]}
        with self._one_batch:
            return self._send(call, "POST", f"{self._base}$batch", json.dumps(wanted, separators=(",", ":")).encode())

    def _send(self, call: Call, method: str, target: str, body: bytes | None = None) -> Answer:
        tries = Retrying(
            retry=retry_if_exception_type(errors.Transient),
            stop=stop_after_attempt(self.patience.tries) | stop_before_delay(self.patience.total),
            wait=self._pause_after,
            sleep=lambda seconds: pause(seconds, self.while_waiting),
            before_sleep=lambda state: _tell(state, method, target),
            reraise=True,
        )
        for attempt in tries:
            with attempt:
                return self._try(call, method, target, body, attempt.retry_state.attempt_number)
        raise AssertionError("tenacity either returns or raises")

    def _try(self, call: Call, method: str, target: str, body: bytes | None, number: int) -> Answer:
        asked_at, started = datetime.now(UTC), time.monotonic()
        try:
            reply = self._once(call, method, target, body)
            if reply.status == HTTPStatus.UNAUTHORIZED:  # a token that was good may be taken back: a new one is asked for, once
                self._sign_in.forget()
                reply = self._once(call, method, target, body)
            self._check(call, reply)
            data = parsed(reply.body, call, reply.headers.get("content-type", ""))
        except errors.GraphError as error:
            error.endpoint = error.endpoint or call.name
            raise
        told = {name: value for name, value in reply.headers.items() if name in _TOLD}
        return Answer(call, target, reply.status, told, reply.body, data, asked_at, time.monotonic() - started, number)

    def _once(self, call: Call, method: str, target: str, body: bytes | None) -> Reply:
        headers = {"Authorization": f"Bearer {self._sign_in.token()}", "Accept": "application/json"}
        if call.is_advanced:
            headers["ConsistencyLevel"] = "eventual"
        if body is not None:
            headers["Content-Type"] = "application/json"
        reply = self._host.ask(method, target, headers, self.while_waiting, body)
        self.skew = _skew(reply.headers.get("date"), datetime.now(UTC), self.skew)
        return reply

    def _check(self, call: Call, reply: Reply) -> None:
        """Raise what an answer's status means."""
        if reply.status == HTTPStatus.OK:
            return
        error = self._failure(call, reply)
        if isinstance(error, errors.Transient):
            error.retry_after = retry_after(reply.headers.get("retry-after"))
        raise error

    def _failure(self, call: Call, reply: Reply) -> errors.GraphError:
        status, code = reply.status, errors.code_in(_maybe(reply.body))
        given: dict[str, Any] = {"endpoint": call.name, "status": status, "code": code, "body": reply.body}
        named = f"{status} {code}".strip()
        if status in _REDIRECTS:
            return errors.RedirectRefused(f"Graph sends us on for {call.label}, which it is not known to do: not followed.", **given)
        if status == HTTPStatus.UNAUTHORIZED:
            return errors.Refused(f"Graph does not accept the app's token for {call.label} ({named}). Was the app removed there?", **given)
        if status == HTTPStatus.FORBIDDEN and code == _PREMIUM:
            return errors.PremiumNeeded(f"Graph gives {call.label} only to tenants with Entra ID P1 ({named}).", **given)
        if status == HTTPStatus.FORBIDDEN:
            return errors.Refused(refusal(call, named), **given)
        if status == HTTPStatus.NOT_FOUND:
            return errors.NotThere(f"Graph has not {call.label} in this tenant ({named}).", **given)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return errors.TooMany(f"The tenant was asked too often (429), and stayed so while {call.label} was asked for.", **given)
        if status in _PASSING:
            return errors.Unavailable(f"Microsoft could not answer for {call.label} ({named}): its own fault.", **given)
        if code in _EXPIRED:
            return errors.LinkExpired(f"The place in {call.label} where reading stopped is too old ({named}). It begins anew.", **given)
        return errors.BadRequest(f"Graph did not understand the question for {call.label} ({named}).", **given)

    def _pause_after(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self.patience.pause_after(state.attempt_number, error.retry_after if isinstance(error, errors.Transient) else None)


def refusal(call: Call, named: str) -> str:
    """Why a call was refused, and what to do."""
    return (
        f"The app may not read {call.label} in this tenant ({named}). It takes the application permission {call.permission}: "
        "add it to the app registration, and send the consent link again."
    )


def user_path(user: str, rest: str) -> str:
    """A path below one user, for a batch; an id cannot lead to another path."""
    return f"/users/{quote(user, safe='')}/{rest}"


def _maybe(body: bytes) -> Record | None:
    try:
        return parsed(body, CALLS["organization"])
    except errors.GraphError:
        return None


def _skew(date: str | None, now: datetime, before: float | None) -> float | None:
    try:
        return round((parsedate_to_datetime(date or "") - now).total_seconds(), 1)
    except (TypeError, ValueError):
        return before


def _tell(state: RetryCallState, method: str, target: str) -> None:
    error = state.outcome.exception() if state.outcome else None
    after = state.next_action.sleep if state.next_action else 0.0
    log.info("%s %s: %s, again in %.1f s", method, target.partition("?")[0], type(error).__name__, after)
