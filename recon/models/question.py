"""Which Organization is this? What the comparison suspects, and what a person said."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, BillingCycle, Organization


class Question(models.Model):
    """A suspicion about one Organization (``subject``) or one name that fits several (``name_key``), and its answer.

    ``topic`` is stable from run to run, so that what was answered is never asked again. An open question that no longer holds is
    withdrawn, and opened again when it holds anew. ``score`` and ``margin`` are of 100; ``reasons`` are sentences with points, and
    ``evidence`` the figures beside each other. ``undo`` is what taking the answer back needs.
    """

    class Kind(models.TextChoices):
        AMBIGUOUS = "ambiguous", "Fits several"
        UNMATCHED = "unmatched", "Not in the bill"
        RENAMED = "renamed", "Renamed"
        SPLIT = "split", "Split"
        MERGED = "merged", "Merged"
        MISTYPED = "mistyped", "Mistyped"
        SAME_NAME = "same_name", "One name, two keys"
        SWAPPED = "swapped", "Names swapped"
        FALLBACK_KEY = "fallback_key", "Fall-back key"
        SITE = "site", "Site as Organization"
        NEW = "new", "New"
        MISSING = "missing", "Missing"

    class State(models.TextChoices):
        OPEN = "open", "To decide"
        ANSWERED = "answered", "Decided"
        WITHDRAWN = "withdrawn", "No longer asked"

    class Answer(models.TextChoices):
        SAME = "same", "Same"
        DIFFERENT = "different", "Different"
        INTERNAL = "internal", "Internal use"
        NOT_OURS = "not_ours", "Not ours"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="questions")
    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="questions")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    topic = models.CharField(max_length=600)
    subject = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="questions")
    name = models.CharField(max_length=500)
    name_key = models.CharField(max_length=500, blank=True)
    candidate = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    runner_up = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    score = models.PositiveSmallIntegerField(default=0)
    margin = models.PositiveSmallIntegerField(default=0)
    is_exact = models.BooleanField(default=False)
    is_blocking = models.BooleanField(default=True)
    weight = models.BigIntegerField(default=0)
    reasons: Any = models.JSONField(default=list, blank=True)
    evidence: Any = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    postponed_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answer_reason = models.CharField(max_length=500, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    undo: Any = models.JSONField(default=dict, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-weight", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "topic"], name="question_once_a_topic"),
            models.CheckConstraint(condition=Q(state__in=["open", "answered", "withdrawn"]), name="question_state_is_known"),
            models.CheckConstraint(condition=Q(score__lte=100) & Q(margin__lte=100), name="question_score_is_of_a_hundred"),
            models.CheckConstraint(
                condition=~Q(state="answered")
                | (Q(answer__in=["same", "different", "internal", "not_ours"]) & Q(answered_by__isnull=False, answered_at__isnull=False)),
                name="question_answered_by_somebody",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "state", "-weight"], name="question_queue")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"
