"""Pulls: what was asked of an API, how far it is, and what it did not get."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account
from ingest.models.connection import Connection
from ingest.models.job import Job
from ingest.models.source import SourceFile


class Pull(models.Model):
    """One round through what a connection reads: asked for by a person, at night, or on the last day of a cycle.

    It has ended when each of its parts has. ``planned_for`` is the slot that a scheduled one fills, so that none is filled twice.
    """

    class Why(models.TextChoices):
        ASKED = "asked", "Asked for"
        NIGHTLY = "nightly", "Nightly"
        LAST_DAY = "last_day", "Last day of the cycle"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="pulls")
    why = models.CharField(max_length=10, choices=Why.choices, default=Why.ASKED)
    planned_for = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(why__in=["asked", "nightly", "last_day"]), name="pull_reason_is_known"),
            models.UniqueConstraint(fields=["connection"], condition=Q(ended_at__isnull=True), name="pull_one_at_a_time"),
            models.UniqueConstraint(fields=["connection", "planned_for"], condition=Q(planned_for__isnull=False), name="pull_one_a_slot"),
        ]
        indexes: ClassVar = [models.Index(fields=["connection", "-created_at"], name="pull_newest")]

    def __str__(self) -> str:
        return f"{self.get_why_display()}, {self.created_at:%Y-%m-%d %H:%M}"


class PullPart(models.Model):
    """One subject of one account (``subject`` is a name of ``ingest.huntress.subjects``), read by one task.

    ``account`` is None for what is the reseller's as a whole. ``said`` is what it lacks, or why it ended, in words. ``sha256`` and ``size``
    are those of the archive in which every answer is kept as it came; where it is an account's, ``source_file`` is the same bytes.
    ``settled_at``: what has to be made of them here was made.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        WHOLE = "whole", "Whole"
        PARTIAL = "partial", "Incomplete"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    OPEN: ClassVar = ("waiting", "running")

    pull = models.ForeignKey(Pull, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=30)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.PROTECT, related_name="pull_parts")
    external_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    pages = models.PositiveIntegerField(default=0)
    records = models.PositiveIntegerField(default=0)
    expected_calls = models.PositiveIntegerField(default=1)
    doing = models.CharField(max_length=200, blank=True)
    said = models.CharField(max_length=2000, blank=True)
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    source_file = models.ForeignKey(SourceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="pull_parts")

    class Meta:
        ordering: ClassVar = ["pull", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pull", "number"], name="pull_part_once_a_pull"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "whole", "partial", "refused", "failed", "cancelled"]),
                name="pull_part_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"]) | Q(ended_at__isnull=False), name="pull_part_ended_has_a_time"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "subject", "-ended_at"], name="pull_part_newest")]

    def __str__(self) -> str:
        return f"{self.subject}, part {self.number} of pull {self.pull_id}"


class PullPage(models.Model):
    """One answer of a part that is still read: its bytes are kept beside it, compressed, so that a lost worker goes on after it.

    Taken away when the part's archive holds it.
    """

    part = models.ForeignKey(PullPart, on_delete=models.CASCADE, related_name="answers")
    number = models.PositiveIntegerField()
    endpoint = models.CharField(max_length=40)
    address = models.CharField(max_length=2000)
    status = models.PositiveSmallIntegerField()
    headers: Any = models.JSONField(default=dict)
    asked_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    records = models.PositiveIntegerField(default=0)
    body = models.BinaryField()

    class Meta:
        ordering: ClassVar = ["part", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["part", "number"], name="pull_page_once_a_part")]

    def __str__(self) -> str:
        return f"answer {self.number} of {self.part}"
