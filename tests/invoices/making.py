"""Invoices as Huntress lists them, taken into an account as a pull's archive is, and connections that say what their amounts count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accounts.models import Account, Reseller, User
from ingest.models import Connection, Invoice, SourceFile
from recon.models import Reconciliation
from recon.services import invoices, tying
from recon.tie_out import TieOut, tie_out_of
from tests.answers.making import archive
from tests.answers.making import invoices as listed
from tests.recon import making
from tests.recon.making import AFTER

#: When most answers come: two days into the cycle after the month of the tests.
SAID = datetime(2026, 11, 16, 2, 30, tzinfo=UTC)


def record(
    number: int = 88_000, amount: Any = 72, quantity: Any = 17, status: str = "paid", at: str = "2026-11-14T06:00:00Z", **more: Any
) -> dict[str, Any]:
    given = {"id": number, "amount": amount, "quantity": quantity, "plan": "Huntress Partner 1500 Agents", "currency_type": "usd"}
    return given | {"status": status, "has_usage": True, "receipt": "https://pay.example/1", "created_at": at} | more


def take(account: Account, by: User, *records: dict[str, Any], ended: datetime = SAID, answer: Any = None) -> SourceFile:
    """What an answer of this moment says, imported for the cycle in which it came."""
    return making.put(account, by, "invoices", archive("invoices", answer or listed(*records), ended=ended), AFTER, name="invoices.zip")


def connected(account: Account, by: User, unit: str = "", reseller: Reseller | None = None) -> Connection:
    kind = "reseller" if reseller else "account"
    return Connection.objects.create(
        account=account, reseller=reseller, name="Huntress", sealed="x", key_kind=kind, amount_unit=unit, added_by=by
    )


def kept(account: Account) -> Invoice:
    return Invoice.objects.get(account=account, external_id__isnull=False)


def month(account: Account) -> Reconciliation:
    return making.month_of(account)


def tie(account: Account) -> TieOut:
    return tie_out_of(month(account))


def typed(account: Account, by: User, amount: int = 71_500_000, quantity: int | None = 17, **said: Any) -> Invoice:
    usual: dict[str, Any] = {"currency": "USD", "number": "Q-2026-11"}
    return invoices.add(month(account).cycle, by=by, amount=amount, quantity=quantity, **usual | said)


def named(account: Account, by: User, kind: str, units: int | None = None, money: int | None = None, **said: Any) -> Any:
    return tying.name(month(account), kind=kind, units=units, money=money, by=by, **said)
