"""What people decide of a row. Decisions hang on a revision, an Organization and a product, so they outlive recounts."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Organization
from accounts.products import CODES
from ingest.models import SourceFile
from recon.checks import BY_CODE
from recon.models.month import Reconciliation

CHECKS = [(check.code, check.label) for check in BY_CODE.values()]


class Cause(models.TextChoices):
    """Why a difference is there; ``docs/domain.md`` has what each looks like and what to do next."""

    STALE_AGENTS = "stale_agents", "Stale agents"
    DUPLICATE_AGENT = "duplicate_agent", "Duplicate agent"
    NEW_AGENTS = "new_agents", "New agents"
    REMOVED_AGENTS = "removed_agents", "Removed agents"
    RENAMED = "renamed", "Renamed Organization"
    MISTYPED_KEY = "mistyped_key", "Mistyped key"
    NEW_ORGANIZATION = "new_organization", "New Organization"
    MISSING_ORGANIZATION = "missing_organization", "Missing Organization"
    LEAVER_KEPT_LICENCE = "leaver_kept_licence", "Leaver kept a licence"
    SERVICE_ACCOUNT = "service_account", "Licensed service account"
    SHARED_MAILBOX = "shared_mailbox", "Shared-mailbox conversion"
    LICENCES_ADDED = "licences_added", "Licences added"
    EXCLUDED_SKU = "excluded_sku", "Excluded SKU still billed"
    ONBOARDED_MID_CYCLE = "onboarded_mid_cycle", "Onboarded mid-cycle"
    MINIMUM_SHORTFALL = "minimum_shortfall", "Minimum shortfall"
    TIMING = "timing", "Timing"
    PSA_LINE_MISSING = "psa_line_missing", "PSA line missing"
    PSA_LAST_MONTH = "psa_last_month", "PSA on last month’s number"
    PSA_NEVER_ZEROED = "psa_never_zeroed", "PSA never zeroed"
    VENDOR_ERROR = "vendor_error", "Vendor error"
    CARRIED = "carried", "Unexplained, carried"
    OTHER = "other", "Other"


#: Causes that say nothing by themselves: the note does.
NEED_A_NOTE = frozenset({Cause.CARRIED, Cause.OTHER, Cause.VENDOR_ERROR})


class RebillReason(models.TextChoices):
    DISPUTE = "dispute", "In dispute with Huntress"
    CORRECTION = "correction", "Correction"
    CONTRACT = "contract", "The contract says otherwise"
    OTHER = "other", "Other"


class Decision(models.Model):
    """One act on one or many rows of a revision; undone as a whole. ``before`` is what undoing puts back."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="decisions")
    action = models.CharField(max_length=60)
    rows = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    before: Any = models.JSONField(default=list, blank=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} on {self.rows}"


class _OfARow(models.Model):
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=8)

    class Meta:
        abstract = True


class ReconcilingItem(_OfARow):
    """A cause that takes a signed part of one check's difference. ``difference = Σ accepted items + unexplained``."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        WITHDRAWN = "withdrawn", "Withdrawn"

    check_name = models.CharField(max_length=10, choices=CHECKS)
    cause = models.CharField(max_length=30, choices=Cause.choices)
    quantity = models.BigIntegerField()
    note = models.CharField(max_length=2000, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    decision = models.ForeignKey(Decision, null=True, on_delete=models.PROTECT, related_name="items")

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(quantity=0), name="item_takes_something"),
            models.CheckConstraint(condition=Q(check_name__in=[name for name, _ in CHECKS]), name="item_check_is_known"),
            models.CheckConstraint(condition=Q(cause__in=Cause.values), name="item_cause_is_known"),
            models.CheckConstraint(condition=Q(state__in=["accepted", "withdrawn"]), name="item_state_is_known"),
            models.CheckConstraint(condition=Q(product__in=CODES), name="item_product_is_known"),
            models.CheckConstraint(condition=~Q(cause__in=sorted(NEED_A_NOTE)) | ~Q(note=""), name="item_says_why"),
        ]
        indexes: ClassVar = [models.Index(fields=["reconciliation", "organization", "product"], name="item_by_row")]

    def __str__(self) -> str:
        return f"{self.get_cause_display()} {self.quantity:+}"


class RowDecision(_OfARow):
    """Who owns a row, whether it was reviewed, and what is rebilled where that is not the billed quantity."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    rebill_quantity = models.BigIntegerField(null=True, blank=True)
    rebill_reason = models.CharField(max_length=12, choices=RebillReason.choices, blank=True)
    rebill_note = models.CharField(max_length=2000, blank=True)
    rebill_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reconciliation", "organization", "product"], name="row_decision_once_a_row"),
            models.CheckConstraint(
                condition=Q(rebill_quantity__isnull=True) | (Q(rebill_quantity__gte=0, rebill_by__isnull=False) & ~Q(rebill_reason="")),
                name="row_decision_rebill_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True, reviewed_at__isnull=True) | Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="row_decision_reviewed_by_somebody",
            ),
            models.CheckConstraint(condition=Q(product__in=CODES), name="row_decision_product_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.product}"


class SettledRow(models.Model):
    """A rejected row that a person has dealt with, and how. It still counts nowhere."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="settled_rows")
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="+")
    line = models.PositiveIntegerField()
    note = models.CharField(max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    decision = models.ForeignKey(Decision, null=True, on_delete=models.PROTECT, related_name="settled_rows")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reconciliation", "source_file", "line"], name="settled_row_once"),
            models.CheckConstraint(condition=~Q(note=""), name="settled_row_says_how"),
        ]

    def __str__(self) -> str:
        return f"{self.source_file}, line {self.line}"
