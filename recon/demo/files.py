"""The files of the invented MSPs, month by month: pure, and the same bytes for the same day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from accounts.calendar import Cycle, cycle_containing, previous_cycle
from recon.demo import layouts, stories
from recon.demo.agents import agent_lists
from recon.demo.cast import BRIGHTFEN_CUSTOMERS
from recon.demo.stories import OPEN, Draft

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class DemoFile:
    """One file as somebody would upload it. ``leg`` is its kind: billed, expected, rebilled, agents, invoice or prices."""

    leg: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class DemoMonth:
    """``agent_lists`` stand beside the legs, the earlier first: the later one takes its place."""

    cycle: Cycle
    files: tuple[DemoFile, ...]
    agent_lists: tuple[DemoFile, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An invented account and its months, the oldest first; the last is the one whose report has just come."""

    name: str
    slug: str
    anniversary_day: int
    time_zone: str
    currency: str
    months: tuple[DemoMonth, ...]


def accounts(today: date) -> tuple[DemoAccount, ...]:
    return quillmere(today), brightfen(today)


def quillmere(today: date) -> DemoAccount:
    """About 60 Organizations, four past cycles and the last finished one, with every trouble of ``stories``."""
    cycles = finished_cycles(today, 14, OPEN + 1)
    drafts = [stories.month(number) for number in range(len(cycles))]
    months = tuple(DemoMonth(cycle, _files(draft, cycle), _agent_lists(draft, cycle)) for draft, cycle in zip(drafts, cycles, strict=True))
    return DemoAccount("Quillmere IT", "quillmere-it", 14, "Europe/London", "USD", months)


def brightfen(today: date) -> DemoAccount:
    """A small account with one quiet month, so that there is another to switch to."""
    (cycle,) = finished_cycles(today, 1, 1)
    draft = Draft(0, {}, {}, {}, {}, {}, {}, {})
    for customer in BRIGHTFEN_CUSTOMERS:
        draft.add(customer)
    draft.rebilled["52004", "edr"] -= 1
    files = (
        DemoFile("billed", f"billing-detail-{_range(cycle)}.csv", _wide_csv(draft, cycle, "Brightfen Support", "utf-8-sig")),
        DemoFile("expected", f"rmm-contracts-{_range(cycle)}.csv", layouts.as_csv(layouts.expected(draft), delimiter=";")),
        DemoFile("rebilled", f"psa-agreements-{_range(cycle)}.csv", layouts.as_csv(layouts.rebilled(draft))),
    )
    return DemoAccount("Brightfen Support", "brightfen-support", 1, "Europe/London", "USD", (DemoMonth(cycle, files),))


def finished_cycles(today: date, anniversary_day: int, count: int) -> list[Cycle]:
    """The last cycles that had ended by a day, the oldest first."""
    cycles = [previous_cycle(cycle_containing(today, anniversary_day), anniversary_day)]
    while len(cycles) < count:
        cycles.insert(0, previous_cycle(cycles[0], anniversary_day))
    return cycles


def _files(draft: Draft, cycle: Cycle) -> tuple[DemoFile, ...]:
    """The month's three lists and its invoice, and once a price list. Layout and encoding of the report change, as they do."""
    billed = _BILLED[draft.number](draft, cycle)
    return (
        DemoFile("billed", f"billing-detail-{_range(cycle)}.csv", billed),
        _expected_file(draft, cycle),
        DemoFile("rebilled", f"psa-agreements-{_range(cycle)}.xlsx", _psa_workbook(draft, cycle)),
        _invoice_file(draft, cycle),
        *(() if draft.number else (DemoFile("prices", f"price-list-{_range(cycle)}.csv", layouts.as_csv(layouts.prices())),)),
    )


def _invoice_file(draft: Draft, cycle: Cycle) -> DemoFile:
    rows = layouts.invoice(draft, f"QM-{cycle.end:%Y%m}", cycle.end.isoformat())
    return DemoFile("invoice", f"huntress-invoice-{_range(cycle)}.csv", layouts.as_csv(rows))


def _agent_lists(draft: Draft, cycle: Cycle) -> tuple[DemoFile, ...]:
    """Of the month whose report has just come: one list before the sweep, and one of the last day."""
    lists = agent_lists(draft, cycle.last_day) if draft.is_open else ()
    return tuple(DemoFile("agents", f"agents-{day.isoformat()}.csv", data) for day, data in lists)


def _wide_csv(draft: Draft, cycle: Cycle, account: str, encoding: str) -> bytes:
    return layouts.as_csv(layouts.billed_wide(draft), titles=_titles(account, cycle), encoding=encoding)


def _long_csv(draft: Draft, cycle: Cycle, encoding: str, delimiter: str) -> bytes:
    return layouts.as_csv(layouts.billed_long(draft), titles=_titles("Quillmere IT", cycle), encoding=encoding, delimiter=delimiter)


_BILLED: Final[tuple[Callable[[Draft, Cycle], bytes], ...]] = (
    lambda draft, cycle: _wide_csv(draft, cycle, "Quillmere IT", "utf-8-sig"),
    lambda draft, cycle: _long_csv(draft, cycle, "cp1252", ","),
    lambda draft, cycle: _wide_csv(draft, cycle, "Quillmere IT", "utf-8"),
    lambda draft, cycle: _long_csv(draft, cycle, "utf-8", "\t"),
    lambda draft, cycle: _long_csv(draft, cycle, "utf-8-sig", ","),
)


def _expected_file(draft: Draft, cycle: Cycle) -> DemoFile:
    """The RMM's list: a semicolon CSV in code page 1252 in even months, a workbook in odd ones."""
    rows, name = layouts.expected(draft), f"rmm-contracts-{_range(cycle)}"
    if draft.number % 2 == 0:
        return DemoFile("expected", f"{name}.csv", layouts.as_csv(rows, delimiter=";", encoding="cp1252"))
    notes = ["Counted by the RMM on the last day of the cycle.", layouts.INVENTED]
    data = layouts.as_workbook(rows, sheet="Contracts", titles=["Contracted seats by client"], notes=notes, made=_made(cycle))
    return DemoFile("expected", f"{name}.xlsx", data)


def _psa_workbook(draft: Draft, cycle: Cycle) -> bytes:
    notes = ["Agreement lines for security services, as they will be invoiced.", layouts.INVENTED]
    titles = ["Agreements: security services", f"Quillmere IT, {_days(cycle)}"]
    return layouts.as_workbook(layouts.rebilled(draft), sheet="Agreements", titles=titles, notes=notes, made=_made(cycle))


def _titles(account: str, cycle: Cycle) -> list[str]:
    return [f"Billing Detail Report: {account}", _days(cycle), layouts.INVENTED]


def _made(cycle: Cycle) -> datetime:
    return datetime.combine(cycle.end, time(9))


def _range(cycle: Cycle) -> str:
    return f"{cycle.start.isoformat()}-to-{cycle.end.isoformat()}"


def _days(cycle: Cycle) -> str:
    first, last = (f"{day.day} {MONTHS[day.month - 1]} {day.year}" for day in (cycle.start, cycle.end))
    return f"{first} - {last}"
