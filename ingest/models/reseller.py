"""What a reseller's key shows: its accounts at Huntress, what was agreed for each, and what each was billed for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, BillingCycle, Contract, Reseller
from ingest.models.pull import PullPart
from ingest.models.source import SourceFile


class ResellerAccount(models.Model):
    """One account of a reseller as Huntress has it. ``account`` is ours, null until a person says which it is.

    ``ignored_because`` says why it is none of ours. ``status``, ``support_type`` and ``seats`` (Neighborhood Watch, units by product) are
    as they came. ``former_name`` is what it was called until ``renamed_at``; ``gone_at``: the newest whole list is without it.
    ``seen_at`` is null for one that only usage lines name. ``cycle_day`` is the day of the month on which the periods of its lines begin,
    null where nothing or nothing consistent is known. ``cycle_said`` is what stands in the way of its cycles, in words.
    """

    reseller = models.ForeignKey(Reseller, on_delete=models.PROTECT, related_name="found_accounts")
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    subdomain = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, blank=True)
    support_type = models.CharField(max_length=20, blank=True)
    seats: Any = models.JSONField(default=dict, blank=True)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.PROTECT, related_name="found_as")
    ignored_because = models.CharField(max_length=500, blank=True)
    cycle_day = models.PositiveSmallIntegerField(null=True, blank=True)
    cycle_said = models.CharField(max_length=500, blank=True)
    former_name = models.CharField(max_length=200, blank=True)
    renamed_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reseller", "external_id"], name="reseller_account_once_a_reseller"),
            models.UniqueConstraint(fields=["account"], name="reseller_account_is_one_of_ours"),
            models.CheckConstraint(condition=~Q(external_id=""), name="reseller_account_has_an_id"),
            models.CheckConstraint(condition=Q(account__isnull=True) | Q(ignored_because=""), name="reseller_account_is_ours_or_not"),
            models.CheckConstraint(
                condition=Q(cycle_day__isnull=True) | Q(cycle_day__gte=1, cycle_day__lte=31), name="reseller_account_day_is_of_a_month"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["reseller", "name"], name="reseller_account_by_name")]

    def __str__(self) -> str:
        return self.name


class ResellerSubscription(models.Model):
    """What was agreed for one account and product, as it came (``record``), and the contract of ours that it became.

    ``said`` is why it became none, or what differs from a contract that a person typed in. ``part`` is the answer that says it;
    ``gone_at``: the newest whole list is without it.
    """

    owner = models.ForeignKey(ResellerAccount, on_delete=models.PROTECT, related_name="subscriptions")
    external_id = models.CharField(max_length=64)
    product = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20, blank=True)
    record: Any = models.JSONField(default=dict)
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="subscriptions")
    said = models.CharField(max_length=500, blank=True)
    part = models.ForeignKey(PullPart, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["owner", "product", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "external_id"], name="reseller_subscription_once_an_account"),
            models.CheckConstraint(condition=~Q(external_id=""), name="reseller_subscription_has_an_id"),
        ]

    def __str__(self) -> str:
        return f"subscription {self.external_id}"


class ResellerInvoice(models.Model):
    """One invoice to the reseller. ``part`` is the answer that its lines were read from; ``stated_amount`` is its amount as it came."""

    reseller = models.ForeignKey(Reseller, on_delete=models.PROTECT, related_name="found_invoices")
    external_id = models.CharField(max_length=64)
    issued_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=20, blank=True)
    quantity = models.BigIntegerField(null=True, blank=True)
    stated_amount = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=10, blank=True)
    part = models.ForeignKey(PullPart, null=True, on_delete=models.SET_NULL, related_name="+")
    digest = models.CharField(max_length=64, blank=True)
    said = models.CharField(max_length=500, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-issued_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reseller", "external_id"], name="reseller_invoice_once_a_reseller"),
            models.CheckConstraint(condition=~Q(external_id=""), name="reseller_invoice_has_an_id"),
        ]

    def __str__(self) -> str:
        return f"invoice {self.external_id}"


class ResellerUsage(models.Model):
    """What an account was billed of a product in a period: its line on an invoice, beside the sum of its Organizations' lines.

    ``external_id`` is the line's; blank where only Organizations have lines. Units are null where nothing readable is stated, never zero;
    ``stated_amount`` is its money as it came, if any did. ``organizations`` have lines of it, and ``organizations_actual`` is what
    those add up to; null where none has. ``odd`` names, by their codes (``recon.engine.usage_sums``), the ways in which it does not add
    up; blank: it does. ``tier`` is as far as it can be known.
    """

    invoice = models.ForeignKey(ResellerInvoice, on_delete=models.CASCADE, related_name="lines")
    owner = models.ForeignKey(ResellerAccount, on_delete=models.PROTECT, related_name="usage")
    external_id = models.CharField(max_length=64, blank=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    product = models.CharField(max_length=40)
    subscription_start = models.DateField(null=True, blank=True)
    subscription_end = models.DateField(null=True, blank=True)
    minimum = models.BigIntegerField(null=True, blank=True)
    billable = models.BigIntegerField(null=True, blank=True)
    non_billable = models.BigIntegerField(null=True, blank=True)
    actual = models.BigIntegerField(null=True, blank=True)
    organizations = models.PositiveIntegerField(null=True, blank=True)
    organizations_actual = models.BigIntegerField(null=True, blank=True)
    stated_amount = models.CharField(max_length=40, blank=True)
    interval = models.CharField(max_length=20, blank=True)
    tier = models.CharField(max_length=80, blank=True)
    odd = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["invoice", "owner", "product", "period_start", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice", "owner", "product", "period_start", "external_id"], name="reseller_usage_once_an_invoice"
            ),
            models.CheckConstraint(condition=~Q(product=""), name="reseller_usage_has_a_product"),
            models.CheckConstraint(condition=Q(period_end__gt=F("period_start")), name="reseller_usage_ends_after_its_start"),
        ]
        indexes: ClassVar = [models.Index(fields=["owner", "-period_end"], name="reseller_usage_newest")]

    def __str__(self) -> str:
        return f"{self.owner}, {self.product}, {self.period_start:%Y-%m-%d}"


class ResellerDocument(models.Model):
    """The billed leg of one account and period, cut out of the reseller's lines. ``digest`` is that of its records.

    ``source_file`` is the document that was made of them, null while it cannot be; ``cycle`` the cycle it is for; ``said`` why it waits.
    """

    owner = models.ForeignKey(ResellerAccount, on_delete=models.PROTECT, related_name="documents")
    start = models.DateField()
    end = models.DateField()
    cycle = models.ForeignKey(BillingCycle, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    source_file = models.ForeignKey(SourceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey(ResellerInvoice, null=True, on_delete=models.SET_NULL, related_name="+")
    said = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["owner", "-start"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "start", "end"], name="reseller_document_once_a_period"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="reseller_document_ends_after_its_start"),
        ]

    def __str__(self) -> str:
        return f"{self.owner}, {self.start} to {self.end}"
