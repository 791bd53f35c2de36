"""Pulls of customers' tenants: whose turn it is, and asking for them. One part a tenant; who was read longest ago goes first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from django.db import transaction
from django.db.models import Max, QuerySet

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Tenant, User
from accounts.services import Refused
from ingest.models import Connection, Pull, PullPart
from ingest.services import pulls, pumping
from ingest.services.microsoft_app import app_of
from ingest.services.pulls import Wanted
from ingest.services.subjects import TENANT
from ingest.services.tenants import pullable

#: The organization, SKUs, trials, a page of users, the deleted ones, and a batch of mailboxes.
_USUAL_CALLS: Final = 6
State = PullPart.State


def tenants_to_pull(account: Account) -> list[Tenant]:
    """Those of which somebody has said whose they are; who was tried longest ago first, whatever came of it."""
    tried = dict(_parts(account).values_list("external_id").annotate(at=Max("ended_at")).order_by())
    return sorted(pullable(account), key=lambda one: (tried.get(one.guid) is not None, str(tried.get(one.guid) or ""), one.pk))


def wanted(account: Account, tenants: Sequence[Tenant]) -> list[Wanted]:
    """A part for each, with about as many calls as it took the last time."""
    whole = _parts(account).filter(state=State.WHOLE, external_id__in=[one.guid for one in tenants])
    took = dict(whole.order_by("ended_at").values_list("external_id", "pages"))
    return [Wanted(TENANT, account.pk, one.guid, took.get(one.guid) or _USUAL_CALLS) for one in tenants]


def ask_tenants(account: Account, *, by: User, tenants: Collection[Tenant] | None = None) -> Pull:
    """Pull now: all of the account's tenants, or some, which go next where a pull is under way. Raises Refused, in words."""
    require(by, account, Need.WORK)
    connection = app_of(account)
    if connection is None:
        raise Refused("There is no app for Microsoft yet. An admin states it under Settings, Microsoft.")
    chosen = tenants_to_pull(account)
    if tenants is not None:
        chosen = [one for one in chosen if one.pk in {each.pk for each in tenants}]
    if not chosen:
        raise Refused("There is no tenant to pull. One is connected first, and somebody says whose it is.")
    with transaction.atomic():
        pull = _pull(connection, account, chosen, by, is_all=tenants is None)
        after = {"pull": pull.pk, "connection": connection.pk, "tenants": len(chosen)}
        audit.record("ingest.pull.asked", connection.name, account=account, actor=by, after=after)
    pumping.pump(pull.pk)
    pull.refresh_from_db()
    return pull


def _pull(connection: Connection, account: Account, chosen: Sequence[Tenant], by: User, *, is_all: bool) -> Pull:
    under_way = Pull.objects.select_for_update(of=("self",), no_key=True).filter(connection=connection, ended_at__isnull=True).first()
    if under_way is None:
        return pulls.begin(connection, wanted(account, chosen), by=by)
    busy = set(PullPart.objects.filter(pull=under_way, state__in=PullPart.OPEN).values_list("external_id", flat=True))
    rest = [one for one in chosen if one.guid not in busy]
    if is_all or not rest:
        raise Refused(f"The tenants are being pulled since {under_way.created_at:%H:%M} UTC. Wait for its end, or cancel it.")
    pulls.append(under_way, wanted(account, rest))
    return under_way


def _parts(account: Account) -> QuerySet[PullPart]:
    return PullPart.objects.filter(account=account, subject=TENANT, ended_at__isnull=False)
