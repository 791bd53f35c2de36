"""The tolerances of an account as the engine takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from accounts.models import Account, Organization
from accounts.products import BY_CODE
from recon.engine import Tolerance
from recon.engine.tolerance import DEFAULTS
from recon.models import TolerancePolicy

FIELDS: Final = ("investigate_percent", "investigate_units", "escalate_percent", "escalate_units", "floor")


@dataclass(frozen=True)
class Scope:
    """One scope's values as a person states them: neither Organization nor product means everywhere in the account."""

    organization: Organization | None
    product: str
    investigate_percent: Decimal
    investigate_units: Decimal
    escalate_percent: Decimal
    escalate_units: Decimal
    floor: int = 0

    @property
    def words(self) -> str:
        product = BY_CODE[self.product].label if self.product else ""
        return ", ".join(filter(None, (self.organization.name if self.organization else "", product))) or "the whole account"

    def to_json(self) -> dict[str, str]:
        return {name: str(getattr(self, name)) for name in FIELDS}


def number_words(number: Decimal) -> str:
    """
    >>> number_words(Decimal("5.0000")), number_words(Decimal("2.50")), number_words(Decimal("1000"))
    ('5', '2.5', '1,000')
    """
    return f"{number:,.4f}".rstrip("0").rstrip(".")


def default_scope() -> Scope:
    """What is in force while an account has stated nothing."""
    investigate, escalate = DEFAULTS
    return Scope(None, "", investigate.percent, investigate.units, escalate.percent, escalate.units)


def policy_of(account: Account) -> TolerancePolicy | None:
    return TolerancePolicy.objects.filter(account=account).order_by("-version").first()


def scopes_of(policy: TolerancePolicy | None) -> list[Scope]:
    """The scopes of a version, the widest first; the defaults where there is none."""
    if policy is None:
        return [default_scope()]
    rows = policy.rows.select_related("organization").order_by("organization__name", "product")
    scopes = [Scope(row.organization, row.product, *(getattr(row, name) for name in FIELDS)) for row in rows]
    return sorted(scopes, key=lambda scope: (scope.organization is not None, scope.product != ""))


def scope_for(scopes: Sequence[Scope], organization: int, product: str) -> Scope:
    """The most specific scope that a row is in; it wins whole."""
    ours = [s for s in scopes if s.product in {"", product} and (s.organization is None or s.organization.pk == organization)]
    return max(ours, key=lambda s: (s.organization is not None, s.product != ""), default=default_scope())


def engine_tolerances(scopes: Sequence[Scope], organizations: Sequence[int]) -> list[Tolerance]:
    """Scopes as the engine takes them; ``organizations`` are the ids in the order of the engine's numbers (ascending)."""
    ids = np.array(organizations, dtype=np.int64)
    found: list[Tolerance] = []
    for scope in scopes:
        number = None
        if scope.organization is not None:
            place = int(np.searchsorted(ids, scope.organization.pk))
            if place >= len(ids) or ids[place] != scope.organization.pk:
                continue
            number = place
        name = (
            ("organization_product" if scope.product else "organization")
            if number is not None
            else ("product" if scope.product else "account")
        )
        of = {"scope": name, "organization": number, "product": scope.product or None}
        found.append(Tolerance("investigate", scope.investigate_percent, scope.investigate_units, floor=scope.floor, **of))  # type: ignore[arg-type]
        found.append(Tolerance("escalate", scope.escalate_percent, scope.escalate_units, **of))  # type: ignore[arg-type]
    return found
