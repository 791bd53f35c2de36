"""From a call of Graph to an answer: for which tenant, whether it may, which page of it. No HTTP here."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from recon.demo.microsoft.estate import Estate, Tenant
from recon.demo.microsoft.keys import PERMISSIONS
from recon.demo.microsoft.records import Made

_DEFAULT, _MOST, _MOST_OF_ACTIVITY, _MOST_IN_BATCH = 100, 999, 500, 20
_LICENSED: Final = "assignedLicenses/$count ne 0"
_GRAPH: Final = "https://graph.microsoft.com"
_PREMIUM: Final = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


class Wrong(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, retry_after: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.retry_after = status, code, retry_after

    @property
    def body(self) -> Made:
        """The message is one that nobody should look into."""
        inner = {"request-id": "0f0e0d0c-0000-4000-8000-000000000000", "date": "2026-11-10T09:00:00"}
        return {"error": {"code": self.code, "message": "This sentence changes with the day.", "innerError": inner}}


@dataclass
class Desk:
    """Answers calls from an estate. ``gone`` and ``edits`` (by user) change what there is while others read it."""

    estate: Estate
    origin: str = _GRAPH
    consented: set[str] = field(default_factory=set)
    withheld: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    edits: dict[str, Made] = field(default_factory=dict)
    #: What an answer within a batch asks first: it may raise Wrong.
    before_each: Callable[[str, str], None] = lambda path, tenant: None

    def __post_init__(self) -> None:
        self.consented |= self.estate.consented
        self.withheld |= {tenant: set(names) for tenant, names in self.estate.withheld.items()}

    def answer(self, tenant_id: str, target: str, *, is_advanced: bool) -> Made:
        """The answer to a GET below /v1.0/, for the tenant that the token is for."""
        address = urlsplit(target)
        path, params = unquote(address.path).strip("/"), dict(parse_qsl(address.query))
        tenant = self.estate.tenant(tenant_id)
        if tenant is None or tenant_id not in self.consented:
            raise Wrong(401, "Authorization_IdentityNotFound")
        match path.split("/"):
            case ["organization"]:
                self._admit(tenant_id, "Organization.Read.All")
                return {"value": [_selected(tenant.organization, params)]}
            case ["subscribedSkus"]:
                self._admit(tenant_id, "Organization.Read.All")
                if params.keys() - {"$select"}:
                    raise Wrong(400, "Request_UnsupportedQuery")
                return {"value": [_selected(one, params) for one in tenant.skus]}
            case ["directory", "subscriptions"]:
                self._admit(tenant_id, "Organization.Read.All")
                return {"value": [_selected(one, params) for one in tenant.subscriptions]}
            case ["users"]:
                return self._users(tenant, target, params, is_advanced)
            case ["directory", "deletedItems", "microsoft.graph.user"]:
                self._admit(tenant_id, "User.Read.All", "Directory.Read.All")
                return self._page(tenant.deleted, path, params)
            case ["users", user, "mailboxSettings", "userPurpose"]:
                return self._purpose(tenant, user)
            case _:
                raise Wrong(400, "BadRequest")

    def batch(self, tenant_id: str, body: bytes) -> Made:
        """Twenty at the most, each with a status of its own, and in an order that nobody asked for."""
        try:
            wanted = json.loads(body)["requests"]
        except (ValueError, KeyError, TypeError):
            raise Wrong(400, "BadRequest") from None
        if not 0 < len(wanted) <= _MOST_IN_BATCH:
            raise Wrong(400, "BadRequest")
        return {"responses": [self._within(tenant_id, one) for one in reversed(wanted)]}

    def _within(self, tenant_id: str, one: Mapping[str, Any]) -> Made:
        headers = {"Content-Type": "application/json"}
        try:
            self.before_each(one["url"], tenant_id)
            body, status = self.answer(tenant_id, one["url"], is_advanced=False), 200
        except Wrong as wrong:
            body, status = wrong.body, wrong.status
            headers |= {"Retry-After": wrong.retry_after} if wrong.retry_after else {}
        return {"id": one["id"], "status": status, "headers": headers, "body": body}

    def _admit(self, tenant_id: str, *names: str) -> None:
        """The first name is what it takes; others would do as well."""
        lacking = self.withheld.get(tenant_id, set())
        if not any(name in PERMISSIONS and name not in lacking for name in names):
            raise Wrong(403, "ErrorAccessDenied" if names[0].startswith("Mailbox") else "Authorization_RequestDenied")

    def _users(self, tenant: Tenant, target: str, params: dict[str, str], is_advanced: bool) -> Made:
        self._admit(tenant.id, "User.Read.All")
        with_activity = "signInActivity" in params.get("$select", "")
        if with_activity:
            self._admit(tenant.id, "AuditLog.Read.All")
            if not tenant.has_premium:
                raise Wrong(403, _PREMIUM)
        users = [one | self.edits.get(one["id"], {}) for one in tenant.users] if self.edits else tenant.users
        if "$filter" in params:
            if params["$filter"] != _LICENSED:
                raise Wrong(400, "Request_UnsupportedQuery")
            users = [one for one in users if one["assignedLicenses"]]
            if not is_advanced and "$skiptoken" not in params:
                raise Wrong(400, "Request_UnsupportedQuery")
            if not is_advanced:
                users = users[::2]  # as it happens to who forgets the header on the next page
        if with_activity:
            users = [one | {"signInActivity": {"lastSignInDateTime": tenant.activity.get(one["id"])}} for one in users]
        return self._page(users, "users", params, most=_MOST_OF_ACTIVITY if with_activity else _MOST)

    def _page(self, some: Sequence[Made], path: str, params: Mapping[str, str], *, most: int = _MOST) -> Made:
        top = params.get("$top", str(_DEFAULT))
        if not top.isdecimal() or not 1 <= int(top) <= most:
            raise Wrong(400, "Request_BadRequest")
        some = [one for one in some if one["id"] not in self.gone] if self.gone else some
        start = bisect_right(some, _opened(params["$skiptoken"]), key=lambda one: one["id"]) if "$skiptoken" in params else 0
        page = some[start : start + int(top)]
        made: Made = {"@odata.context": f"{self.origin}/v1.0/$metadata#{path}"}
        if params.get("$count") == "true" and "$skiptoken" not in params:
            made["@odata.count"] = len(some)
        if start + int(top) < len(some):
            query = {**params, "$skiptoken": _token(page[-1]["id"])}
            made["@odata.nextLink"] = f"{self.origin}/v1.0/{path}?{urlencode(query, quote_via=quote, safe='$,/')}"
        return made | {"value": [_selected(one, params) for one in page]}

    def _purpose(self, tenant: Tenant, user: str) -> Made:
        self._admit(tenant.id, "MailboxSettings.Read")
        found = next((one for one in tenant.users if one["id"] == user), None)
        if found is None or user in self.gone:
            raise Wrong(404, "ErrorInvalidUser")
        purpose = self.edits.get(user, {}).get("userPurpose", tenant.purposes.get(user, ""))
        if not purpose:
            raise Wrong(404, "MailboxNotEnabledForRESTAPI")
        return {"@odata.context": f"{self.origin}/v1.0/$metadata#userPurpose", "value": purpose}


def _selected(made: Made, params: Mapping[str, str]) -> Made:
    names = params.get("$select", "")
    return {name: made.get(name) for name in names.split(",")} if names else made


def _token(last: str) -> str:
    return urlsafe_b64encode(json.dumps({"after": last}).encode()).decode().rstrip("=")


def _opened(token: str) -> str:
    try:
        return str(json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))["after"])
    except (ValueError, KeyError, TypeError) as error:
        raise Wrong(400, "Directory_ExpiredPageToken") from error
