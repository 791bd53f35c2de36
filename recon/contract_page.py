"""Renewals by date, and one contract: its course, what it comes to, what is not known, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from accounts.calendar import Cycle
from accounts.models import Account, BillingCycle, Contract, ContractVersion
from accounts.products import BY_CODE, CODES, Product
from accounts.templatetags.recon_ui import cycle_range, day, plural, units
from recon import contract_words as words
from recon.contract_chart import Chart, chart_of
from recon.contracts import Agreed, Billed, agreed, billed_by_cycle, products_of
from recon.engine.contracts import Outlook, Slot, Sum, slot_of
from recon.live import current_snapshot
from recon.live_sums import account_units
from recon.models import Reconciliation
from recon.states import running_cycle, today_in

#: Days before a renewal from which on it waits for an admin.
SOON: Final = words.DAYS


@dataclass(frozen=True, slots=True)
class Live:
    """What is there in the cycle in progress; ``words`` say when it was counted.

    ``untold``: so many records do not tell it, and ``units`` is the least that it may be.
    """

    cycle: Cycle
    units: int | None
    untold: int
    words: str

    @property
    def known(self) -> int | None:
        return None if self.untold else self.units

    @property
    def figure(self) -> str:
        return f"at least {units(self.units)}" if self.untold and self.units is not None else units(self.units)

    @property
    def note(self) -> str:
        return f"{self.words}; {plural(self.untold, 'count')} not told" if self.untold else self.words


@dataclass(frozen=True)
class Course:
    """One contract as pages show it."""

    agreed: Agreed
    today: date
    live: Live | None = None

    @property
    def contract(self) -> Contract:
        return self.agreed.contract

    @property
    def version(self) -> ContractVersion:
        return self.agreed.version

    @property
    def product(self) -> Product:
        return BY_CODE[self.contract.product]

    @property
    def outlook(self) -> Outlook:
        return self.agreed.outlook

    @property
    def counts(self) -> list[int | None]:
        return [slot.actual for slot in self.outlook.past]

    @property
    def minimum(self) -> int:
        """As it is today; before the start and after the end, as it is there."""
        return self.agreed.terms.minimum_on(max(self.version.start, min(self.today, self.version.renewal)))

    @property
    def unit_cost(self) -> str:
        cost = self.agreed.terms.cost_on(max(self.version.start, min(self.today, self.version.renewal)))
        return words.exact(cost, self.contract.account.currency)

    @property
    def state(self) -> str:
        """next, replaced, lapsed (its date has passed and nothing says what holds), renewed (by itself) or current."""
        if self.version.start > self.today:
            return "next"
        if self.agreed.until is not None and self.agreed.until <= self.today:
            return "replaced"
        if self.version.renewal <= self.today:
            return "renewed" if self.version.auto_renew else "lapsed"
        return "current"

    @property
    def standing(self) -> tuple[str, str, str]:
        """Tone, icon and the few words of a list."""
        if self.state == "next":
            return "running", "running", "Not begun"
        return words.STANDINGS[self.outlook.standing]

    @property
    def standing_words(self) -> str:
        if self.state == "next":
            return f"It begins on {day(self.version.start)}."
        return words.standing_words(self.outlook, self.contract.product)

    @property
    def rate_words(self) -> str:
        return words.rate_words(self.outlook, self.contract.product)

    @property
    def ahead_words(self) -> str:
        return words.ahead_words(self.outlook, self.contract.product, self.contract.account.currency)

    @property
    def renewal_words(self) -> str:
        if self.agreed.until is not None:
            return f"another takes its place on {day(self.agreed.until)}"
        return words.renewal_words(self.version.renewal, self.today, self.version.auto_renew)

    @property
    def short_ahead(self) -> Sum | None:
        """The shortfall until the renewal on the run-rate."""
        return self.outlook.short_of(self.outlook.ahead) if self.outlook.ahead else None

    @property
    def beyond_ahead(self) -> Sum | None:
        return self.outlook.beyond(self.outlook.ahead) if self.outlook.ahead else None

    @property
    def short_so_far(self) -> Sum:
        return self.outlook.short_of(self.outlook.past)

    @property
    def beyond_so_far(self) -> Sum:
        return self.outlook.beyond(self.outlook.past)

    @property
    def pulled_words(self) -> str:
        """Since when it is what Huntress says, of one that was pulled; blank for one that was typed in."""
        if self.contract.source != Contract.Source.PULLED:
            return ""
        return f"pulled {day(self.version.at)}" if self.version.by_id is None else f"pulled, and changed here {day(self.version.at)}"

    @property
    def is_annual(self) -> bool:
        return self.agreed.terms.is_annual

    @property
    def at_renewal(self) -> Slot | None:
        """The last cycle before the renewal, on the run-rate."""
        return self.outlook.ahead[-1] if self.outlook.ahead else None

    @property
    def live_difference(self) -> int | None:
        """Live less today's minimum, while the contract holds."""
        count = self.live.known if self.live and self.agreed.holds_on(self.today) else None
        return None if count is None else count - self.minimum

    @property
    def rows(self) -> list[Slot | Live]:
        """The cycles behind, what is there now, and the cycles ahead."""
        return [*self.outlook.past, *([self.live] if self.live else []), *self.outlook.ahead]

    @cached_property
    def chart(self) -> Chart | None:
        count = self.live.known if self.live else None
        return chart_of(self.outlook, (self.live.cycle, count, self.live.words) if self.live and count is not None else None)

    @property
    def unknown(self) -> list[str]:
        """What nobody has said, each with what follows from it."""
        found = []
        if self.agreed.terms.unit_cost is None:
            found.append("No cost price: what a shortfall or a true-up comes to in money cannot be told.")
        if self.version.auto_renew is None:
            found.append("Whether it renews by itself.")
        if not self.version.support_type:
            found.append("Its support type.")
        if gaps := [slot for slot in self.outlook.past if slot.actual is None]:
            named = ", ".join(cycle_range(slot.cycle) for slot in gaps[:3]) + (f" and {len(gaps) - 3} more" if len(gaps) > 3 else "")
            found.append(f"{plural(len(gaps), 'cycle')} without a complete report of it: {named}. A gap is not a zero.")
        if self.is_annual:
            found.append("When and how Huntress charges what is above an annual minimum is published nowhere.")
        return found


