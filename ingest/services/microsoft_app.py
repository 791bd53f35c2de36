"""The MSP's one app registration at Microsoft: stated, replaced, removed, and the clients that it opens tenants with.

It is a ``Connection`` of provider Microsoft, sealed whole: client id, secret or certificate, and the cloud that new tenants are looked for
in. ``hint`` is the client id, which is no secret. Nothing of the rest comes out again but what a certificate says of itself.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Tenant, User
from accounts.sealing import CannotUnseal, seal, unseal
from accounts.services import Refused
from ingest.graph import CLOUDS, App, Certificate, Client, GraphError, Microsoft, Patience, Secret, tenant_id
from ingest.graph.errors import BadCredential
from ingest.models import Connection

#: From so many days before its end on, a credential is warned of.
WARN_DAYS: Final = 30
_USUAL_PATIENCE: Final = Patience()
_MOST_KEPT: Final = 16
_KEPT: Final[OrderedDict[tuple[Any, ...], Microsoft]] = OrderedDict()
_LOCK: Final = Lock()


def _go_on() -> None:
    """Nobody asked for an end."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What an admin typed in. ``pem`` is a private key and its certificate in one text; a secret has no date of its own to read."""

    client_id: str
    secret: str = ""
    pem: str = ""
    cloud: str = "global"
    secret_ends: date | None = None


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What may be shown of the app. ``thumbprints`` are SHA-1 and SHA-256, as the portal writes them; ``ends`` null: nobody knows."""

    client_id: str
    cloud: str
    is_certificate: bool
    thumbprints: tuple[str, ...] = ()
    ends: datetime | None = None
    trouble: str = ""

    @property
    def cloud_label(self) -> str:
        return CLOUDS[self.cloud].label

    @property
    def has_ended(self) -> bool:
        return self.ends is not None and self.ends <= datetime.now(UTC)

    @property
    def ends_soon(self) -> bool:
        return self.ends is not None and not self.has_ended and self.ends <= datetime.now(UTC) + timedelta(days=WARN_DAYS)

    @property
    def days_left(self) -> int:
        return (self.ends - datetime.now(UTC)).days if self.ends else 0


# --- stating it ---


def app_of(account: Account) -> Connection | None:
    """The account's app, or None."""
    rows = Connection.objects.filter(account=account, provider=Connection.Provider.MICROSOFT, removed_at__isnull=True)
    return rows.filter(reseller__isnull=True).select_related("account", "added_by").first()


@sensitive_variables()
def state_app(account: Account, stated: Stated, *, by: User, is_demo: bool = False) -> Connection:
    """Keep the app, encrypted, in place of the one before. Raises Refused for what cannot be an app's, naming the field.

    ``is_demo`` leads it to the invented Microsoft, and is for the demonstration alone: no page sets it, and replacing keeps it as it was.
    """
    require(by, account, Need.ADMINISTER)
    client_id, text = _checked(stated)
    try:
        with transaction.atomic():
            row = app_of(account)
            if row is None:
                fields = {"provider": Connection.Provider.MICROSOFT, "name": "Microsoft", "is_scheduled": True}
                row = Connection.objects.create(account=account, sealed=seal(text), hint=client_id, added_by=by, is_demo=is_demo, **fields)
                _record("added", row, by, after=_told(stated, client_id))
                return row
            before = {"client id": row.hint}
            row.sealed, row.hint, row.trouble, row.tested_at = seal(text), client_id, "", None
            row.save(update_fields=["sealed", "hint", "trouble", "tested_at"])
            _record("replaced", row, by, before=before, after=_told(stated, client_id))
            return row
    except IntegrityError:  # another admin, a moment earlier
        raise Refused("Somebody else stated the app a moment ago. Look at it, and state it again if it is another.") from None


@transaction.atomic
def remove_app(account: Account, *, by: User) -> None:
    """End it, and forget its credential. Tenants, what they brought and who was confirmed stay."""
    require(by, account, Need.ADMINISTER)
    row = app_of(account)
    if row is None:
        raise Refused("The app was removed already.")
    row.sealed, row.removed_by, row.removed_at = "", by, timezone.now()
    row.save(update_fields=["sealed", "removed_by", "removed_at"])
    _record("removed", row, by, before={"client id": row.hint})


@sensitive_variables()
def _checked(stated: Stated) -> tuple[str, str]:
    """The client id as it is compared, and the text to be sealed."""
    client_id = tenant_id(stated.client_id)
    if not client_id:
        raise Refused(
            "The Application (client) ID looks like 8a6c3f1e-0000-4000-8000-5d2b7c9e0f11. Copy it from the app’s Overview.",
            field="client_id",
        )
    if stated.cloud not in CLOUDS:
        raise Refused("Choose one of Microsoft’s clouds.", field="cloud")
    secret, pem = stated.secret.strip(), stated.pem.strip()
    if bool(secret) == bool(pem):
        raise Refused("Give either a client secret or a certificate with its key: one of the two.", field="secret")
    said: dict[str, Any] = {"client_id": client_id, "cloud": stated.cloud}
    if secret:
        _refuse_bad_secret(secret)
        said |= {"secret": secret, "ends": stated.secret_ends.isoformat() if stated.secret_ends else ""}
    else:
        said |= _pair(pem)
    return client_id, json.dumps(said)


@sensitive_variables()
def _refuse_bad_secret(secret: str) -> None:
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise Refused("The secret has a space or a character that none has. Copy its Value anew.", field="secret")
    if tenant_id(secret):
        raise Refused("That is the secret’s ID. Its Value is needed, which Microsoft shows only once: make a new secret.", field="secret")


