"""Contracts with Huntress, typed in by an admin. What is changed is ended and added anew, so that every version stays readable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Contract, ContractStep, ContractVersion, User
from accounts.products import BY_CODE, CODES
from accounts.services import Refused
from accounts.templatetags.recon_ui import day, plural
from recon.contract_words import exact

#: Units, and micros for one of them: more than any account has, and their products fit into 64 bits.
MOST_UNITS: Final = 10**8
MOST_COST: Final = 10**10
MOST_STEPS: Final = 36


@dataclass(frozen=True, slots=True)
class Step:
    starts: date
    minimum: int
    unit_cost: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a contract says. Costs are micros for one unit and cycle; null where nobody knows."""

    minimum: int
    interval: str
    start: date
    renewal: date
    support_type: str = ""
    auto_renew: bool | None = None
    unit_cost: int | None = None
    steps: tuple[Step, ...] = field(default=())

    @property
    def columns(self) -> dict[str, Any]:
        names = ("minimum", "interval", "start", "renewal", "support_type", "auto_renew", "unit_cost")
        return {name: getattr(self, name) for name in names}


@transaction.atomic
def add(account: Account, product: str, said: Said, *, by: User, external_id: str = "") -> Contract:
    """Raises Refused for what cannot be, and for a second contract of one product that starts on the same day."""
    require(by, account, Need.ADMINISTER)
    if product not in CODES:
        raise Refused("Choose the product that the contract is for.")
    _refuse_nonsense(said)
    Account.objects.select_for_update().get(pk=account.pk)  # two admins at once do not type the same one twice
    _refuse_a_second(account, product, said, None)
    number = external_id.strip()[:64] or None
    if number and Contract.objects.filter(account=account, external_id=number).exists():
        raise Refused(f"The subscription {number} is here already.")
    contract = Contract.objects.create(account=account, product=product, external_id=number)
    version = _write(contract, 1, said, by, "")
    _record("recon.contract.added", contract, by, after=told_of(version))
    return contract


@transaction.atomic
def change(contract: Contract, said: Said, *, by: User, why: str = "", seen: int | None = None) -> ContractVersion:
    """A new version instead of the one in force, which stays readable. ``seen`` is the version that the person looked at.

    Raises Refused for what cannot be, for a contract that has ended, where somebody else was quicker, and where nothing differs.
    """
    require(by, contract.account, Need.ADMINISTER)
    _refuse_nonsense(said)
    Account.objects.select_for_update().get(pk=contract.account_id)
    held = _held(contract)
    before = held.versions.prefetch_related("steps").get(ended_at__isnull=True)
    if seen is not None and seen != before.number:
        raise Refused(f"Somebody changed this contract meanwhile: version {before.number} is in force. Look at it, and change that.")
    if said_by(before) == said:
        raise Refused("Nothing differs from the version in force.")
    _refuse_a_second(held.account, held.product, said, held)
    ContractVersion.objects.filter(pk=before.pk).update(ended_at=timezone.now())
    version = _write(held, before.number + 1, said, by, why.strip()[:500])
    _record(
        "recon.contract.changed",
        held,
        by,
        before=told_of(before),
        after=told_of(version) | ({"reason": version.why} if version.why else {}),
    )
    return version


@transaction.atomic
def end(contract: Contract, because: str, *, by: User) -> Contract:
    """It counts in no cycle any more, past ones included: for one that was a mistake. Raises Refused without a reason."""
    require(by, contract.account, Need.ADMINISTER)
    because = because.strip()[:500]
    if not because:
        raise Refused("Say why the contract is taken away: a mistake, or whatever it was.")
    held = _held(contract)
    Contract.objects.filter(pk=held.pk).update(ended_at=timezone.now(), ended_by=by, ended_because=because)
    _record("recon.contract.ended", held, by, after={"reason": because})
    held.refresh_from_db()
    return held


def said_by(version: ContractVersion) -> Said:
    """What a version says; its steps are fetched, or prefetched."""
    steps = sorted(version.steps.all(), key=lambda one: one.starts)
    return Said(
        minimum=version.minimum,
        interval=version.interval,
        start=version.start,
        renewal=version.renewal,
        support_type=version.support_type,
        auto_renew=version.auto_renew,
        unit_cost=version.unit_cost,
        steps=tuple(Step(one.starts, one.minimum, one.unit_cost) for one in steps),
    )


def _held(contract: Contract) -> Contract:
    held = Contract.objects.select_for_update(of=("self",)).select_related("account").get(pk=contract.pk)
    if held.ended_at is not None:
        raise Refused(f"This contract was taken away on {day(held.ended_at)}.")
    return held


def _write(contract: Contract, number: int, said: Said, by: User, why: str) -> ContractVersion:
    version = ContractVersion.objects.create(contract=contract, number=number, by=by, why=why, **said.columns)
    ContractStep.objects.bulk_create(
        [ContractStep(version=version, starts=one.starts, minimum=one.minimum, unit_cost=one.unit_cost) for one in said.steps]
    )
    return version


def _refuse_nonsense(said: Said) -> None:
    units, costs = [said.minimum, *(one.minimum for one in said.steps)], [said.unit_cost, *(one.unit_cost for one in said.steps)]
    if said.interval not in ContractVersion.Interval.values or said.support_type not in ContractVersion.Support.values:
        raise Refused("Choose how the contract is billed and who supports it from the lists.")
    if not all(0 <= one <= MOST_UNITS for one in units):
        raise Refused(f"A minimum is from 0 up to {MOST_UNITS:,} units.")
    if not all(0 <= one <= MOST_COST for one in costs if one is not None):
        raise Refused(f"A unit costs from 0 up to {MOST_COST // 1_000_000:,}.")
    if said.renewal <= said.start:
        raise Refused(f"A contract from {day(said.start)} renews after that day, not on {day(said.renewal)}.")
    if len(said.steps) > MOST_STEPS:
        raise Refused(f"At most {plural(MOST_STEPS, 'step')}; these are {len(said.steps)}.")
    for starts, count in Counter(one.starts for one in said.steps).items():
        if count > 1:
            raise Refused(f"Two steps begin on {day(starts)}: one day has one minimum.")
        if not said.start < starts < said.renewal:
            raise Refused(f"A step on {day(starts)} is not between {day(said.start)} and {day(said.renewal)}.")


def _refuse_a_second(account: Account, product: str, said: Said, but: Contract | None) -> None:
    current = ContractVersion.objects.filter(
        contract__account=account, contract__product=product, contract__ended_at__isnull=True, ended_at__isnull=True, start=said.start
    )
    if but:
        current = current.exclude(contract=but)
    if current.exists():
        raise Refused(f"A contract for {BY_CODE[product].label} from {day(said.start)} is here already: change that one.")


def _record(action: str, contract: Contract, by: User, **said: Any) -> None:
    after = {"contract": contract.pk} | said.pop("after", {})
    version = contract.versions.order_by("-number").first()
    until = f", from {day(version.start)} to {day(version.renewal)}" if version else ""
    audit.record(action, f"{BY_CODE[contract.product].label}{until}", account=contract.account, actor=by, after=after, **said)


def told_of(version: ContractVersion) -> dict[str, Any]:
    """A version as the audit trail keeps it."""
    said = said_by(version)
    told = {name: value.isoformat() if isinstance(value, date) else value for name, value in said.columns.items()}
    steps = [
        f"{one.starts.isoformat()}: {one.minimum}" + (f" at {exact(one.unit_cost)}" if one.unit_cost is not None else "")
        for one in said.steps
    ]
    return told | {"version": version.number, "unit_cost": exact(said.unit_cost), "steps": "; ".join(steps)}
