"""The calls of the last minute to Huntress, as all workers of this machine see them where there is no Redis for it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class CallWindow(models.Model):
    """What the limiter knows of one account's window (``ingest.huntress.limiter.State``); mere memory, which may be lost."""

    account = models.CharField(max_length=100, primary_key=True)
    state = models.TextField(blank=True)
    changed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["account"]

    def __str__(self) -> str:
        return self.account
