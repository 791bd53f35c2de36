"""A block of an agent list, row by row into its bucket: loaded as an agent, set aside, or rejected with a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from accounts.names import normalise
from ingest.sources.agents_dates import DateFault, Moments, moments
from ingest.sources.agents_text import Block
from ingest.sources.columns import OWNERS
from ingest.sources.grid import Ints, Mask, Texts, any_of, flags, nonblank, trimmed
from ingest.sources.reading import Counts, DateOrder, Row
from ingest.sources.refusals import refusal
from ingest.sources.remarks import Remarks, Said
from ingest.sources.totals import LABELS

#: What is kept of a text, as its column in the database is.
_KEPT: Final = {"serial": 128, "platform": 32}
_LONGEST_HOSTNAME: Final = 255
_LONGEST_ID: Final = 15
#: Past this, what is read as the Organization is probably a column of something else.
MOST_OWNERS: Final = 500_000
#: A row's state is an index into this: 0 is loaded, those up to "no agent" are set aside, the others are rejected.
STATES: Final = (
    "", "blank", "header", "total", "footer", "no agent",
    "extra_cells", "unreadable_cell", "unreadable_id", "no_hostname", "no_organization", "long_hostname", "unreadable_date",
    "ambiguous_date",
)  # fmt: skip
BLANK, HEADER, TOTAL, FOOTER, NO_AGENT = range(1, 6)
_FIRST_REJECTED: Final = 6
AGENT_COLUMNS: Final = ("line", "owner", "hostname", "serial", "platform", "last_seen")
_TYPES: Final = (pa.int64(), pa.int64(), pa.string(), pa.string(), pa.string(), pa.timestamp("s"))
NO_AGENTS: Final = pa.schema(zip(AGENT_COLUMNS, _TYPES, strict=True)).empty_table()


@dataclass
class Owners:
    """The Organizations as a list names them, numbered as they come: each distinct name, id and key once."""

    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)

    def of(self, name: str, its_id: str, key: str) -> int:
        """The number of one row's name, id and key."""
        number = self.numbers.setdefault((name, its_id, key), len(self.numbers))
        if number == len(self.rows):
            self.rows.append(0)
        self.rows[number] += 1
        return number

    def number(self, texts: Sequence[Texts]) -> Ints:
        """Each row's number, of its name, id and key. Raises Unreadable where there are more than can be Organizations."""
        combined = np.zeros(len(texts[0]), dtype=np.int64)
        encoded = [column.dictionary_encode() for column in texts]
        for column in encoded:
            combined = combined * max(len(column.dictionary), 1) + column.indices.to_numpy(zero_copy_only=False)
        _, first, inverse, counts = np.unique(combined, return_index=True, return_inverse=True, return_counts=True)
        numbers = np.zeros(len(first), dtype=np.int64)
        where = pa.array(first)
        spelt = list(zip(*(column.take(where).to_pylist() for column in texts), strict=True))
        for place in np.argsort(first).tolist():
            known = self.numbers.setdefault(spelt[place], len(self.numbers))
            if known == len(self.rows):
                self.rows.append(0)
            self.rows[known] += int(counts[place])
            numbers[place] = known
        if len(self.rows) > MOST_OWNERS:
            message = f"More than {MOST_OWNERS:,} different Organizations are named. Is the right column read as the Organization?"
            raise refusal("too_many_organizations", message)
        return numbers[inverse.reshape(-1)]


@dataclass(frozen=True, eq=False)
class Batch:
    """What became of a block: ``agents`` has AGENT_COLUMNS, ``odd`` every row that is set aside or rejected. ``end`` is its last line."""

    agents: pa.Table
    odd: list[Row]
    counts: Counts
    end: int


