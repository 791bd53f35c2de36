"""The audit trail: one registry of acts, and one way to write them down."""

from __future__ import annotations

from typing import Any, Final

from accounts.models import Account, AuditEvent, BillingCycle, User

#: Every act, and how a page says it after the actor's name. ``{subject}`` is the event's subject.
SENTENCES: Final[dict[str, str]] = {
    "ingest.file.received": "added {subject}",
    "ingest.file.discarded": "discarded {subject}",
    "ingest.mapping.stated": "said how the columns of {subject} are read",
    "ingest.mapping.changed": "changed how the columns of {subject} are read",
    "ingest.mapping.imported": "took in how the columns of {subject} are read",
    "ingest.mapping.deleted": "deleted the column mapping {subject}",
    "ingest.connection.added": "added the connection {subject}",
    "ingest.connection.tested": "tested the connection {subject}",
    "ingest.connection.recognised": "had it found out whose key {subject} has",
    "ingest.connection.confirmed": "confirmed that {subject} reads another Huntress account than before",
    "ingest.connection.replaced": "replaced the key of {subject}",
    "ingest.connection.changed": "changed the connection {subject}",
    "ingest.connection.removed": "removed the connection {subject}",
    "ingest.app.added": "stated the app for {subject}",
    "ingest.app.replaced": "replaced the app for {subject}",
    "ingest.app.removed": "removed the app for {subject}",
    "ingest.consent.made": "made a consent link for {subject}",
    "ingest.consent.withdrawn": "withdrew the consent link for {subject}",
    "ingest.consent.granted": "came back with a consent through the link for {subject}",
    "ingest.consent.declined": "came back without a consent through the link for {subject}",
    "ingest.tenant.proved": "had it proved which tenant consented: {subject}",
    "ingest.tenant.added": "added the tenant {subject}",
    "ingest.tenant.imported": "imported tenants: {subject}",
    "ingest.tenant.confirmed": "said whose tenant this is: {subject}",
    "ingest.tenant.moved": "said in which of Microsoft’s clouds this tenant is: {subject}",
    "ingest.tenant.tested": "tested the tenant {subject}",
    "ingest.tenant.tested_all": "tested {subject}",
    "ingest.tenant.removed": "removed the tenant {subject}",
    "recon.tenant.counted": "stated how many identities this tenant has: {subject}",
    "ingest.pull.asked": "asked for a pull with {subject}",
    "ingest.pull.cancelled": "cancelled a pull with {subject}",
    "ingest.pull.brought": "pulled {subject}",
    "ingest.directory.named": "said of which tenant the users are in {subject}",
    "ingest.directory.placed": "put the users of a tenant in force: {subject}",
    "ingest.retention.changed": "changed how long what is about people is kept: {subject}",
    "ingest.file.purged": "purged {subject}",
    "recon.input.imported": "imported {subject}",
    "recon.input.used_again": "used {subject} again",
    "recon.input.withdrawn": "withdrew {subject}",
    "recon.name.matched": "matched {subject}",
    "recon.name.revoked": "revoked an alias: {subject}",
    "recon.match.same": "said that these are the same: {subject}",
    "recon.match.different": "said that these are different: {subject}",
    "recon.match.internal": "said that this is internal use: {subject}",
    "recon.match.not_ours": "said that this is not ours: {subject}",
    "recon.match.customer": "said that this is a customer: {subject}",
    "recon.match.postponed": "left for later: {subject}",
    "recon.match.undone": "undid: {subject}",
    "recon.product.counted": "said what a product name counts as: {subject}",
    "recon.product.ignored": "ignored product names: {subject}",
    "recon.product.ended": "asked again what product names count as: {subject}",
    "recon.product.undone": "undid what was said of a product name: {subject}",
    "recon.share.changed": "shared {subject} out between customers",
    "recon.share.ended": "no longer shares {subject} out between customers",
    "recon.share.undone": "undid how {subject} is shared out",
    "recon.invoice.added": "typed in the invoice {subject}",
    "recon.invoice.withdrawn": "withdrew the invoice {subject}",
    "recon.invoice.set_aside": "set aside the invoice {subject}",
    "recon.invoice.restored": "counts the invoice {subject} again",
    "recon.invoice.unit_stated": "said what the amounts of pulled invoices count: {subject}",
    "recon.tie_out.named": "named a difference to the invoice: {subject}",
    "recon.tie_out.withdrawn": "took back what named a difference to the invoice: {subject}",
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
    "recon.sweep.threshold": "changed after how many days an agent is stale: {subject}",
    "recon.sweep.day": "said of which day this agent list is: {subject}",
    "recon.sweep.kept": "keeps a machine: {subject}",
    "recon.sweep.no_longer_kept": "no longer keeps a machine: {subject}",
    "recon.tolerance.changed": "changed the tolerances: {subject}",
    "recon.sku_names.uploaded": "uploaded SKU names: {subject}",
    "recon.sku_suggestions.uploaded": "uploaded suggestions for the exclusion list: {subject}",
    "recon.suggestion.dismissed": "dismissed suggestions for the exclusion list: {subject}",
    "recon.suggestion.asked_again": "asks again about suggestions for the exclusion list: {subject}",
    "recon.contract.added": "typed in the contract {subject}",
    "recon.contract.changed": "changed the contract {subject}",
    "recon.contract.ended": "took the contract away: {subject}",
    "recon.contract.pulled": "took over from Huntress’ subscriptions the contract {subject}",
    "ingest.usage.received": "brought {subject}",
    "recon.reseller.mapped": "said which account of Huntress this is: {subject}",
    "recon.reseller.made": "made this account from one of Huntress: {subject}",
    "recon.reseller.ignored": "said that an account of the reseller is not ours: {subject}",
    "recon.reseller.undone": "took back what was said of {subject}",
    "accounts.account.changed": "changed the settings of {subject}",
    "accounts.role.given": "gave a role: {subject}",
    "accounts.role.changed": "changed a role: {subject}",
    "accounts.role.removed": "took a role away: {subject}",
    "accounts.sign_in.switched_off": "switched off the sign-in of {subject}",
    "accounts.sign_in.switched_on": "switched on the sign-in of {subject}",
}
#: Acts that make somebody a part of what is signed: who did one in a revision does not review it.
DECISIONS: Final = frozenset(
    {
        "recon.name.matched", "recon.item.added", "recon.item.withdrawn", "recon.row.reviewed", "recon.row.rebill_decided",
        "recon.row.rejection_settled", "recon.note.resolved", "recon.decision.undone",
        "recon.match.same", "recon.match.different", "recon.match.internal", "recon.match.not_ours", "recon.match.customer",
        "recon.match.undone",
        "recon.product.counted", "recon.product.ignored", "recon.product.ended", "recon.product.undone",
        "recon.share.changed", "recon.share.ended", "recon.share.undone",
        "recon.invoice.added", "recon.invoice.withdrawn", "recon.invoice.set_aside", "recon.invoice.restored",
        "recon.tie_out.named", "recon.tie_out.withdrawn",
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
