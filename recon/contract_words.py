"""How a contract's course is said: in sentences, with what is not known named."""

from __future__ import annotations

from datetime import date
from typing import Final

from accounts.calendar import Cycle
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import COUNTS, cycle_range, money, plural, units
from recon.engine.contracts import LEAST_CYCLES, Outlook, Standing, Sum

MICROS: Final = 1_000_000
#: A renewal is counted in days when it is as near as this.
DAYS: Final = 90
#: A standing → tone, icon and the few words of a list.
STANDINGS: Final[dict[Standing, tuple[str, str, str]]] = {
    "over": ("investigate", "investigate", "Steadily over the minimum"),
    "rising": ("investigate", "up", "On its way over the minimum"),
    "falling": ("within", "down", "On its way under the minimum"),
    "under": ("within", "within", "Steadily under the minimum"),
    "near": ("match", "match", "About at the minimum"),
    "unknown": ("unchecked", "unchecked", "Not known yet"),
}


def exact(micros: int | None, currency: str = "") -> str:
    """A unit's cost with all the decimals it has, two at least; nothing where it is not known.

    >>> exact(2_900_000), exact(1_234_500), exact(None)
    ('2.90', '1.2345', '')
    """
    if micros is None:
        return ""
    whole = money(micros // MICROS * MICROS, currency).partition(".")[0]
    decimals = f"{micros % MICROS:06}".rstrip("0")
    return f"{whole}.{decimals:0<2}"


def counted(number: int) -> str:
    """A small number in letters.

    >>> counted(3), counted(14)
    ('three', '14')
    """
    return COUNTS[number] if number < len(COUNTS) else units(number)


def months_before(cycle: Cycle, renewal: date) -> int:
    """Whole months from a cycle's end to a renewal."""
    return max(0, (renewal.year - cycle.end.year) * 12 + renewal.month - cycle.end.month - (renewal.day < cycle.end.day))


def standing_words(outlook: Outlook, product: str) -> str:
    """Where the count stands to its minimum and where it goes, in one or two sentences."""
    newest, what = outlook.newest, BY_CODE[product]
    known = len(outlook.lately)
    if outlook.standing == "unknown" or newest is None:
        have = f"{counted(known)} cycle{'' if known == 1 else 's'}" if known else "no cycle"
        return f"Not known yet: {have} in a row with a complete report under this contract, and {counted(LEAST_CYCLES)} are needed."
    gap = newest.difference or 0
    now = f"{plural(abs(gap), f'{what.unit},{what.units}')} {'over' if gap > 0 else 'under'} it"
    when = _before(newest.cycle, outlook.terms.renewal)
    row = abs(outlook.steadily)
    lately = f"in each of the last {counted(row)} cycles"
    match outlook.standing:
        case "over":
            return f"Steadily over the minimum: {lately}, now {now}{when}."
        case "under":
            return f"Steadily under the minimum: {lately}, now {now}{when}."
        case "rising" | "falling":
            side = "over" if outlook.standing == "rising" else "under"
            crossing = outlook.crossing
            where = f"in the cycle {cycle_range(crossing.cycle)}" if crossing else "soon"
            left = _before(crossing.cycle, outlook.terms.renewal) if crossing else ""
            return f"On its way {side} the minimum: {now if gap else 'exactly at it'} now, and {side} it {where} on its run-rate{left}."
    return f"About at the minimum: {now if gap else 'exactly at it'} now."


def _before(cycle: Cycle, renewal: date) -> str:
    left = months_before(cycle, renewal)
    return f", {counted(left)} month{'' if left == 1 else 's'} before the renewal" if left else ""


def rate_words(outlook: Outlook, product: str) -> str:
    """The run-rate as a rule and a number, or why there is none."""
    if outlook.rate is None:
        known = sum(slot.actual is not None for slot in outlook.past)
        return f"No run-rate: {plural(known, 'cycle')} of the last twelve with a complete report, and {counted(LEAST_CYCLES)} are needed."
    tenths = round(outlook.rate.per_cycle * 10)
    size = f"{units(abs(tenths) // 10)}.{abs(tenths) % 10}"
    moves = "unchanged" if not tenths else f"{'up' if tenths > 0 else 'down'} by {size} {BY_CODE[product].units} a cycle"
    return f"Run-rate: {moves}, the line of least squares through the known cycles of the last twelve."


def ahead_words(outlook: Outlook, product: str, currency: str) -> str:
    """What the run-rate comes to by the renewal, in units and money."""
    if not outlook.ahead:
        return _why_nothing_ahead(outlook)
    short, beyond = outlook.short_of(outlook.ahead), outlook.beyond(outlook.ahead)
    said = []
    if short.units:
        said.append(
            f"{_come_to(short, product, currency)} would be charged that nobody has: the minimum shortfall, which belongs to no customer."
        )
    if beyond.units and outlook.terms.is_annual:
        said.append(
            f"{_come_to(beyond, product, currency)} would be over the minimum: the true-up to expect, if each cycle’s units over it are "
            "charged at this contract’s cost. How Huntress charges them is between you and your account manager."
        )
    elif beyond.units:
        said.append(f"{_come_to(beyond, product, currency)} over the minimum would be billed as they come: nothing is left to true up.")
    return " ".join(said) or "On its run-rate neither a shortfall nor a true-up comes until the renewal."


def _why_nothing_ahead(outlook: Outlook) -> str:
    if outlook.rate is None:
        return "What comes until the renewal cannot be told without a run-rate."
    return "No cycle ends between the newest report and the renewal."


def _come_to(sum_: Sum, product: str, currency: str) -> str:
    """Units of several cycles, and what they cost."""
    amount = money(sum_.money, currency) if sum_.money is not None else "an amount nobody can tell without a cost price"
    what = BY_CODE[product]
    return f"{plural(sum_.units, f'{what.unit},{what.units}')} over the cycles, {amount},"


def renewal_words(renewal: date, today: date, auto_renew: bool | None) -> str:
    """How far away a renewal is, and what happens then.

    >>> renewal_words(date(2027, 2, 14), date(2027, 2, 1), True)
    'in 13 days, renews by itself'
    """
    left = (renewal - today).days
    if left < 0:
        when = f"{plural(-left, 'day')} ago"
    else:
        when = (
            "today" if not left else f"in {plural(left, 'day')}" if left <= DAYS else f"in about {plural(round(left * 12 / 365), 'month')}"
        )
    then = {True: "renews by itself", False: "ends unless it is renewed", None: "whether it renews by itself is not known"}
    return f"{when}, {then[auto_renew]}"
