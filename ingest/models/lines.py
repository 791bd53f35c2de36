"""Facts, and what is said about the rows they came from. Written in bulk by ``ingest.bulk``, never changed afterwards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Organization
from accounts.products import CODES
from ingest.models.source import SourceFile

BUCKETS = [("loaded", "Loaded"), ("merged", "Merged"), ("set_aside", "Set aside"), ("rejected", "Rejected")]
LEVELS = [("error", "Error"), ("warning", "Warning"), ("info", "Note")]


class UsageLine(models.Model):
    """One quantity of one product, and the row it stands in. Without an Organization it waits to be matched.

    ``unit_price`` is in micros, millionths of the account's currency unit; null where the file states none. The file's own
    words for the Organization are kept as they were. ``product`` is "" where the registry does not know ``product_name``, the
    file's own words: then the account's rules say what it counts for, or it waits. No constraint on the keys: the loader
    made them, and a million rows wait.
    """

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="lines", db_constraint=False, db_index=False)
    line = models.PositiveIntegerField()
    product = models.CharField(max_length=8, blank=True)
    product_name = models.CharField(max_length=200, blank=True, db_default="")
    organization = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="lines", db_constraint=False)
    name = models.CharField(max_length=500)
    huntress_id = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=256, blank=True)
    quantity = models.BigIntegerField()
    unit_price = models.BigIntegerField(null=True)
    merged_into = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "line", "product"], name="usage_line_one_place_a_file"),
            models.CheckConstraint(
                condition=Q(product__in=CODES) | (Q(product="") & ~Q(product_name="")), name="usage_line_product_is_known"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="usage_line_quantity_is_not_negative"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["source_file", "product_name"], condition=Q(product=""), name="usage_line_by_unknown_product"),
        ]

    def __str__(self) -> str:
        return f"{self.source_file}, line {self.line}: {self.name}, {self.product} {self.quantity}"


class RejectedLine(models.Model):
    """What a rejected row leaves unchecked: no product means all, no name, id and key means every Organization."""

    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="rejected_lines", db_constraint=False)
    line = models.PositiveIntegerField()
    product = models.CharField(max_length=8, blank=True)
    organization = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    name = models.CharField(max_length=500, blank=True)
    huntress_id = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=256, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "line", "product"], name="rejected_line_one_place_a_file"),
        ]

    def __str__(self) -> str:
        return f"{self.source_file}, line {self.line}: {self.name or 'any'}, {self.product or 'any'}"


class SourceRow(models.Model):
    """A row that did not simply load: merged, set aside or rejected, with its cells as they came."""

    source_file = models.ForeignKey(SourceFile, on_delete=models.CASCADE, related_name="rows", db_constraint=False)
    line = models.PositiveIntegerField()
    bucket = models.CharField(max_length=10, choices=BUCKETS)
    reason = models.CharField(max_length=200, blank=True)
    cells = models.JSONField()

    class Meta:
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "line"], name="source_row_one_place_a_file"),
        ]

    def __str__(self) -> str:
        return f"{self.source_file}, line {self.line}: {self.bucket}"


class RowIssue(models.Model):
    """One thing to say about a file or a line of it."""

    source_file = models.ForeignKey(SourceFile, on_delete=models.CASCADE, related_name="issues", db_constraint=False)
    line = models.PositiveIntegerField(null=True)
    level = models.CharField(max_length=8, choices=LEVELS)
    code = models.CharField(max_length=40)
    message = models.CharField(max_length=1000)
    column = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["line", "pk"]

    def __str__(self) -> str:
        return self.message
