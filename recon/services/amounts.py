"""What the bare amounts of pulled invoices count: said once for a connection, and counted anew for all that it has brought."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, Left, Replace, StrIndex, Substr

from accounts import audit
from accounts.models import Account, BillingCycle, User
from accounts.services import Refused
from ingest import jobs
from ingest.models import Connection, Invoice
from ingest.services.connections import require_admin
from recon.engine.tie_out import PLAIN, WORTH
from recon.models import Reconciliation
from recon.services.months import check_signature

#: Digits that are kept behind the point: those of a plain amount.
_DECIMALS: Final = 4
_SCALE: Final = 10**_DECIMALS


@transaction.atomic
def say_unit(connection: Connection, unit: str, *, by: User) -> int:
    """State what an ``amount`` of this connection's invoices counts, "" for not known. How many invoices that is about. Raises Refused."""
    require_admin(by, connection)
    held = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    if unit not in Connection.AmountUnit.values:
        raise Refused("Choose whole units of the currency, or hundredths.")
    if held.removed_at is not None:
        raise Refused(f"“{held.name}” was removed.")
    if held.amount_unit == unit:
        raise Refused("That is what was said already.")
    before, held.amount_unit = held.amount_unit, unit
    held.save(update_fields=["amount_unit"])
    connection.amount_unit = unit
    changed = restate_amounts(held, by=by)
    subject = f"{held.name}: {held.get_amount_unit_display()}"
    after = {"amount_unit": unit, "invoices": changed}
    audit.record("recon.invoice.unit_stated", subject, account=held.account, actor=by, before={"amount_unit": before}, after=after)
    return changed


@transaction.atomic
def restate_amounts(connection: Connection, *, by: User | None) -> int:
    """Count the amounts of a connection's pulled invoices anew, in one statement; how many there are. Signed months stay, and say so."""
    invoices = invoices_of(connection)
    changed = invoices.update(amount=_amount(connection.amount_unit))
    signed = Reconciliation.objects.filter(cycle=OuterRef("pk"), state=Reconciliation.State.SIGNED)
    for cycle in BillingCycle.objects.filter(Exists(signed), invoices__in=invoices).select_related("account").distinct():
        check_signature(cycle, by=by)
    return changed


@jobs.handles("amounts")
def count_anew(subject: int, progress: jobs.Progress) -> None:
    """After the unit was stated on the connection's own page, which knows nothing of months."""
    restate_amounts(Connection.objects.get(pk=subject), by=None)


def invoices_of(connection: Connection) -> QuerySet[Invoice]:
    """What was pulled into the accounts that a connection serves: its own; or its reseller's, without those that have one themselves."""
    return Invoice.objects.filter(account__in=accounts_of(connection), external_id__isnull=False)


def accounts_of(connection: Connection) -> QuerySet[Account]:
    if connection.reseller_id is None:
        return Account.objects.filter(pk=connection.account_id)
    own = Connection.objects.filter(account=OuterRef("pk"), reseller__isnull=True, removed_at__isnull=True, provider=connection.provider)
    return Account.objects.filter(~Exists(own), reseller=connection.reseller_id)


def _amount(unit: str) -> Case | Value:
    """``recon.engine.tie_out.micros_of`` in SQL, in whole numbers alone: what stands before the point, and four digits behind it."""
    nothing = Value(None, output_field=BigIntegerField())
    if unit not in WORTH:
        return nothing
    digits = Replace("stated_amount", Value("-"), Value(""))
    point = StrIndex(digits, Value("."))
    split = Q(stated_amount__contains=".")
    whole = Case(When(split, then=_int(Left(digits, point - 1))), default=_int(digits))
    behind = Case(When(split, then=_int(Left(Concat(Substr(digits, point + 1), Value("0" * _DECIMALS)), _DECIMALS))), default=Value(0))
    size = (whole * _SCALE + behind) * (WORTH[unit] // _SCALE)
    signed = Case(When(stated_amount__startswith="-", then=size * -1), default=size, output_field=BigIntegerField())
    return Case(When(stated_amount__regex=PLAIN, then=signed), default=nothing)


def _int(text: Combinable | F) -> Cast:
    return Cast(text, BigIntegerField())
