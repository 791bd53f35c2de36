"""Work that a worker does, as a row that people can see and that outlives the worker."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account
from ingest.models.source import SourceFile


class Job(models.Model):
    """One piece of background work. Brokers lose what is in flight when a whole worker is killed, so the row holds the lease.

    ``attempt`` counts the starts; only the newest may finish the job. ``subject`` is the id that the handler of ``kind`` takes.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=20)
    subject = models.PositiveBigIntegerField()
    label = models.CharField(max_length=300)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="jobs")
    source_file = models.ForeignKey(SourceFile, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    doing = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=["queued", "running", "done", "failed", "cancelled"]), name="job_state_is_known"),
            models.CheckConstraint(condition=~Q(state="running") | Q(lease_until__isnull=False), name="job_running_holds_a_lease"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"]) | Q(finished_at__isnull=False), name="job_ended_has_a_time"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["sent_at"], condition=Q(state__in=["queued", "running"]), name="job_open"),
            models.Index(fields=["account", "-created_at"], name="job_newest"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_open(self) -> bool:
        return self.state in {self.State.QUEUED, self.State.RUNNING}

    @property
    def percent(self) -> int | None:
        return min(100, 100 * self.done // self.total) if self.total else None
