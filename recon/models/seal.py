"""What a signed revision rests on, what was certified with it, and what has moved under it since."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from ingest.models import Leg, SourceFile
from recon.models.month import Reconciliation


class SignedInput(models.Model):
    """A file that a signed revision was counted from, or priced by. Its lines can no longer change."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="signed_inputs")
    leg = models.CharField(max_length=10, choices=[*Leg.choices, ("previous", "Report of the cycle before"), ("prices", "Price list")])
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="signed_inputs")
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reconciliation", "leg"], name="signed_input_one_a_leg"),
        ]

    def __str__(self) -> str:
        return f"{self.leg} of {self.reconciliation}"


class Certification(models.Model):
    """What somebody certified of a revision, word for word, one statement a line: its preparer by submitting it, its reviewer by signing.

    A revision that is submitted again is certified again, in the words of that day.
    """

    class Part(models.TextChoices):
        PREPARER = "preparer", "Preparer"
        REVIEWER = "reviewer", "Reviewer"

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="certifications")
    part = models.CharField(max_length=10, choices=Part.choices)
    statements = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["part"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reconciliation", "part"], name="certification_once_a_part"),
            models.CheckConstraint(condition=Q(part__in=["preparer", "reviewer"]), name="certification_part_is_known"),
            models.CheckConstraint(condition=~Q(statements=""), name="certification_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.get_part_display()} of {self.reconciliation}"

    @property
    def lines(self) -> list[str]:
        return self.statements.splitlines()


class Drift(models.Model):
    """What counting a signed revision anew would change now: sentences, and how many rows. Empty: nothing."""

    reconciliation = models.OneToOneField(Reconciliation, on_delete=models.PROTECT, related_name="drift")
    changes: Any = models.JSONField(default=list, blank=True)
    rows = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.rows} rows of {self.reconciliation}"
