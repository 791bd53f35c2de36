from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from recon.models.month import Reconciliation


class Export(models.Model):
    """A sheet made by a worker from one run of a month. ``query`` is the list's filter and sort, as in its address."""

    class Target(models.TextChoices):
        REBILL_XLSX = "rebill-xlsx", "Rebill sheet, XLSX"
        REBILL_CSV = "rebill-csv", "Rebill sheet, CSV"
        VARIANCES_XLSX = "variances-xlsx", "Variances, XLSX"
        VARIANCES_CSV = "variances-csv", "Variances, CSV"

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="exports")
    target = models.CharField(max_length=20, choices=Target.choices)
    query = models.TextField(blank=True)
    run = models.PositiveIntegerField(default=0)
    draft = models.BooleanField(default=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    name = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(target__in=["rebill-xlsx", "rebill-csv", "variances-xlsx", "variances-csv"]), name="export_target_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.get_target_display()

    @property
    def is_ready(self) -> bool:
        return bool(self.sha256)