@dataclass(frozen=True)
class Renewals:
    """The contracts of an account by the day on which they are to be renewed; what another replaced stands apart."""

    account: Account
    courses: list[Course]

    @property
    def current(self) -> list[Course]:
        return [one for one in self.courses if one.state != "replaced"]

    @property
    def replaced(self) -> list[Course]:
        return [one for one in reversed(self.courses) if one.state == "replaced"]


def renewals_of(account: Account) -> Renewals:
    contracts = Contract.objects.filter(account=account)
    today, live = today_in(account), live_of(account)
    return Renewals(account, [Course(one, today, live.get(one.contract.product)) for one in agreed(contracts, billed_by_cycle(account))])


def live_of(account: Account) -> dict[str, Live]:
    """By product, what the newest pull of the cycle in progress has of the whole account; {} where there is none."""
    running = running_cycle(account)
    cycle = BillingCycle.objects.select_related("account").filter(account=account, start=running.start).first()
    snapshot = current_snapshot(cycle) if cycle else None
    if snapshot is None or not snapshot.is_known:
        return {}
    said = account_units(snapshot)
    return {product: Live(running, count, untold, snapshot.words) for product, (count, untold) in said.items() if count is not None}


def course_of(contract: Contract) -> Course | None:
    """None for a contract that was taken away."""
    alike = Contract.objects.filter(account=contract.account_id, product=contract.product)
    found = agreed(alike, billed_by_cycle(contract.account))
    live = live_of(contract.account).get(contract.product)
    return next((Course(one, today_in(contract.account), live) for one in found if one.contract.pk == contract.pk), None)


@dataclass(frozen=True, slots=True)
class Minimum:
    """What one contract in force adds to a month's bill. ``shortfall`` is null where the report is not complete."""

    contract: int
    product: Product
    minimum: int
    actual: int | None
    shortfall: int | None
    money: int | None

    @property
    def words(self) -> str:
        if self.actual is None:
            return "no complete billed report of it, so what the minimum adds is not known"
        if self.shortfall:
            priced = "" if self.money is not None else "; no cost price"
            return f"{units(self.actual)} {self.product.units} billed; the rest is charged all the same and belongs to no customer{priced}"
        gap = self.actual - self.minimum
        return f"{units(self.actual)} {self.product.units} billed, {units(gap) + ' over it' if gap else 'exactly the minimum'}"


def minimums_of(month: Reconciliation, account: Account) -> list[Minimum]:
    """By product, the contract that holds on the cycle's last day, against the month's billed total."""
    dates = month.cycle.dates
    billed = Billed(dates, products_of(month))
    found = []
    for one in agreed(Contract.objects.filter(account=account)):
        if one.holds_on(dates.last_day):
            slot = slot_of(one.terms, dates, billed.of(one.contract.product), one.until)
            product = BY_CODE[one.contract.product]
            found.append(Minimum(one.contract.pk, product, slot.minimum or 0, slot.actual, slot.shortfall, slot.shortfall_money))
    return sorted(found, key=lambda one: CODES.index(one.product.code))


@dataclass(frozen=True, slots=True)
class Soon:
    """A renewal that somebody has to think of."""

    account: Account
    contract: int
    figure: str
    more: str


def renewals_soon(accounts: Sequence[Account]) -> list[Soon]:
    """What renews within 90 days, or should have, and has no contract that follows it; the nearest first."""
    if not accounts:
        return []
    todays = {one.pk: today_in(one) for one in accounts}
    found = []
    for one in agreed(Contract.objects.filter(account__in=accounts)):
        account, renewal = one.contract.account, one.terms.renewal
        today = todays[account.pk]
        if one.until is None and one.terms.start <= today and (renewal - today).days <= SOON:
            figure = f"{BY_CODE[one.contract.product].label} {'renews' if renewal >= today else 'renewed?'}"
            found.append(
                Soon(account, one.contract.pk, figure, f"{day(renewal)} · {words.renewal_words(renewal, today, one.terms.auto_renew)}")
            )
    return found


#: Fields of a version, and how a list of versions names them.
_CHANGED: Final = {
    "minimum": "the minimum", "start": "the start", "renewal": "the renewal", "interval": "how it is billed", "support_type": "the support",
    "auto_renew": "whether it renews by itself", "unit_cost": "the cost",
}  # fmt: skip


def with_changes(versions: list[ContractVersion]) -> list[ContractVersion]:
    """The versions, the newest first, each with what it changed of the one before it (``changed``, in words)."""
    for one, before in zip(versions, [*versions[1:], None], strict=True):
        found = [words for name, words in _CHANGED.items() if before is not None and getattr(one, name) != getattr(before, name)]
        if before is not None and _steps(one) != _steps(before):
            found.append("the schedule")
        one.changed = found  # type: ignore[attr-defined]
    return versions


def _steps(version: ContractVersion) -> set[tuple[date, int, int | None]]:
    return {(step.starts, step.minimum, step.unit_cost) for step in version.steps.all()}
