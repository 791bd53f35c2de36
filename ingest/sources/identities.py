"""Huntress' list of identities: a row an identity, with the least that joins it to a tenant's user. It has no SKU [huntress.md, fact 9].

Billable is per identity, and one who stands in two tenants is two of them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import pandas as pd

from ingest.huntress.errors import WrongShape
from ingest.sources.reader import answers_reader
from ingest.sources.reading import Asked, Reading
from ingest.sources.records import Sorting, answered, inner, key_of, opened, text, truth, when

KIND: Final = "identities"
ENDPOINTS: Final = ("identities",)
#: ``upn`` is in small letters; the three truths are boolean, <NA> where it is not said; ``products`` is JSON text of a sorted list;
#: ``created_at`` is in UTC, NaT where it is not said. ``organization_key`` is always "": this list has none.
LINES: Final = (
    "line", "organization", "organization_id", "organization_key", "external_id", "tenant", "tenant_type", "upn", "is_enabled",
    "is_billable", "is_external", "products", "created_at",
)  # fmt: skip
_SHOWN: Final = (
    "id", "organization.id", "organization.name", "tenant.id", "tenant.type", "username", "enabled", "billable", "external",
    "enabled_products", "created_at",
)  # fmt: skip
_TRUTHS: Final = ("is_enabled", "is_billable", "is_external")
_MOST_PRODUCTS: Final = 50


def read(data: bytes, asked: Asked) -> Reading:
    """Raises Unreadable for an archive that is refused as a whole, and nothing else."""
    archive = opened(io.BytesIO(data), KIND, READER.one, ENDPOINTS, asked.limits)
    sorting, sizes = Sorting(_SHOWN, asked.limits, is_personal=True), list[int]()
    columns: dict[str, list[Any]] = {name: [] for name in LINES}
    seen, total = set[str](), sum(entry.records for entry in archive.manifest.answers)
    for answer in answered(archive):
        sizes.append(len(answer.records))
        for number, record in enumerate(answer.records, answer.first):
            try:
                key = key_of(record, answer.endpoint)
                if key in seen:
                    sorting.take(number, record, "set_aside", "came again")
                    continue
                made = _identity(record)
            except WrongShape as why:
                sorting.reject(number, record, why)
                continue
            seen.add(key)
            for name, value in ({"line": number, "external_id": key} | made).items():
                columns[name].append(value)
            sorting.take(number, record, "loaded")
        asked.progress(min(sorting.rows, total), total)
    return sorting.reading(KIND, asked, archive.manifest, _frame(columns), sizes)


def _identity(record: Mapping[str, Any]) -> dict[str, Any]:
    owner, tenant = inner(record, "organization"), inner(record, "tenant")
    name, its_id = text(owner, "name"), text(owner, "id", 64)
    if not name and not its_id:
        raise WrongShape("The identity belongs to no Organization: its id and name are missing.")
    return {
        "organization": name,
        "organization_id": its_id,
        "organization_key": "",
        "tenant": text(tenant, "id", 64),
        "tenant_type": text(tenant, "type", 32),
        "upn": text(record, "username", 320).lower(),
        "is_enabled": truth(record, "enabled"),
        "is_billable": truth(record, "billable"),
        "is_external": truth(record, "external"),
        "products": _products(record.get("enabled_products")),
        "created_at": when(record, "created_at"),
    }


def _products(value: object) -> str:
    if value is None:
        return "[]"
    if not isinstance(value, list) or len(value) > _MOST_PRODUCTS or not all(isinstance(one, str) and len(one) <= 40 for one in value):
        raise WrongShape("“enabled_products” should be a list of texts, and is none.")
    return json.dumps(sorted(set(value)))


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    moments: list[datetime | None] = columns["created_at"]
    made: dict[str, Any] = {"line": pd.array(columns["line"], dtype="int64")}
    made |= {name: pd.array(columns[name], dtype="boolean") for name in _TRUTHS}
    made["created_at"] = pd.to_datetime(pd.Series(moments, dtype="object"), utc=True).dt.as_unit("s").array
    texts = {name: pd.array(columns[name], dtype="str") for name in LINES if name not in made}
    return pd.DataFrame(texts | made)[list(LINES)]


READER: Final = answers_reader(KIND, "Identities", "Huntress' list of identities", LINES, read)
