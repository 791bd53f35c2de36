"""Tolerances from a CSV: ``scope,organization,product,level,percent,units``, one level of one scope a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import pandas as pd

from accounts.names import normalise, normalise_all
from accounts.products import CODES, product_named
from ingest.sources.reading import Issue
from recon.engine.tolerance import LEVELS, Level, Scope, Tolerance
from recon.offline.lists import ORDER
from recon.offline.refusal import Refusal, place

COLUMNS: Final = ("scope", "organization", "product", "level", "percent", "units")
_SCOPES: Final[dict[str, Scope]] = {
    "everywhere": "everywhere", "global": "everywhere", "default": "everywhere", "all": "everywhere",
    "account": "account",
    "product": "product",
    "organization": "organization", "organisation": "organization", "org": "organization",
    "organizationandproduct": "organization_product", "organizationproduct": "organization_product",
    "productandorganization": "organization_product", "productorganization": "organization_product",
    "organisationandproduct": "organization_product", "organisationproduct": "organization_product",
    "orgproduct": "organization_product", "organdproduct": "organization_product",
}  # fmt: skip
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")


_Meanings = dict[str, set[int]]


class _Wrong(Exception):
    """What is wrong with one line."""


def read_tolerances(path: str, spelt: pd.DataFrame) -> tuple[list[Tolerance], list[Issue]]:
    """The tolerances of a file, for the Organizations of a run, and warnings about those that none of its lists names.

    ``spelt`` is that of ``recon.offline.lists.Matched``. Raises Refusal with every wrong line.
    """
    rows = _rows(path)
    known = _organizations(spelt)
    found: list[Tolerance] = []
    reasons: list[str] = []
    issues: list[Issue] = []
    for line, row in rows:
        try:
            found.append(_tolerance(row, known, found))
        except _Wrong as wrong:
            reasons.append(f"{place(path, line)}: {wrong}")
        except LookupError:
            said = f"No list names “{row['organization']}”, so this tolerance is used nowhere."
            issues.append(Issue(line, "warning", "unknown_organization", said, "organization", row["organization"]))
    if reasons:
        raise Refusal(reasons)
    return found, issues


def _rows(path: str) -> list[tuple[int, dict[str, str]]]:
    """Each row that is not blank, with its line. Raises Refusal for what is no table of tolerances."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Refusal([f"{path}: cannot be opened: {error.strerror or error}"]) from error
    except UnicodeDecodeError:
        raise Refusal([f"{path}: is not UTF-8 text: save it as CSV UTF-8."]) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip().casefold() for cell in next(reader, [])]
        if missing := [column for column in COLUMNS if column not in header]:
            raise Refusal([f"{place(path, 1)}: the header lacks {', '.join(missing)}: write {','.join(COLUMNS)}."])
        if twice := [column for column in COLUMNS if header.count(column) > 1]:
            raise Refusal([f"{place(path, 1)}: the header has {', '.join(twice)} twice."])
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise Refusal([f"{place(path, reader.line_num)}: cannot be read as CSV: {error}."]) from None
    if long := [line for line, cells in rows if any(cells[len(header) :])]:
        message = (
            f"the row has more cells than the header's {len(header)}: write 2.5, not 2,5, and quotation marks around a name with a comma."
        )
        raise Refusal([f"{place(path, line)}: {message}" for line in long])
    return [(line, dict(zip(header, cells, strict=False))) for line, cells in rows if any(cells)]


def _organizations(spelt: pd.DataFrame) -> tuple[_Meanings, _Meanings, _Meanings]:
    """What each id, key and normalised name means. Last month's names count only where no other list has them."""
    before = ORDER.index("previous")
    is_before = (spelt["source"] == before).to_numpy(dtype=bool)
    ids, keys = (_meanings(spelt[column], spelt["entity"]) for column in ("organization_id", "organization_key"))
    names, former = (
        _meanings(normalise_all(part["organization"].tolist()), part["entity"]) for part in (spelt[~is_before], spelt[is_before])
    )
    return ids, keys, {**former, **names}


def _meanings(texts: Iterable[str], entities: Iterable[int]) -> _Meanings:
    meant: _Meanings = {}
    for text, entity in zip(texts, entities, strict=True):
        if text:
            meant.setdefault(text, set()).add(int(entity))
    return meant


def _tolerance(row: dict[str, str], known: tuple[_Meanings, ...], before: list[Tolerance]) -> Tolerance:
    product = _product(row.get("product", ""))
    scope = _scope(row.get("scope", ""), bool(row.get("organization")), product is not None)
    level = row.get("level", "").casefold()
    if level not in LEVELS:
        raise _Wrong(f"the level reads “{row.get('level', '')}”: write investigate or escalate.")
    percent, units = _number(row, "percent"), _number(row, "units")
    organization = _organization(row["organization"], known) if scope.startswith("organization") else None
    its_level: Level = "investigate" if level == "investigate" else "escalate"
    if any((t.scope, t.organization, t.product, t.level) == (scope, organization, product, its_level) for t in before):
        raise _Wrong(f"{its_level} is stated twice for the same scope.")
    try:
        return Tolerance(its_level, percent, units, scope, organization, product)
    except ValueError as error:
        raise _Wrong(f"{error}.") from None


def _scope(text: str, has_organization: bool, has_product: bool) -> Scope:
    named = _SCOPES.get(re.sub(r"[^a-z]", "", text.casefold()))
    if named is None:
        raise _Wrong(f"the scope reads “{text}”: write everywhere, account, product, organization or organization_product.")
    needs = (named.startswith("organization"), named in {"product", "organization_product"})
    if needs != (has_organization, has_product):
        wants = [word for word, is_needed in zip(("an organization", "a product"), needs, strict=True) if is_needed]
        raise _Wrong(f"the scope {named} names {' and '.join(wants) or 'neither organization nor product'}.")
    return named


def _product(text: str) -> str | None:
    if not text:
        return None
    code = product_named(text)
    if code is None:
        raise _Wrong(f"“{text}” is no product: write one of {', '.join(CODES)}.")
    return code


def _number(row: dict[str, str], column: str) -> Decimal:
    text = row.get(column, "")
    if not _NUMBER.fullmatch(text):
        raise _Wrong(f"{column} reads “{text}”: write a number such as 5 or 2.5, not negative, with at most four decimals.")
    try:
        return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern admits nothing else
        raise _Wrong(f"{column} reads “{text}”.") from None


def _organization(text: str, known: tuple[_Meanings, ...]) -> int:
    """Raises LookupError for one that no list names."""
    ids, keys, names = known
    meant = ids.get(text) or keys.get(text) or names.get(normalise(text)) or set()
    if len(meant) > 1:
        raise _Wrong(f"“{text}” could be more than one Organization: write its Organization ID.")
    if not meant:
        raise LookupError(text)
    return next(iter(meant))
