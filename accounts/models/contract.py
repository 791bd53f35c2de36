"""What was agreed with Huntress: a minimum of a product, for a term, at a cost. A version never changes; a change is a new one."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models.account import Account
from accounts.products import CODES


class Contract(models.Model):
    """One contract for one product, whatever was said of it since. Typed in by a person, or pulled from Huntress's subscriptions.

    ``external_id`` is the subscription's; an upgrade makes a new one. Ended rather than deleted: it was a mistake, or is over.
    """

    class Source(models.TextChoices):
        TYPED = "typed", "Typed in"
        PULLED = "pulled", "Pulled from Huntress"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contracts")
    product = models.CharField(max_length=8)
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.TYPED)
    external_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001  unique where there is one
    added_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_because = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["product", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "external_id"], name="contract_external_id_once_an_account"),
            models.CheckConstraint(condition=Q(product__in=CODES), name="contract_product_is_known"),
            models.CheckConstraint(
                condition=Q(source="typed") | Q(source="pulled", external_id__isnull=False), name="contract_pulled_has_an_external_id"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="contract_external_id_is_null_or_something"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_because="") | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="contract_ended_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}, contract {self.external_id or self.pk}"


class ContractVersion(models.Model):
    """What a contract says: at least ``minimum`` units are charged each cycle from ``start`` up to, not including, ``renewal``.

    ``unit_cost`` is micros for one unit and cycle; null: nobody has said. ``auto_renew`` null: nobody knows. The version in
    force is the one that has not ended.
    """

    class Support(models.TextChoices):
        UNKNOWN = "", "Not known"
        HUNTRESS = "huntress_supported", "Huntress supported"
        PARTNER = "partner_supported", "Partner supported"
        NONE = "not_applicable", "Not applicable"

    class Interval(models.TextChoices):
        MONTHLY = "monthly", "Monthly"
        ANNUAL = "annual", "Annual"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    support_type = models.CharField(max_length=20, choices=Support.choices, blank=True)
    minimum = models.BigIntegerField()
    interval = models.CharField(max_length=7, choices=Interval.choices)
    start = models.DateField()
    renewal = models.DateField()
    auto_renew = models.BooleanField(null=True, blank=True)
    unit_cost = models.BigIntegerField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["contract", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "number"], name="contract_version_once_a_contract"),
            models.UniqueConstraint(fields=["contract"], condition=Q(ended_at__isnull=True), name="contract_version_one_in_force"),
            models.CheckConstraint(condition=Q(minimum__gte=0), name="contract_version_minimum_is_not_negative"),
            models.CheckConstraint(
                condition=Q(support_type__in=["", "huntress_supported", "partner_supported", "not_applicable"]),
                name="contract_version_support_is_known",
            ),
            models.CheckConstraint(condition=Q(interval__in=["monthly", "annual"]), name="contract_version_interval_is_known"),
            models.CheckConstraint(condition=Q(renewal__gt=F("start")), name="contract_version_renews_after_its_start"),
            models.CheckConstraint(condition=Q(unit_cost__isnull=True) | Q(unit_cost__gte=0), name="contract_version_cost_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.contract}, version {self.number}"


class ContractStep(models.Model):
    """From a day on, another minimum; and another cost, where ``unit_cost`` (micros) says one."""

    version = models.ForeignKey(ContractVersion, on_delete=models.PROTECT, related_name="steps")
    starts = models.DateField()
    minimum = models.BigIntegerField()
    unit_cost = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["version", "starts"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "starts"], name="contract_step_once_a_day"),
            models.CheckConstraint(condition=Q(minimum__gte=0), name="contract_step_minimum_is_not_negative"),
            models.CheckConstraint(condition=Q(unit_cost__isnull=True) | Q(unit_cost__gte=0), name="contract_step_cost_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"from {self.starts}: {self.minimum}"
