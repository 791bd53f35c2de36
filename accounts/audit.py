"""The audit trail: one registry of acts, and one way to write them down."""

from __future__ import annotations

from typing import Any, Final

from accounts.models import Account, AuditEvent, BillingCycle, User

#: Every act, and how a page says it after the actor's name. ``{subject}`` is the event's subject.
SENTENCES: Final[dict[str, str]] = {
    "ingest.file.received": "added {subject}",
    "ingest.file.discarded": "discarded {subject}",
    "recon.input.imported": "imported {subject}",
    "recon.input.used_again": "used {subject} again",
    "recon.input.withdrawn": "withdrew {subject}",
    "recon.name.matched": "matched {subject}",
    "recon.item.added": "explained {subject}",
    "recon.item.withdrawn": "withdrew an item: {subject}",
    "recon.row.assigned": "assigned {subject}",
    "recon.row.reviewed": "marked {subject} as reviewed",
    "recon.row.rebill_decided": "decided what to rebill for {subject}",
    "recon.row.rejection_settled": "settled {subject}",
    "recon.note.added": "noted on {subject}",
    "recon.note.resolved": "resolved a note on {subject}",
    "recon.decision.undone": "undid: {subject}",
    "recon.reconciliation.submitted": "submitted {subject} for review",
    "recon.reconciliation.returned": "returned {subject}",
    "recon.reconciliation.signed_off": "signed {subject}",
    "recon.reconciliation.reopened": "reopened {subject}",
    "recon.tolerance.changed": "changed the tolerances: {subject}",
    "accounts.account.changed": "changed the settings of {subject}",
    "accounts.role.given": "gave a role: {subject}",
    "accounts.role.changed": "changed a role: {subject}",
    "accounts.role.removed": "took a role away: {subject}",
}
#: Acts that make somebody a part of what is signed: who did one in a revision does not review it.
DECISIONS: Final = frozenset(
    {
        "recon.name.matched", "recon.item.added", "recon.item.withdrawn", "recon.row.reviewed", "recon.row.rebill_decided",
        "recon.row.rejection_settled", "recon.note.resolved", "recon.decision.undone",
    }
)  # fmt: skip


def record(
    action: str,
    subject: str,
    *,
    account: Account,
    actor: User | None,
    cycle: BillingCycle | None = None,
    revision: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append an event, in the transaction of the act itself. Raises KeyError for an act that the registry does not know."""
    SENTENCES[action]
    return AuditEvent.objects.create(
        account=account,
        actor=actor,
        action=action,
        subject=subject[:300],
        cycle=cycle,
        revision=revision,
        before=before or {},
        after=after or {},
    )


def deciders(cycle: BillingCycle, revision: int) -> set[int]:
    """The people who made any decision in a revision, or in an earlier one: reopening takes their decisions along."""
    events = AuditEvent.objects.filter(cycle=cycle, revision__lte=revision, action__in=DECISIONS, actor__isnull=False)
    return set(events.values_list("actor", flat=True).distinct().order_by())
