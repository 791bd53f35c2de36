"""One arrival of bytes, and which leg of which cycle it serves."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, BillingCycle
from ingest.sources.reading import Counts


class Leg(models.TextChoices):
    BILLED = "billed", "Billed report"
    EXPECTED = "expected", "Expected list"
    REBILLED = "rebilled", "Rebilled list"


class Kind(models.TextChoices):
    """What a document is. The first three are legs of the comparison; the others stand beside it."""

    BILLED = "billed", "Billed report"
    EXPECTED = "expected", "Expected list"
    REBILLED = "rebilled", "Rebilled list"
    AGENTS = "agents", "Agent list"
    INVOICE = "invoice", "Invoice"
    PRICES = "prices", "Price list"
    EXCLUSIONS = "exclusions", "Exclusion list"
    LIVE = "live", "Live counts"
    IDENTITIES = "identities", "Identities"
    INVOICES = "invoices", "Invoices of Huntress"
    DIRECTORY = "directory", "Users of a tenant"


class SourceFile(models.Model):
    """Bytes as they came, stored under their SHA-256, and what reading them said.

    ``kind``, ``cycle`` and ``mapping`` are guesses until a person imports the file; nothing of it counts before that.
    ``preview`` holds the header, sheets, first rows, guesses and totals by product of the last reading.
    """

    class State(models.TextChoices):
        RECEIVED = "received", "Waiting to be read"
        READY = "ready", "To be checked"
        REFUSED = "refused", "Refused"
        IMPORTING = "importing", "Importing"
        IMPORTED = "imported", "Imported"
        DISCARDED = "discarded", "Discarded"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="source_files")
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True)
    cycle = models.ForeignKey(BillingCycle, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    received_at = models.DateTimeField(auto_now_add=True)
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(null=True, blank=True)
    imported_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    mapping = models.JSONField(null=True, blank=True)
    mapping_stated = models.BooleanField(default=False)
    preview = models.JSONField(default=dict, blank=True)
    partial = models.BooleanField(default=False)
    without_rejected = models.BooleanField(default=False)
    loaded = models.PositiveIntegerField(default=0)
    merged = models.PositiveIntegerField(default=0)
    set_aside = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-received_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "kind", "sha256"], condition=~Q(state="discarded"), name="source_file_once_an_account_and_kind"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["received", "ready", "refused", "importing", "imported", "discarded"]),
                name="source_file_state_is_known",
            ),
            models.CheckConstraint(condition=Q(kind__in=["", *Kind.values]), name="source_file_kind_is_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["importing", "imported"]) | Q(cycle__isnull=False, kind__in=Kind.values),
                name="source_file_imported_has_kind_and_cycle",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-received_at"], name="source_file_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archive(self) -> bool:
        """Whether it was read as an archive of answers: its rows are numbered records, and it has no columns to map."""
        return "archive" in self.preview

    @property
    def counts(self) -> Counts:
        return Counts(self.loaded, self.merged, self.set_aside, self.rejected)


class LegInput(models.Model):
    """One file serving one leg of one cycle, or standing beside them (agents, invoice; prices and exclusions: from this cycle on).

    A replaced one stays, marked by ``ended_at`` and the input that took its place."""

    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="inputs")
    leg = models.CharField(max_length=10, choices=Kind.choices)
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="inputs")
    partial = models.BooleanField(default=False)
    as_of = models.DateField(null=True, blank=True)
    since = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    superseded_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="supersedes")

    class Meta:
        ordering: ClassVar = ["-since", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cycle", "leg"], condition=Q(ended_at__isnull=True), name="leg_input_one_current_a_leg"),
            models.CheckConstraint(condition=Q(leg__in=Kind.values), name="leg_input_leg_is_known"),
            models.CheckConstraint(
                condition=Q(superseded_by__isnull=True) | Q(ended_at__isnull=False), name="leg_input_superseded_has_ended"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.leg} of {self.cycle}: {self.source_file}"
