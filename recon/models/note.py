from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import BillingCycle, Organization
from accounts.products import CODES


class Note(models.Model):
    """What a person says of one Organization and product in one cycle. It outlives recounts, so it hangs on them, not on a row.

    A note that ``is_open`` asks for an answer, and keeps the month from being submitted until somebody resolves it.
    """

    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="notes")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="notes")
    product = models.CharField(max_length=8)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    created_at = models.DateTimeField(auto_now_add=True)
    is_open = models.BooleanField(default=False)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(product__in=CODES), name="note_product_is_known"),
            models.CheckConstraint(condition=~Q(text=""), name="note_says_something"),
        ]
        indexes: ClassVar = [models.Index(fields=["cycle", "organization", "product"], name="note_by_row")]

    def __str__(self) -> str:
        return self.text[:60]
