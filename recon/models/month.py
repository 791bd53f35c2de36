"""One revision of one billing cycle, and its rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

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
        IN_REVIEW = "in_review", "In review"
        SIGNED = "signed", "Signed"

    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="reconciliations")
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WORKING)
    run = models.PositiveIntegerField(default=0)
    last_run = models.PositiveIntegerField(default=0)
    stale = models.BooleanField(default=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    inputs = models.JSONField(default=dict, blank=True)
    totals = models.JSONField(default=dict, blank=True)
    policy = models.ForeignKey("recon.TolerancePolicy", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    preparer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(null=True, blank=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(null=True, blank=True)
    solo_rule = models.BooleanField(default=False)
    digest = models.CharField(max_length=64, blank=True)
    reopened_because = models.CharField(max_length=20, blank=True)
    reopened_words = models.CharField(max_length=2000, blank=True)

    class Meta:
        ordering: ClassVar = ["-cycle__start", "-revision"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cycle", "revision"], name="reconciliation_revision_once_a_cycle"),
            models.UniqueConstraint(
                fields=["cycle"], condition=Q(state__in=["working", "in_review"]), name="reconciliation_one_working_a_cycle"
            ),
            models.CheckConstraint(condition=Q(state__in=["working", "in_review", "signed"]), name="reconciliation_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state="in_review") | Q(preparer__isnull=False, submitted_at__isnull=False),
                name="reconciliation_in_review_has_a_preparer",
            ),
            # A CHECK passes on unknown, so the NULLs are spelt out.
            models.CheckConstraint(
                condition=~Q(state="signed")
                | (
                    Q(preparer__isnull=False, reviewer__isnull=False, signed_at__isnull=False, digest__regex="^[0-9a-f]{64}$")
                    & (Q(solo_rule=True) | ~Q(preparer=F("reviewer")))
                ),
                name="reconciliation_signed_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cycle}, revision {self.revision}"

    @property
    def is_draft(self) -> bool:
        """Until a month is signed, every sheet made from it says DRAFT."""
        return self.state != self.State.SIGNED

    @property
    def is_working(self) -> bool:
        return self.state == self.State.WORKING


class Board(models.Model):
    """What is counted of the rows of ``run``, by group: ``recon.board`` writes it with the rows, and reads it instead of them."""

    reconciliation = models.OneToOneField(Reconciliation, on_delete=models.CASCADE, primary_key=True, related_name="board")
    run = models.PositiveIntegerField()
    groups: Any = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.reconciliation}, run {self.run}"


class Variance(models.Model):
    """One Organization and product in one run: the legs, the differences (billed minus the other), severities and money.

    A null leg was not provided or could not be read, and is not zero. Prices and money are in micros; null where unknown. A null
    ``microsoft_severity`` is a check that was not asked: another product than tenants are counted for, or an account without tenants.
    ``flags`` are comma-separated codes of ``recon.engine.compare.FLAGS``. ``weight`` orders by money within a severity.

    What people decided (``recon.models.decision``) stands here a second time, so that lists can filter and sort by it:
    ``*_explained`` are the sums of accepted items, ``*_left`` what the database computes to be unexplained.
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
    microsoft = models.BigIntegerField(null=True)
    previous = models.BigIntegerField(null=True)
    expected_difference = models.BigIntegerField(null=True)
    rebilled_difference = models.BigIntegerField(null=True)
    microsoft_difference = models.BigIntegerField(null=True)
    previous_difference = models.BigIntegerField(null=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    expected_severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    rebilled_severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    microsoft_severity = models.PositiveSmallIntegerField(choices=Severity.choices, null=True)
    cost = models.BigIntegerField(null=True)
    sell = models.BigIntegerField(null=True)
    expected_money = models.BigIntegerField(null=True)
    rebilled_money = models.BigIntegerField(null=True)
    microsoft_money = models.BigIntegerField(null=True)
    weight = models.BigIntegerField(default=0)
    flags = models.CharField(max_length=200, blank=True)
    expected_explained = models.BigIntegerField(default=0, db_default=0)
    rebilled_explained = models.BigIntegerField(default=0, db_default=0)
    microsoft_explained = models.BigIntegerField(default=0, db_default=0)
    expected_left = models.GeneratedField(
        expression=F("expected_difference") - F("expected_explained"), output_field=models.BigIntegerField(), db_persist=True
    )
    rebilled_left = models.GeneratedField(
        expression=F("rebilled_difference") - F("rebilled_explained"), output_field=models.BigIntegerField(), db_persist=True
    )
    microsoft_left = models.GeneratedField(
        expression=F("microsoft_difference") - F("microsoft_explained"), output_field=models.BigIntegerField(), db_persist=True
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False, db_index=False
    )
    is_reviewed = models.BooleanField(default=False, db_default=False)
    rebill_quantity = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reconciliation", "run", "organization", "product"], name="variance_one_an_organization_and_product"
            ),
            models.CheckConstraint(condition=Q(product__in=CODES), name="variance_product_is_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="variance_severity_is_known"),
            models.CheckConstraint(
                condition=Q(rebill_quantity__isnull=True) | Q(billed__isnull=False, rebill_quantity__gte=0),
                name="variance_rebills_only_what_was_billed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["reconciliation", "run", "-severity", "-weight", "name", "product"], name="variance_worst_first"),
            models.Index(fields=["reconciliation", "run", "name", "product"], name="variance_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.product}"
