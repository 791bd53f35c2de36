"""What a reader hands on: the values that every kind of document is turned into. Shapes only, no behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from ingest.sources.limits import Limits

if TYPE_CHECKING:
    from ingest.sources.answers import Manifest

Leg = Literal["billed", "expected", "rebilled"]
Level = Literal["error", "warning", "info"]
Bucket = Literal["loaded", "merged", "set_aside", "rejected"]
DecimalSign = Literal["", ".", ","]
DateOrder = Literal["", "day", "month"]
Sureness = Literal["certain", "likely", "unsure"]
Progress = Callable[[int, int], None]

#: Columns of ``Reading.lines`` of a leg. ``line`` is the place in the file (1 is its first line), ``unit_price`` is in micros
#: (millionths of the currency's unit; <NA> where the file has none), ``merged_into`` the line it was added to (<NA>: none).
#: ``product`` is a code, or "" where the registry does not know the file's own words, which ``product_name`` then has ("" elsewhere).
#: Texts are as the file has them, trimmed; "" where the file has none.
LINE_COLUMNS: Final = (
    "line", "organization", "organization_id", "organization_key", "product", "product_name", "quantity", "unit_price", "merged_into",
)  # fmt: skip
#: Columns of ``Reading.rejected``: one row a (line, product) that could not be read; product "" means unknown (any),
#: and organization, id and key all "" mean that the Organization could not be read (any).
REJECTED_COLUMNS: Final = ("line", "organization", "organization_id", "organization_key", "product")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column means what, counted from 0. Stated by a person or guessed; JSON both ways.

    ``columns`` maps a column's index to a field of the kind (``Reader.fields``); a column that is not named is ignored. What is not
    stated is guessed: all columns where ``columns`` is empty, the header's place where ``header_line`` is 0. ``dates`` says whether
    the day or the month comes first in dates such as 03/04/2026.
    """

    columns: dict[int, str]
    sheet: str = ""
    header_line: int = 1
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: DecimalSign = ""
    dates: DateOrder = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": {str(index): name for index, name in sorted(self.columns.items())},
            "sheet": self.sheet,
            "header_line": self.header_line,
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "decimal": self.decimal,
            "dates": self.dates,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Mapping:
        return cls(**{**data, "columns": {int(index): name for index, name in data["columns"].items()}})


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say about a file. ``line`` is None where it concerns the whole file; ``column`` is a header as written."""

    line: int | None
    level: Level
    code: str
    message: str
    column: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file as it came, and the bucket it ended in."""

    line: int
    bucket: Bucket
    cells: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by bucket; ``rows_in`` is always the sum of the others."""

    loaded: int = 0
    merged: int = 0
    set_aside: int = 0
    rejected: int = 0

    @property
    def rows_in(self) -> int:
        return self.loaded + self.merged + self.set_aside + self.rejected

    def to_json(self) -> dict[str, int]:
        return {
            "in": self.rows_in,
            "loaded": self.loaded,
            "merged": self.merged,
            "set_aside": self.set_aside,
            "rejected": self.rejected,
        }


@dataclass(frozen=True, slots=True)
class Guess:
    """What a document, or a column of it, seems to be, and why, in words a person reads beside the field.

    *Certain*: it says so itself, and nothing speaks against it. *Likely*: one sign. *Unsure*: a person had better look.
    """

    value: str
    because: str
    sureness: Sureness = "likely"


@dataclass(frozen=True)
class Reading:
    """A document, read. Raising is for what cannot be read at all (``Unreadable``); everything else is in here.

    ``lines`` has the columns of its kind (``Reader.lines``). ``column_guesses`` says of each column that was guessed which field it
    was taken for; of a stated mapping there is nothing to say. ``above`` are the cells of the rows above the header.

    Of an archive of answers ``manifest`` is its list of them, ``line`` the number of a record, and ``answers`` says how many records the
    answers have, in runs (see ``records.runs_of``).
    """

    kind: str
    name: str
    sha256: str
    mapping: Mapping
    header: tuple[str, ...]
    sheets: tuple[str, ...]
    counts: Counts
    lines: pd.DataFrame
    rejected: pd.DataFrame
    issues: list[Issue] = field(default_factory=list)
    first_rows: list[Row] = field(default_factory=list)
    odd_rows: list[Row] = field(default_factory=list)
    guesses: dict[str, Guess] = field(default_factory=dict)
    column_guesses: dict[int, Guess] = field(default_factory=dict)
    above: tuple[tuple[str, ...], ...] = ()
    manifest: Manifest | None = None
    answers: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader is asked for. ``mapping`` is what a person stated; without one it is guessed from the header and the cells.

    ``progress`` is called with rows done, rows in all. ``only_known``: where nobody can say later what an unknown product counts
    for, its rows are no lines: refused of a bill, set aside elsewhere.
    """

    name: str
    mapping: Mapping | None = None
    limits: Limits = Limits()  # noqa: RUF009  (frozen)
    progress: Progress = lambda done, total: None
    only_known: bool = False


class Unreadable(Exception):
    """The document as a whole is refused: nothing of it may count. ``issues`` say which line, what was there, what would be right.

    ``header``, ``sheets`` and ``mapping`` are given where the reader got that far, so that a person can correct the mapping.
    """

    def __init__(
        self,
        *issues: Issue,
        header: tuple[str, ...] = (),
        sheets: tuple[str, ...] = (),
        mapping: Mapping | None = None,
        first_rows: tuple[Row, ...] = (),
        column_guesses: dict[int, Guess] | None = None,
    ) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues, self.header, self.sheets, self.mapping, self.first_rows = issues, header, sheets, mapping, first_rows
        self.column_guesses = column_guesses or {}
