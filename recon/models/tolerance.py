"""When a difference is worth investigating: versions of an account's tolerances. A version never changes; a change is a new one."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, Organization
from accounts.products import CODES


class TolerancePolicy(models.Model):
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tolerance_policies")
    version = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "version"], name="tolerance_version_once_an_account"),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class ToleranceRow(models.Model):
    """Both levels of one scope. The scope is what is named: Organization and product, Organization, product, or neither.

    Percents and units are exact decimals; ``floor`` is in micros: a check whose priced difference is below it is at most *within*.
    """

    policy = models.ForeignKey(TolerancePolicy, on_delete=models.PROTECT, related_name="rows")
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=8, blank=True)
    investigate_percent = models.DecimalField(max_digits=9, decimal_places=4)
    investigate_units = models.DecimalField(max_digits=14, decimal_places=4)
    escalate_percent = models.DecimalField(max_digits=9, decimal_places=4)
    escalate_units = models.DecimalField(max_digits=14, decimal_places=4)
    floor = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["policy", "organization", "product"], condition=Q(organization__isnull=False), name="tolerance_one_an_organization"
            ),
            models.UniqueConstraint(fields=["policy", "product"], condition=Q(organization__isnull=True), name="tolerance_one_a_product"),
            models.CheckConstraint(condition=Q(product__in=["", *CODES]), name="tolerance_product_is_known"),
            models.CheckConstraint(
                condition=Q(
                    investigate_percent__gte=0, investigate_units__gte=0, escalate_percent__gte=0, escalate_units__gte=0, floor__gte=0
                ),
                name="tolerance_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(escalate_percent__gte=models.F("investigate_percent"), escalate_units__gte=models.F("investigate_units")),
                name="tolerance_escalates_above_investigate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization or 'every Organization'}, {self.product or 'every product'}"
