"""The price list in force as the engine takes it, and where the price of one row comes from."""

from __future__ import annotations

from typing import Final

import pandas as pd
from django.db.models import QuerySet

from accounts.models import BillingCycle
from ingest.models import FileOwner, LegInput, PriceLine
from recon.engine import ANY_ORGANIZATION, PriceList
from recon.services.beside import in_force

KIND: Final = "prices"


def list_in_force(cycle: BillingCycle) -> LegInput | None:
    return in_force(cycle, KIND)


def price_list_of(given: LegInput | None, organizations: pd.DataFrame) -> PriceList:
    """``organizations`` has pk and root, the place of the one that each counts under. Prices for somebody who is not known
    here are nobody's."""
    if given is None:
        return PriceList.none()
    owners = dict(_owners(given.source_file_id).values_list("number", "organization"))
    root_of = dict(zip(organizations["pk"].tolist(), organizations["root"].tolist(), strict=True))
    rows = []
    columns = ("side", "owner", "product", "from_quantity", "unit_price")
    for side, owner, product, from_quantity, unit_price in PriceLine.objects.filter(source_file=given.source_file_id).values_list(*columns):
        place = ANY_ORGANIZATION if owner is None else root_of.get(owners.get(owner))
        if place is not None:
            rows.append((side, place, product, from_quantity, unit_price))
    return PriceList(pd.DataFrame(rows, columns=["side", "organization", "product", "from_quantity", "unit_price"]))


def _owners(source_file: int) -> QuerySet[FileOwner]:
    return FileOwner.objects.filter(source_file=source_file, organization__isnull=False)
