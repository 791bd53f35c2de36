"""Asking a customer's administrator for consent: the link, and what comes back. Nothing that comes back is believed as to who consented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from ingest.graph.clouds import Cloud
from ingest.graph.errors import sign_in_refused
from ingest.graph.tenants import tenant_id

_ANY: Final = "organizations"


@dataclass(frozen=True, slots=True)
class Returned:
    """What the callback says. ``tenant`` is a mere claim, "" where it is no tenant's id: take a token for it and ``prove`` it.

    ``sentence`` says why consent was not given.
    """

    is_granted: bool
    tenant: str
    state: str
    sentence: str


def consent_link(cloud: Cloud, client_id: str, redirect_uri: str, state: str, *, tenant: str = _ANY, login: str = "") -> str:
    """Where an administrator consents, for all permissions that the app registration lists. ``state`` is the caller's, signed and
    short-lived. With a ``tenant`` only its administrators can; ``login`` is the origin of one who plays Microsoft, for the demonstration.
    """
    query = {"client_id": client_id, "scope": f"{cloud.graph}/.default", "redirect_uri": redirect_uri, "state": state}
    return f"{(login or cloud.login).rstrip('/')}/{quote(tenant, safe='')}/v2.0/adminconsent?{urlencode(query, quote_via=quote, safe='')}"


def returned(query: Mapping[str, str]) -> Returned:
    """Read the callback's query: ``admin_consent=True&tenant=…&state=…``, or ``error`` with its description."""
    state = query.get("state", "")
    claimed = tenant_id(query.get("tenant", ""))
    if "error" in query:
        said = sign_in_refused((), query.get("error_description", ""), query["error"])
        declined = query["error"] in ("access_denied", "consent_required") and not said.code
        return Returned(False, claimed, state, str(sign_in_refused((65004,)) if declined else said))
    if query.get("admin_consent", "").lower() != "true" or not claimed:
        return Returned(False, claimed, state, "Microsoft did not say that consent was given, or not in which tenant. Open the link again.")
    return Returned(True, claimed, state, "")
