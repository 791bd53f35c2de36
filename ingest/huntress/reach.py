"""What a credential is, and what it may read: the answers behind the button *Test*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ingest.huntress.answers import Record, id_of
from ingest.huntress.client import Client, Value
from ingest.huntress.endpoints import ENDPOINTS, Endpoint, Kind
from ingest.huntress.errors import HuntressError, LimiterLost, Refused, WrongShape

#: Where an id in a path is taken from: the first record of another list.
_FIRST_OF: Final = {
    "organization": "organizations",
    "account_usage": "reseller_invoices",
    "organization_usage": "reseller_invoices",
    "account_organization": "account_organizations",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose key it is. ``account`` and ``reseller`` are ids at Huntress, "" where the key has none."""

    kind: Kind
    name: str
    account: str
    reseller: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether one endpoint can be read: yes, no, or None where nothing is there to try it with. ``is_refused``: 401 or 403 said no."""

    endpoint: Endpoint
    is_open: bool | None
    sentence: str
    is_refused: bool = False


def actor(client: Client) -> Actor:
    """Ask who the key belongs to. Raises Refused for a key that is none, and the client's other errors."""
    return actor_in(client.get(ENDPOINTS["actor"]).data)


def actor_in(data: Record) -> Actor:
    """Of what is named at the root the narrowest counts: a user within an account, else the account; a reseller where neither is."""
    found = {kind: data[kind] for kind in Kind if isinstance(data.get(kind), Mapping)}
    for kind in (Kind.USER, Kind.ACCOUNT, Kind.RESELLER):
        if kind is Kind.USER and Kind.ACCOUNT not in found and Kind.RESELLER in found:
            continue  # a reseller's own person
        if kind in found:
            named = found[kind]
            ids = {one: id_of(found.get(one, {}), ENDPOINTS["actor"]) for one in (Kind.ACCOUNT, Kind.RESELLER)}
            return Actor(kind, str(named.get("name") or named.get("email") or ""), ids[Kind.ACCOUNT], ids[Kind.RESELLER])
    raise WrongShape(
        "Huntress does not say whose key this is: no reseller, account or user is named in its answer.", endpoint=ENDPOINTS["actor"].name
    )


def survey(client: Client, kind: Kind) -> Iterator[Reach]:
    """Try each endpoint that keys of this kind may read, with one small call each. One that refuses does not stop the others.

    Raises LimiterLost, and what the client's ``while_waiting`` raises.
    """
    first: dict[str, str] = {}
    for endpoint in surveyed(kind):
        ids = _ids_for(endpoint, first)
        if ids is None:
            yield Reach(endpoint, None, f"Not tried: there is nothing yet to ask {endpoint.label} for.")
            continue
        try:
            answer = client.get(endpoint, ids, {"limit": 1} if endpoint.is_list else None)
            if endpoint.is_list:
                first[endpoint.name] = next((id_of(one, endpoint) for one in answer.records()), "")
            else:
                answer.record()
        except LimiterLost:
            raise
        except HuntressError as error:
            yield Reach(endpoint, False, str(error), is_refused=isinstance(error, Refused))
        else:
            yield Reach(endpoint, True, f"May read {endpoint.label}.")


def surveyed(kind: Kind) -> list[Endpoint]:
    """The endpoints that a survey tries, in its order: those first that bring the ids for others."""
    tried = [one for one in ENDPOINTS.values() if kind in one.who and one.name != "actor"]
    return sorted(tried, key=lambda one: len(one.ids))


def _ids_for(endpoint: Endpoint, first: Mapping[str, str]) -> dict[str, Value] | None:
    """Ids to try it with; None where no list has brought one."""
    ids: dict[str, Value] = {}
    for name in endpoint.ids:
        found = first.get("accounts" if name == "account_id" else _FIRST_OF[endpoint.name])
        if not found:
            return None
        ids[name] = found
    return ids
