"""Where the prices of one row come from, in words: the lists' own lines, else the price list that was in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from ingest.models import FileOwner, PriceLine, UsageLine
from recon.exports.amounts import price_text
from recon.models import Reconciliation, Variance
from recon.shown import Shown, shown_prices

_LEGS = {"cost": ("billed", "expected"), "sell": ("rebilled",)}


@dataclass(frozen=True, slots=True)
class Price:
    """``micros`` is None where no price is known; ``file`` and ``line`` lead to where it stands, None where words say why not."""

    label: str
    micros: int | None
    words: str
    file: int | None = None
    line: int | None = None

    @property
    def text(self) -> str:
        return "" if self.micros is None else price_text(self.micros)


def prices_of_row(
    reconciliation: Reconciliation, row: Variance, family: Sequence[int], inputs: Mapping[str, Shown], lines: Sequence[UsageLine]
) -> list[Price]:
    """Both prices of a row. ``lines`` are those of the family and the product in the month's lists; two queries where none states one."""
    listed: list[PriceLine] | None = None
    found = []
    for side, label in (("cost", "Unit cost"), ("sell", "Sell price")):
        micros = getattr(row, side)
        stating = _stating(side, inputs, lines)
        if stating:
            found.append(_stated(label, micros, stating, inputs))
        elif micros is None:
            found.append(Price(label, None, "No list and no price list states it"))
        else:
            listed = _listed(reconciliation, row, family) if listed is None else listed
            found.append(_off_the_list(label, micros, [line for line in listed if line.side == side], shown_prices(reconciliation)))
    return found


def _stating(side: str, inputs: Mapping[str, Shown], lines: Sequence[UsageLine]) -> list[UsageLine]:
    """The lines of the first leg that states a price for the side."""
    for leg in _LEGS[side]:
        of_leg = [one for one in lines if leg in inputs and one.source_file_id == inputs[leg].source_file_id and one.unit_price is not None]
        if of_leg:
            return of_leg
    return []


def _stated(label: str, micros: int | None, stating: Sequence[UsageLine], inputs: Mapping[str, Shown]) -> Price:
    first = stating[0]
    name = next(given.source_file.name for given in inputs.values() if given.source_file_id == first.source_file_id)
    if micros is None:
        return Price(label, None, f"The lines of {name} state several prices", first.source_file_id, first.line)
    return Price(label, micros, f"{name}, line {first.line}", first.source_file_id, first.line)


def _off_the_list(label: str, micros: int, listed: Sequence[PriceLine], given: Mapping[str, Shown]) -> Price:
    """The line of the price list with that price; of several, the Organization's own, with the highest tier."""
    fits = sorted((line for line in listed if line.unit_price == micros), key=lambda line: (line.owner is None, -line.from_quantity))
    if not fits or "prices" not in given:
        return Price(label, micros, "the price list that was in force")
    line = fits[0]
    tier = f", from {line.from_quantity:,} units on" if line.from_quantity else ""
    whose = "" if line.owner is not None else ", for everyone"
    name = given["prices"].source_file.name
    return Price(label, micros, f"price list {name}, line {line.line}{whose}{tier}", line.source_file_id, line.line)


def _listed(reconciliation: Reconciliation, row: Variance, family: Sequence[int]) -> list[PriceLine]:
    given = reconciliation.inputs.get("prices")
    if not given:
        return []
    owners = FileOwner.objects.filter(source_file=given["file"], organization__in=family).values("number")
    lines = PriceLine.objects.filter(source_file=given["file"], product=row.product)
    return list(lines.filter(Q(owner__isnull=True) | Q(owner__in=owners)))
