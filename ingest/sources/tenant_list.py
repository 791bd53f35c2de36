"""A list of tenants and the Organizations that they are, as somebody pastes or uploads it: line by line, with what is wrong with each."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Final

_GUID: Final = re.compile(r"\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?", re.I)
_TENANT: Final = re.compile(r"tenant|guid|microsoft\s*id|directory", re.I)
_WHOSE: Final = re.compile(r"organi[sz]ation|customer|client|company|account", re.I)
_CLOUD: Final = re.compile(r"cloud|environment", re.I)
_NAMELESS: Final = re.compile(r"name|domain", re.I)
MOST_LINES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: ``guid`` in small letters; ``organization`` a name, id or key, "" where none is stated; ``cloud`` as written."""

    line: int
    guid: str
    organization: str
    cloud: str


@dataclass(frozen=True, slots=True)
class Odd:
    """What is wrong with a line, and what would be right."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class TenantList:
    entries: tuple[Entry, ...]
    odd: tuple[Odd, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    tenant: int
    whose: int | None
    cloud: int | None


def read(text: str) -> TenantList:
    """Read a list. With a header, columns are known by it; without, the tenant is the id, and the Organization is the cell beside it.

    >>> read("Tenant ID,Organization\\n8A6C3F1E-0000-4000-8000-5D2B7C9E0F11,Garrowby Dental").entries[0].organization
    'Garrowby Dental'
    >>> read("Garrowby Dental;nonsense").odd[0].message[:33]
    'There is no tenant id in this lin'
    """
    rows = [(number, cells) for number, cells in _rows(text) if any(cells)]
    if len(rows) > MOST_LINES:
        return TenantList((), (Odd(MOST_LINES + 1, f"A list has {MOST_LINES:,} lines at the most. Split it."),))
    columns, rows = _columns(rows)
    entries: list[Entry] = []
    odd: list[Odd] = []
    first_at: dict[str, int] = {}
    for number, cells in rows:
        entry = _entry(number, cells, columns)
        if isinstance(entry, Odd):
            odd.append(entry)
        elif entry.guid in first_at:
            odd.append(Odd(number, f"This tenant stands on line {first_at[entry.guid]} already. Keep one of the two."))
        else:
            first_at[entry.guid] = number
            entries.append(entry)
    return TenantList(tuple(entries), tuple(odd))


def _rows(text: str) -> list[tuple[int, list[str]]]:
    lines = text.lstrip("\ufeff").splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max("\t;,|", key=head.count)
    # One line of the list is one row, whatever quotes do, so that a number in a sentence is a line that can be found.
    return [
        (number, [" ".join(cell.split()) for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])])
        for number, line in enumerate(lines, start=1)
    ]


def _columns(rows: list[tuple[int, list[str]]]) -> tuple[_Columns | None, list[tuple[int, list[str]]]]:
    """The columns of a header, and the rows under it; None and all rows where there is none."""
    if not rows or any(_GUID.fullmatch(cell) for cell in rows[0][1]):
        return None, rows
    head = rows[0][1]
    tenants = [place for place, title in enumerate(head) if _TENANT.search(title)]
    tenant = next((place for place in tenants if not _NAMELESS.search(head[place])), None)
    if tenant is None:
        return None, rows
    whose = next((place for place, title in enumerate(head) if place != tenant and _WHOSE.search(title)), None)
    cloud = next((place for place, title in enumerate(head) if place not in (tenant, whose) and _CLOUD.search(title)), None)
    return _Columns(tenant, whose, cloud), rows[1:]


def _entry(number: int, cells: list[str], columns: _Columns | None) -> Entry | Odd:
    if columns is None:
        tenant = next((place for place, cell in enumerate(cells) if _GUID.fullmatch(cell)), None)
        if tenant is None:
            return Odd(number, "There is no tenant id in this line. It looks like 8a6c3f1e-0000-4000-8000-5d2b7c9e0f11.")
        others = [cell for place, cell in enumerate(cells) if place != tenant and cell]
        return _made(number, cells[tenant], others[0] if others else "", others[1] if len(others) > 1 else "")
    found = [cells[place] if place is not None and place < len(cells) else "" for place in (columns.tenant, columns.whose, columns.cloud)]
    if not _GUID.fullmatch(found[0]):
        shown = f"“{found[0][:60]}” is no tenant id" if found[0] else "The tenant id is missing"
        return Odd(number, f"{shown}. It looks like 8a6c3f1e-0000-4000-8000-5d2b7c9e0f11.")
    return _made(number, *found)


def _made(number: int, guid: str, organization: str, cloud: str) -> Entry:
    return Entry(number, guid.strip("{}").lower(), organization, cloud)
