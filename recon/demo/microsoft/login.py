"""The invented Microsoft's sign-in: discovery, tokens for the app, and an administrator's consent. No HTTP here."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from html import escape
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from recon.demo.microsoft.estate import Estate
from recon.demo.microsoft.graph import Desk
from recon.demo.microsoft.keys import CLIENT_ID, SECRET
from recon.demo.microsoft.records import Made

_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME: Final = 3_599
#: The kinds of OAuth error and the HTTP status that codes come with; any other is an invalid_grant and 400.
_KINDS: Final = {
    700016: ("unauthorized_client", 400),
    7000229: ("unauthorized_client", 400),
    7000112: ("unauthorized_client", 400),
    7000215: ("invalid_client", 401),
    7000218: ("invalid_client", 401),
    7000222: ("invalid_client", 401),
    700027: ("invalid_client", 401),
    700024: ("invalid_client", 401),
    90002: ("invalid_request", 400),
    500011: ("invalid_resource", 400),
}


class NoToken(Exception):
    """A refusal, by its AADSTS code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code

    @property
    def status(self) -> int:
        return _KINDS.get(self.code, ("", 400))[1]

    @property
    def body(self) -> Made:
        return {
            "error": _KINDS.get(self.code, ("invalid_grant", 400))[0],
            "error_description": f"AADSTS{self.code}: A sentence that changes with the day. Trace ID: 0f0e0d0c-0000-4000-8000-000000000000",
            "error_codes": [self.code],
            "timestamp": "2026-11-10 09:00:00Z",
            "trace_id": "0f0e0d0c-0000-4000-8000-000000000000",
            "correlation_id": "0f0e0d0c-0000-4000-8000-000000000001",
        }


@dataclass
class Login:
    """``certificate`` (PEM) is what the app registration has; ``ahead`` is by how many seconds this clock is wrong.

    ``decline`` and ``lie`` are what the next consent does: an administrator says no, or the callback names another tenant.
    """

    estate: Estate
    desk: Desk
    certificate: str = ""
    ahead: float = 0.0
    decline: bool = False
    lie: str = ""
    origin: str = "https://login.microsoftonline.com"
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> float:
        return time.time() + self.ahead

    def discovery(self, tenant: str) -> Made:
        if tenant != "organizations" and self.estate.tenant(tenant) is None:
            raise NoToken(90002)
        base = f"{self.origin}/{tenant}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "issuer": f"{base}/v2.0",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }

    def token(self, tenant: str, form: Mapping[str, str]) -> Made:
        """A token for the app in one tenant. Raises NoToken."""
        if self.estate.tenant(tenant) is None:
            raise NoToken(90002)
        if form.get("client_id") != CLIENT_ID:
            raise NoToken(700016)
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
            raise NoToken(70011)
        self._know(tenant, form)
        if tenant not in self.desk.consented:
            raise NoToken(700016)
        token = secrets.token_urlsafe(48)
        self.tokens[token] = tenant
        return {"token_type": "Bearer", "expires_in": _LIFETIME, "ext_expires_in": _LIFETIME, "access_token": token}

    def _know(self, tenant: str, form: Mapping[str, str]) -> None:
        """That it is the app: by its secret, or by an assertion that the certificate's key has signed, for here and for now."""
        if "client_assertion" not in form:
            if "client_secret" not in form:
                raise NoToken(7000218)
            if form["client_secret"] != SECRET:
                raise NoToken(7000215)
            return
        if not self.certificate or form.get("client_assertion_type") != _BEARER:
            raise NoToken(700027)
        certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        key: Any = certificate.public_key()
        try:
            header = jwt.get_unverified_header(form["client_assertion"])
            claims = jwt.decode(
                form["client_assertion"],
                key,
                algorithms=["RS256", "PS256"],
                audience=f"{self.origin}/{tenant}/oauth2/v2.0/token",
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            raise NoToken(700027) from None
        der = certificate.public_bytes(Encoding.DER)
        prints = {urlsafe_b64encode(made(der).digest()).decode() for made in (sha1, sha256)}
        named = {f"{str(header.get(name)).rstrip('=')}=" for name in ("x5t", "x5t#S256")}  # some pad it, some do not
        if not named & prints or claims.get("iss") != CLIENT_ID:
            raise NoToken(700027)
        if not claims.get("nbf", claims.get("iat", 0)) - 300 <= self.now <= claims.get("exp", 0) + 300:
            raise NoToken(700024)

    def consent(self, path_tenant: str, query: Mapping[str, str]) -> str:
        """Where an administrator's browser goes, "" where somebody has to say first who it is. Raises NoToken for a link that is wrong.

        ``as`` and ``decision`` are what the page's own links add to it.
        """
        back = query.get("redirect_uri", "")
        if query.get("client_id") != CLIENT_ID:
            raise NoToken(700016)
        if urlsplit(back).scheme not in ("http", "https"):
            raise NoToken(50011)
        tenant = query.get("as") or ("" if path_tenant == "organizations" else path_tenant)
        if not tenant:
            return ""
        if self.estate.tenant(tenant) is None:
            raise NoToken(90002)
        said = {"state": query.get("state", "")}
        if self.decline or query.get("decision") == "no":
            self.decline = False
            description = "AADSTS65004: User declined to consent to access the app."
            return _with(back, {"error": "access_denied", "error_description": description, "error_subcode": "cancel"} | said)
        claimed, self.lie = self.lie or tenant, ""
        self.desk.consented.add(tenant)
        return _with(back, {"admin_consent": "True", "tenant": claimed, "scope": query.get("scope", "")} | said)

    def chooser(self, query: Mapping[str, str]) -> str:
        """The page on which the demonstration's visitor says whose administrator to be. Those who have not consented come first."""
        found = sorted(self.estate.ids(), key=lambda one: one in self.desk.consented)[:200]
        tenants = [tenant for one in found if (tenant := self.estate.tenant(one))]
        rows = "\n".join(
            f"<li>{escape(tenant.name)} <small>({escape(tenant.domains[0])}{', consented' * (tenant.id in self.desk.consented)})</small> "
            f'<a href="?{escape(urlencode({**query, "as": tenant.id}))}">Accept</a> '
            f'<a href="?{escape(urlencode({**query, "as": tenant.id, "decision": "no"}))}">Decline</a></li>'
            for tenant in tenants
        )
        return _PAGE.replace("ROWS", rows)


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Permissions requested – a Microsoft that is not Microsoft</title>
<style>:root { color-scheme: light dark } body { font: 1rem/1.6 system-ui; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
li { margin: .3rem 0 } a { margin-left: .5rem }</style></head>
<body><h1>Permissions requested</h1>
<p>This is the demonstration’s own Microsoft, on this machine. Recon asks to read users, licences, mailbox purposes and sign-in
activity. Whose administrator are you?</p>
<ul>
ROWS
</ul></body></html>
"""


def _with(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"
