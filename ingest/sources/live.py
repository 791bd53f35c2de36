"""Live counts: Huntress' list of Organizations, and of each its detail. A row an Organization.

The list has counts of everything; what is billable, unresponsive or of one tenant stands in the detail alone [huntress.md, fact 8].
``agents_count`` counts all agents and may differ from ``billable_agents_count``: both are kept. A product whose key is absent from the
detail is not active: that is unknown here, and no zero.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd

from accounts.products import CODES
from ingest.huntress.errors import WrongShape
from ingest.sources.reader import answers_reader
from ingest.sources.reading import Asked, Reading
from ingest.sources.records import Sorting, answered, as_json, count, inner, key_of, opened, text, when

KIND: Final = "live"
_LISTS: Final = ("organizations", "account_organizations")
_DETAILS: Final = ("organization", "account_organization")
#: The counts are Int64, <NA> for unknown or not active. ``products`` is JSON text of the sorted codes that the detail has usage of, <NA>
#: where there is no detail; ``tenants`` JSON text of a list of ``product`` (itdr or ispm), ``type``, ``tenant``, ``billable``, ``total``.
#: ``created_at`` is in UTC, NaT where it is not said. ``line`` is the record of the list, or of a detail whose list does not have it.
LINES: Final = (
    "line", "organization", "organization_id", "organization_key", "agents", "billable_agents", "unresponsive_agents", "identities",
    "all_identities", "learners", "sources", "products", "tenants", "created_at",
)  # fmt: skip
COUNTS: Final = ("agents", "billable_agents", "unresponsive_agents", "identities", "all_identities", "learners", "sources")
_SHOWN: Final = (
    "id", "name", "key", "agents_count", "billable_identity_count", "sat_learner_count", "logs_sources_count", "actual_usages",
)  # fmt: skip
#: Per product the count of the list, and what it is called there.
_OF_LIST: Final = {
    "edr": ("agents", "agents_count"),
    "itdr": ("identities", "billable_identity_count"),
    "sat": ("learners", "sat_learner_count"),
    "siem": ("sources", "logs_sources_count"),
}
_BY_TENANT: Final = ("itdr", "ispm")


def read(data: bytes, asked: Asked) -> Reading:
    """Raises Unreadable for an archive that is refused as a whole, and nothing else."""
    archive = opened(io.BytesIO(data), KIND, READER.one, _LISTS + _DETAILS, asked.limits)
    found = _Found(Sorting(_SHOWN, asked.limits))
    sizes, total = list[int](), sum(entry.records for entry in archive.manifest.answers)
    for answer in answered(archive):
        sizes.append(len(answer.records))
        for number, record in enumerate(answer.records, answer.first):
            try:
                found.take(number, key_of(record, answer.endpoint), record, is_detail=not answer.endpoint.is_list)
            except WrongShape as why:
                found.sorting.reject(number, record, why)
        asked.progress(min(found.sorting.rows, total), total)
    return found.sorting.reading(KIND, asked, archive.manifest, _frame(list(found.made.values())), sizes)


class _Found:
    """Organizations by id, each made of its record in the list and of its detail."""

    def __init__(self, sorting: Sorting) -> None:
        self.sorting, self.made, self._detailed = sorting, dict[str, dict[str, Any]](), set[str]()

    def take(self, number: int, key: str, record: Mapping[str, Any], *, is_detail: bool) -> None:
        """Raises WrongShape, and has then kept nothing of the record."""
        known = self.made.get(key)
        if key in self._detailed if is_detail else known is not None:
            self.sorting.take(number, record, "set_aside", "came again")
            return
        listed = known or {"line": number, **_listed(record, key)}
        if is_detail:
            listed = listed | _detailed(record, listed)
            self._tell_unknown(number, record)
            self._detailed.add(key)
        self.made[key] = listed
        self.sorting.take(number, record, *(("merged", "detail") if known else ("loaded", "")))

    def _tell_unknown(self, number: int, record: Mapping[str, Any]) -> None:
        if others := sorted(set(inner(record, "actual_usages")) - set(CODES)):
            message = f"Huntress counts something here that is no product known to this program: {as_json(others, 80)}."
            self.sorting.say("info", number, "unknown_product", message)


def _listed(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What the list says of an Organization; its detail says the same again."""
    counts: dict[str, Any] = dict.fromkeys(COUNTS)
    counts |= {name: count(record, field) for name, field in _OF_LIST.values()}
    return {
        "organization": text(record, "name"),
        "organization_id": key,
        "organization_key": text(record, "key", 256),
        **counts,
        "products": None,
        "tenants": "[]",
        "created_at": when(record, "created_at"),
    }


def _detailed(record: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
    """What the detail adds. Of a product that is not active, a zero of the list is not known either; another count of it stays."""
    usages = inner(record, "actual_usages")
    active = [code for code in CODES if usages.get(code) is not None]
    told: dict[str, Any] = {
        name: listed[name] for code, (name, _) in _OF_LIST.items() if code in active or listed[name]
    }  # fmt: skip
    edr, sat, siem = (inner(usages, code) for code in ("edr", "sat", "siem"))
    tenants = [tenant for code in _BY_TENANT for tenant in _tenants(usages, code)]
    of_itdr = [tenant for tenant in tenants if tenant["product"] == "itdr"]
    more = {
        "billable_agents": count(edr, "billable_agents_count"),
        "unresponsive_agents": count(edr, "unresponsive_agents_count"),
        "identities": _sum(of_itdr, "billable"),
        "all_identities": _sum(of_itdr, "total"),
        "learners": count(sat, "learners_count"),
        "sources": count(siem, "billable_log_sources_count"),
    }
    known = {name: value for name, value in more.items() if value is not None}
    return dict.fromkeys(COUNTS) | told | known | {"products": json.dumps(sorted(active)), "tenants": json.dumps(tenants)}


def _tenants(usages: Mapping[str, Any], code: str) -> list[dict[str, Any]]:
    """What each tenant has of a product. One object in place of a list is one tenant."""
    value = usages.get(code)
    rows = [value] if isinstance(value, dict) else value or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WrongShape(f"“{code}” should be a list of tenants, and is {as_json(value, 80)}.")
    return [
        {
            "product": code,
            "type": text(row, "type", 32),
            "tenant": text(row, "identity_provider_tenant_id", 64),
            "billable": count(row, "billable_identities_count"),
            "total": count(row, "total_identities_count"),
        }
        for row in rows
    ]


def _sum(tenants: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """Of all tenants; None where one of them is not known, or there is none."""
    counts = [tenant[name] for tenant in tenants]
    return None if not counts or None in counts else sum(counts)


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {name: [record[name] for record in records] for name in LINES}
    moments: list[datetime | None] = columns["created_at"]
    made: dict[str, Any] = {"line": pd.array(columns["line"], dtype="int64")}
    made |= {name: pd.array(columns[name], dtype="Int64") for name in COUNTS}
    made["created_at"] = pd.to_datetime(pd.Series(moments, dtype="object"), utc=True).dt.as_unit("s").array
    texts = {name: pd.array(columns[name], dtype="str") for name in LINES if name not in made}
    return pd.DataFrame(texts | made)[list(LINES)].sort_values("line", ignore_index=True)


READER: Final = answers_reader(KIND, "Live counts", "Huntress' list of Organizations", LINES, read)
