"""Keeping months true to their inputs."""

from __future__ import annotations

from accounts.models import BillingCycle, User
from ingest import jobs
from ingest.models import Job
from recon import store
from recon.models import Reconciliation


def working(cycle: BillingCycle) -> Reconciliation:
    """The revision that is being worked on; a new cycle's first one is made."""
    return Reconciliation.objects.get_or_create(cycle=cycle, state=Reconciliation.State.WORKING)[0]


def changed(cycle: BillingCycle, *, by: User | None, leg: str = "") -> None:
    """An input of the month has changed: count it anew, and the month after it too where the bill is its *previous* leg."""
    ask_for_recount(cycle, by=by)
    if leg in {"", "billed"}:
        following = BillingCycle.objects.filter(account=cycle.account_id, start=cycle.end).first()
        if following:
            ask_for_recount(following, by=by)


def ask_for_recount(cycle: BillingCycle, *, by: User | None) -> Job:
    reconciliation = working(cycle)
    Reconciliation.objects.filter(pk=reconciliation.pk).update(stale=True)
    label = f"Comparing {cycle.start:%-d %b} – {cycle.end:%-d %b %Y}"
    return jobs.enqueue("recount", cycle.pk, label=label, account=cycle.account, by=by)


def _still_stale(subject: int, message: str) -> None:
    Reconciliation.objects.filter(cycle=subject, state=Reconciliation.State.WORKING).update(stale=True)


@jobs.handles("recount", give_up=_still_stale)
def recount(subject: int, progress: jobs.Progress) -> None:
    store.recount(BillingCycle.objects.select_related("account").get(pk=subject), progress)


def shown(cycle: BillingCycle) -> Reconciliation:
    """The revision that the month's page shows."""
    found = Reconciliation.objects.filter(cycle=cycle).select_related("cycle__account").first()
    return found or Reconciliation(cycle=cycle, revision=1)
