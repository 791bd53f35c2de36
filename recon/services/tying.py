"""Naming what the report and the invoice differ by. A name is withdrawn rather than deleted, and a signed month keeps its own."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import User
from accounts.money import MICROS_PER_CENT, round_to_cents
from accounts.products import CODES
from accounts.services import Refused
from accounts.templatetags.recon_ui import signed, signed_money
from recon.models import Reconciliation, TieOutItem
from recon.models.tie_out import LOWERS
from recon.services.decisions import locked
from recon.services.invoices import MOST_MONEY, MOST_UNITS

Kind = TieOutItem.Kind
_MOST_ITEMS: Final = 200


@transaction.atomic
def name(
    reconciliation: Reconciliation,
    *,
    kind: str,
    units: int | None = None,
    money: int | None = None,
    note: str = "",
    product: str = "",
    by: User,
) -> TieOutItem:
    """Name a part of what the invoice has beyond the report: units, money in micros (kept in whole cents), or both.

    Below zero: it has less. Raises Refused for who may not, for a month that is in review or signed, and for what cannot be.
    """
    held = locked(reconciliation, by)
    money = None if money is None else round_to_cents(money) * MICROS_PER_CENT
    units, money, note = units or None, money or None, note.strip()[:2000]
    if kind not in Kind.values:
        raise Refused("Choose what it is: a minimum shortfall, a credit, a refund, tax, rounding or something else.")
    if units is None and money is None:
        raise Refused("Say how many units or how much money it is.")
    if abs(units or 0) > MOST_UNITS or abs(money or 0) > MOST_MONEY:
        raise Refused("That is more than an invoice can come to.")
    if kind in LOWERS and ((units or 0) > 0 or (money or 0) > 0):
        raise Refused(f"A {Kind(kind).label.lower()} lowers the invoice: write it with a minus.")
    if kind == Kind.SHORTFALL and ((units or 0) < 0 or (money or 0) < 0):
        raise Refused("A minimum shortfall is charged on top of the report: it is not below zero.")
    if kind == Kind.OTHER and not note:
        raise Refused("Say in words what it is.")
    if product and (product not in CODES or kind != Kind.SHORTFALL):
        raise Refused("Only a minimum shortfall is of one product.")
    if TieOutItem.objects.filter(reconciliation=held, state=TieOutItem.State.ACCEPTED).count() >= _MOST_ITEMS:
        raise Refused(f"At most {_MOST_ITEMS} items are named in one month.")
    made = TieOutItem.objects.create(reconciliation=held, kind=kind, product=product, units=units, money=money, note=note, author=by)
    _record("recon.tie_out.named", made, by)
    return made


@transaction.atomic
def withdraw(item: TieOutItem, *, by: User) -> TieOutItem:
    """Take a name back. It stays, with who took it back and when."""
    require(by, item.reconciliation.cycle.account, Need.WORK)
    locked(item.reconciliation, by)
    still = TieOutItem.objects.filter(pk=item.pk, state=TieOutItem.State.ACCEPTED)
    if not still.update(state=TieOutItem.State.WITHDRAWN, withdrawn_by=by, withdrawn_at=timezone.now()):
        raise Refused("This is taken back already.")
    _record("recon.tie_out.withdrawn", item, by)
    item.refresh_from_db()
    return item


def words_of(item: TieOutItem, currency: str) -> str:
    """``Minimum shortfall, SIEM, +36 units, +$504.00``."""
    said = [item.label]
    if item.units:
        said.append(f"{signed(item.units)} {'unit' if abs(item.units) == 1 else 'units'}")
    if item.money:
        said.append(signed_money(item.money, currency))
    return ", ".join(said)


def _record(action: str, item: TieOutItem, by: User) -> None:
    cycle = item.reconciliation.cycle
    after = {"item": item.pk, "kind": item.kind, "units": item.units, "money": item.money, "note": item.note}
    audit.record(
        action, words_of(item, cycle.account.currency), account=cycle.account, actor=by, cycle=cycle, revision=item.reconciliation.revision,
        after=after | ({"product": item.product} if item.product else {}),
    )  # fmt: skip
