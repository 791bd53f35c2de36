"""Keeping months true to their inputs, whatever state they are in."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import Account, BillingCycle, User
from ingest import jobs
from ingest.models import Job, LegInput
from recon.models import Reconciliation

State = Reconciliation.State


def newest(cycle: BillingCycle) -> Reconciliation:
    """The newest revision of a cycle; a new cycle's first one is made."""
    found = Reconciliation.objects.filter(cycle=cycle).order_by("-revision").first()
    return found or Reconciliation.objects.get_or_create(cycle=cycle, revision=1)[0]


def shown(cycle: BillingCycle) -> Reconciliation:
    """The revision that the month's page shows; an unsaved one for a cycle that has none."""
    found = Reconciliation.objects.filter(cycle=cycle).select_related("cycle__account", "policy", "preparer", "reviewer")
    return found.order_by("-revision").first() or Reconciliation(cycle=cycle, revision=1)


def cycles_served(account: Account, files: Any) -> list[BillingCycle]:
    """The account's cycles that any of these files (ids, or a query of them) serves now, oldest first."""
    served = LegInput.objects.filter(source_file__in=files, ended_at__isnull=True).values("cycle")
    return list(BillingCycle.objects.filter(account=account, pk__in=served).select_related("account").order_by("start"))


def changed(cycle: BillingCycle, *, by: User | None, leg: str = "") -> None:
    """What the month is counted from has changed: count it anew, and the month after it too.

    There the bill is the *previous* leg, and whether any list went missing since is seen from this month's.
    """
    ask_for_recount(cycle, by=by)
    if leg != "tolerance":
        following = BillingCycle.objects.filter(account=cycle.account_id, start=cycle.end).select_related("account").first()
        if following:
            ask_for_recount(following, by=by)


def ask_for_recount(cycle: BillingCycle, *, by: User | None) -> Job:
    """What is worked on is counted anew; what is in review goes back to its preparer; what is signed is checked for drift."""
    with transaction.atomic():
        reconciliation = _held_newest(cycle)
        if reconciliation.state == State.SIGNED:
            label = f"Checking {cycle.start:%-d %b} – {cycle.end:%-d %b %Y} against its signature"
            return jobs.enqueue("drift", reconciliation.pk, label=label, account=cycle.account, by=by)
        Reconciliation.objects.filter(pk=reconciliation.pk).update(stale=True, state=State.WORKING)
        if reconciliation.state == State.IN_REVIEW:
            audit.record(
                "recon.reconciliation.returned", f"{cycle.start} to {cycle.end}: an input changed", account=cycle.account, actor=by,
                cycle=cycle, revision=reconciliation.revision, after={"reason": "input_changed"},
            )  # fmt: skip
        label = f"Comparing {cycle.start:%-d %b} – {cycle.end:%-d %b %Y}"
        return jobs.enqueue("recount", cycle.pk, label=label, account=cycle.account, by=by)


def check_signature(cycle: BillingCycle, *, by: User | None) -> None:
    """What stands beside a month has changed: where it is signed, look what has moved under its signature. Else nothing is counted."""
    signed = Reconciliation.objects.filter(cycle=cycle).order_by("-revision").first()
    if signed is not None and signed.state == State.SIGNED:
        label = f"Checking {cycle.start:%-d %b} – {cycle.end:%-d %b %Y} against its signature"
        jobs.enqueue("drift", signed.pk, label=label, account=cycle.account, by=by)


def _held_newest(cycle: BillingCycle) -> Reconciliation:
    """The newest revision, locked; not the one before it, which somebody reopened while this waited for the lock."""
    found = newest(cycle)
    while True:
        held = Reconciliation.objects.select_for_update().get(pk=found.pk)
        found = newest(cycle)
        if found.pk == held.pk:
            return held
