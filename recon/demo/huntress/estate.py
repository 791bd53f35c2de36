"""What there is at the invented Huntress: tables of records by id, made when they are asked for, so that sixty thousand cost nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from recon.demo.huntress import records
from recon.demo.huntress.records import Made


@dataclass(frozen=True)
class Table:
    """Records by ascending id."""

    ids: Sequence[int]
    make: Callable[[int], Made]

    @classmethod
    def of(cls, made: Sequence[Made]) -> Table:
        by_id = {one["id"]: one for one in sorted(made, key=lambda one: int(one["id"]))}
        return cls(list(by_id), by_id.__getitem__)

    def where(self, keep: Callable[[Made], bool]) -> Table:
        return Table([number for number in self.ids if keep(self.make(number))], self.make)

    def without(self, gone: set[int]) -> Table:
        return Table([number for number in self.ids if number not in gone], self.make) if gone else self

    def after(self, last: int | None, count: int, *, descending: bool) -> tuple[list[int], bool]:
        """So many ids past one, and whether more follow. An id that was deleted meanwhile is as good a mark as any."""
        if descending:
            end = len(self.ids) if last is None else bisect_left(self.ids, last)
            return list(self.ids[max(0, end - count) : end])[::-1], end > count
        start = 0 if last is None else bisect_right(self.ids, last)
        return list(self.ids[start : start + count]), start + count < len(self.ids)


EMPTY: Final = Table.of([])


class Estate(Protocol):
    """An account with its reseller. ``table`` answers None where there is nothing of that name and scope."""

    account: Made
    reseller: Made
    user: Made

    def table(self, name: str, scope: int | None) -> Table | None:
        """``scope`` is an account's id, or an invoice's for its usage lines."""

    def detail(self, owner: Mapping[str, Any]) -> Made:
        """What the detail of an Organization has more than the list."""


class Crowd:
    """So many agents and Organizations in one account, and so many more accounts of the reseller, all of them alike."""

    _FIRST_AGENT, _FIRST_ORGANIZATION, _FIRST_ACCOUNT = 1_000_001, 50_001, 9_001
    _EACH = 3  # Organizations of an account of the reseller

    def __init__(self, *, agents: int = 0, organizations: int = 1, accounts: int = 0) -> None:
        self.agents, self.organizations, self.accounts = agents, organizations, accounts
        self.account = records.account(5, "Quillmere IT")
        self.reseller: Made = {"id": 300, "name": "Cobbleside Group"}
        self.user: Made = {"id": 77, "email": "mara@quillmere.example", "name": "Mara Kestle"}
        self.now = datetime.now(UTC).replace(microsecond=0)

    def table(self, name: str, scope: int | None) -> Table | None:
        if name == "accounts":
            return Table(range(self._FIRST_ACCOUNT, self._FIRST_ACCOUNT + self.accounts), self._account)
        if scope not in (None, self.account["id"]):
            return self._of_another(name, scope) if scope in self._accounts() else None
        match name:
            case "organizations":
                return Table(range(self._FIRST_ORGANIZATION, self._FIRST_ORGANIZATION + self.organizations), self._organization)
            case "agents":
                return Table(range(self._FIRST_AGENT, self._FIRST_AGENT + self.agents), self._agent)
            case _:
                return EMPTY

    def detail(self, owner: Mapping[str, Any]) -> Made:
        count = int(owner["agents_count"])
        return records.usages({"edr": count}, billable_agents=count, unresponsive=count // 50, tenant=None)

    def _accounts(self) -> range:
        return range(self._FIRST_ACCOUNT, self._FIRST_ACCOUNT + self.accounts)

    def _account(self, number: int) -> Made:
        return records.account(number, f"Account {number} IT")

    def _of_another(self, name: str, account: int | None) -> Table:
        if name != "organizations" or account is None:
            return EMPTY
        first = account * 1_000

        def make(number: int) -> Made:
            return records.organization(number, account, f"Customer {number} Ltd", f"customer-{number}", {"edr": 12}, self.now)

        return Table(range(first, first + self._EACH), make)

    def _organization(self, number: int) -> Made:
        place = number - self._FIRST_ORGANIZATION
        count = self._first_of(place + 1) - self._first_of(place)
        return records.organization(number, 5, f"Customer {number} Ltd", f"customer-{number}", {"edr": count}, self.now)

    def _first_of(self, place: int) -> int:
        return -(-place * self.agents // self.organizations)

    def _agent(self, number: int) -> Made:
        place = number - self._FIRST_AGENT
        owner = self._FIRST_ORGANIZATION + place * self.organizations // self.agents
        seen = self.now - timedelta(minutes=place * 7 % 90_000)
        return records.agent(number, owner, 5, f"WS-{number}", f"SN{number:010}", "2025-02-03T09:00:00Z", records.stamp(seen))