@dataclass(frozen=True)
class Sorter:
    """Sorts blocks under one header. ``order_of`` is asked for the order of day and month once some date can be read in two ways."""

    header: tuple[str, ...]
    columns: dict[str, int]
    owners: Owners
    remarks: Remarks
    order_of: Callable[[], DateOrder]
    stated: DateOrder = ""

    def sort(self, block: Block) -> Batch:
        texts = {name: trimmed(block.columns[index]) for name, index in self.columns.items()}
        given = {name: nonblank(column) for name, column in texts.items()}
        states = np.zeros(block.height, dtype=np.uint8)
        self._set_aside(block, texts, given, states)
        seen = self._moments(block, texts)
        self._reject(block, texts, given, states, seen)
        loaded = np.equal(states, 0)
        rejected = int((states >= _FIRST_REJECTED).sum())
        counts = Counts(int(loaded.sum()), 0, block.height - int(loaded.sum()) - rejected, rejected)
        return Batch(self._agents(block, texts, seen, loaded), _odd(block, states), counts, block.end)

    def _moments(self, block: Block, texts: dict[str, Texts]) -> Moments | None:
        index = self.columns.get("last_seen")
        if index is None:
            return None
        typed = block.typed.get(index)
        seen = moments(texts["last_seen"], self.stated, typed)
        if not self.stated and (seen.faults == DateFault.AMBIGUOUS.value).any() and (order := self.order_of()):
            seen = moments(texts["last_seen"], order, typed)
        return seen

    def _set_aside(self, block: Block, texts: dict[str, Texts], given: dict[str, Mask], states: np.ndarray) -> None:
        owned = any_of([given[name] for name in OWNERS if name in given], block.height)
        beside = any_of([given[name] for name in ("serial", "platform", "last_seen") if name in given], block.height)
        bare = ~given["hostname"] & ~beside
        lone = given["hostname"] & ~owned & ~beside
        candidates = np.flatnonzero((bare | lone) & ~block.extra)
        if len(candidates):
            cells = [_first_two(row) for row in block.rows(candidates)]
            kinds = [_bare(found) if is_bare else _lone(found) for found, is_bare in zip(cells, bare[candidates].tolist(), strict=True)]
            states[candidates] = kinds
        title = self.header[self.columns["hostname"]].strip()
        likely = np.flatnonzero(flags(pc.is_in(texts["hostname"], pa.array([title, title.lower(), title.upper(), title.title()]))))
        wanted = {name: self.header[index].strip().casefold() for name, index in self.columns.items()}
        for row in likely.tolist():
            if all(texts[name][row].as_py().casefold() == cell for name, cell in wanted.items()):
                states[row] = HEADER

    def _reject(self, block: Block, texts: dict[str, Texts], given: dict[str, Mask], states: np.ndarray, seen: Moments | None) -> None:
        open_rows = np.equal(states, 0)
        self._fault(block, states, open_rows & block.extra, "extra_cells", lambda row: Said(_extra_cells(len(self.header))))
        open_rows &= ~block.extra
        for name, index in self.columns.items():
            if index in block.faults:
                self._fault(block, states, open_rows & block.faults[index], "unreadable_cell", partial(self._said, texts, name, _FAULT))
        index = self.columns.get("organization_id", -1)
        if index in block.typed:
            long = block.typed[index] & flags(pc.greater(pc.utf8_length(texts["organization_id"]), _LONGEST_ID))
            self._fault(block, states, open_rows & long, "unreadable_id", partial(self._said, texts, "organization_id", _LONG_ID))
        self._fault(block, states, open_rows & ~given["hostname"], "no_hostname", lambda row: Said(_NO_HOSTNAME))
        owned = any_of([given[name] for name in OWNERS if name in given], block.height)
        self._fault(
            block, states, open_rows & given["hostname"] & ~owned, "no_organization", partial(self._said, texts, "hostname", _NO_OWNER)
        )
        if (pc.max(pc.binary_length(texts["hostname"])).as_py() or 0) > _LONGEST_HOSTNAME:
            long = flags(pc.greater(pc.utf8_length(texts["hostname"]), _LONGEST_HOSTNAME))
            self._fault(block, states, open_rows & long, "long_hostname", partial(self._said, texts, "hostname", _LONG_HOSTNAME))
        if seen is not None:
            for fault, code, sentence in (
                (DateFault.AMBIGUOUS, "ambiguous_date", _AMBIGUOUS),
                (DateFault.UNREADABLE, "unreadable_date", _NO_DATE),
            ):
                bad = open_rows & (seen.faults == fault.value)
                self._fault(block, states, bad, code, partial(self._said, texts, "last_seen", sentence))

    def _fault(self, block: Block, states: np.ndarray, rows: Mask, code: str, sentence: Callable[[int], Said]) -> None:
        if rows.any():
            self.remarks.say("error", code, block.lines, np.flatnonzero(rows), sentence)
            states[rows & (states == 0)] = STATES.index(code)

    def _said(self, texts: dict[str, Texts], name: str, sentence: str, row: int) -> Said:
        text: str = texts[name][row].as_py()
        return Said(sentence.format(text=text[:80]), self.header[self.columns[name]], text)

    def _agents(self, block: Block, texts: dict[str, Texts], seen: Moments | None, loaded: Mask) -> pa.Table:
        everything = bool(loaded.all())
        rows = pa.array(np.flatnonzero(loaded))
        taken = texts if everything else {name: column.take(rows) for name, column in texts.items()}
        count = block.height if everything else len(rows)
        empty = pa.repeat(pa.scalar("", pa.string()), count)
        owners = self.owners.number([taken.get(name, empty) for name in OWNERS]) if count else np.zeros(0, dtype=np.int64)
        if seen is None:
            last_seen = pa.nulls(count, pa.timestamp("s"))
        else:
            blank = seen.faults[loaded] == DateFault.BLANK.value
            last_seen = pa.array(seen.seconds[loaded], mask=blank).cast(pa.timestamp("s"))
        columns = [pa.array(block.lines[loaded]), pa.array(owners), taken["hostname"]]
        columns += [_cut(taken[name], most) if name in taken else empty for name, most in _KEPT.items()]
        return pa.table([*columns, last_seen], names=list(AGENT_COLUMNS))


