"""Facts that stand beside the legs: agents, invoices, prices, excluded SKUs. Each row leads back to its file and line."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, BillingCycle, Organization
from accounts.products import CODES
from ingest.models.source import SourceFile


class FileOwner(models.Model):
    """One Organization as a large list names it: its rows refer to this, so that matching touches as few rows as there are customers."""

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="owners", db_constraint=False, db_index=False)
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=500, blank=True)
    huntress_id = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=256, blank=True)
    organization = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    rows = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source_file", "number"], name="file_owner_once_a_file")]

    def __str__(self) -> str:
        return self.name or self.key or self.huntress_id


class AgentLine(models.Model):
    """One agent as an agent list has it. ``owner`` is the number of a ``FileOwner`` of the same file.

    ``last_seen`` is null where blank: it never checked in. ``installed_at`` is null where the list does not say it.
    """

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="agents", db_constraint=False, db_index=False)
    line = models.PositiveIntegerField()
    owner = models.PositiveIntegerField()
    hostname = models.CharField(max_length=255)
    serial = models.CharField(max_length=128, blank=True)
    platform = models.CharField(max_length=32, blank=True)
    last_seen = models.DateTimeField(null=True)
    installed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source_file", "line"], name="agent_line_one_place_a_file")]
        indexes: ClassVar = [models.Index(fields=["source_file", "owner"], name="agent_line_by_owner")]

    def __str__(self) -> str:
        return self.hostname


class Invoice(models.Model):
    """What Huntress charged for a cycle: a row of a receipt's file, pulled, or typed in by a person. Money is micros of ``currency``.

    ``external_id`` is Huntress's, of one that was pulled; ``stated_amount`` is then its amount as it came, and ``amount`` null for as
    long as nobody has said what that counts (``Connection.amount_unit``). ``changes`` tell what became of it since.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="invoices")
    source_file = models.ForeignKey(SourceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="invoices")
    line = models.PositiveIntegerField(null=True, blank=True)
    number = models.CharField(max_length=100, blank=True)
    issued_on = models.DateField(null=True, blank=True)
    description = models.CharField(max_length=500, blank=True)
    amount = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    quantity = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=20, blank=True)
    external_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001  unique where there is one
    stated_amount = models.CharField(max_length=40, blank=True)
    plan = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["cycle", "issued_on", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "line"], name="invoice_one_place_a_file"),
            models.UniqueConstraint(fields=["account", "external_id"], name="invoice_external_id_once_an_account"),
            models.CheckConstraint(
                condition=Q(amount__isnull=False) | Q(external_id__isnull=False), name="invoice_without_an_amount_was_pulled"
            ),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="invoice_currency_is_a_code"),
            models.CheckConstraint(
                condition=Q(source_file__isnull=True, line__isnull=True) | Q(source_file__isnull=False, line__isnull=False),
                name="invoice_of_a_file_has_a_line",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"Invoice of {self.cycle}"


class InvoiceChange(models.Model):
    """That a pulled invoice was another one than before: its status, or what it charges. ``source_file`` is the answer that says so."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="changes")
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()
    status_before = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    stated_amount_before = models.CharField(max_length=40, blank=True)
    stated_amount = models.CharField(max_length=40, blank=True)
    quantity_before = models.BigIntegerField(null=True)
    quantity = models.BigIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["invoice", "seen_at", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["invoice", "source_file"], name="invoice_change_once_an_answer")]

    def __str__(self) -> str:
        return f"{self.invoice}: {self.status_before or 'new'} to {self.status}"


class LiveCount(models.Model):
    """What an Organization had when its account was pulled. ``owner`` is the number of a ``FileOwner``; ``line`` of the record in the file.

    ``agents`` is ``agents_count``, of all agents; ``billable_agents`` comes from the Organization's detail and may differ: both are kept.
    Null is unknown or not active, never zero. ``products`` are the codes that its detail has usage of, null where that was not read.
    """

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="live_counts", db_constraint=False, db_index=False)
    line = models.PositiveIntegerField()
    owner = models.PositiveIntegerField()
    agents = models.BigIntegerField(null=True)
    billable_agents = models.BigIntegerField(null=True)
    unresponsive_agents = models.BigIntegerField(null=True)
    identities = models.BigIntegerField(null=True)
    all_identities = models.BigIntegerField(null=True)
    learners = models.BigIntegerField(null=True)
    sources = models.BigIntegerField(null=True)
    products = models.JSONField(null=True)
    tenants = models.JSONField(default=list)
    created_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source_file", "line"], name="live_count_one_place_a_file")]
        indexes: ClassVar = [models.Index(fields=["source_file", "owner"], name="live_count_by_owner")]

    def __str__(self) -> str:
        return f"{self.source_file}, record {self.line}"


class IdentityLine(models.Model):
    """One identity as Huntress has it: the least that joins it to a tenant's user. It has no SKU."""

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="identities", db_constraint=False, db_index=False)
    line = models.PositiveIntegerField()
    owner = models.PositiveIntegerField()
    external_id = models.CharField(max_length=64)
    tenant = models.CharField(max_length=64, blank=True)
    tenant_type = models.CharField(max_length=32, blank=True)
    upn = models.CharField(max_length=320, blank=True)
    is_enabled = models.BooleanField(null=True)
    is_billable = models.BooleanField(null=True)
    is_external = models.BooleanField(null=True)
    products = models.JSONField(default=list)
    created_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source_file", "line"], name="identity_line_one_place_a_file")]
        indexes: ClassVar = [
            models.Index(fields=["source_file", "owner"], name="identity_line_by_owner"),
            models.Index(fields=["source_file", "tenant", "upn"], name="identity_line_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.source_file}, record {self.line}"


class PriceLine(models.Model):
    """A unit price, in micros: what Huntress charges (cost) or what customers pay (sell). No owner means every Organization.

    It holds from ``from_quantity`` units on (0: always).
    """

    class Side(models.TextChoices):
        COST = "cost", "Cost"
        SELL = "sell", "Sell"

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="prices")
    line = models.PositiveIntegerField()
    side = models.CharField(max_length=4, choices=Side.choices)
    owner = models.PositiveIntegerField(null=True)
    product = models.CharField(max_length=8)
    from_quantity = models.PositiveBigIntegerField(default=0)
    unit_price = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "line", "side", "product"], name="price_line_one_place_a_file"),
            models.CheckConstraint(condition=Q(side__in=["cost", "sell"]), name="price_line_side_is_known"),
            models.CheckConstraint(condition=Q(product__in=CODES), name="price_line_product_is_known"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="price_line_price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.side} of {self.product}"


class ExcludedSku(models.Model):
    """One SKU part number of an exclusion list: a licence that makes nobody billable."""

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="excluded_skus")
    line = models.PositiveIntegerField()
    sku = models.CharField(max_length=200)
    sku_key = models.CharField(max_length=200)
    name = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "sku_key"], name="excluded_sku_once_a_list"),
            models.CheckConstraint(condition=~Q(sku_key=""), name="excluded_sku_is_something"),
        ]

    def __str__(self) -> str:
        return self.sku
