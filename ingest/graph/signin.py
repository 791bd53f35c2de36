"""A token for one tenant, by msal. Tokens stay in this process' memory, and are in no repr, message or log.

msal speaks through a ``requests`` session whose only adapter carries every call over our own bounded transport, to the one host of the
cloud's sign-in; whatever else msal, or a redirect, would turn to is refused. Trouble that passes (429, 5xx, no JSON) is raised by that
adapter with its ``Retry-After``, before msal could replay it without calling; a refusal (400) msal does replay, for a minute.
"""

from __future__ import annotations

import io
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

import msal
from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ingest.graph.apps import App
from ingest.graph.clouds import Cloud
from ingest.graph.errors import NotJson, RedirectRefused, SignInRefused, TooMany, Unavailable, sign_in_refused
from ingest.graph.hosts import Host, target_of
from ingest.http.patience import retry_after
from ingest.http.transport import Reply

#: A token is not used in its last minutes: an answer may take long.
_LEFT: Final = 300.0
#: msal gives the same refusal again without asking for so long [microsoft.md §4].
_REPLAYED: Final = 60.0
_MOST_REMEMBERED: Final = 4_096


class Memory:
    """What msal remembers, by tenant: its tokens, and what discovery said. One for a process; the longest unused is forgotten.

    By tenant, because msal looks for a token by going through all of them.
    """

    def __init__(self) -> None:
        self._by_tenant: OrderedDict[str, tuple[msal.TokenCache, dict[str, Any]]] = OrderedDict()
        self._lock = Lock()

    def of(self, tenant: str) -> tuple[msal.TokenCache, dict[str, Any]]:
        with self._lock:
            found = self._by_tenant.setdefault(tenant, (msal.TokenCache(), {}))
            self._by_tenant.move_to_end(tenant)
            if len(self._by_tenant) > _MOST_REMEMBERED:
                self._by_tenant.popitem(last=False)
            return found


class SignIn:
    """Tokens for one tenant. Raises, of ``ingest.graph.errors``, SignInRefused and what passes."""

    def __init__(self, tenant: str, cloud: Cloud, app: App, host: Host, memory: Memory, while_waiting: Callable[[], None]) -> None:
        self.tenant, self._cloud, self._app, self._memory = tenant, cloud, app, memory
        self._session = Session()
        self._session.trust_env = False
        self._session.adapters = OrderedDict()
        self._session.mount("https://", _Carrier(host, while_waiting))
        self._client: Any = None
        self._token, self._until = "", 0.0

    def __repr__(self) -> str:
        return f"SignIn({self.tenant})"

    def token(self) -> str:
        """A token that is good for some minutes still."""
        if not self._token or time.monotonic() >= self._until:
            started = time.monotonic()
            answer = self._ask()
            self._token, self._until = self._read(answer), started + float(answer.get("expires_in") or 0) - _LEFT
        return self._token

    def forget(self) -> None:
        """The token was not accepted: the next is a new one."""
        self._token = ""
        if self._client is not None:
            self._client.remove_tokens_for_client()

    def _ask(self) -> Mapping[str, Any]:
        try:
            if self._client is None:
                self._client = self._open()
            answer: Mapping[str, Any] | None = self._client.acquire_token_for_client(scopes=self._cloud.scopes)
        except (msal.exceptions.MsalServiceError, RequestException, RuntimeError):
            raise Unavailable("Microsoft's sign-in could not answer: its own fault, or something between us.", endpoint="sign_in") from None
        return answer or {}

    def _open(self) -> Any:
        """msal's app object, whose making asks Microsoft where to sign in to the tenant, and so whether there is one."""
        tokens, discovered = self._memory.of(self.tenant)
        try:
            return msal.ConfidentialClientApplication(
                self._app.client_id,
                client_credential=self._app.credential.for_msal(),
                authority=f"{self._cloud.login}/{self.tenant}",
                instance_discovery=False,
                http_client=self._session,
                token_cache=tokens,
                http_cache=discovered,
            )
        except ValueError as error:
            found = sign_in_refused((), str(error.__context__ or ""))
            raise (found if found.code else sign_in_refused((90002,))) from None

    def _read(self, answer: Mapping[str, Any]) -> str:
        token = answer.get("access_token")
        if isinstance(token, str) and token:
            return token
        if answer.get("error") == "temporarily_unavailable":
            passing = Unavailable("Microsoft's sign-in could not answer just now: its own fault.", endpoint="sign_in")
            passing.retry_after = _REPLAYED
            raise passing
        codes = answer.get("error_codes")
        refused: SignInRefused = sign_in_refused(
            codes if isinstance(codes, list) else (), str(answer.get("error_description") or ""), str(answer.get("error") or "")
        )
        raise refused

    def close(self) -> None:
        self._session.close()


class _Carrier(BaseAdapter):
    """Carries what msal asks to one host, with the bounds of our own transport."""

    def __init__(self, host: Host, while_waiting: Callable[[], None]) -> None:
        super().__init__()
        self._host, self._while_waiting = host, while_waiting

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        url, body = request.url or "", request.body
        if not self._host.owns(url):
            raise RedirectRefused("The sign-in leads to another host, where the app's secret does not belong: not followed.")
        data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() in _PASSED_ON}
        reply = self._host.ask(request.method or "GET", target_of(url), headers, self._while_waiting, data)
        _check(reply)
        response = Response()
        response.status_code, response.url, response.request = reply.status, url, request
        response.headers, response.encoding = CaseInsensitiveDict(reply.headers), "utf-8"
        response.raw = io.BytesIO(reply.body)
        return response

    def close(self) -> None:
        """The connections belong to the host, which others use too."""


_PASSED_ON: Final = frozenset({"accept", "content-type", "client-request-id", "x-client-current-telemetry", "x-client-last-telemetry"})


def _check(reply: Reply) -> None:
    """Raise what is no answer to give to msal: it would replay it, or log what came."""
    asked = retry_after(reply.headers.get("retry-after"))
    given: dict[str, Any] = {"endpoint": "sign_in", "status": reply.status}
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        busy = TooMany("Microsoft's sign-in was asked too often (429).", **given)
        busy.retry_after = asked
        raise busy
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.REQUEST_TIMEOUT:
        passing = Unavailable(f"Microsoft's sign-in could not answer ({reply.status}): its own fault.", **given)
        passing.retry_after = asked
        raise passing
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        raise RedirectRefused("Microsoft's sign-in sends us on, which it is not known to do: not followed.", **given)
    try:
        is_object = isinstance(json.loads(reply.body), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        page = " but a web page. Is something between us and Microsoft, such as a proxy or a sign-in page?"
        raise NotJson(f"Microsoft's sign-in answered no JSON{page if reply.body.lstrip()[:1] == b'<' else '.'}", **given)
