"""One revision of one billing cycle, and its rows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import BillingCycle, Organization
from accounts.products import CODES


class Severity(models.IntegerChoices):
    """A row's severity is its worst check. Unchecked stands above the quiet ones: what could not run is never green."""

    MATCH = 0, "Match"
    WITHIN = 1, "Within"
    UNCHECKED = 2, "Unchecked"
    INVESTIGATE = 3, "Investigate"
    ESCALATE = 4, "Escalate"

    @property
    def code(self) -> str:
        return self.name.lower()


class Reconciliation(models.Model):
    """One revision of a cycle. Its rows are those of ``run``: a recount writes new ones beside them and then turns the page.

    ``stale`` is set by whatever changes an input and cleared by the recount that has read it. ``inputs`` names the files that
    the shown rows came from (leg to file id, name, SHA-256, line count); ``totals`` holds the figures of the page (see ``recon.store``).
    """

    class State(models.TextChoices):
        WORKING = "working", "In preparation"

    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="reconciliations")
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WORKING)
    run = models.PositiveIntegerField(default=0)
    last_run = models.PositiveIntegerField(default=0)
    stale = models.BooleanField(default=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    inputs = models.JSONField(default=dict, blank=True)
    totals = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-cycle__start", "-revision"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cycle", "revision"], name="reconciliation_revision_once_a_cycle"),
            models.UniqueConstraint(fields=["cycle"], condition=Q(state="working"), name="reconciliation_one_working_a_cycle"),
            models.CheckConstraint(condition=Q(state__in=["working"]), name="reconciliation_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.cycle}, revision {self.revision}"

    @property
    def is_draft(self) -> bool:
        """Until a month is signed, every sheet made from it says DRAFT."""
        return True


class Variance(models.Model):
    """One Organization and product in one run: the legs, the differences (billed minus the other), severities and money.

    A null leg was not provided or could not be read, and is not zero. Prices and money are in micros; null where unknown.
    ``flags`` are comma-separated codes of ``recon.engine.compare.FLAGS``. ``weight`` orders by money within a severity.
    """

    reconciliation = models.ForeignKey(
        Reconciliation, on_delete=models.PROTECT, related_name="variances", db_constraint=False, db_index=False
    )
    run = models.PositiveIntegerField()
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="variances", db_constraint=False, db_index=False)
    product = models.CharField(max_length=8)
    name = models.CharField(max_length=500)
    billed = models.BigIntegerField(null=True)
    expected = models.BigIntegerField(null=True)
    rebilled = models.BigIntegerField(null=True)
    previous = models.BigIntegerField(null=True)
    expected_difference = models.BigIntegerField(null=True)
    rebilled_difference = models.BigIntegerField(null=True)
    previous_difference = models.BigIntegerField(null=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    expected_severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    rebilled_severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    cost = models.BigIntegerField(null=True)
    sell = models.BigIntegerField(null=True)
    expected_money = models.BigIntegerField(null=True)
    rebilled_money = models.BigIntegerField(null=True)
    weight = models.BigIntegerField(default=0)
    flags = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reconciliation", "run", "organization", "product"], name="variance_one_an_organization_and_product"
            ),
            models.CheckConstraint(condition=Q(product__in=CODES), name="variance_product_is_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="variance_severity_is_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["reconciliation", "run", "-severity", "-weight", "name", "product"], name="variance_worst_first"),
            models.Index(fields=["reconciliation", "run", "name", "product"], name="variance_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.product}"
