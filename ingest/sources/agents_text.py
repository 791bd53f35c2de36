"""Text of any size as blocks of rows, in bounded memory: the same rows, whatever the size of the blocks."""

import csv
import os
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ingest.sources.grid import Ints, Mask, Texts, cell_too_long, flags
from ingest.sources.limits import Limits
from ingest.sources.reading import Progress
from ingest.sources.refusals import refusal
from ingest.sources.sniff import SHOWN_BY_BYTES, STATED_ENCODINGS

BLOCK: Final = 8 << 20
_QUOTE, _NEWLINE = 0x22, 0x0A
# Read after the last line: unless it comes back as a row of its own, a quotation mark is still open.
_END: Final = "end"
_BOMS: Final = ((BOM_UTF8, "utf-8"), (BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be"))
_NO_TEXT: Final = (
    "There are NUL bytes in it, so it is no text (or UTF-16 without its mark). Save it as CSV in UTF-8, or as XLSX, and drop that."
)


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows: the header's columns as written, each row's line and the last line of all, and the rows with more cells than the header.

    ``typed`` and ``faults`` as in a ``Grid``. ``ragged`` has the cells of all rows where arrow could not read them.
    """

    columns: list[Texts]
    lines: Ints
    end: int
    extra: Mask
    ragged: Sequence[tuple[str, ...]] | None = None
    typed: dict[int, Mask] = field(default_factory=dict)
    faults: dict[int, Mask] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return len(self.lines)

    def rows(self, places: Ints) -> list[tuple[str, ...]]:
        """The cells of some rows, as written."""
        if self.ragged is not None:
            return [self.ragged[place] for place in places.tolist()]
        wanted = pa.array(places)
        return list(zip(*(column.take(wanted).to_pylist() for column in self.columns), strict=True))


class Survey(NamedTuple):
    """What one pass over a text says: what it is encoded in, how many lines it has, and its first piece as UTF-8 with line feeds."""

    encoding: str
    lines: int
    head: bytes


def survey(stream: BinaryIO, wanted: str, tell: Progress) -> Survey:
    """``wanted`` is a person's choice; it gives way to a byte order mark. How many rows there are is estimated on the way.

    Raises Unreadable where the bytes are no text.
    """
    stream.seek(0)
    start = stream.read(4)
    marked = next((encoding for bom, encoding in _BOMS if start.startswith(bom)), "")
    tried = [marked] if marked else [wanted] if wanted in STATED_ENCODINGS else SHOWN_BY_BYTES
    for encoding in tried:
        try:
            return _surveyed(stream, encoding, tell)
        except UnicodeError:
            continue
    message = f"The bytes are no text in {tried[-1].upper()}. Save the file as CSV in UTF-8, or as XLSX, and drop that."
    raise refusal("encoding", message)


def _surveyed(stream: BinaryIO, encoding: str, tell: Progress) -> Survey:
    size = stream.seek(0, os.SEEK_END)
    lines, last, head, something = 0, b"\n", b"", False
    for chunk in text_of(stream, encoding):
        if b"\0" in chunk:
            raise refusal("not_a_table", _NO_TEXT)
        head = head or chunk
        something = something or not chunk.isspace()
        lines, last = lines + chunk.count(b"\n"), chunk[-1:]
        done = stream.tell()
        tell(lines, max(lines * size // done, lines))
    if not something:
        raise refusal("empty", "The file is empty: there are no rows to read. Ask for the CSV or XLSX, and drop that.")
    return Survey(encoding, lines + (last != b"\n"), head[: head.rfind(b"\n") + 1] or head)


def text_of(stream: BinaryIO, encoding: str, size: int = BLOCK) -> Iterator[bytes]:
    """The text from its start, piece by piece, as UTF-8 without a mark and with line feeds. Raises UnicodeError."""
    stream.seek(0)
    mark = next((bom for bom, marked in _BOMS if marked == encoding), b"")
    if stream.read(len(mark)) != mark:
        stream.seek(0)
    decoder = getincrementaldecoder(encoding)()
    held = b""
    while piece := stream.read(size):
        if encoding == "utf-8":
            if not piece.isascii() or decoder.getstate()[0]:
                decoder.decode(piece)
        else:
            piece = decoder.decode(piece).encode()
        piece, held = held + piece, b""
        if b"\r" in piece:
            if piece.endswith(b"\r"):  # half of a line end, perhaps
                piece, held = piece[:-1], b"\r"
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if piece:
            yield piece
    decoder.decode(b"", True)
    if held:
        yield b"\n"


@dataclass(frozen=True)
class Splitter:
    """Cuts text into blocks of whole rows. ``width`` is the header's."""

    delimiter: str
    width: int
    limits: Limits

    def blocks(self, pieces: Iterator[bytes], skip: int) -> Iterator[Block]:
        """The rows after the first ``skip`` lines, a block for each piece or so."""
        rest, line, ended = b"", 1, False
        for piece in chain(pieces, [None]):
            ended = piece is None
            text = rest + piece if piece is not None else rest
            if line <= skip:
                text, line = _skipped(text, line, skip, ended)
            if not text or (line <= skip and not ended):
                rest = text
                continue
            block, cut = self._block(text, line, ended)
            rest = text[cut:]
            if block is not None:
                line = block.end + 1
                yield block

    def _block(self, text: bytes, line: int, ended: bool) -> tuple[Block | None, int]:
        """The whole rows at the start of a text that begins a row, and where they end."""
        cut = _regular(text, ord(self.delimiter), line, ended)
        if cut is not None:
            end, lines = cut
            if end == 0:
                return (None, 0) if len(text) < 4 * self.limits.max_cell_length else self._slow(text, line, ended)
            block = self._fast(memoryview(text)[:end], lines, line + text.count(b"\n", 0, end) - text.endswith(b"\n", 0, end))
            if block is not None:
                return block, end
        return self._slow(text, line, ended)

    def _fast(self, text: memoryview, lines: Ints, last: int) -> Block | None:
        if self.width < 2:
            return None
        names = [str(index) for index in range(self.width)]
        spans = bool(len(lines)) and last - int(lines[0]) + 1 != len(lines)
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(pa.py_buffer(text)),
                read_options=pa_csv.ReadOptions(column_names=names, block_size=1 << 21),
                parse_options=pa_csv.ParseOptions(delimiter=self.delimiter, ignore_empty_lines=False, newlines_in_values=spans),
                convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows != len(lines):
            return None
        columns = [_one(column) for column in table.columns]
        self._check_lengths(columns, lines)
        return Block(columns, lines, last, np.zeros(len(lines), dtype=np.bool_))

    def _check_lengths(self, columns: list[Texts], lines: Ints) -> None:
        for column in columns:
            if len(column) and pc.max(pc.binary_length(column)).as_py() > self.limits.max_cell_length:
                long = flags(pc.greater(pc.utf8_length(column), self.limits.max_cell_length))
                if long.any():
                    raise cell_too_long(self.limits, int(lines[int(long.argmax())]))

    def _slow(self, text: bytes, line: int, ended: bool) -> tuple[Block | None, int]:
        """Row by row with Python's csv module: ragged rows, and quotation marks that stand where no rule expects them."""
        whole = text if ended else text[: text.rfind(b"\n") + 1]
        records, starts, cut, end = self._records(whole, line, ended)
        if not records:
            return None, 0
        most = max(map(len, records))
        if most > self.limits.max_columns:
            raise refusal(
                "too_many_columns", f"There are {most:,} columns; at most {self.limits.max_columns:,} are read. Remove the others."
            )
        lines = np.asarray(starts, dtype=np.int64)
        filled = [record + ("",) * (self.width - len(record)) for record in records]
        columns = [pa.array(column, pa.string()) for column in zip(*(record[: self.width] for record in filled), strict=True)]
        self._check_lengths(columns, lines)
        extra = [len(record) > self.width and any(cell.strip() for cell in record[self.width :]) for record in records]
        return Block(columns, lines, end, np.asarray(extra, dtype=np.bool_), filled), cut

    def _records(self, text: bytes, line: int, ended: bool) -> tuple[list[tuple[str, ...]], list[int], int, int]:
        """The rows that end in the text, the line each begins on, where the text of the last one ends, and on which line."""
        rows = text.decode().split("\n")
        if rows[-1] == "":
            rows.pop()
        reader = csv.reader(chain((row + "\n" for row in rows), [_END]), delimiter=self.delimiter)
        records: list[tuple[str, ...]] = []
        starts: list[int] = []
        start = 0
        try:
            for cells in reader:
                records.append(tuple(cells))
                starts.append(line + start)
                start = reader.line_num
        except csv.Error:  # the one error left: a field past the module's own limit
            raise cell_too_long(self.limits, line + start) from None
        opened = records.pop() != (_END,)
        at = starts.pop()
        if opened and ended:
            message = f"A quotation mark opened on line {at:,} is never closed, so the rows after it cannot be told apart. Close it."
            raise refusal("unclosed_quote", message, line=at)
        cut = sum(len(row.encode()) + 1 for row in rows[: at - line]) if opened else len(text)
        return records, starts, cut, at - 1


def _one(column: pa.ChunkedArray) -> Texts:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays([pa.array([], pa.string()), *column.chunks])


def _skipped(text: bytes, line: int, skip: int, ended: bool) -> tuple[bytes, int]:
    """The text without its lines up to ``skip``, and the line that it then begins on."""
    at = 0
    while line <= skip:
        found = text.find(b"\n", at)
        if found < 0:
            return (b"", skip + 1) if ended else (text[at:], line)
        at, line = found + 1, line + 1
    return text[at:], line


def _regular(text: bytes, delimiter: int, first: int, ended: bool) -> tuple[int, Ints] | None:
    """Where the last row that ends in a text ends, and on which line each row begins; None where quotation marks stand oddly.

    Regular means: a mark opens at the start of a cell or right after its twin, and closes before a delimiter, a line end or its twin.
    Then, and only then, a line end belongs to a cell exactly when an odd number of marks stands before it.
    """
    if b'"' not in text:
        end = len(text) if ended else text.rfind(b"\n") + 1
        rows = text.count(b"\n", 0, end) + (end > 0 and text[end - 1] != _NEWLINE)
        return end, np.arange(first, first + rows, dtype=np.int64)
    data = np.frombuffer(text, dtype=np.uint8)
    marks = np.flatnonzero(data == _QUOTE)
    ends = np.flatnonzero(data == _NEWLINE)
    real = np.flatnonzero(np.searchsorted(marks, ends) % 2 == 0)
    whole = len(text) if ended and len(marks) % 2 == 0 else 0
    end = whole or (int(ends[real[-1]]) + 1 if len(real) else 0)
    marks = marks[marks < end]
    if len(marks) % 2 or (ended and end < len(text)):
        return None
    before = np.where(marks[0::2] > 0, data[marks[0::2] - 1], _NEWLINE)
    after = np.where(marks[1::2] + 1 < end, data[np.minimum(marks[1::2] + 1, len(data) - 1)], _NEWLINE)
    allowed = [delimiter, _NEWLINE, _QUOTE]
    if not (np.isin(before, allowed).all() and np.isin(after, allowed).all()):
        return None
    if end and data[end - 1] == _NEWLINE:
        real = real[:-1]
    return end, np.concatenate([np.asarray([first], dtype=np.int64), real.astype(np.int64) + first + 1])
