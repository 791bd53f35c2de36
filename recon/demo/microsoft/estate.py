"""What there is at the invented Microsoft: tenants by id, made when they are asked for, so that thousands cost nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from recon.demo.microsoft import records
from recon.demo.microsoft.records import Held, Made
from recon.demo.microsoft.skus import SKUS


@dataclass(frozen=True)
class Tenant:
    """A customer's tenant. ``users`` are by ascending id; ``purposes`` and ``activity`` are by their ids, and one without a purpose has no
    mailbox.
    """

    id: str
    name: str
    domains: tuple[str, ...]
    users: Sequence[Made]
    skus: Sequence[Made]
    subscriptions: Sequence[Made] = ()
    deleted: Sequence[Made] = ()
    purposes: Mapping[str, str] = field(default_factory=dict)
    activity: Mapping[str, str] = field(default_factory=dict)
    has_premium: bool = True
    country: str = "GB"

    @property
    def organization(self) -> Made:
        return records.organization(self.id, self.name, self.domains, self.country)


class Estate(Protocol):
    """``consented`` are the tenants that the app is in to begin with, and ``withheld`` what a consent to it left out, by tenant."""

    consented: frozenset[str]
    withheld: Mapping[str, frozenset[str]]

    def ids(self) -> Sequence[str]:
        """Of all tenants."""

    def tenant(self, identity: str) -> Tenant | None:
        """The tenant of an id, in small letters."""


class Crowd:
    """So many tenants of so many users each, all of them alike: everybody holds a licence, and every tenth two."""

    _FIRST: Final = 1

    def __init__(self, *, tenants: int = 1, users: int = 200) -> None:
        self.tenants, self.users = tenants, users
        self.consented = frozenset(self.ids())
        self.withheld: Mapping[str, frozenset[str]] = {}
        self.tenant = lru_cache(maxsize=64)(self._tenant)

    def ids(self) -> list[str]:
        return [f"10000000-0000-4000-8000-{number:012}" for number in range(self._FIRST, self._FIRST + self.tenants)]

    def _tenant(self, identity: str) -> Tenant | None:
        if identity not in self.consented:
            return None
        number = int(identity[-12:])
        domain = f"customer{number}.example"
        users = [self._user(number, place, domain) for place in range(self.users)]
        skus = [records.sku("SPB", self.users), records.sku("FLOW_FREE", -(-self.users // 10))]
        purposes = {one["id"]: "user" for one in users}
        seen = {one["id"]: "2026-10-01T08:00:00Z" for one in users}
        paid = [records.subscription(number * 10, "SPB", self.users, is_trial=False)]
        return Tenant(identity, f"Customer {number} Ltd", (domain,), users, skus, paid, (), purposes, seen)

    def _user(self, number: int, place: int, domain: str) -> Made:
        held = [Held(SKUS["SPB"]), *([Held(SKUS["FLOW_FREE"])] if place % 10 == 0 else [])]
        return records.user(f"{number:08x}-0000-4000-8000-{place:012}", f"person{place + 1}@{domain}", f"Person {place + 1}", held)
