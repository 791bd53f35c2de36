"""Users and licences of customers' tenants, in the least that explains a count; and how long what is about people is kept."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, BillingCycle, Tenant
from ingest.models.source import SourceFile


class DirectoryFile(models.Model):
    """Whose tenant a file of users is: the one that was pulled, or the one that a person named for a list, which does not say it itself."""

    source_file = models.OneToOneField(SourceFile, on_delete=models.PROTECT, related_name="directory")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="files")

    class Meta:
        ordering: ClassVar = ["-source_file"]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.source_file}"


class DirectorySnapshot(models.Model):
    """Who was in a tenant at a moment of a cycle. One is in force a tenant and cycle; one before it stays, with ``superseded_at``.

    ``as_of`` is when the last answer came, or when a list was made. ``lacks`` are sentences on what is not known; ``is_whole`` is whether
    everybody who holds a licence is in it, whatever else is not known.
    """

    source_file = models.OneToOneField(SourceFile, on_delete=models.PROTECT, related_name="snapshot")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="snapshots")
    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="directories")
    as_of = models.DateTimeField()
    is_whole = models.BooleanField()
    lacks: Any = models.JSONField(default=list, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-as_of", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "cycle"], condition=Q(superseded_at__isnull=True), name="directory_snapshot_one_in_force"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["cycle", "tenant"], name="directory_snapshot_of_cycle")]

    def __str__(self) -> str:
        return f"{self.tenant} on {self.as_of:%Y-%m-%d}"


class DirectoryUser(models.Model):
    """One user of a tenant who holds a licence, or was deleted lately. ``line`` is the record's, or the row's, within its file.

    ``upn`` is in small letters. Null is unknown: whether the sign-in is enabled, the account synchronised, when it was made.
    ``purpose`` is what the mailbox is for (``ingest.graph.PURPOSES``, or NO_MAILBOX), "" where that was not asked or could not be known.
    """

    source_file = models.ForeignKey(
        SourceFile, on_delete=models.PROTECT, related_name="directory_users", db_constraint=False, db_index=False
    )
    line = models.PositiveIntegerField()
    user_id = models.CharField(max_length=64, blank=True)
    upn = models.CharField(max_length=320)
    is_enabled = models.BooleanField(null=True)
    user_type = models.CharField(max_length=32, blank=True)
    is_synced = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    purpose = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source_file", "line"], name="directory_user_one_place_a_file")]
        indexes: ClassVar = [models.Index(fields=["source_file", "upn"], name="directory_user_by_person")]

    def __str__(self) -> str:
        return f"{self.source_file}, record {self.line}"


class DirectoryLicence(models.Model):
    """One SKU that a user holds, once directly and once through groups. ``owner`` is the ``line`` of a ``DirectoryUser`` of the same file.

    ``sku`` is the part number as it came; "" where the tenant does not name it, and then ``sku_id`` (small letters) is all that is known.
    A list has no ``sku_id`` but one that the account's SKU names know. ``state`` is Microsoft's: "Error" is not really assigned.
    ``is_trial`` is null where that is not known.
    """

    class Via(models.TextChoices):
        UNKNOWN = "", "Not known"
        DIRECT = "direct", "Directly"
        GROUP = "group", "Through a group"

    source_file = models.ForeignKey(
        SourceFile, on_delete=models.PROTECT, related_name="directory_licences", db_constraint=False, db_index=False
    )
    owner = models.PositiveIntegerField()
    sku_id = models.CharField(max_length=36, blank=True)
    sku = models.CharField(max_length=200, blank=True)
    via = models.CharField(max_length=6, choices=Via.choices, blank=True)
    state = models.CharField(max_length=30, blank=True)
    assigned_at = models.DateTimeField(null=True)
    is_trial = models.BooleanField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_file", "owner", "sku_id", "sku", "via"], name="directory_licence_once_a_user"),
            models.CheckConstraint(condition=~Q(sku_id="", sku=""), name="directory_licence_is_named"),
            models.CheckConstraint(condition=Q(via__in=["", "direct", "group"]), name="directory_licence_via_is_known"),
        ]

    def __str__(self) -> str:
        return self.sku or self.sku_id


class Retention(models.Model):
    """How many days an account keeps what is about people. None, and no row: for as long as the account is there."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="retention")
    days = models.PositiveIntegerField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["account"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(days__isnull=True) | Q(days__gte=1), name="retention_is_a_day_at_least"),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.days or 'for ever'}"


class Tombstone(models.Model):
    """That a file was purged: its rows are gone, its bytes at ``bytes_gone_at``, and its SHA-256, size and dates stay with its own row.

    ``days`` is the rule by which it was.
    """

    source_file = models.OneToOneField(SourceFile, on_delete=models.PROTECT, related_name="tombstone")
    at = models.DateTimeField()
    days = models.PositiveIntegerField()
    bytes_gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [models.CheckConstraint(condition=Q(days__gte=1), name="tombstone_names_its_rule")]

    def __str__(self) -> str:
        return f"purged on {self.at:%Y-%m-%d}"
