"""What people's lists mean by their own words: products, and customers who share an Organization."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models.account import Account
from accounts.models.organization import Organization
from accounts.names import normalise
from accounts.products import CODES, folded


class ProductRule(models.Model):
    """What one unit of a product's name in a list holds: ``factor`` units of ``product``; no product: it is ignored, for a reason.

    A bundle of several products has a rule for each. Ended rather than changed.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="product_rules")
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200)
    product = models.CharField(max_length=8, blank=True)
    factor = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["name_key", "product", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "name_key", "product"], condition=Q(ended_at__isnull=True), name="product_rule_once_a_name_and_product"
            ),
            models.CheckConstraint(condition=Q(product__in=["", *CODES]), name="product_rule_product_is_known"),
            models.CheckConstraint(condition=Q(factor__gte=1), name="product_rule_factor_is_at_least_one"),
            models.CheckConstraint(condition=~Q(product="") | ~Q(reason=""), name="product_rule_ignored_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.factor} × {self.product}" if self.product else f"{self.name}, ignored"

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.name_key = folded(self.name)[:200]
        super().save(*args, **kwargs)


class CustomerShare(models.Model):
    """One customer's fixed part of an Organization that is rebilled to several: ``parts`` of the sum of all parts.

    ``undo`` is what taking it back needs: the alias that was made of the customer's name, and the Organization that had it.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="shares")
    customer = models.CharField(max_length=500)
    customer_key = models.CharField(max_length=500)
    psa_id = models.CharField(max_length=100, blank=True)
    parts = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    undo: Any = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["organization", "customer_key"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "customer_key"], condition=Q(ended_at__isnull=True), name="customer_share_once_an_organization"
            ),
            models.CheckConstraint(condition=Q(parts__gte=1), name="customer_share_has_parts"),
            models.CheckConstraint(condition=~Q(customer_key=""), name="customer_share_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.parts} parts of {self.organization} for {self.customer}"

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.customer_key = normalise(self.customer)[:500]
        super().save(*args, **kwargs)
