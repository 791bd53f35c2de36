"""Which tenant a token is for, and what it may read: the answers behind *Confirm* and *Test*."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ingest.graph.answers import Record, wrong
from ingest.graph.calls import CALLS, Call
from ingest.graph.client import Client
from ingest.graph.errors import GraphError, SignInRefused, WrongTenant
from ingest.graph.gaps import gap_of
from ingest.graph.mailboxes import Mailboxes

#: Certificates and tokens are good within five minutes.
_MOST_SKEW: Final = 300.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who a tenant says it is. ``domains`` are the verified ones, the default one first."""

    id: str
    name: str
    domains: tuple[str, ...]
    country: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether one call may be made: yes, no, or None where nothing is there to try it with. ``is_needed``: a pull cannot do without it."""

    call: Call
    is_open: bool | None
    sentence: str

    @property
    def is_needed(self) -> bool:
        return not self.call.is_optional


def prove(client: Client) -> Tenant:
    """A token for the tenant, and its own word for who it is. A callback's tenant is believed only after this.

    Raises WrongTenant where it is another, SignInRefused, and the client's other errors.
    """
    call = CALLS["organization"]
    answer = client.get(call)
    found = answer.records()
    if len(found) != 1:
        wrong(call, f"one organization is expected, and there are {len(found)}", answer.body)
    tenant = tenant_in(found[0])
    if tenant.id != client.tenant:
        raise WrongTenant(
            f"Microsoft's answer is for another tenant: {tenant.name or 'one without a name'} ({tenant.id}), and {client.tenant} was asked "
            "for. Nothing was connected.",
            endpoint=call.name,
        )
    return tenant


def tenant_in(record: Record) -> Tenant:
    """A record of /organization."""
    listed = record.get("verifiedDomains")
    domains = [one for one in listed if isinstance(one, dict) and isinstance(one.get("name"), str)] if isinstance(listed, list) else []
    domains.sort(key=lambda one: (not one.get("isDefault"), one["name"]))
    names = tuple(one["name"].lower() for one in domains)
    return Tenant(record["id"].lower(), str(record.get("displayName") or ""), names, str(record.get("countryLetterCode") or ""))


def survey(client: Client) -> Iterator[Reach]:
    """Try each call with one small question. One that is refused does not stop the others.

    Raises SignInRefused, without which there is nothing to try, and what the client's ``while_waiting`` raises.
    """
    somebody = ""
    for name in ("organization", "skus", "licensed_users", "trials", "deleted_users", "activity"):
        call = CALLS[name]
        try:
            records = client.get(call, {"$top": "1"} if "$top" in call.params else None).records()
        except SignInRefused:
            raise
        except GraphError as error:
            yield _closed(call, error)
            continue
        if name == "licensed_users" and records:
            somebody = records[0]["id"]
        yield Reach(call, True, f"May read {call.label}.")
    yield _mailboxes(client, somebody)


def skewed(client: Client) -> str:
    """A sentence where this machine's clock is so wrong that sign-in by certificate fails; "" where it is right, or nothing came yet."""
    if client.skew is None or abs(client.skew) <= _MOST_SKEW:
        return ""
    ahead = "behind" if client.skew > 0 else "ahead of"
    return f"This machine's clock is {abs(client.skew) / 60:,.0f} minutes {ahead} Microsoft's. Set it, best from a time server."


def _mailboxes(client: Client, somebody: str) -> Reach:
    call = CALLS["mailboxes"]
    if not somebody:
        return Reach(call, None, f"Not tried: there is nobody yet to ask {call.label} for.")
    boxes = Mailboxes(client, [somebody])
    try:
        list(boxes)
    except SignInRefused:
        raise
    except GraphError as error:
        return _closed(call, error)
    return Reach(call, False, boxes.gap.sentence) if boxes.gap else Reach(call, True, f"May read {call.label}.")


def _closed(call: Call, error: GraphError) -> Reach:
    gap = gap_of(call, error)
    return Reach(call, False, gap.sentence if gap else str(error))
