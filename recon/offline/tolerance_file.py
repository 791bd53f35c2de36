"""Tolerances from a CSV: ``scope,organization,product,level,percent,units``, one level of one scope a line."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from accounts.names import normalise
from accounts.products import CODES, product_named
from ingest.sources.reading import Issue
from recon.engine.tolerance import LEVELS, Level, Scope, Tolerance
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
_NUMBER: Final = re.compile(r"\d{1,9}(\.\d{1,4})?")


class _Wrong(Exception):
    """What is wrong with one line."""


def read_tolerances(path: str, names: list[str], ids: list[str | None]) -> tuple[list[Tolerance], list[Issue]]:
    """The tolerances of a file, for the Organizations of a run, and warnings about those that none of its lists names.

    Raises Refusal with every wrong line.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Refusal([f"{path}: cannot be opened: {error.strerror or error}"]) from error
    except UnicodeDecodeError:
        raise Refusal([f"{path}: is not UTF-8 text: save it as CSV UTF-8."]) from None
    rows = csv.reader(io.StringIO(text, newline=""))
    header = [cell.strip().casefold() for cell in next(rows, [])]
    if missing := [column for column in COLUMNS if column not in header]:
        raise Refusal([f"{place(path, 1)}: the header lacks {', '.join(missing)}: write {','.join(COLUMNS)}."])
    known = _organizations(names, ids)
    found: list[Tolerance] = []
    reasons: list[str] = []
    issues: list[Issue] = []
    for cells in rows:
        line = rows.line_num
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
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


def _organizations(names: list[str], ids: list[str | None]) -> dict[str, set[int]]:
    """Normalised names, and ids, to the Organizations they mean."""
    known: dict[str, set[int]] = {}
    for number, (name, its_id) in enumerate(zip(names, ids, strict=True)):
        known.setdefault(normalise(name), set()).add(number)
        if its_id:
            known.setdefault(f"id {its_id}", set()).add(number)
    return known


def _tolerance(row: dict[str, str], known: dict[str, set[int]], before: list[Tolerance]) -> Tolerance:
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


def _organization(text: str, known: dict[str, set[int]]) -> int:
    """Raises LookupError for one that no list names."""
    meant = known.get(f"id {text}") or known.get(normalise(text)) or set()
    if len(meant) > 1:
        raise _Wrong(f"“{text}” could be more than one Organization: write its Organization ID.")
    if not meant:
        raise LookupError(text)
    return next(iter(meant))
