"""The demonstration's MSP as its Huntress has it: the same customers and troubles as its files, and those that only an API shows.

There are two snapshots: 0 is the month before, 1 is now. Between them a customer was renamed (the same id), a key was edited, an
Organization was deleted, one fell to zero, and a mailbox stopped being billed a month after it was made a shared one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any, Final

from recon.demo.agents import QUIET, hostname, serial_of
from recon.demo.cast import BRIGHTFEN_CUSTOMERS, RESELLER, TARNBECK_CUSTOMERS
from recon.demo.huntress import records
from recon.demo.huntress.estate import EMPTY, Table
from recon.demo.huntress.records import Made, stamp
from recon.demo.stories import OPEN, month

_DAY: Final = timedelta(days=1)
_STALE: Final = "41009"
#: Days since the last callback, on both sides of the thresholds that are common.
_STALE_DAYS: Final = (20, 21, 22, 45, 46)
_REBUILT: Final = "41036"
_LEAVERS: Final = "41138"
_SHARED: Final = "41108"
_KEY_EDITED: Final = "41033"
#: What the contracts promise at the least: above all that Brightfen has, and below what Quillmere has.
_MINIMA: Final = {
    ("quillmere", "edr"): 1_500, ("quillmere", "itdr"): 1_400, ("quillmere", "sat"): 700, ("brightfen", "edr"): 75, ("tarnbeck", "edr"): 50,
}  # fmt: skip
#: On which day of the month each account's own cycles begin. The reseller's invoice is of the 1st, and has the cycles that ended before.
_DAYS: Final = {"quillmere": 14, "brightfen": 1, "tarnbeck": 10}
_PRODUCTS: Final = ("edr", "itdr", "sat", "siem")
_INVOICES: Final = 6


class Story:
    """An estate (see ``estate.Estate``) of three accounts under one reseller."""

    def __init__(self, snapshot: int = 1, *, now: datetime | None = None) -> None:
        self.snapshot = snapshot
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.account = records.account(7001, "Quillmere IT")
        self.other = records.account(7002, "Brightfen Support", support_type="partner_supported")
        self.third = records.account(7003, "Tarnbeck Systems", neighborhood_watch={"edr": 4})
        self.reseller: Made = {"id": 300, "name": RESELLER}
        self.user: Made = {"id": 77, "email": "mara@quillmere.example", "name": "Mara Kestle"}

    def table(self, name: str, scope: int | None) -> Table | None:
        if name in ("accounts", "subscriptions", "reseller_invoices"):
            return self._of_reseller[name]
        if name in ("account_usage", "organization_usage"):
            return self._usage(name, scope)
        account = self.account["id"] if scope is None else scope
        return self._of_accounts[account].get(name, EMPTY) if account in self._of_accounts else None

    def detail(self, owner: Mapping[str, Any]) -> Made:
        counts = self._counts[owner["id"]]
        agents = self._of_accounts[owner["account_id"]]["agents"]
        made = [one for one in map(agents.make, agents.ids) if one["organization_id"] == owner["id"]]
        limit = stamp(self.now - 21 * _DAY) or ""
        unresponsive = sum((one["last_callback_at"] or one["created_at"]) < limit for one in made)
        return records.usages(counts, billable_agents=len(made), unresponsive=unresponsive, tenant=owner["identity_provider_tenant_id"])

    @cached_property
    def _counts(self) -> dict[int, dict[str, int]]:
        """Units by Organization and product: those of the month's report, which is of today."""
        counts: dict[int, dict[str, int]] = {}
        for (number, product), units in month(OPEN - 1 + self.snapshot).billed.items():
            counts.setdefault(int(number), {})[product] = units
        return counts | {int(one.id): one.products for one in (*BRIGHTFEN_CUSTOMERS, *TARNBECK_CUSTOMERS)}

    @cached_property
    def _of_accounts(self) -> dict[int, dict[str, Table]]:
        names = month(OPEN - 1 + self.snapshot).names
        ours = {number: names[str(number)] for number in self._counts if str(number) in names}
        others, thirds = ({int(one.id): one.name for one in customers} for customers in (BRIGHTFEN_CUSTOMERS, TARNBECK_CUSTOMERS))
        whose = ((self.account, ours), (self.other, others), (self.third, thirds))
        return {one["id"]: self._tables(one, named) for one, named in whose}

    def _tables(self, account: Made, named: Mapping[int, str]) -> dict[str, Table]:
        owners = [
            records.organization(number, account["id"], name, self._key(number, name), self._counts[number], self.now)
            for number, name in sorted(named.items())
        ]
        return {
            "organizations": Table.of(owners),
            "agents": Table.of([one for owner in owners for one in self._agents(owner)]),
            "identities": Table.of([one for owner in owners for one in self._identities(owner)]),
            "invoices": Table.of(self._invoices(sum(owner["agents_count"] for owner in owners))),
        }

    def _key(self, number: int, name: str) -> str:
        """From the name; two of one name have different keys."""
        if str(number) == _KEY_EDITED and self.snapshot:
            return "copperfield-chartered"
        words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
        return "-".join(words) + ("" if number < 41_180 else f"-{number}")

    def _agents(self, owner: Made) -> list[Made]:
        """The machines of the demonstration's newest list; the quiet ones were swept since, and others set up for them."""
        its_id, made = str(owner["id"]), []
        swept = 0 if its_id == _STALE else len(QUIET.get(its_id, ()))
        for place in range(owner["agents_count"]):
            seen = self.now - timedelta(minutes=(place * 37 + owner["id"]) % 2_900)
            number, machine = owner["id"] * 1_000 + place, swept + place + 1
            host, serial = hostname(owner["name"], machine), serial_of(its_id, machine)
            made.append(records.agent(number, owner["id"], owner["account_id"], host, serial, "2025-02-03T09:00:00Z", stamp(seen)))
        if str(owner["id"]) == _STALE:
            for one, days in zip(made, _STALE_DAYS, strict=False):
                one["last_callback_at"] = stamp(self.now - days * _DAY)
            made[-1] |= {"created_at": stamp(self.now - 5 * _DAY), "last_callback_at": None, "last_survey_at": None}
        if str(owner["id"]) == _REBUILT:  # a machine set up anew: the old agent stays, of the same name and serial
            made[1] |= {name: made[0][name] for name in ("hostname", "serial_number")} | {"last_callback_at": stamp(self.now - 33 * _DAY)}
        return made

    def _identities(self, owner: Made) -> list[Made]:
        domain = "".join(letter for letter in owner["name"].lower() if letter.isascii() and letter.isalnum()) + ".example"
        made = [
            records.identity(owner["id"] * 1_000 + place, owner, f"person{place + 1}@{domain}")
            for place in range(owner["billable_identity_count"])
        ]
        if str(owner["id"]) == _LEAVERS:
            for one in made[:6]:
                one["enabled"] = False
        if str(owner["id"]) == _SHARED:
            made.append(records.identity(owner["id"] * 1_000 + 900, owner, f"accounts@{domain}", billable=not self.snapshot))
        if made:
            made.append(
                records.identity(owner["id"] * 1_000 + 901, owner, f"guest@elsewhere.example#EXT#@{domain}", billable=False, external=True)
            )
        return made

    def _cycle_end(self, back: int, day: int) -> datetime:
        months = self.now.year * 12 + self.now.month - 1 - back
        return datetime(months // 12, months % 12 + 1, day, 6, 0, tzinfo=UTC)

    def _invoices(self, agents: int) -> list[Made]:
        """Of the last cycles' ends; one failed, one was partly refunded, and one was typed in by somebody at Huntress."""
        states = {1: "failed", 3: "partial_refund"}
        made = []
        for back in range(_INVOICES):
            quantity = agents - 3 * back
            made.append(records.invoice(88_000 - back, self._cycle_end(back, 14), quantity, quantity * 290, states.get(back, "paid")))
        return [*made, records.invoice(88_100, self._cycle_end(2, 20), 1, 25_000, has_usage=False, plan="Onboarding")]

    @cached_property
    def _of_reseller(self) -> dict[str, Table]:
        numbers = count(6_001)
        made = [
            records.subscription(next(numbers), self._named(name), product, minimum) for (name, product), minimum in sorted(_MINIMA.items())
        ]
        yearly = next(one for one in made if one["product"] == "sat")
        yearly["billing_interval"] = "annual"  # paid up front: $0 on each month's invoice
        old = records.subscription(5_900, self.account, "edr", 1_200, status="completed", renewal_date="2026-06-01")
        invoices = [records.invoice(70_000 - back, self._cycle_end(back, 1), 1_750, 507_500) for back in range(_INVOICES)]
        return {
            "accounts": Table.of([self.account, self.other, self.third]),
            "subscriptions": Table.of([old, *made]),
            "reseller_invoices": Table.of(invoices),
        }

    def _named(self, name: str) -> Made:
        return {"quillmere": self.account, "brightfen": self.other, "tarnbeck": self.third}[name]

    def _usage(self, name: str, invoice: int | None) -> Table | None:
        if invoice is None or invoice not in self._of_reseller["reseller_invoices"].ids:
            return None
        back = 70_000 - invoice
        numbers = count(invoice * 1_000)
        lines = []
        for slug, day in _DAYS.items():
            account, ended = self._named(slug), back + (day > 1)
            period = (self._cycle_end(ended + 1, day), self._cycle_end(ended, day))
            table = self._of_accounts[account["id"]]["organizations"]
            owners = [table.make(number) for number in table.ids]
            if name == "organization_usage":
                lines += [records.organization_usage(next(numbers), account, owner, period) for owner in owners]
                continue
            for product in _PRODUCTS:
                actual = sum(self._counts[owner["id"]].get(product, 0) for owner in owners)
                lines.append(records.account_usage(next(numbers), account, product, period, _MINIMA.get((slug, product), 0), actual))
        return Table.of(lines)
