"""What each customer of a shared Organization is charged now, and for whom nobody is rebilled: beside the rows of a rebill sheet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Organization
from accounts.names import normalise
from accounts.products import BY_CODE
from accounts.roots import families
from accounts.templatetags.recon_ui import units
from ingest.models import UsageLine
from recon import seal
from recon.customer_shares import Share
from recon.exports import Customer
from recon.models import Reconciliation, Variance
from recon.product_rules import named_lines_of
from recon.shown import shown_inputs


@dataclass
class _Charged:
    """What the lines of one name come to: units and prices, by product."""

    name: str
    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    prices: dict[str, set[int | None]] = field(default_factory=lambda: defaultdict(set))

    def by_product(self) -> dict[str, tuple[int, int | None]]:
        """Units, and the one price that the lines state; None where they state none, or several."""
        return {product: (count, self._price(product)) for product, count in self.units.items()}

    def _price(self, product: str) -> int | None:
        known = self.prices[product] - {None}
        return known.pop() if len(known) == 1 else None


def customers_of(reconciliation: Reconciliation) -> dict[int, list[Customer]]:
    """The customers of each Organization that is shared out, and after them, without a part, names that are charged for it all the same."""
    shares = seal.shares_shown(reconciliation)
    rows = Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run, organization__in=shares)
    shown = set(rows.order_by().values_list("organization", flat=True).distinct())
    charged = _charged(reconciliation, shown) if shown else {}
    return {pk: _customers(shares[pk], charged.get(pk, {})) for pk in sorted(shown)}


def _customers(shares: list[Share], charged: Mapping[str, _Charged]) -> list[Customer]:
    found = [
        Customer(one.customer, one.parts, one.psa_id, charged[one.customer_key].by_product() if one.customer_key in charged else {})
        for one in shares
    ]
    others = sorted(charged.keys() - {one.customer_key for one in shares})
    return [*found, *(Customer(charged[key].name, 0, "", charged[key].by_product()) for key in others)]


def _charged(reconciliation: Reconciliation, organizations: set[int]) -> dict[int, dict[str, _Charged]]:
    """By Organization shown and normalised name, out of the rebilled list that the rows were counted from."""
    given = shown_inputs(reconciliation).get("rebilled")
    if given is None:
        return {}
    of_each = families(seal.roots_shown(reconciliation), organizations)
    root_of = {pk: root for root, family in of_each.items() for pk in family}
    lines = UsageLine.objects.filter(source_file=given.source_file_id, organization__in=root_of)
    known = lines.exclude(product="").order_by("line").values_list("organization_id", "name", "product", "quantity", "unit_price")
    found: dict[int, dict[str, _Charged]] = defaultdict(dict)
    for pk, name, product, quantity, price in [*known, *named_lines_of(lines, seal.rules_shown(reconciliation))]:
        one = found[root_of[pk]].setdefault(normalise(name)[:500], _Charged(name))
        one.units[product] += quantity
        one.prices[product].add(price)
    return found


def not_rebilled(reconciliation: Reconciliation) -> list[str]:
    """The Organizations that nobody is rebilled for, each with its reason and what was billed for it, in sentences."""
    matching = seal.matching_of(reconciliation) if reconciliation.is_draft else seal.matching_signed(reconciliation)
    standings = matching[1] if matching else []
    if not standings:
        return []
    billed: dict[int, list[str]] = defaultdict(list)
    names: dict[int, str] = {}
    rows = Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run, organization__in=[pk for pk, *_ in standings])
    for pk, name, product, count in rows.order_by("product").values_list("organization_id", "name", "product", "billed"):
        names[pk] = name
        if count:
            billed[pk].append(f"{units(count)} {BY_CODE[product].label}")
    said = [_standing_words(names[pk], standing, reason, billed[pk]) for pk, standing, reason in standings if pk in names]
    return sorted(said)


def _standing_words(name: str, standing: Any, reason: str, billed: list[str]) -> str:
    label = Organization.Standing(standing).label.lower()
    what = f"{', '.join(billed)} billed" if billed else "nothing billed"
    return f"{name}: {label}, so nobody is rebilled ({what}). {reason}"
