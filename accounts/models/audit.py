"""What was done, by whom, to what: appended, never changed. Triggers refuse the rest (``recon.seals``)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.models.account import Account, BillingCycle


class AuditEvent(models.Model):
    """One act. ``action`` is dotted (see ``accounts.audit.SENTENCES``); ``before`` and ``after`` hold what changed, as values.

    ``cycle`` and ``revision`` are given where the act belongs to one revision of a month.
    """

    at = models.DateTimeField(auto_now_add=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="audit_events")
    cycle = models.ForeignKey(BillingCycle, null=True, blank=True, on_delete=models.PROTECT, related_name="audit_events")
    revision = models.PositiveIntegerField(null=True, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    before: Any = models.JSONField(default=dict, blank=True)
    after: Any = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["account", "-at"], name="audit_newest"),
            models.Index(fields=["cycle", "revision", "action"], name="audit_of_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.subject}"
