"""Which agents to remove: what was found in an agent list, and what people want to keep all the same."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, Organization
from ingest.models import LegInput, SourceFile

#: Kinds of finding that ask for a machine to be removed; the others say what happened since the list before.
TO_REMOVE: Final = ("never", "stale", "duplicate")
CHANGES: Final = ("swept", "gone", "returned", "new")


class Sweep(models.Model):
    """One agent list, looked through. Its findings are those of ``run``: a later look writes new ones beside them and then turns the page.

    ``as_of`` is the day that the list is of, and ``as_of_because`` how that is known. ``compared_with`` is the newest earlier list that was
    looked through; null: there is none. ``counts`` are machines by kind of finding.
    """

    class Because(models.TextChoices):
        STATED = "stated", "as you stated"
        NEWEST = "newest", "the newest check-in in it"
        ARRIVED = "arrived", "the day it came: it has no check-ins"

    given = models.OneToOneField(LegInput, on_delete=models.CASCADE, related_name="sweep")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sweeps")
    run = models.PositiveIntegerField(default=0)
    last_run = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True, blank=True)
    as_of = models.DateField(null=True, blank=True)
    as_of_because = models.CharField(max_length=8, choices=Because.choices, blank=True)
    has_check_ins = models.BooleanField(default=True)
    agents = models.PositiveIntegerField(default=0)
    compared_with = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    counts: Any = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(as_of_because__in=["", "stated", "newest", "arrived"]), name="sweep_as_of_because_is_known"),
            models.CheckConstraint(condition=Q(run=0) | Q(as_of__isnull=False), name="sweep_looked_through_has_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.given.source_file}, looked through"


class SweepKeep(models.Model):
    """A machine that a person keeps although it looks like one to remove: with a reason, until a day. Ended rather than deleted."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sweep_keeps")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sweep_keeps")
    hostname = models.CharField(max_length=255)
    host_key = models.CharField(max_length=255)
    serial = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=500)
    until = models.DateField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "host_key", "serial"], condition=Q(ended_at__isnull=True), name="sweep_keep_once_a_machine"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="sweep_keep_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.hostname} of {self.organization}, kept until {self.until}"


class SweepFinding(models.Model):
    """One machine of a list that is to be removed, or that came or went since the list before (``line`` is then the earlier list's).

    ``organization`` is null while nobody said whose the machine is; ``owner_name`` is the list's own words. ``days`` are without a
    check-in, or since the install of one that never had one; null where that is not known. ``keep`` is a decision on this machine.
    """

    class Kind(models.TextChoices):
        NEVER = "never", "Never checked in"
        STALE = "stale", "No check-in"
        DUPLICATE = "duplicate", "Stands twice"
        SWEPT = "swept", "Swept"
        GONE = "gone", "Gone"
        RETURNED = "returned", "Came back"
        NEW = "new", "New"

    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="findings", db_constraint=False, db_index=False)
    run = models.PositiveIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    line = models.PositiveIntegerField()
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    owner_name = models.CharField(max_length=500, blank=True)
    hostname = models.CharField(max_length=255)
    host_key = models.CharField(max_length=255)
    serial = models.CharField(max_length=128, blank=True)
    platform = models.CharField(max_length=32, blank=True)
    last_seen = models.DateTimeField(null=True)
    installed_at = models.DateTimeField(null=True)
    days = models.PositiveIntegerField(null=True)
    is_duplicate = models.BooleanField(default=False)
    is_at_risk = models.BooleanField(default=False)
    twin_line = models.PositiveIntegerField(null=True)
    keep = models.ForeignKey(SweepKeep, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    kept_until = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sweep", "run", "kind", "line"], name="sweep_finding_one_place_a_kind"),
            models.CheckConstraint(condition=Q(kind__in=[*TO_REMOVE, *CHANGES]), name="sweep_finding_kind_is_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["sweep", "run", "organization", "kind"], name="sweep_finding_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.hostname}"