_FAULT: Final = "{text} is an error or a formula without a stored result, not a value. Put it right in the workbook, and save it."
_LONG_ID: Final = "The id is a number of more than 15 digits, of which a workbook keeps only 15. Have it written as text."
_NO_HOSTNAME: Final = "There is an agent and no hostname. Fill it in, or leave the row out knowingly."
_NO_OWNER: Final = "{text} belongs to no Organization: its name, id and key are blank. Fill one in."
_LONG_HOSTNAME: Final = "A hostname has at most 255 characters. Is the right column read as the hostname?"
_AMBIGUOUS: Final = "{text}: day first, or month first? Nothing in the column tells. Write the year first, or say which it is."
_NO_DATE: Final = "“{text}” is no date. Write it as 2026-01-10 or 2026-01-10T01:07:08Z, or leave it blank where there was no check-in."


def _extra_cells(width: int) -> str:
    return (
        f"The row has more cells than the header's {width}, so none of them can be trusted. "
        "A text with the delimiter in it needs quotation marks around it."
    )


def _first_two(cells: tuple[str, ...]) -> list[str]:
    """What a row has in it, as far as it matters whether that is nothing, one thing, or more."""
    found: list[str] = []
    for cell in cells:
        if (text := cell.strip()) and len(found) < 2:
            found.append(text)
    return found


def _bare(found: list[str]) -> int:
    """A row without a host and what hosts have."""
    if not found:
        return BLANK
    return TOTAL if _is_label(found[0]) else FOOTER if len(found) == 1 and " " in found[0] else NO_AGENT


def _lone(found: list[str]) -> int:
    """A row with nothing but something in the hostname's column: 0 where it may be a host all the same."""
    if len(found) != 1:
        return TOTAL if _is_label(found[0]) else 0
    return TOTAL if _is_label(found[0]) else FOOTER if " " in found[0] else 0


def _is_label(text: str) -> bool:
    return len(text) < 80 and normalise(text.rstrip("0123456789:, ")) in LABELS


def _cut(texts: Texts, most: int) -> Texts:
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= most:
        return texts
    return pc.utf8_slice_codeunits(texts, 0, most)


def _odd(block: Block, states: np.ndarray) -> list[Row]:
    places = np.flatnonzero(states)
    if not len(places):
        return []
    return [
        Row(line, "rejected" if state >= _FIRST_REJECTED else "set_aside", cells, STATES[state])
        for line, state, cells in zip(block.lines[places].tolist(), states[places].tolist(), block.rows(places), strict=True)
    ]