@sensitive_variables()
def _pair(pem: str) -> dict[str, str]:
    """Key and certificate out of one PEM text, in either order, checked to belong together and to be good still."""
    blocks = _blocks(pem)
    key = next((text for kind, text in blocks if kind.endswith("PRIVATE KEY")), "")
    public = next((text for kind, text in blocks if kind == "CERTIFICATE"), "")
    if not key or not public:
        missing = "private key" if not key else "certificate"
        raise Refused(f"There is no {missing} in it. The PEM text needs both, one below the other.", field="pem")
    try:
        Certificate(key, public).check()
    except BadCredential as error:
        raise Refused(str(error), field="pem") from None
    return {"private_key": key, "public": public}


def _blocks(pem: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    kind = ""
    lines: list[str] = []
    for line in pem.splitlines():
        bare = line.strip()
        if bare.startswith("-----BEGIN ") and bare.endswith("-----"):
            kind, lines = bare[11:-5], []
        if kind:
            lines.append(bare)
        if kind and bare == f"-----END {kind}-----":
            found.append((kind, "\n".join(lines) + "\n"))
            kind = ""
    return found


def _told(stated: Stated, client_id: str) -> dict[str, Any]:
    return {"client id": client_id, "with": "a secret" if stated.secret.strip() else "a certificate", "cloud": stated.cloud}


def _record(act: str, row: Connection, by: User, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
    audit.record(f"ingest.app.{act}", "Microsoft", account=row.account, actor=by, before=before, after=after)


# --- what may be shown of it ---


def facts_of(connection: Connection) -> AppFacts:
    """Never raises: what cannot be opened is said."""
    try:
        opened = _opened(connection)
    except Refused as refusal:
        return AppFacts(connection.hint, "global", is_certificate=False, trouble=str(refusal))
    if "secret" in opened:
        ends = datetime.combine(date.fromisoformat(opened["ends"]), time(), UTC) if opened.get("ends") else None
        return AppFacts(opened["client_id"], opened["cloud"], is_certificate=False, ends=ends)
    public = x509.load_pem_x509_certificate(opened["public"].encode())
    prints = tuple(public.fingerprint(made()).hex().upper() for made in (SHA1, SHA256))
    return AppFacts(opened["client_id"], opened["cloud"], is_certificate=True, thumbprints=prints, ends=public.not_valid_after_utc)


def _opened(connection: Connection) -> dict[str, str]:
    if connection.removed_at or not connection.sealed:
        raise Refused("The app for Microsoft was removed, and its secret with it.")
    try:
        opened: dict[str, str] = json.loads(unseal(connection.sealed))
    except CannotUnseal as error:
        raise Refused(f"The app’s secret cannot be opened. {error}") from error
    return opened


# --- what it opens ---


def graph_for(
    tenant: Tenant, *, while_waiting: Callable[[], None] = _go_on, is_test: bool = False, patience: Patience = _USUAL_PATIENCE
) -> Client:
    """Microsoft Graph for one tenant of an account, with the account's app.

    Raises Refused, in words: there is no app, it cannot be opened, its certificate has ended, the tenant was removed or is a Google one.
    """
    if tenant.removed_at or tenant.kind != Tenant.Kind.MICROSOFT:
        raise Refused(f"{tenant} was removed." if tenant.removed_at else f"{tenant} is no tenant of Microsoft.")
    connection = app_of(tenant.account)
    if connection is None:
        raise Refused("There is no app for Microsoft yet. An admin states it under Settings, Microsoft.")
    return microsoft_of(connection, tenant.cloud, patience=patience).tenant(tenant.guid, while_waiting=while_waiting, is_test=is_test)


def microsoft_of(connection: Connection, cloud: str, *, patience: Patience = _USUAL_PATIENCE) -> Microsoft:
    """One of Microsoft's clouds as the app sees it, kept by this process with its tokens. Raises Refused."""
    key = (connection.pk, connection.sealed, cloud, _through(connection), patience)
    with _LOCK:
        found = _KEPT.get(key)
        if found is None:
            found = _KEPT[key] = _make(connection, cloud, patience)
            while len(_KEPT) > _MOST_KEPT:
                _KEPT.popitem(last=False)
        _KEPT.move_to_end(key)
    try:
        found.app.check()
    except BadCredential as error:  # a certificate ends while the process lives
        raise Refused(str(error)) from None
    return found


@sensitive_variables()
def _make(connection: Connection, cloud: str, patience: Patience) -> Microsoft:
    opened = _opened(connection)
    credential = Secret(opened["secret"]) if "secret" in opened else Certificate(opened["private_key"], opened["public"])
    try:
        return Microsoft(CLOUDS[cloud], App(opened["client_id"], credential), through=_through(connection), patience=patience)
    except GraphError as error:
        raise Refused(str(error)) from None


def login_of(connection: Connection) -> str:
    """Where an administrator is sent for consent: "" for Microsoft itself, else the origin of the invented one. Raises Refused."""
    return _through(connection)


def _through(connection: Connection) -> str:
    """An invented app never goes to Microsoft, and a real one never to the invented Microsoft."""
    if not connection.is_demo:
        return ""
    through = str(settings.RECON_DEMO_MICROSOFT)
    if not through or urlsplit(through).scheme != "http":
        raise Refused("The invented Microsoft is not running. `make run` starts it with the demonstration.")
    return through
