"""The agent list: one host a row, with its Organization and its last check-in. Read in batches, in bounded memory.

``open_agents`` looks through a file once and finds its header; ``AgentList.batches`` then gives every row in exactly one bucket. The
fields are those of Huntress's agents by API and what RMM tools export. Hosts of one name are not merged: they are findings.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ingest.sources.agents_answers import AgentAnswers, open_answers
from ingest.sources.agents_columns import AGENTS, FIELDS, check_mapping, guess_columns
from ingest.sources.agents_dates import orders_proved
from ingest.sources.agents_rows import AGENT_COLUMNS, NO_AGENTS, Batch, Owners, Sorter
from ingest.sources.agents_text import BLOCK, Block, Splitter, survey, text_of
from ingest.sources.answers import is_archive
from ingest.sources.columns import Guessed
from ingest.sources.csv_text import DELIMITERS, CsvTable
from ingest.sources.document import Document, Place, find_place, head_rows, open_sheets
from ingest.sources.grid import Grid, Record, trimmed
from ingest.sources.limits import Limits
from ingest.sources.reader import Field, Reader
from ingest.sources.reading import REJECTED_COLUMNS, Asked, Counts, DateOrder, Guess, Issue, Mapping, Progress, Reading, Row, Unreadable
from ingest.sources.records import guesses_of
from ingest.sources.refusals import refusal
from ingest.sources.remarks import Remarks
from ingest.sources.sniff import has_sheets, refuse_foreign

#: How much of an agent list is taken in; a workbook keeps to the limits of every workbook.
STREAMED: Final = Limits(max_bytes=1024 * 2**20, max_rows=10_000_000, max_issues=10_000)
_FIRST_ROWS: Final = 10
_SHEET_ROWS: Final = 50_000
_SIGNATURE: Final = 1 << 16
_LINE_COLUMNS: Final = (*AGENT_COLUMNS, "organization", "organization_id", "organization_key")


@dataclass
class AgentList:
    """An agent list, opened: what its header says, and, after ``batches``, what became of its rows.

    ``rows`` is about how many there are, for telling how far the reading is. ``encoding`` is "" for a workbook.
    """

    stream: BinaryIO
    place: Place
    mapping: Mapping
    rows: int
    limits: Limits
    encoding: str
    tell: Progress
    block: int = BLOCK
    column_guesses: dict[int, Guess] = field(default_factory=dict)
    owners: Owners = field(default_factory=Owners)
    counts: Counts = field(default_factory=Counts)
    first_rows: list[Row] = field(default_factory=list)
    remarks: Remarks = field(default_factory=lambda: Remarks(STREAMED.max_issues))

    @property
    def header(self) -> tuple[str, ...]:
        return self.place.header.cells

    @property
    def sheets(self) -> tuple[str, ...]:
        return self.place.sheets

    @property
    def above(self) -> tuple[tuple[str, ...], ...]:
        return tuple(record.cells for record in self.place.above)

    def batches(self) -> Iterator[Batch]:
        """Every row, the header and those above it included. Raises Unreadable where something further down stops the whole."""
        at = {name: index for index, name in self.mapping.columns.items()}
        sorter = Sorter(self.header, at, self.owners, self.remarks, lambda: self._order, self.mapping.dates)
        above = [_above(record) for record in self.place.above] + [Row(self.place.header.line, "set_aside", self.header, "header")]
        self.counts, self.first_rows = Counts(set_aside=len(above)), above[-2 * _FIRST_ROWS :]
        for block in self._blocks():
            batch = sorter.sort(block)
            if above:
                self.first_rows += _first(block, batch)
                batch, above = replace(batch, odd=above + batch.odd, counts=_sum(batch.counts, self.counts)), []
                self.counts = Counts()
            self.counts = _sum(self.counts, batch.counts)
            if self.counts.rows_in > self.limits.max_rows + len(self.place.above) + 1:
                raise refusal(
                    "too_many_rows", f"There are more than {self.limits.max_rows:,} rows, which is the most that is read. Split the file."
                )
            yield batch
        if above:
            yield Batch(NO_AGENTS, above, self.counts, self.place.header.end)

    def _blocks(self) -> Iterator[Block]:
        if not self.encoding:
            return _sheet_blocks(self.place.table.grid(self.place.header), self.place.header)
        splitter = Splitter(self.place.table.delimiter, len(self.header), self.limits)
        return splitter.blocks(text_of(self.stream, self.encoding, self.block), self.place.header.end)

    @cached_property
    def _order(self) -> DateOrder:
        """The order of day and month that the column proves: some cell can be read in it only, and none in the other only."""
        index = next(index for index, name in self.mapping.columns.items() if name == "last_seen")
        at, proved = self.stream.tell(), set[DateOrder]()
        for block in self._blocks():
            self.tell(min(block.end, self.rows), self.rows)
            proved |= orders_proved(trimmed(block.columns[index]))
        self.stream.seek(at)
        if len(proved) != 1:
            return ""
        order = proved.pop()
        first = "day" if order == "day" else "month"
        message = f"Dates such as 03/04/2026 are read with the {first} first: other cells of the column can be read only so."
        self.remarks.add(Issue(None, "info", "date_order", message, self.header[index].strip()))
        return order


Agents = AgentList | AgentAnswers


def open_agents(stream: BinaryIO, asked: Asked, block: int = BLOCK) -> Agents:
    """Look through a file, and find its header and columns; of an archive of answers, look into it.

    ``block`` is how many bytes of a text are read at a time. Raises Unreadable.
    """
    limits = asked.limits
    size = stream.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        raise refusal("too_big", f"The file has more than {limits.max_bytes / 2**20:,.0f} MiB, which is the most that is read. Split it.")
    stream.seek(0)
    start = stream.read(_SIGNATURE)
    stream.seek(0)
    if is_archive(start):
        return open_answers(stream, asked)
    if has_sheets(start):
        if size > limits.max_workbook_bytes:
            raise refusal(
                "too_big", f"A workbook of more than {limits.max_workbook_bytes // 2**20:,} MiB is not read. Save it as CSV, and drop that."
            )
        document = open_sheets(stream.read(), limits, asked.mapping.encoding if asked.mapping else "utf-8")
        return _opened(stream, document, 0, "", asked, block)
    refuse_foreign(start)
    text = survey(stream, asked.mapping.encoding if asked.mapping else "utf-8", asked.progress)
    tables = [CsvTable(text.head, delimiter, _shown(text.encoding), limits) for delimiter in DELIMITERS]
    return _opened(stream, Document(tables), text.lines, text.encoding, asked, block)


def _shown(encoding: str) -> str:
    return "utf-16" if encoding.startswith("utf-16") else encoding


def _opened(stream: BinaryIO, document: Document, rows: int, encoding: str, asked: Asked, block: int) -> AgentList:
    place = find_place(document, asked.mapping, AGENTS)
    if not encoding:
        rows = len(place.table.grid(place.header).lines)
    stated, line = asked.mapping, place.header.line
    column_guesses: dict[int, Guess] = {}
    if stated is not None and stated.columns:
        guessed = Guessed(dict(stated.columns), [], check_mapping(stated, place.header.cells))
    else:
        guessed, column_guesses = guess_columns(place.header.cells, line)
        if stated is not None and not guessed.refused:  # a stated header line may be no header at all
            guessed.refused = check_mapping(Mapping(guessed.columns, header_line=line), place.header.cells)
    table = place.table
    used = Mapping(guessed.columns, table.sheet, line, table.delimiter, table.encoding, dates=stated.dates if stated else "")
    if guessed.refused:
        head = head_rows(table.head(line))
        raise Unreadable(
            *guessed.refused, header=place.header.cells, sheets=place.sheets, mapping=used, first_rows=head, column_guesses=column_guesses
        )
    opened = AgentList(stream, place, used, rows, asked.limits, encoding, asked.progress, block, column_guesses)
    opened.remarks = Remarks(asked.limits.max_issues)
    opened.remarks.add(*place.notes, *guessed.notes)
    return opened


def _sheet_blocks(grid: Grid, header: Record) -> Iterator[Block]:
    width, first = len(header.cells), int(np.searchsorted(grid.lines, header.line, side="right"))
    for start in range(first, grid.height, _SHEET_ROWS):
        end = min(start + _SHEET_ROWS, grid.height)
        part = slice(start, end)
        columns = [pa.concat_arrays(column.slice(start, end - start).chunks) for column in grid.columns[:width]]
        yield Block(
            columns,
            grid.lines[part],
            int(grid.lines[end - 1]),
            np.zeros(end - start, dtype=np.bool_),
            typed={index: mask[part] for index, mask in grid.typed.items()},
            faults={index: mask[part] for index, mask in grid.faults.items()},
        )


def _above(record: Record) -> Row:
    return Row(record.line, "set_aside", record.cells, "title" if any(cell.strip() for cell in record.cells) else "blank")


def _first(block: Block, batch: Batch) -> list[Row]:
    """Some rows below the header, each in its bucket."""
    count = min(block.height, _FIRST_ROWS)
    odd = {row.line: row for row in batch.odd[:_FIRST_ROWS]}
    cells = block.rows(np.arange(count))
    return [odd.get(line) or Row(line, "loaded", one) for line, one in zip(block.lines[:count].tolist(), cells, strict=True)]


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(one.loaded + other.loaded, 0, one.set_aside + other.set_aside, one.rejected + other.rejected)


def read(data: bytes, asked: Asked) -> Reading:
    """An agent list that fits into memory, whole: for the command, and for whoever does not store it."""
    opened = open_agents(io.BytesIO(data), asked)
    odd: list[Row] = []
    frames: list[pd.DataFrame] = []
    for batch in opened.batches():
        odd += batch.odd[: max(asked.limits.max_odd_rows - len(odd), 0)]
        frames.append(batch.agents.to_pandas())
        asked.progress(min(batch.end, opened.rows), opened.rows)
    lines = pd.concat(frames, ignore_index=True)
    named = np.asarray([*opened.owners.numbers], dtype=object).reshape(-1, 3)
    for place, name in enumerate(("organization", "organization_id", "organization_key")):
        lines[name] = pd.array(named[lines["owner"].to_numpy(np.int64), place], dtype="str")
    return told(opened, asked.name, lines, odd)


def told(opened: Agents, name: str, lines: pd.DataFrame | None = None, odd: list[Row] | None = None) -> Reading:
    """What a list said, after its batches: without its rows, unless they are handed in."""
    nothing = pd.DataFrame({column: pd.Series(dtype="str") for column in _LINE_COLUMNS})
    return Reading(
        kind="agents",
        name=name,
        sha256="",
        mapping=opened.mapping,
        header=opened.header,
        sheets=opened.sheets,
        counts=opened.counts,
        lines=nothing if lines is None else lines,
        rejected=pd.DataFrame({column: pd.Series(dtype="str") for column in REJECTED_COLUMNS}),
        issues=opened.remarks.all(),
        first_rows=opened.first_rows,
        odd_rows=odd or [],
        column_guesses=opened.column_guesses,
        above=opened.above,
        **(_of_archive(opened) if isinstance(opened, AgentAnswers) else {}),
    )


def _of_archive(opened: AgentAnswers) -> dict[str, Any]:
    return {"guesses": guesses_of(opened.manifest), "manifest": opened.manifest, "answers": opened.answers}


_LABELS: Final = {
    "hostname": "Hostname", "organization": "Organization", "organization_id": "Organization id", "organization_key": "Organization key",
    "serial": "Serial number", "platform": "Platform", "last_seen": "Last check-in",
}  # fmt: skip
READER: Final = Reader(
    "agents", "Agent list", "an agent list",
    words=r"agents?|hosts?|endpoints? list|machines?|computers?",
    headers=AGENTS,
    fields=tuple(Field(name, _LABELS[name]) for name in FIELDS),
    needs=(("hostname",), ("organization", "organization_id", "organization_key")),
    lines=_LINE_COLUMNS,
    read=read,
    read_answers=read,
)  # fmt: skip
