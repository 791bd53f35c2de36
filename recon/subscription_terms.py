"""What a subscription of Huntress' says, as a contract here. What it does not say stays unknown, and what contradicts itself is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from accounts.models import ContractVersion
from accounts.money import MICROS_PER_CENT
from accounts.products import BY_CODE, CODES
from accounts.templatetags.recon_ui import day, units
from ingest.models import Connection
from recon.contract_words import exact
from recon.services.came import Record, day_in, whole
from recon.services.contracts import MOST_COST, MOST_STEPS, MOST_UNITS, Said, Step

#: In force, as Huntress says it; and over.
ACTIVE, COMPLETED = "active", "completed"
_NOT_YET: Final = {
    "draft": "It is a draft at Huntress: not in force until it is active.",
    "approved": "It is approved, and not in force until it is active.",
    "accepted": "It is accepted, and not in force until it is active.",
}
_MICROS: Final = 1_000_000
Unit = Connection.AmountUnit


class NoContract(Exception):
    """A subscription that is no contract in force; the message says why."""


@dataclass(frozen=True)
class Terms:
    """``notes`` are sentences on what is unclear in it."""

    said: Said
    notes: tuple[str, ...] = ()


def product_of(record: Record) -> str:
    found = record.get("product")
    return found if isinstance(found, str) else ""


def terms_of(record: Record, *, status: str, support_type: str, unit: str, today: date) -> Terms:
    """Raises NoContract. ``unit`` says what whole prices count (``Connection.AmountUnit``); ``today`` is when it was pulled."""
    product = product_of(record)
    if product not in CODES:
        raise NoContract(f"“{product or 'No product'}” is no product that contracts are kept of here.")
    if status in _NOT_YET:
        raise NoContract(_NOT_YET[status])
    if status not in (ACTIVE, COMPLETED):
        raise NoContract(f"Its status at Huntress, “{status or 'none'}”, is not one that is known: it is not taken for a contract.")
    said, notes = _said(record, support_type, unit, today)
    return Terms(said, tuple(notes))


def ended(said: Said, before: Said | None, today: date) -> Said:
    """A completed one ends: on its renewal date, or on the day it was first seen to be over, where that is earlier.

    Raises NoContract where it was over before it began.
    """
    end = said.renewal
    if end > today:
        is_known = before is not None and before.auto_renew is False and before.start < before.renewal <= today
        end = before.renewal if before is not None and is_known else today
    if end <= said.start:
        raise NoContract("It was over before it began.")
    steps = tuple(step for step in said.steps if step.starts < end)
    return replace(said, renewal=end, auto_renew=False, steps=steps)


def differences(here: Said, there: Said) -> list[str]:
    """What Huntress says otherwise than a person did; what it does not say is no difference."""
    found = []
    if here.minimum != there.minimum:
        found.append(f"the minimum is {units(here.minimum)} here and {units(there.minimum)} there")
    if here.start != there.start:
        found.append(f"it begins on {day(here.start)} here and on {day(there.start)} there")
    if here.renewal != there.renewal:
        found.append(f"it renews on {day(here.renewal)} here and on {day(there.renewal)} there")
    if here.interval != there.interval:
        found.append(f"it is billed {_interval(here)} here and {_interval(there)} there")
    if there.unit_cost is not None and here.unit_cost != there.unit_cost:
        found.append(f"a unit costs {exact(here.unit_cost) or 'nobody knows what'} here and {exact(there.unit_cost)} there")
    if {(step.starts, step.minimum) for step in here.steps} != {(step.starts, step.minimum) for step in there.steps}:
        found.append("its schedule has other steps")
    return found


def _interval(said: Said) -> str:
    return str(ContractVersion.Interval(said.interval).label).lower()


def _said(record: Record, support_type: str, unit: str, today: date) -> tuple[Said, list[str]]:
    start, renewal = day_in(record, "effective_date"), day_in(record, "renewal_date")
    interval, minimum = record.get("billing_interval"), whole(record, "minimum_usage", MOST_UNITS)
    if start is None or renewal is None:
        raise NoContract(f"It does not say when it {'begins' if start is None else 'renews'}.")
    if renewal <= start:
        raise NoContract(f"It is to renew on {day(renewal)}, which is not after {day(start)}.")
    if interval not in ContractVersion.Interval.values:
        raise NoContract("It does not say whether it is billed monthly or annually.")
    course, notes = _course(record, start, renewal, unit)
    if minimum is None and not course:
        raise NoContract("It states no minimum.")
    begun = [step for step in course if step.starts <= start]
    later = tuple(step for step in course if start < step.starts < renewal)[:MOST_STEPS]
    first = _first(begun, minimum, later)
    if minimum is not None and any(step.starts <= today for step in later):
        now = [step.minimum for step in later if step.starts <= today][-1]
        if now != minimum:
            notes.append(f"It states a minimum of {units(minimum)}, and its schedule has {units(now)} now.")
    elif minimum is not None and begun and begun[-1].minimum != minimum:
        notes.append(f"It states a minimum of {units(minimum)}, and its schedule begins with {units(begun[-1].minimum)}.")
    terminal, last = whole(record, "terminal_minimum_usage"), later[-1].minimum if later else first
    if terminal is not None and terminal != last:
        notes.append(f"It is to end at a minimum of {units(terminal)}, and no step of its schedule says from when.")
    renews = record.get("auto_renew")
    said = Said(
        minimum=first,
        interval=str(interval),
        start=start,
        renewal=renewal,
        support_type=support_type if support_type in ContractVersion.Support.values else "",
        auto_renew=renews if isinstance(renews, bool) else None,
        unit_cost=begun[-1].unit_cost if begun else None,
        steps=later,
    )
    return said, notes


def _first(begun: list[Step], minimum: int | None, later: tuple[Step, ...]) -> int:
    """What is stated for now holds from the start, unless a later step has taken its place: then the schedule knows the start."""
    if begun and (later or minimum is None):
        return begun[-1].minimum
    if minimum is not None:
        return minimum
    raise NoContract("It states no minimum for its first day.")


def _course(record: Record, start: date, renewal: date, unit: str) -> tuple[list[Step], list[str]]:
    """The steps of its schedule by the day on which they begin; one of a day twice is the last that is listed."""
    notes: list[str] = []
    found: dict[date, Step] = {}
    listed = record.get("schedules")
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict):
            continue
        begins = start if one.get("starts_at") is None else day_in(one, "starts_at")
        minimum = whole(one, "minimum", MOST_UNITS)
        if begins is None or minimum is None:
            notes.append("A step of its schedule cannot be read, and is left out.")
            continue
        cost, why = unit_cost(one.get("target_price"), unit)
        notes += [why] if why else []
        if begins < renewal:
            found[begins] = Step(begins, minimum, cost)
    return [found[begins] for begins in sorted(found)], list(dict.fromkeys(notes))


def unit_cost(value: Any, unit: str) -> tuple[int | None, str]:
    """Micros for one unit and cycle, or why that cannot be told. A price with decimals is in whole units unless cents are stated.

    >>> unit_cost("2.90", ""), unit_cost(290, "cents"), unit_cost(None, "")
    ((2900000, ''), (2900000, ''), (None, ''))
    >>> unit_cost(290, "")[0] is None
    True
    """
    if value is None or value == "":
        return None, ""
    try:
        amount = Decimal(str(value)) if not isinstance(value, (bool, dict, list)) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        return None, "The price in its schedule cannot be read."
    if unit == Unit.UNKNOWN and amount == amount.to_integral_value() and "." not in str(value) and amount:
        said = f"Its schedule has a price of {value}, and nobody has said whether Huntress’ amounts are whole units or cents."
        return None, said
    micros = amount * (MICROS_PER_CENT if unit == Unit.CENTS else _MICROS)
    if micros != micros.to_integral_value() or micros > MOST_COST:
        return None, f"The price in its schedule, {value}, is not one that can be kept."
    return int(micros), ""


def label(product: str) -> str:
    return BY_CODE[product].label if product in BY_CODE else product.replace("_", " ").upper() or "no product"
