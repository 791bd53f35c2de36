"""What an admin uploaded about Microsoft's SKUs: how they are called, and which of them may be excluded. Neither decides anything."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account


class SkuUpload(models.Model):
    """One upload of names or of suggestions, and what was said of it. The rows of the one before are replaced; its record stays.

    ``issues`` are ``[line, level, message]`` each; line is null where the whole file is meant.
    """

    class What(models.TextChoices):
        NAMES = "names", "SKU names"
        SUGGESTIONS = "suggestions", "Suggestions"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sku_uploads")
    what = models.CharField(max_length=12, choices=What.choices)
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    rows = models.PositiveIntegerField()
    issues: Any = models.JSONField(default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(what__in=["names", "suggestions"]), name="sku_upload_what_is_known"),
        ]

    def __str__(self) -> str:
        return self.name


class SkuName(models.Model):
    """What Microsoft calls a SKU. The GUID is the key: a part number can have two."""

    upload = models.ForeignKey(SkuUpload, on_delete=models.CASCADE, related_name="names")
    line = models.PositiveIntegerField()
    sku_id = models.CharField(max_length=36)
    sku = models.CharField(max_length=200)
    sku_key = models.CharField(max_length=200)
    name = models.CharField(max_length=300)

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "sku_id"], name="sku_name_once_a_guid"),
        ]
        indexes: ClassVar = [models.Index(fields=["upload", "sku_key"], name="sku_name_by_part_number")]

    def __str__(self) -> str:
        return f"{self.sku}: {self.name}"


class SkuSuggestion(models.Model):
    """A SKU that may be excluded, with the evidence for it. Never applied by itself; ``dismissed_at``: an admin said no."""

    upload = models.ForeignKey(SkuUpload, on_delete=models.CASCADE, related_name="suggestions")
    line = models.PositiveIntegerField()
    sku = models.CharField(max_length=200)
    sku_key = models.CharField(max_length=200)
    sku_id = models.CharField(max_length=36, blank=True)
    name = models.CharField(max_length=300, blank=True)
    category = models.CharField(max_length=60, blank=True)
    confidence = models.CharField(max_length=60, blank=True)
    evidence = models.CharField(max_length=1000)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "sku_key"], name="sku_suggestion_once_a_part_number"),
            models.CheckConstraint(condition=~Q(evidence=""), name="sku_suggestion_has_evidence"),
            models.CheckConstraint(
                condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True)
                | Q(dismissed_at__isnull=False, dismissed_by__isnull=False),
                name="sku_suggestion_dismissed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.sku
