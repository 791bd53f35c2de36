"""The contracts of the invented MSP: one steadily over its minimum, one on its way over an annual one, and one that is short."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from accounts.calendar import Cycle
from recon.demo.cast import COST

ACCOUNT: Final = "quillmere-it"
MICROS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class DemoContract:
    """``step``: another minimum from a day on."""

    product: str
    number: str
    minimum: int
    interval: str
    support_type: str
    start: date
    renewal: date
    auto_renew: bool | None
    unit_cost: int | None
    step: tuple[date, int] | None = None


def contracts(newest: Cycle) -> tuple[DemoContract, ...]:
    """As they stand when the report of a cycle has just come."""
    return (
        # 1,554 agents and more in every cycle, with a minimum of 1,400 and, since the third, of 1,500: it renews in less than 90 days.
        DemoContract(
            "edr", "sub-20117", 1400, "monthly", "partner_supported", _months(newest.end, -10), _months(newest.end, 2), True, _cost("edr"),
            (_months(newest.end, -3), 1500),
        ),
        # Paid up front for 1,330 identities: 1,321 were billed in the newest cycle, about eleven more than in the one before.
        DemoContract(
            "itdr", "sub-20342", 1330, "annual", "partner_supported", _months(newest.end, -7), _months(newest.end, 5), None, _cost("itdr")
        ),
        # 80 sources were planned and 44 are there: what the minimum adds is charged, and no customer has it.
        DemoContract("siem", "", 80, "monthly", "", _months(newest.end, -4), _months(newest.end, 8), False, _cost("siem")),
    )  # fmt: skip


def _cost(product: str) -> int:
    whole, _, cents = COST[product].partition(".")
    return int(whole) * MICROS + int(cents.ljust(6, "0"))


def _months(day: date, count: int) -> date:
    """The same day some months later or before; every month has the 14th."""
    month = day.month - 1 + count
    return day.replace(year=day.year + month // 12, month=month % 12 + 1)
