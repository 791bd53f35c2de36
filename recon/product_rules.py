"""What an account's lists mean by product names that the registry does not know, out of the database and as the engine takes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from django.db.models import Count, QuerySet, Sum

from accounts.models import ProductRule
from accounts.products import folded
from ingest.models import SourceFile, UsageLine
from recon.engine import ANY_PRODUCT, Holding, Rules, applied

NAME_LENGTH: Final = 200
#: What an unchecked cell is known by: Organization, its name, id and key in the list, and the product.
_UNSURE: Final = ["organization", "name", "huntress_id", "key", "product"]
_COLUMNS: Final = ["source_file_id", "organization_id", "name", "huntress_id", "key", "product_name", "quantity", "unit_price"]


@dataclass(frozen=True)
class Named:
    """What a list's lines of unknown names come to. ``counted``: Organization, product, quantity, unit price. ``unsure``: what they may
    concern and cannot be counted for. ``undecided``: lines of names that nobody has decided."""

    counted: list[tuple[int, str, int, int | None]]
    unsure: list[tuple[int | None, str, str, str, str]]
    undecided: list[tuple[int | None, str, str, str, str]]


NOTHING: Final = Named([], [], [])


def name_key(name: str) -> str:
    """The form in which product names are compared, as ``ProductRule`` keeps it."""
    return folded(name)[:NAME_LENGTH]


def unknown_lines(files: Collection[int] | QuerySet[Any]) -> QuerySet[UsageLine]:
    """The lines of some files that name a product in words that the registry does not know."""
    return UsageLine.objects.filter(source_file__in=files, product="")


def rules_in_force(account: int) -> QuerySet[ProductRule]:
    return ProductRule.objects.filter(account=account, ended_at__isnull=True)


def as_rules(stated: Iterable[tuple[str, str, int]]) -> Rules:
    """Rules as the engine takes them, from name_key, product ("": ignored) and factor."""
    held: dict[str, set[Holding]] = defaultdict(set)
    for key, product, factor in stated:
        held[key] |= {Holding(product, factor)} if product else set()
    return {key: tuple(sorted(holdings)) for key, holdings in held.items()}


def rules_of(account: int) -> Rules:
    return as_rules(rules_in_force(account).values_list("name_key", "product", "factor"))


def undecided_names(account: int, files: Collection[int] | QuerySet[Any]) -> set[str]:
    """The folded names in some files that no rule in force says anything of."""
    names = {name_key(name) for name in unknown_lines(files).order_by().values_list("product_name", flat=True).distinct()}
    return names - set(rules_in_force(account).filter(name_key__in=names).values_list("name_key", flat=True)) if names else set()


def named_lines(account: int, files: Collection[int]) -> dict[int, Named]:
    """What the lines of unknown names come to, by file; a file that has none is not in it. One query, and a second for the rules."""
    lines = pd.DataFrame(list(unknown_lines(files).order_by().values_list(*_COLUMNS)), columns=_COLUMNS)
    if not len(lines):
        return {}
    rules = rules_of(account)
    keys = {name: name_key(name) for name in lines["product_name"].unique()}
    typed = lines.astype({"organization_id": "Int64", "quantity": "int64", "unit_price": "Int64"})
    typed = typed.assign(name_key=lines["product_name"].map(keys).astype("str"))
    return {int(str(file)): _named(of_file, rules) for file, of_file in typed.groupby("source_file_id")}


def _named(lines: pd.DataFrame, rules: Rules) -> Named:
    found = applied(lines, rules)
    matched = found.counted["organization_id"].notna()
    counted = found.counted[matched]
    return Named(
        counted=list(
            zip(*(_plain(counted[name]) for name in ("organization_id", "product", "quantity", "unit_price")), strict=True),
        ),
        unsure=_cells(found.counted[~matched]),
        undecided=_cells(found.waiting.assign(product=ANY_PRODUCT)),
    )


def _cells(lines: pd.DataFrame) -> list[Any]:
    named = lines.rename(columns={"organization_id": "organization"})[_UNSURE].drop_duplicates()
    return list(zip(*(_plain(named[name]) for name in _UNSURE), strict=True))


def _plain(series: pd.Series[Any]) -> list[Any]:
    values = series.astype(object)
    return values.where(series.notna(), None).tolist()


def named_lines_of(lines: QuerySet[UsageLine], rules: Rules) -> list[tuple[int, str, str, int, int | None]]:
    """The lines of unknown names among some, as rules count them: Organization, its name there, product, quantity, unit price."""
    columns = ["organization_id", "name", "product_name", "quantity", "unit_price"]
    frame = pd.DataFrame(list(lines.filter(product="").order_by("line").values_list(*columns)), columns=columns)
    if not len(frame):
        return []
    typed = frame.astype({"quantity": "int64", "unit_price": "Int64"}).assign(name_key=frame["product_name"].map(name_key).astype("str"))
    counted = applied(typed, rules).counted
    return list(zip(*(_plain(counted[name]) for name in ("organization_id", "name", "product", "quantity", "unit_price")), strict=True))


def words_left_out(source_file: SourceFile, leg: str, rules: Rules) -> list[str]:
    """Which product names of a list are ignored, or wait to be decided, with their lines and units, in sentences."""
    sums = unknown_lines([source_file.pk]).order_by().values_list("product_name").annotate(lines=Count("pk"), units=Sum("quantity"))
    said = []
    for name, lines, quantity in sorted(sums):
        held = rules.get(name_key(name))
        if not held:
            why = "is ignored" if held is not None else "waits to be decided"
            rows = "row" if lines == 1 else "rows"
            said.append(f"“{name}” {why}: {lines} {rows} of {source_file.name} ({leg}) with {quantity:,} units count nowhere.")
    return said


def held_lines(lines: Sequence[UsageLine], product: str, rules: Rules) -> list[UsageLine]:
    """Lines of one product: its own, and those of unknown names that hold it, with the units and the price that they come to. Lines of
    other names are left out. Nothing is stored."""
    found = []
    for line in lines:
        holdings = rules.get(name_key(line.product_name), ()) if not line.product else ()
        held = next((one for one in holdings if one.product == product), None)
        if held is not None:
            exact = line.unit_price is not None and len(holdings) == 1 and line.unit_price % held.factor == 0
            line.quantity *= held.factor
            line.unit_price = line.unit_price // held.factor if exact and line.unit_price is not None else None
        if held is not None or line.product:
            found.append(line)
    return found
