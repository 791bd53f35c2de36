"""What a worker does with a month: count it anew and ask what that raises, or, where it is signed, look what has moved under it."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account, BillingCycle
from ingest import jobs
from recon import drift, store
from recon.models import Reconciliation
from recon.services import asking
from recon.services.owners import match_owners
from recon.services.sweeping import ask_again

State = Reconciliation.State


def _still_stale(subject: int, message: str) -> None:
    Reconciliation.objects.filter(cycle=subject, state=State.WORKING).update(stale=True)


def _let_decide(account: Account) -> None:
    """Wait for who is just deciding: they may have found this job waiting, and asked for no other. What they say is read then."""
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)


@jobs.handles("recount", give_up=_still_stale)
def recount(subject: int, progress: jobs.Progress) -> None:
    cycle = BillingCycle.objects.select_related("account").get(pk=subject)
    _let_decide(cycle.account)
    if match_owners(cycle.account):  # what an import or a person named since may be waited for in the lists beside the legs
        ask_again(cycle.account, by=None)
    try:
        store.recount(cycle, progress)
    except store.NotWorking:
        return
    asking.refresh(cycle)


@jobs.handles("ask")
def ask(subject: int, progress: jobs.Progress) -> None:
    """Look for suspicions again, where an answer changes no figure of the month."""
    cycle = BillingCycle.objects.select_related("account").get(pk=subject)
    _let_decide(cycle.account)
    asking.refresh(cycle)


@jobs.handles("drift")
def check_drift(subject: int, progress: jobs.Progress) -> None:
    reconciliation = Reconciliation.objects.select_related("cycle__account").get(pk=subject)
    with transaction.atomic():
        Reconciliation.objects.select_for_update().get(pk=subject)
    _let_decide(reconciliation.cycle.account)
    drift.check(reconciliation)
    asking.refresh_names(reconciliation.cycle.account)
