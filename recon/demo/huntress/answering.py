"""From a call to an answer: who asks, what for, which page of it. No HTTP here."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from recon.demo.huntress.estate import Estate, Table
from recon.demo.huntress.keys import WHOSE, Whose
from recon.demo.huntress.records import Made

_DEFAULT_LIMIT, _MOST = 10, 500
_OWN: Final = frozenset({"account", "user"})
_RESELLER: Final = frozenset({"reseller"})
_FILTERS: Final = ("organization_id", "billable", "enabled", "external", "has_usage", "status", "platform", "product", "name", "key")


class Wrong(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Habits:
    """Where nobody could tell how Huntress does it, either way. ``refusal`` is what the wrong kind of key gets.

    ``invoices`` is which of the two paths is there; ``pagination`` how the last page of a list looks; ``pages`` the form of paging.
    """

    refusal: Literal[401, 403] = 403
    invoices: Literal["invoices", "billing_reports"] = "invoices"
    pagination: Literal["empty", "null", "absent"] = "empty"
    pages: Literal["tokens", "numbers"] = "tokens"
    retry_after: Literal["", "seconds", "date"] = ""
    body: Literal["message", "error", "errors"] = "message"


@dataclass(frozen=True)
class Route:
    pattern: re.Pattern[str]
    table: str
    key: str
    who: frozenset[str]
    is_sorted: bool = True


def _route(path: str, table: str, key: str, who: frozenset[str], *, is_sorted: bool = True) -> Route:
    return Route(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>\\d+)", path)), table, key, who, is_sorted)


_LISTS: Final = (
    _route("organizations", "organizations", "organizations", _OWN),
    _route("agents", "agents", "agents", _OWN),
    _route("identities", "identities", "identities", _OWN),
    _route("accounts", "accounts", "accounts", _RESELLER),
    _route("accounts/{scope}/organizations", "organizations", "organizations", _RESELLER),
    _route("accounts/{scope}/agents", "agents", "agents", _RESELLER),
    _route("accounts/{scope}/invoices", "invoices", "invoices", _RESELLER),
    _route("reseller/subscriptions", "subscriptions", "subscriptions", _RESELLER),
    _route("reseller/invoices", "reseller_invoices", "invoices", _RESELLER, is_sorted=False),
    _route("reseller/invoices/{scope}/account_usage_line_items", "account_usage", "account_usage_line_items", _RESELLER, is_sorted=False),
    _route(
        "reseller/invoices/{scope}/organization_usage_line_items", "organization_usage", "organization_usage_line_items", _RESELLER,
        is_sorted=False,
    ),
)  # fmt: skip
_DETAILS: Final = (
    _route("organizations/{id}", "organizations", "organization", _OWN),
    _route("accounts/{scope}/organizations/{id}", "organizations", "organization", _RESELLER),
)


@dataclass
class Desk:
    """Answers calls from an estate. ``gone`` and ``edits`` (by table and id) change what there is while others read it."""

    estate: Estate
    habits: Habits
    gone: dict[str, set[int]]
    edits: dict[tuple[str, int], Made]
    revoked: set[Whose]

    def who(self, authorization: str) -> Whose:
        scheme, _, encoded = authorization.partition(" ")
        try:
            key, _, secret = b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            key = secret = ""
        whose = WHOSE.get((key, secret))
        if scheme != "Basic" or whose is None or whose in self.revoked:
            raise Wrong(401, "There was an issue with your API credential")
        return whose

    def answer(self, whose: Whose, path: str, params: Mapping[str, str]) -> Made:
        if path == "actor":
            return self._actor(whose)
        if path == "account":
            self._admit(whose, _OWN)
            return {"account": self.estate.account}
        for route in (*_LISTS, self._invoices()):
            if found := route.pattern.fullmatch(path):
                self._admit(whose, route.who)
                return self._page(route, self._table(route, found.groupdict()), params)
        for route in _DETAILS:
            if found := route.pattern.fullmatch(path):
                self._admit(whose, route.who)
                return self._detail(route, found.groupdict())
        raise Wrong(404, "Not found")

    def _invoices(self) -> Route:
        return _route(self.habits.invoices, "invoices", self.habits.invoices, _OWN)

    def _admit(self, whose: Whose, who: frozenset[str]) -> None:
        if whose not in who:
            raise Wrong(self.habits.refusal, "There was an issue with your API credential or permissions")

    def _actor(self, whose: Whose) -> Made:
        account = {name: self.estate.account[name] for name in ("id", "name", "subdomain", "status")}
        return {
            "account": {"account": account},
            "user": {"account": account, "user": self.estate.user},
            "reseller": {"reseller": self.estate.reseller},
        }[whose]

    def _table(self, route: Route, ids: Mapping[str, str]) -> Table:
        table = self.estate.table(route.table, int(ids["scope"]) if "scope" in ids else None)
        if table is None:
            raise Wrong(404, "Not found")
        return table.without(self.gone.get(route.table, set()))

    def _made(self, route: Route, table: Table, number: int) -> Made:
        return table.make(number) | self.edits.get((route.table, number), {})

    def _detail(self, route: Route, ids: Mapping[str, str]) -> Made:
        table, number = self._table(route, ids), int(ids["id"])
        if number not in table.ids:
            raise Wrong(404, "Not found")
        made = self._made(route, table, number)
        return {route.key: made | {"actual_usages": self.estate.detail(made)}}

    def _page(self, route: Route, table: Table, params: Mapping[str, str]) -> Made:
        limit = params.get("limit", str(_DEFAULT_LIMIT))
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
            raise Wrong(400, "limit does not have a valid value")
        if not route.is_sorted and "sort_field" in params:
            raise Wrong(400, "sort_field is not a known parameter")
        for name in _FILTERS:
            if name in params:
                table = table.where(lambda made, name=name: _written(made.get(name)) == params[name])  # type: ignore[misc]
        if self.habits.pages == "numbers":
            return self._numbered(route, table, params, int(limit))
        descending = params.get("sort_direction", "desc") == "desc"
        last = _opened(params["page_token"]) if "page_token" in params else None
        ids, has_more = table.after(last, int(limit), descending=descending)
        page: Made = {route.key: [self._made(route, table, number) for number in ids]}
        if has_more:
            token = _token(ids[-1])
            url = f"https://api.huntress.io/v1/{route.key}?limit={limit}&page_token={token}"
            return page | {"pagination": {"next_page_token": token, "next_page_url": url}}
        return page | self._last_page()

    def _last_page(self) -> Made:
        empty: dict[str, Made] = {
            "empty": {"pagination": {}},
            "null": {"pagination": {"next_page_token": None, "next_page_url": None}},
            "absent": {},
        }
        return empty[self.habits.pagination]

    def _numbered(self, route: Route, table: Table, params: Mapping[str, str], limit: int) -> Made:
        """The older form: a page is a stretch of the list as it is now, so that a deletion moves what follows."""
        ids = list(table.ids) if params.get("sort_direction", "desc") == "asc" else list(table.ids)[::-1]
        number = int(params.get("page", "1"))
        some = ids[(number - 1) * limit : number * limit]
        about: dict[str, Any] = {"current_page": number, "limit": limit, "total_count": len(ids)}
        if number * limit < len(ids):
            about["next_page"] = number + 1
        return {route.key: [self._made(route, table, one) for one in some], "pagination": about}


def _token(last: int) -> str:
    return urlsafe_b64encode(json.dumps({"after": last}).encode()).decode().rstrip("=")


def _opened(token: str) -> int:
    try:
        return int(json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))["after"])
    except (ValueError, KeyError, TypeError) as error:
        raise Wrong(400, "page_token is invalid") from error


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
