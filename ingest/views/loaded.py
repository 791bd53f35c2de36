"""What was loaded of a file as rows of a CSV, by its kind. Streamed: a list may have millions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from accounts.products import BY_CODE
from ingest.models import (
    AgentLine,
    DirectoryLicence,
    DirectoryUser,
    ExcludedSku,
    FileOwner,
    IdentityLine,
    Invoice,
    Kind,
    LiveCount,
    PriceLine,
    SourceFile,
    UsageLine,
)

_BATCH: Final = 2_000
_OWNER: Final = ("organization", "organization_id", "organization_key")
_USAGE_HEADER: Final = ("line", "bucket", *_OWNER, "product", "quantity", "unit_price", "added_to_line")
_AGENTS_HEADER: Final = ("line", "bucket", "hostname", *_OWNER, "serial", "platform", "last_check_in", "installed")
_INVOICE_HEADER: Final = ("line", "bucket", "number", "date", "description", "amount", "currency", "quantity", "status")
_PRICES_HEADER: Final = ("line", "bucket", *_OWNER, "product", "cost_or_sell", "from_quantity", "unit_price")
_SKUS_HEADER: Final = ("line", "bucket", "sku", "name")
_LIVE: Final = ("agents", "billable_agents", "unresponsive_agents", "identities", "all_identities", "learners", "sources")
_IDENTITY: Final = ("external_id", "tenant", "tenant_type", "is_enabled", "is_billable", "is_external")
_USER: Final = ("user_id", "is_enabled", "user_type", "is_synced", "created_at", "deleted_at", "purpose")
_NOBODY: Final = ("", "", "")
_YES: Final = {True: "yes", False: "no"}
Rows = Iterator[list[object]]


def loaded_rows(source_file: SourceFile) -> Rows:
    """A header, then a row a line."""
    return _BY_KIND.get(source_file.kind, _usage)(source_file)


def _usage(source_file: SourceFile) -> Rows:
    yield list(_USAGE_HEADER)
    lines = UsageLine.objects.filter(source_file=source_file).order_by("line", "product")
    columns = ("line", "name", "huntress_id", "key", "product", "product_name", "quantity", "unit_price", "merged_into")
    for line, name, huntress_id, key, product, words, quantity, price, merged in lines.values_list(*columns).iterator(_BATCH):
        label = BY_CODE[product].label if product else words
        yield [line, "merged" if merged else "loaded", name, huntress_id, key, label, quantity, _money(price), merged]


def _agents(source_file: SourceFile) -> Rows:
    yield list(_AGENTS_HEADER)
    owners = _owners(source_file)
    columns = ("line", "owner", "hostname", "serial", "platform", "last_seen", "installed_at")
    lines = AgentLine.objects.filter(source_file=source_file).order_by("line")
    for line, owner, hostname, serial, platform, seen, installed in lines.values_list(*columns).iterator(_BATCH):
        yield [line, "loaded", hostname, *owners.get(owner, _NOBODY), serial, platform, _moment(seen), _moment(installed)]


def _live(source_file: SourceFile) -> Rows:
    yield ["line", "bucket", *_OWNER, *_LIVE, "products", "tenants"]
    owners = _owners(source_file)
    rows = LiveCount.objects.filter(source_file=source_file).order_by("line")
    for line, owner, products, tenants, *counts in rows.values_list("line", "owner", "products", "tenants", *_LIVE).iterator(_BATCH):
        known = None if products is None else " ".join(products)
        yield [line, "loaded", *owners.get(owner, _NOBODY), *counts, known, json.dumps(tenants) if tenants else None]


def _identities(source_file: SourceFile) -> Rows:
    yield ["line", "bucket", "user_name", *_OWNER, *_IDENTITY, "products"]
    owners = _owners(source_file)
    rows = IdentityLine.objects.filter(source_file=source_file).order_by("line")
    for line, owner, upn, products, *rest in rows.values_list("line", "owner", "upn", "products", *_IDENTITY).iterator(_BATCH):
        told = [_YES.get(value, value) if isinstance(value, bool) else value for value in rest]
        yield [line, "loaded", upn, *owners.get(owner, _NOBODY), *told, " ".join(products)]


def _pulled_invoices(source_file: SourceFile) -> Rows:
    yield ["line", "bucket", "id", "date", "plan", "amount_as_it_came", "currency", "quantity", "status"]
    columns = ("line", "external_id", "issued_on", "plan", "stated_amount", "currency", "quantity", "status")
    rows = Invoice.objects.filter(source_file=source_file).order_by("line")
    for line, its_id, issued, *rest in rows.values_list(*columns).iterator(_BATCH):
        yield [line, "loaded", its_id, issued.isoformat() if issued else None, *rest]


def _invoices(source_file: SourceFile) -> Rows:
    yield list(_INVOICE_HEADER)
    columns = ("line", "number", "issued_on", "description", "amount", "currency", "quantity", "status")
    rows = Invoice.objects.filter(source_file=source_file).order_by("line")
    for line, number, issued, description, amount, currency, quantity, status in rows.values_list(*columns).iterator(_BATCH):
        day = issued.isoformat() if issued else None
        yield [line, "loaded", number, day, description, _number(amount), currency, quantity, status]


def _prices(source_file: SourceFile) -> Rows:
    yield list(_PRICES_HEADER)
    owners = _owners(source_file)
    columns = ("line", "owner", "product", "side", "from_quantity", "unit_price")
    rows = PriceLine.objects.filter(source_file=source_file).order_by("line", "side", "product")
    for line, owner, product, side, start, price in rows.values_list(*columns).iterator(_BATCH):
        yield [line, "loaded", *owners.get(owner, ("", "", "")), BY_CODE[product].label, side, start, _money(price)]


def _skus(source_file: SourceFile) -> Rows:
    yield list(_SKUS_HEADER)
    rows = ExcludedSku.objects.filter(source_file=source_file).order_by("line")
    for line, sku, name in rows.values_list("line", "sku", "name").iterator(_BATCH):
        yield [line, "loaded", sku, name]


def _users(source_file: SourceFile) -> Rows:
    """A row a licence, and one for a user without any: who was deleted."""
    yield ["line", "bucket", "user_name", *_USER, "sku", "sku_id", "via", "state", "assigned", "is_trial"]
    held: dict[int, list[tuple[Any, ...]]] = {}
    columns = ("owner", "sku", "sku_id", "via", "state", "assigned_at", "is_trial")
    for owner, *licence in DirectoryLicence.objects.filter(source_file=source_file).order_by("pk").values_list(*columns):
        held.setdefault(owner, []).append((*licence[:4], _moment(licence[4]), _YES.get(licence[5], "")))
    rows = DirectoryUser.objects.filter(source_file=source_file).order_by("line")
    for line, upn, *rest in rows.values_list("line", "upn", *_USER).iterator(_BATCH):
        told = [_YES[one] if isinstance(one, bool) else _moment(one) if isinstance(one, datetime) else one for one in rest]
        for licence in held.get(line, [("",) * 6]):
            yield [line, "loaded", upn, *told, *licence]


_BY_KIND: Final[dict[str, Callable[[SourceFile], Rows]]] = {
    Kind.AGENTS: _agents,
    Kind.INVOICE: _invoices,
    Kind.PRICES: _prices,
    Kind.EXCLUSIONS: _skus,
    Kind.LIVE: _live,
    Kind.IDENTITIES: _identities,
    Kind.INVOICES: _pulled_invoices,
    Kind.DIRECTORY: _users,
}


def _owners(source_file: SourceFile) -> dict[Any, tuple[str, str, str]]:
    rows = FileOwner.objects.filter(source_file=source_file).values_list("number", "name", "huntress_id", "key")
    return {number: (name, huntress_id, key) for number, name, huntress_id, key in rows}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _money(micros: int | None) -> str:
    """Millionths as they were written: two decimals, and more where there are."""
    if micros is None:
        return ""
    whole, _, fraction = f"{Decimal(micros).scaleb(-6):f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _number(micros: int) -> Decimal:
    """An amount as a number: one below zero is no formula, and needs no apostrophe."""
    return Decimal(_money(micros))
