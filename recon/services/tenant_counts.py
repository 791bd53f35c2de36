"""How many identities a tenant had in a cycle, where a person has to count them: Google's, and what could not be pulled."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import BillingCycle, Tenant, TenantCount, User
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, plural
from ingest import jobs
from ingest.services.tenants import WHOSE
from recon.services.months import changed, newest

MOST: Final = 10_000_000
#: A tenant's Organization bears on the cycle that is worked on and on the one that goes on.
_CYCLES: Final = 2


@transaction.atomic
def state_count(tenant: Tenant, cycle: BillingCycle, *, identities: int, note: str = "", by: User) -> TenantCount:
    """Say it, in place of what was said of this cycle before. The month is counted anew. Raises Refused."""
    require(by, tenant.account, Need.WORK)
    if tenant.removed_at or cycle.account_id != tenant.account_id:
        raise Refused(f"{tenant} was removed." if tenant.removed_at else "There is no such cycle in this account.")
    if not 0 <= identities <= MOST:
        raise Refused(f"Write a whole number from 0 to {MOST:,}.", field="identities")
    note = " ".join(note.split())[:500]
    before = TenantCount.objects.select_for_update().filter(tenant=tenant, cycle=cycle).first()
    told = {"identities": before.identities, "note": before.note} if before else None
    after = {"identities": identities, "note": note}
    if told == after and before:
        return before
    made, _ = TenantCount.objects.update_or_create(tenant=tenant, cycle=cycle, defaults={**after, "by": by})
    subject = f"{tenant}: {plural(identities, 'identity,identities')} in {cycle_range(cycle)}"
    revision = newest(cycle).revision
    audit.record(
        "recon.tenant.counted", subject, account=tenant.account, actor=by, cycle=cycle, revision=revision, before=told, after=after
    )
    changed(cycle, by=by)
    return made


@jobs.handles(WHOSE)
def count_anew(account_id: int, progress: jobs.Progress) -> None:
    """Whose the tenants are has changed: the newest cycles are counted anew."""
    for cycle in BillingCycle.objects.filter(account=account_id).select_related("account").order_by("-start")[:_CYCLES]:
        changed(cycle, by=None)
