"""What a signed revision rests on, and what has moved under it since."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from ingest.models import Leg, SourceFile
from recon.models.month import Reconciliation


class SignedInput(models.Model):
    """A file that a signed revision was counted from. Its lines can no longer change."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="signed_inputs")
    leg = models.CharField(max_length=10, choices=[*Leg.choices, ("previous", "Report of the cycle before")])
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="signed_inputs")
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reconciliation", "leg"], name="signed_input_one_a_leg"),
        ]

    def __str__(self) -> str:
        return f"{self.leg} of {self.reconciliation}"


class Drift(models.Model):
    """What counting a signed revision anew would change now: sentences, and how many rows. Empty: nothing."""

    reconciliation = models.OneToOneField(Reconciliation, on_delete=models.PROTECT, related_name="drift")
    changes: Any = models.JSONField(default=list, blank=True)
    rows = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.rows} rows of {self.reconciliation}"
