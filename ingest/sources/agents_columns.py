"""The header of an agent list: which column is which.

Aliases: the fields of Huntress's own agents by API (``hostname``, ``last_callback_at``, …) and the headers of RMM tools' exports. None is
relied on: a person can correct every guess. ``last_survey_at`` is no check-in, and is never taken for one.
"""

from collections.abc import Sequence
from typing import Final

from accounts.products import folded
from ingest.sources.columns import OWNERS, Guessed
from ingest.sources.grid import Record, letter, titled
from ingest.sources.header import Headers
from ingest.sources.reading import Guess, Issue, Mapping

#: Each field's headers, the best first: where several stand in one file the first is read.
_ALIASES: Final = {
    "hostname": (
        "Hostname", "Host", "Computer Name", "Computer", "Device Name", "Device", "Endpoint Name", "Endpoint", "Agent Name", "Agent",
        "Agent Hostname", "Machine Name", "Machine", "System Name", "Workstation", "Asset Name", "Name",
    ),
    "organization": (
        "Organization", "Organization Name", "Organisation", "Organisation Name", "Org", "Org Name", "Company", "Company Name", "Customer",
        "Customer Name", "Client", "Client Name", "Account Name", "Site", "Site Name",
    ),
    "organization_id": ("Organization ID", "Organisation ID", "Org ID"),
    "organization_key": ("Organization Key", "Organisation Key", "Org Key", "Key"),
    "serial": ("Serial Number", "Serial", "Serial No", "Serial No.", "Device Serial", "Device Serial Number", "BIOS Serial", "Service Tag"),
    "platform": ("Platform", "OS Type", "Operating System", "OS", "OS Name"),
    "last_seen": (
        "Last Callback At", "Last Callback", "Last Seen", "Last Seen At", "Last Check-in", "Last Checkin", "Last Checkin At",
        "Last Checked In", "Last Contact", "Last Contacted", "Last Online", "Last Communication", "Last Response", "Last Heartbeat",
        "Last Connected", "Last Check-in Time", "Last Seen (UTC)", "Last Callback (UTC)", "Last Check-in (UTC)", "Last Activity",
    ),
}  # fmt: skip
FIELDS: Final = tuple(_ALIASES)
_PLACE_OF: Final = {folded(alias): (name, place) for name, aliases in _ALIASES.items() for place, alias in enumerate(aliases)}
LOOKED_FOR: Final = (
    "a column such as Hostname, Computer Name or Device, and beside it one that names the Organization, such as Organization, Company or "
    "Customer, or its id or key"
)


def field_of(header: str) -> str:
    """What a header means in an agent list, or "".

    >>> field_of("Last Check-In"), field_of("computer_name"), field_of("Last Survey At")
    ('last_seen', 'hostname', '')
    """
    return _PLACE_OF.get(folded(header), ("", 0))[0]


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row has a column of hosts and one of Organizations.

    One that is just called *Name* is of hosts beside what only hosts have.
    """
    fields = [field_of(cell) for cell in cells]
    if set(fields).isdisjoint(OWNERS):
        return False
    telling = not set(fields).isdisjoint({"last_seen", "serial", "platform"})
    return any(field == "hostname" and (telling or folded(cell) != "name") for cell, field in zip(cells, fields, strict=True))


def _find(rows: Sequence[Record]) -> Record | None:
    return next((row for row in rows if is_header(row.cells)), None)


def _score(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if field_of(cell))


AGENTS: Final = Headers(_find, _score, LOOKED_FOR)


def guess_columns(header: Sequence[str], line: int) -> tuple[Guessed, dict[int, Guess]]:
    """Which column is which, and how sure each guess is. A better header wins over a lesser one; twice the same is for a person."""
    found: dict[str, list[tuple[int, int]]] = {}
    for index, cell in enumerate(header):
        if place := _PLACE_OF.get(folded(cell)):
            found.setdefault(place[0], []).append((place[1], index))
    guessed, guesses = Guessed(), {}
    for name, places in found.items():
        (rank, index), *others = sorted(places)
        guessed.columns[index] = name
        guesses[index] = _guess(name, header[index], rank, len(others))
        _note_others(guessed, header, name, [index, *(other for same, other in others if same == rank)], line)
        for _, other in (pair for pair in others if pair[0] != rank):
            message = f"Column {titled(header, other)} is not used: {titled(header, index)} is read as the {name.replace('_', ' ')}."
            guessed.notes.append(Issue(line, "info", "unused_column", message, header[other].strip()))
    return guessed, guesses


def _guess(name: str, title: str, rank: int, others: int) -> Guess:
    if name == "hostname" and folded(title) == "name":
        return Guess(name, "“Name” may be the host's or the Organization's", "unsure")
    if others:
        return Guess(name, f"“{title.strip()}” is the best of {others + 1} columns that could be it", "likely")
    return Guess(name, f"the header is “{title.strip()}”", "certain")


def _note_others(guessed: Guessed, header: Sequence[str], name: str, indices: list[int], line: int) -> None:
    if len(indices) < 2:
        return
    named = " and ".join(titled(header, index) for index in indices)
    message = f"{len(indices)} columns could be the {name.replace('_', ' ')}: {named}. Choose the one that counts."
    guessed.refused.append(Issue(line, "error", "two_columns", message.replace("2 columns", "Two columns"), header[indices[0]].strip()))


def check_mapping(mapping: Mapping, header: Sequence[str]) -> list[Issue]:
    """What is wrong with a mapping that a person stated, if anything."""
    names = list(mapping.columns.values())
    problems = [f"column {letter(max(index, 0))} is beyond the header" for index in mapping.columns if not 0 <= index < len(header)]
    problems += [f"“{name}” is no field of an agent list" for name in sorted(set(names) - set(FIELDS))]
    problems += [f"“{name}” is given to {names.count(name)} columns" for name in sorted(set(names)) if names.count(name) > 1]
    if "hostname" not in names:
        problems.append("no column is the hostname")
    if not set(OWNERS) & set(names):
        problems.append("no column is the Organization's name, id or key")
    return [Issue(mapping.header_line, "error", "bad_mapping", f"The mapping cannot be used: {problem}.") for problem in problems]
