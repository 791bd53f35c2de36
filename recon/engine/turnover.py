"""Which agents came and which went between two lists of one customer: before + came − went = after, whatever the lists have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from recon.engine.sweep import serial_key


@dataclass(frozen=True, slots=True, order=True)
class Machine:
    """An agent as a list names it. ``line`` is its place in the list."""

    hostname: str
    serial: str = field(default="")
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Turnover:
    """``came`` are of the later list and ``went`` of the earlier one, each by hostname."""

    before: int
    after: int
    came: tuple[Machine, ...]
    went: tuple[Machine, ...]


def turnover(before: Iterable[Machine], after: Iterable[Machine]) -> Turnover:
    """The same machine is the same hostname and, where both lists have serial numbers, the same serial number, as the sweep has it.

    Of machines that look the same there are as many as there are: a second one that came beside the first is one that came.

    >>> found = turnover([Machine("FRONT-1"), Machine("LAB-2")], [Machine("front-1"), Machine("LAB-3"), Machine("LAB-4")])
    >>> [one.hostname for one in found.came], [one.hostname for one in found.went]
    (['LAB-3', 'LAB-4'], ['LAB-2'])
    """
    earlier, later = sorted(before), sorted(after)
    by_serial = _has_serials(earlier) and _has_serials(later)
    came = _beyond(later, Counter(_key(one, by_serial) for one in earlier), by_serial)
    went = _beyond(earlier, Counter(_key(one, by_serial) for one in later), by_serial)
    return Turnover(len(earlier), len(later), tuple(came), tuple(went))


def _has_serials(machines: list[Machine]) -> bool:
    return any(serial_key(one.serial) for one in machines)


def _key(machine: Machine, by_serial: bool) -> tuple[str, str]:
    return machine.hostname.strip().casefold(), serial_key(machine.serial) if by_serial else ""


def _beyond(machines: list[Machine], others: Counter[tuple[str, str]], by_serial: bool) -> list[Machine]:
    """Those for which the other list has no more of their kind."""
    found = []
    for one in machines:
        key = _key(one, by_serial)
        if others[key] > 0:
            others[key] -= 1
        else:
            found.append(one)
    return found
