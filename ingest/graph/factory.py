"""The one place where clients of Microsoft are made, with what tenants share: connections, and msal's memory."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ingest.graph.apps import App
from ingest.graph.client import Client
from ingest.graph.clouds import Cloud
from ingest.graph.errors import BadTenant
from ingest.graph.hosts import Host
from ingest.graph.signin import Memory, SignIn
from ingest.graph.tenants import tenant_id
from ingest.http.patience import Patience
from ingest.http.transport import Bounds


def _go_on() -> None:
    """Nobody asked for an end."""


class Microsoft:
    """One cloud, as one app registration sees it. Keep it as long as the process: it may be used by several threads at once.

    ``through`` is the address on this machine (http, loopback) of one that plays both of the cloud's hosts; no other is ever spoken to.
    """

    def __init__(
        self,
        cloud: Cloud,
        app: App,
        *,
        through: str = "",
        patience: Patience = Patience(),  # noqa: B008 (frozen)
        bounds: Bounds = Bounds(),  # noqa: B008 (frozen)
        trusted: str = "",
    ) -> None:
        """Raises BadCredential for a secret or certificate that cannot be used, and BadAddress."""
        app.check()
        self.cloud, self.app, self._patience = cloud, app, patience
        #: Where people's browsers go to consent.
        self.login = through.rstrip("/") or cloud.login
        self._hosts = [Host(origin, bounds, through=through, trusted=trusted) for origin in (cloud.login, cloud.graph)]
        self._memory = Memory()

    def __repr__(self) -> str:
        return f"Microsoft({self.cloud.code})"

    def __enter__(self) -> Microsoft:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def tenant(self, tenant: str, *, while_waiting: Callable[[], None] = _go_on, is_test: bool = False) -> Client:
        """A client for one tenant. Nothing is asked yet.

        ``is_test`` remembers nothing: msal repeats a refusal for a minute without asking again, and a person who has just mended it should
        see that it is mended. Raises BadTenant for what is no GUID.
        """
        found = tenant_id(tenant)
        if not found:
            raise BadTenant("A tenant is named by its id, which looks like 8a6c3f1e-0000-4000-8000-5d2b7c9e0f11.")
        login, graph = self._hosts
        memory = Memory() if is_test else self._memory
        sign_in = SignIn(found, self.cloud, self.app, login, memory, while_waiting)
        return Client(self.cloud, graph, sign_in, patience=self._patience, while_waiting=while_waiting)

    def close(self) -> None:
        for host in self._hosts:
            host.close()
