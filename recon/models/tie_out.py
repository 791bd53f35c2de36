"""What the report and the invoice differ by, with names; and the whole of it as it was signed."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.products import BY_CODE, CODES
from recon.models.month import Reconciliation


class TieOutItem(models.Model):
    """A named part of what the invoice charges beyond the month's report: units, money (micros), or both. Below zero: charged less.

    ``report + Σ named items − invoice = unnamed``, for units and for money alike. Money is in the account's currency and whole cents.
    Withdrawn rather than deleted. ``product`` says whose minimum falls short, where that is what it is.
    """

    class Kind(models.TextChoices):
        SHORTFALL = "shortfall", "Minimum shortfall"
        CREDIT = "credit", "Credit"
        REFUND = "refund", "Refund"
        TAX = "tax", "Tax"
        ROUNDING = "rounding", "Rounding"
        OTHER = "other", "Other"

    class State(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        WITHDRAWN = "withdrawn", "Withdrawn"

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="tie_out_items")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    product = models.CharField(max_length=8, blank=True)
    units = models.BigIntegerField(null=True, blank=True)
    money = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=2000, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["shortfall", "credit", "refund", "tax", "rounding", "other"]), name="tie_out_item_kind_is_known"
            ),
            models.CheckConstraint(condition=Q(product__in=["", *CODES]), name="tie_out_item_product_is_known"),
            models.CheckConstraint(
                condition=Q(units__isnull=False) & ~Q(units=0) | Q(money__isnull=False) & ~Q(money=0), name="tie_out_item_takes_something"
            ),
            models.CheckConstraint(condition=~Q(kind="other") | ~Q(note=""), name="tie_out_item_says_why"),
            models.CheckConstraint(
                condition=Q(state="accepted", withdrawn_by__isnull=True, withdrawn_at__isnull=True)
                | Q(state="withdrawn", withdrawn_by__isnull=False, withdrawn_at__isnull=False),
                name="tie_out_item_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.get_kind_display()}{f', {BY_CODE[self.product].label}' if self.product else ''}"


#: Kinds whose sign is known: what lowers the invoice is never above zero.
LOWERS: Final = frozenset({TieOutItem.Kind.CREDIT, TieOutItem.Kind.REFUND})


class SignedTieOut(models.Model):
    """The report and the invoice as they stood when a revision was signed; invoices go on changing, this does not.

    Null is what could not be told. Money is micros of ``currency``, in whole cents. ``invoices`` are plain values
    (``recon.tie_out.Charge.said``). A revision without one was signed before such were kept.
    """

    reconciliation = models.OneToOneField(Reconciliation, on_delete=models.PROTECT, related_name="signed_tie_out")
    currency = models.CharField(max_length=3)
    report_units = models.BigIntegerField(null=True)
    report_money = models.BigIntegerField(null=True)
    named_units = models.BigIntegerField(default=0)
    named_money = models.BigIntegerField(default=0)
    invoice_units = models.BigIntegerField(null=True)
    invoice_money = models.BigIntegerField(null=True)
    unnamed_units = models.GeneratedField(
        expression=F("report_units") + F("named_units") - F("invoice_units"), output_field=models.BigIntegerField(), db_persist=True
    )
    unnamed_money = models.GeneratedField(
        expression=F("report_money") + F("named_money") - F("invoice_money"), output_field=models.BigIntegerField(), db_persist=True
    )
    why_no_units = models.CharField(max_length=300, blank=True)
    why_no_money = models.CharField(max_length=300, blank=True)
    invoices: Any = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"Tie-out of {self.reconciliation}"
