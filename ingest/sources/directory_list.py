"""The list of users that the Microsoft 365 admin centre exports (Users, Active users, Export users), whose headers vary.

Licences stand in one cell, by the names that Microsoft sells them under, with + between them; *Unlicensed* is none. The list has much more
about people than is read: of the columns that are not, nothing is kept beside the file itself.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from accounts.products import folded
from accounts.skus import tidy
from ingest.sources import table
from ingest.sources import table_cells as cells
from ingest.sources.agents_dates import DateFault, parse_moment
from ingest.sources.reader import Field
from ingest.sources.reading import Asked, Reading, Row
from ingest.sources.table import TableKind, Values, table_reader
from ingest.sources.table_cells import Bad, Cell, Ways
from ingest.sources.table_columns import TableColumn, TableColumns

ONE: Final = "a list of a tenant’s users"
#: ``user_id`` is Microsoft's, or the user name where a list has none. ``upn`` is in small letters. The truths are boolean, <NA> where it is
#: not said; times are in UTC, NaT where not said. ``licences`` is JSON text: a list of [sku_id, sku, via, state, assigned_at, is_trial].
LINES: Final = (
    "line", "user_id", "upn", "is_enabled", "user_type", "is_synced", "created_at", "deleted_at", "purpose", "licences",
)  # fmt: skip
_TRUTHS: Final = ("is_enabled", "is_synced")
_TIMES: Final = ("created_at", "deleted_at")
_NONE: Final = frozenset(map(folded, ("Unlicensed", "None", "No licenses", "No licences", "Not licensed", "-")))
_BETWEEN: Final = re.compile(r"[+;\n]")
_LONGEST: Final = 200
_YES: Final = frozenset({"true", "yes", "1", "blocked", "on", "synced", "syncedfromonpremises"})
_NO: Final = frozenset({"false", "no", "0", "allowed", "off", "incloud", "cloud", "cloudonly"})


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows with the names of ``LINES`` as ``Reading.lines``."""
    made: dict[str, Any] = {"line": pd.array([row["line"] for row in rows], dtype="int64")}
    made |= {name: pd.array([row[name] for row in rows], dtype="boolean") for name in _TRUTHS}
    for name in _TIMES:
        made[name] = pd.to_datetime(pd.Series([row[name] for row in rows], dtype="object"), utc=True).dt.as_unit("s").array
    made |= {name: pd.array([row[name] for row in rows], dtype="str") for name in LINES if name not in made}
    return pd.DataFrame(made)[list(LINES)]


def licences_text(held: Sequence[Any]) -> str:
    return json.dumps(held, ensure_ascii=False)


def _truth(cell: Cell, ways: Ways) -> bool | Bad | None:
    word = folded(cell.text)
    if not word:
        return None
    if word in _YES or word in _NO:
        return word in _YES
    return Bad("unreadable_truth", f"“{cell.text[:80]}” is neither yes nor no. Write true or false.")


def _enabled(cell: Cell, ways: Ways) -> bool | Bad | None:
    """Of a column that says whether the sign-in is allowed."""
    word = folded(cell.text)
    if word in ("allowed", "enabled", "active", "signinallowed"):
        return True
    if word in ("blocked", "disabled", "signinblocked"):
        return False
    return _truth(cell, ways)


def _synced(cell: Cell, ways: Ways) -> bool | Bad | None:
    """Of a column that says it, or of one with the time of the last synchronisation, which is blank for who is not."""
    found = _truth(cell, ways)
    if isinstance(found, Bad) and not isinstance(parse_moment(cell.text, ways.dates or "day"), DateFault):
        return True
    return found


def _moment(cell: Cell, ways: Ways) -> dt.datetime | Bad | None:
    value = parse_moment(cell.text, ways.dates)
    if not isinstance(value, DateFault):
        return dt.datetime.fromtimestamp(value[0], dt.UTC)
    if value is DateFault.BLANK:
        return None
    shown = cell.text[:80]
    if value is DateFault.AMBIGUOUS:
        return Bad("unreadable_date", f"{shown}: which is the month? Write the date as 2026-11-14, or say whether the day comes first.")
    return Bad("unreadable_date", f"“{shown}” is no date. Write it as 2026-11-14.")


