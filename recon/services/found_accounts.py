"""The reseller's accounts as its key lists them: new, renamed, disabled, gone, back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import Reseller
from ingest import jobs
from ingest.models import PullPart, ResellerAccount
from recon.services.came import Came, Record, identity, inner, text, whole

_FIELDS: Final = ("name", "subdomain", "status", "support_type", "seats")
_UPDATED: Final = (*_FIELDS, "former_name", "renamed_at", "seen_at", "gone_at")
_AT_ONCE: Final = 500


def settle_accounts(came: Came, progress: jobs.Progress) -> None:
    """An older list than one that was settled says nothing any more. Only a whole list can tell that an account is
    gone, and none that has nobody: a key that may see no account any more answers so, too."""
    if is_outdone(came):
        return
    told = {number: _told(record) for record in came.of("accounts") if (number := identity(record))}
    progress(0, len(told), "Looking through the accounts")
    with transaction.atomic():
        known = {one.external_id: one for one in ResellerAccount.objects.select_for_update().filter(reseller=came.reseller)}
        for number, fields in told.items():
            if number in known:
                _bring_up_to_date(known[number], fields, came.at)
        ResellerAccount.objects.bulk_update([known[one] for one in told if one in known], _UPDATED, batch_size=_AT_ONCE)
        new = [_new(came.reseller, number, came.at, seen_at=came.at, **fields) for number, fields in told.items() if number not in known]
        ResellerAccount.objects.bulk_create(new, batch_size=_AT_ONCE)
        if came.is_whole and told:
            missing = ResellerAccount.objects.filter(reseller=came.reseller, gone_at__isnull=True, seen_at__lt=came.at)
            missing.update(gone_at=came.at)
    progress(len(told), len(told))


def owners_of(came: Came, records: Iterable[Record]) -> dict[str, ResellerAccount]:
    """The accounts that these records are of, by id. One that no list has named yet is kept too, as its records name it."""
    known = {one.external_id: one for one in ResellerAccount.objects.filter(reseller=came.reseller).select_related("account")}
    named: dict[str, Record] = {}
    for record in records:
        account = inner(record, "account")
        if (number := identity(account)) and number not in known:
            named.setdefault(number, account)
    if named:
        new = [_new(came.reseller, number, came.at, **_named(record)) for number, record in named.items()]
        ResellerAccount.objects.bulk_create(new, batch_size=_AT_ONCE, ignore_conflicts=True)
        made = ResellerAccount.objects.filter(reseller=came.reseller, external_id__in=list(named)).select_related("account")
        known |= {one.external_id: one for one in made}
    return known


def _new(reseller: Reseller, number: str, at: datetime, **fields: Any) -> ResellerAccount:
    return ResellerAccount(reseller=reseller, external_id=number, first_seen_at=at, **fields)


def _told(record: Record) -> dict[str, Any]:
    seats = inner(record, "neighborhood_watch")
    return _named(record) | {
        "status": text(record, "status", 20),
        "support_type": text(record, "support_type", 20),
        "seats": {str(product)[:40]: count for product in seats if (count := whole(seats, product)) is not None},
    }


def _named(record: Record) -> dict[str, str]:
    return {"name": text(record, "name", 200) or f"Account {identity(record)}", "subdomain": text(record, "subdomain", 200)}


def _bring_up_to_date(found: ResellerAccount, fields: dict[str, Any], at: datetime) -> None:
    if found.name != fields["name"]:
        found.former_name, found.renamed_at = found.name, at
    for name, value in fields.items():
        setattr(found, name, value)
    found.seen_at, found.gone_at = at, None


def is_outdone(came: Came) -> bool:
    newer = PullPart.objects.filter(
        subject=came.part.subject,
        account__isnull=True,
        pull__connection__reseller=came.reseller,
        settled_at__isnull=False,
        ended_at__gt=came.part.ended_at or came.at,
    )
    return newer.exists()
