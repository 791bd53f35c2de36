"""Huntress' own lines of what an account's Organizations were billed for: an archive of answers that is read as a billed report.

It was cut out of a reseller's invoice, and has both of its lists: a line for each Organization, with its id and its units by product
(``actual_usage``), and one for each product of the account (``usage.actual``), which the Organizations' lines have to add up to. After
``domain/huntress.md`` §1.2, §1.3 and §3. A place in it (``line``) is the number of the record among all its records, from 1 on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import pandas as pd

from accounts.products import BY_CODE, CODES
from ingest.sources.answers import Entry, open_archive
from ingest.sources.limits import Limits
from ingest.sources.reading import LINE_COLUMNS, REJECTED_COLUMNS, Asked, Counts, Issue, Reading, Row
from ingest.sources.reading import Mapping as ColumnMapping
from ingest.sources.refusals import refusal

ORGANIZATIONS: Final = "organization_usage"
ACCOUNTS: Final = "account_usage"
KEYS: Final = {ORGANIZATIONS: "organization_usage_line_items", ACCOUNTS: "account_usage_line_items"}
#: The products that Organizations have lines of; of others only the account has one.
BY_ORGANIZATION: Final = ("edr", "itdr", "sat", "siem")
HEADER: Final = ("Organization ID", "Organization", *(BY_CODE[code].label for code in BY_ORGANIZATION))
_FIRST_ROWS: Final = 20
_MOST_UNITS: Final = 10**12
Record = Mapping[str, Any]


class Odd(ValueError):
    """A record that is not as it is described, in words."""


@dataclass
class _Read:
    """What the records come to, as far as they were read."""

    limits: Limits
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[tuple[Any, ...]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    first_rows: list[Row] = field(default_factory=list)
    odd_rows: list[Row] = field(default_factory=list)
    buckets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("loaded", "merged", "set_aside", "rejected"), 0))
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)

    def say(self, line: int | None, level: Any, code: str, message: str, column: str = "", value: str = "") -> None:
        if len(self.issues) < self.limits.max_issues:
            self.issues.append(Issue(line, level, code, message, column, value[:200]))

    def keep(self, row: Row) -> None:
        self.buckets[row.bucket] += 1
        if len(self.first_rows) < _FIRST_ROWS:
            self.first_rows.append(row)
        if row.bucket != "loaded" and len(self.odd_rows) < self.limits.max_odd_rows:
            self.odd_rows.append(row)


def read_usage(data: bytes, asked: Asked) -> Reading:
    """The archive as a billed report with ids. Raises Unreadable for what is none, or is another kind of answers."""
    archive = open_archive(BytesIO(data), asked.limits)
    manifest = archive.manifest
    if manifest.kind != "billed":
        raise refusal("other_kind", f"These are Huntress' answers on {manifest.subject or 'something else'}: no lines of what was billed.")
    read, whose, done = _Read(asked.limits), str(manifest.whose.get("id", "")), 0
    total = sum(entry.records for entry in manifest.answers)
    totals: list[tuple[int, Any]] = []
    for entry, body in archive.bodies():
        for record in _records(entry, body):
            done += 1
            if done > asked.limits.max_rows:
                raise refusal("too_many_rows", f"More than {asked.limits.max_rows:,} lines: more than is read at once.")
            if entry.endpoint == ORGANIZATIONS:
                _organization(read, done, record, whose, only_known=asked.only_known)
            else:
                totals.append((done, record))
        asked.progress(done, max(total, done))
    for line, record in totals:
        _total(read, line, record, whose)
    if not done:
        raise refusal("empty", "Huntress has no usage line of this account in this period.")
    for lack in manifest.lacks:
        read.say(None, "warning", "incomplete", lack)
    return _reading(read, asked, "")


def _reading(read: _Read, asked: Asked, sha256: str) -> Reading:
    lines = pd.DataFrame(read.lines, columns=list(LINE_COLUMNS))
    texts = ["organization", "organization_id", "organization_key", "product", "product_name"]
    lines = lines.astype(dict.fromkeys(texts, "str") | {"line": "int64", "quantity": "int64"})
    lines = lines.astype({"unit_price": "Int64", "merged_into": "Int64"})
    rejected = pd.DataFrame(read.rejected, columns=list(REJECTED_COLUMNS))
    rejected = rejected.astype({name: "str" for name in REJECTED_COLUMNS if name != "line"} | {"line": "int64"})
    return Reading(
        kind="billed",
        name=asked.name,
        sha256=sha256,
        mapping=ColumnMapping({0: "organization_id", 1: "organization"} | {i + 2: f"quantity:{c}" for i, c in enumerate(BY_ORGANIZATION)}),
        header=HEADER,
        sheets=(),
        counts=Counts(**read.buckets),
        lines=lines,
        rejected=rejected,
        issues=read.issues,
        first_rows=read.first_rows,
        odd_rows=sorted(read.odd_rows, key=lambda row: row.line),
    )


def _records(entry: Entry, body: bytes) -> Iterator[Any]:
    """What the list of an answer holds, whatever it is. An answer that is none of ours is refused."""
    key = KEYS.get(entry.endpoint)
    try:
        data = json.loads(body)
        found = data[key] if key else None
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise refusal("damaged", f"Answer {entry.number} of this archive is no list of usage lines.")
    yield from found


# --- one Organization's line ------------------------------------------------------------------------------------------------------


def _organization(read: _Read, line: int, record: Any, whose: str, *, only_known: bool) -> None:
    try:
        number, name, units = _owner(record, whose)
    except Odd as odd:
        _reject(read, line, record, str(odd), "", "")
        return
    wrong = [product for product, value in units.items() if not _is_count(value)]
    unknown = [product for product in units if only_known and product not in CODES]
    if wrong or unknown:
        said = "; ".join(
            [f"{_label(one)}: {_shown(units[one])} is no count" for one in wrong]
            + [f"{one}: not a product that is known" for one in unknown]
        )
        _reject(read, line, record, said, number, name, products=[one if one in CODES else "" for one in (*wrong, *unknown)])
        return
    if not units:
        read.keep(Row(line, "set_aside", _cells(number, name, {}), "nothing is used"))
        return
    again = [_line(read, line, number, name, product, count) for product, count in units.items()]
    read.keep(
        Row(line, "merged" if all(again) else "loaded", _cells(number, name, units), "added to an earlier line" if all(again) else "")
    )


def _owner(record: Any, whose: str) -> tuple[str, str, dict[str, Any]]:
    """Id, name and units by product. Raises Odd. An Organization without an id is not guessed by its name."""
    if not isinstance(record, Mapping):
        raise Odd("It is no record.")
    _check_account(record, whose)
    owner, units = record.get("organization"), record.get("actual_usage")
    number = identity(owner)
    name = owner.get("name") if isinstance(owner, Mapping) else None
    if not number:
        raise Odd("It does not say which Organization it is of.")
    if not isinstance(units, Mapping):
        raise Odd("It does not say what was used.")
    return number, name.strip() if isinstance(name, str) else "", {str(product): value for product, value in units.items()}


def _check_account(record: Record, whose: str) -> None:
    account = identity(record.get("account"))
    if whose and account != whose:
        raise Odd(f"It is of the account {account or 'nobody named'}, not of {whose}.")


def identity(of: Any) -> str:
    """The id of a record within a record, as text; "" where there is none."""
    value = of.get("id") if isinstance(of, Mapping) else None
    return str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_UNITS


def _line(read: _Read, line: int, number: str, name: str, product: str, count: int) -> bool:
    """Keep one quantity. Whether it was added to an earlier line of the same Organization and product."""
    first = read.places.setdefault((number, product), line)
    is_known = product in CODES
    read.sums[product] = read.sums.get(product, 0) + count
    words = "" if is_known else product
    read.lines.append((line, name, number, "", product if is_known else "", words, count, pd.NA, pd.NA if first == line else first))
    if first != line:
        read.say(line, "warning", "merged", f"{name or number}, {_label(product)}: added to line {first:,}.", value=name)
    return first != line


def _reject(read: _Read, line: int, record: Any, reason: str, number: str, name: str, products: list[str] | None = None) -> None:
    """The record as it came, and what it leaves unknown: these products, or all where that cannot be told."""
    for product in dict.fromkeys(products or [""]):
        read.rejected.append((line, name, number, "", product))
        read.spoiled.add(product)
    read.keep(Row(line, "rejected", (_shown(record),), reason[:200]))
    read.say(line, "error", "unreadable_record", f"{name or number or 'A line'}: {reason}", value=_shown(record))


# --- the account's own lines: totals ----------------------------------------------------------------------------------------------


def _total(read: _Read, line: int, record: Any, whose: str) -> None:
    """The Organizations' lines of a product have to add up to the account's. What is not broken down belongs to no row, and is said."""
    usage = record.get("usage") if isinstance(record, Mapping) else None
    product = record.get("product") if isinstance(record, Mapping) else None
    stated = usage.get("actual") if isinstance(usage, Mapping) else None
    if not isinstance(product, str) or not product:
        return _reject(read, line, record, "It does not say which product it is of.", "", "")
    try:
        _check_account(record, whose)
    except Odd as odd:
        return _reject(read, line, record, str(odd), "", "")
    cells = ("", f"{_label(product)}, the account’s own line", *("" if one != product else _shown(stated) for one in BY_ORGANIZATION))
    if not _is_count(stated):
        return _unproved(read, line, cells, f"{_label(product)}: no actual count is stated ({_shown(stated)}), so nothing is tied to it.")
    found = read.sums.get(product)
    if found is None and product not in BY_ORGANIZATION:
        said = f"{_label(product)}: {stated:,} units are billed to the account, which no line breaks down by Organization."
        return _unproved(read, line, cells, said, code="not_broken_down", level="warning" if stated else "info")
    if {product, ""} & read.spoiled:
        return _unproved(read, line, cells, f"{_label(product)}: {stated:,} is stated, and with rejected lines nothing can be tied to it.")
    if (found or 0) == stated:
        read.keep(Row(line, "set_aside", cells, "a total, which is the sum of the lines"))
        return None
    said = f"{_label(product)}: {stated:,} is stated for the account, {found or 0:,} is the sum of its Organizations"
    read.rejected.append((line, "", "", "", product if product in CODES else ""))
    read.keep(Row(line, "rejected", cells, said[:200]))
    return read.say(line, "error", "total_differs", said + ".")


def _unproved(read: _Read, line: int, cells: tuple[str, ...], said: str, *, code: str = "total_unproved", level: str = "warning") -> None:
    read.keep(Row(line, "set_aside", cells, "a total that proves nothing"))
    read.say(line, level, code, said)


def _cells(number: str, name: str, units: Mapping[str, Any]) -> tuple[str, ...]:
    return (number, name, *("" if units.get(one) is None else str(units[one]) for one in BY_ORGANIZATION))


def _label(product: str) -> str:
    return BY_CODE[product].label if product in BY_CODE else product.replace("_", " ").upper()


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:1000]