_COLUMNS: Final = TableColumns(
    columns=(
        TableColumn(Field("upn", "User name"), ("User principal name", "UserPrincipalName", "UPN", "User name", "Username"), cells.text),
        TableColumn(
            Field("licences", "Licences"),
            ("Licenses", "Licences", "Product licenses", "Assigned licenses", "Assigned products", "Product license", "Licenses assigned"),
            cells.text,
            doubtful=("License", "Licence", "Products"),
        ),
        TableColumn(
            Field("blocked", "Sign-in blocked"),
            ("Block credential", "Block sign-in", "BlockCredential", "Sign-in blocked", "Blocked"),
            _truth,
        ),
        TableColumn(
            Field("enabled", "Sign-in allowed"),
            ("Sign-in status", "Sign in status", "Account enabled", "AccountEnabled", "Sign-in allowed"),
            _enabled,
        ),
        TableColumn(Field("user_id", "User id"), ("Object Id", "ObjectId", "User id", "Azure AD object id"), cells.text),
        TableColumn(Field("user_type", "Kind of user"), ("User type", "UserType"), cells.text),
        TableColumn(
            Field("synced", "Synchronised"),
            ("DirSyncEnabled", "Dir sync enabled", "Sync status", "Synced", "Last dirsync time", "Last DirSync time"),
            _synced,
        ),
        TableColumn(
            Field("created", "Created"),
            ("When created", "WhenCreated", "Created date time", "Created on", "Created"),
            _moment,
            is_date=True,
        ),
        TableColumn(
            Field("deleted", "Deleted"),
            ("Soft deletion time stamp", "Soft deletion timestamp", "SoftDeletionTimestamp", "Deleted on", "Deleted date time"),
            _moment,
            is_date=True,
        ),
    ),
    needs=(("upn",), ("licences",)),
    least=2,
    looked_for="columns such as User principal name and Licenses",
)


def _make(values: Values, texts: dict[str, str]) -> list[Values] | Bad:
    upn = (values.get("upn") or "").lower()
    if "@" not in upn or len(upn) > 320 or any(sign.isspace() for sign in upn):
        return Bad("unreadable_upn", "A user name looks like ann@example.com, and this is none.", "upn")
    names = [name for part in _BETWEEN.split(values["licences"]) if (name := tidy(part))]
    if not names or max(map(len, names)) > _LONGEST:
        return Bad("unreadable_licences", "Licences stand here with + between them, and these cannot be read.", "licences")
    blocked = values.get("blocked")
    made = {"user_id": (values.get("user_id") or upn)[:64], "upn": upn, "user_type": (values.get("user_type") or "")[:32]}
    made |= {"is_enabled": values.get("enabled") if blocked is None else not blocked, "is_synced": values.get("synced")}
    made |= {"created_at": values.get("created"), "deleted_at": values.get("deleted"), "purpose": ""}
    held = [["", name, "", "", None, None] for name in dict.fromkeys(names)]
    return [made | {"licences": licences_text(held)}]


def _same(record: Values) -> Hashable:
    upn: str = record["upn"]
    return upn


def _clash(first: Values, record: Values) -> str:
    return "The same person stands here with other licences." if first["licences"] != record["licences"] else ""


def _note(texts: dict[str, str]) -> str:
    return "no licence" if folded(texts.get("licences", "")) in _NONE else ""


_KIND: Final = TableKind(
    "directory",
    _COLUMNS,
    lines=LINES[1:],
    make=_make,
    carriers=("licences",),
    without="no licence",
    same=_same,
    clash=_clash,
    note=_note,
)


def _read(data: bytes, asked: Asked) -> Reading:
    """Raises Unreadable for a document that is refused as a whole, and nothing else."""
    reading = table.read(data, asked, _KIND)
    keep = set(reading.mapping.columns)
    lines = frame([{str(name): value for name, value in row.items()} for row in reading.lines.to_dict("records")])
    return replace(reading, lines=lines, first_rows=_bared(reading.first_rows, keep), odd_rows=_bared(reading.odd_rows, keep))


def _bared(rows: Sequence[Row], keep: set[int]) -> list[Row]:
    """Rows of people with the cells that are read, and no other: names, telephones and addresses stay in the file alone."""
    return [
        row
        if row.reason in ("header", "title")
        else replace(row, cells=tuple(cell if at in keep else "" for at, cell in enumerate(row.cells)))
        for row in rows
    ]


READER: Final = replace(
    table_reader(_KIND, "Users of a tenant", ONE, words=r"(?:active|licen[cs]ed|m365|office ?365|microsoft ?365) ?users?"), read=_read
)
