"""Two agent lists of the invented MSP, nine days apart: who went quiet, who never came, who stands twice, and what a sweep did of it.

Every machine and serial is made up from its Organization's id, so that a list is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from recon.demo.layouts import Cell, Rows, as_csv, by_name
from recon.demo.stories import Draft

HEADER: Final[tuple[str, ...]] = ("Hostname", "Organization", "Organization ID", "Serial Number", "Platform", "Last Callback At")
#: The earlier list is of so many days before the newer one.
APART: Final = 9
#: Of an Organization's first machines, the days since each checked in, on the day of the newer list; None: it never did.
QUIET: Final[dict[str, tuple[int | None, ...]]] = {
    "41009": (20, 21, 22),  # Ashcombe Haulage: on either side of the usual threshold
    "41036": (45, 46, 61, 118),  # Cranmere Castings: machines of a line that was closed
    "41012": (None,),  # Barrowgate Pharmacy: installed from an image, and never seen
    "41096": (26, 33, 34, 52, 75),  # Meadowsweet Care Homes
    "41138": (29, 31, 40, 41, 64, 90),  # St Brannoc's Academy: laptops of leavers
    "41048": (None, 88),  # Fairholm Estates
}
#: Organizations whose second machine was set up anew: a second agent of the same hostname, beside the first.
TWICE: Final = ("41057", "41063")
#: One machine each that was quiet in the earlier list and has come back since, and one each that is new.
RETURNED: Final = ("41123", "41144")
NEW: Final = ("41051", "41132")
#: What somebody removed between the two lists: how many quiet machines.
SWEPT: Final[dict[str, int]] = {"41069": 4, "41147": 3}


@dataclass(frozen=True, slots=True)
class Agent:
    hostname: str
    organization: str
    its_id: str
    serial: str
    platform: str
    seen: date | None

    @property
    def cells(self) -> list[Cell]:
        seen = "" if self.seen is None else f"{self.seen.isoformat()}T{9 + len(self.hostname) % 8:02}:07:08Z"
        return [self.hostname, self.organization, self.its_id, self.serial, self.platform, seen]


def agent_lists(draft: Draft, as_of: date) -> tuple[tuple[date, bytes], ...]:
    """The earlier list and the newer one, each with its day."""
    earlier = as_of - timedelta(days=APART)
    return (earlier, _as_bytes(_earlier(draft, as_of, earlier))), (as_of, _as_bytes(_newer(draft, as_of)))


def _as_bytes(agents: Iterator[Agent]) -> bytes:
    rows: Rows = [list(HEADER), *(agent.cells for agent in agents)]
    return as_csv(rows)


def _newer(draft: Draft, as_of: date) -> Iterator[Agent]:
    """As many agents as are billed. Who stands twice is one of them, billed twice."""
    for its_id in by_name(draft.names, {id_ for id_, code in draft.billed if code == "edr"}):
        units = draft.billed[its_id, "edr"]
        quiet = QUIET.get(its_id, ())
        for number in range(1, units + 1):
            days = quiet[number - 1] if number <= len(quiet) else (int(its_id) + number) % 5
            if number == units and its_id in TWICE:
                yield _agent(draft, its_id, 2, as_of - timedelta(days=13), serial=f"{its_id}-OLD")
            else:
                yield _agent(draft, its_id, number, None if days is None else as_of - timedelta(days=days))


def _earlier(draft: Draft, as_of: date, earlier: date) -> Iterator[Agent]:
    newest: dict[str, Agent] = {}
    for agent in _newer(draft, as_of):
        newest[agent.its_id] = agent
        if agent.its_id in NEW and agent.hostname.endswith("-01"):
            continue
        seen = agent.seen
        if agent.its_id in RETURNED and agent.hostname.endswith("-01"):
            seen = earlier - timedelta(days=27)
        elif seen is not None and (as_of - seen).days < APART:
            seen = earlier - (as_of - seen) % timedelta(days=4)
        yield Agent(agent.hostname, agent.organization, agent.its_id, agent.serial, agent.platform, seen)
    for its_id, count in SWEPT.items():
        if its_id in newest:
            for number in range(count):
                yield _agent(draft, its_id, 900 + number, earlier - timedelta(days=30 + number))


def _agent(draft: Draft, its_id: str, number: int, seen: date | None, serial: str = "") -> Agent:
    platform = ("windows", "windows", "windows", "darwin")[number % 4]
    name = draft.names[its_id]
    return Agent(hostname(name, number), name, its_id, serial or serial_of(its_id, number), platform, seen)


def hostname(name: str, number: int) -> str:
    letters = "".join(word[0] for word in name.replace("&", " ").replace("+", " ").split()).upper()[:4]
    return f"{letters}-{number:02}"


def serial_of(its_id: str, number: int) -> str:
    return f"{its_id}-{number:04}"
