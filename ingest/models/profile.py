"""How an account's documents are read, remembered from what a person stated."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account
from ingest.models.source import Kind


class MappingProfile(models.Model):
    """A stated mapping, recognised by its header's fingerprint (``ingest.sources.profiles``).

    ``header`` holds the header's cells, ``mapping`` a ``Mapping`` as JSON whose column numbers count in that header.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="mapping_profiles")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    header: Any = models.JSONField()
    mapping: Any = models.JSONField()
    stated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    stated_at = models.DateTimeField(auto_now=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["kind", "name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "fingerprint"], name="mapping_profile_once_a_header"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="mapping_profile_kind_is_known"),
            models.CheckConstraint(condition=Q(fingerprint__regex="^[0-9a-f]{64}$"), name="mapping_profile_fingerprint_is_sha256"),
        ]

    def __str__(self) -> str:
        return self.name
