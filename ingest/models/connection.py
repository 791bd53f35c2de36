"""A key to somebody's API, and what it was found to open."""

from __future__ import annotations

from datetime import time
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account, Reseller


class Connection(models.Model):
    """A key with which this account's data are pulled. ``sealed`` is JSON, encrypted by ``accounts.sealing``; ``hint`` may be shown.

    ``reseller`` is set where the key turned out to be a reseller's: then it serves all its accounts, and only who has a role in the
    reseller sees what came by it as a whole; ``account`` is where it was added and where its acts are audited. ``actor`` is what Huntress
    calls the owner of the key; ``actor_account`` its id there, which names the window of calls that its keys share. ``reach`` is the last
    test, endpoint by endpoint (``name``, ``label``, ``is_open`` true, false or null, ``sentence``); ``trouble`` why the key does not work.
    ``amount_unit`` says what an invoice's ``amount`` counts; blank: nobody has said, so its money cannot be compared.
    """

    class Provider(models.TextChoices):
        HUNTRESS = "huntress", "Huntress"
        MICROSOFT = "microsoft", "Microsoft"

    class KeyKind(models.TextChoices):
        UNKNOWN = "", "Not known yet"
        ACCOUNT = "account", "Account key"
        USER = "user", "User key"
        RESELLER = "reseller", "Reseller key"

    class AmountUnit(models.TextChoices):
        UNKNOWN = "", "Not known yet"
        WHOLE = "whole", "Whole units of the currency (dollars)"
        CENTS = "cents", "Hundredths (cents)"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="connections")
    reseller = models.ForeignKey(Reseller, null=True, blank=True, on_delete=models.PROTECT, related_name="connections")
    provider = models.CharField(max_length=10, choices=Provider.choices, default=Provider.HUNTRESS)
    name = models.CharField(max_length=100)
    sealed = models.TextField()
    hint = models.CharField(max_length=40, blank=True)
    is_demo = models.BooleanField(default=False)
    key_kind = models.CharField(max_length=10, choices=KeyKind.choices, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    actor_account = models.CharField(max_length=64, blank=True)
    actor_reseller = models.CharField(max_length=64, blank=True)
    amount_unit = models.CharField(max_length=5, choices=AmountUnit.choices, blank=True)
    is_scheduled = models.BooleanField(default=True)
    nightly_at = models.TimeField(default=time(2, 30))
    last_day_at = models.TimeField(default=time(20, 0))
    left_to_others = models.PositiveSmallIntegerField(default=15)
    tested_at = models.DateTimeField(null=True, blank=True)
    reach: Any = models.JSONField(default=list, blank=True)
    trouble = models.CharField(max_length=1000, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["provider", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "provider"],
                condition=Q(removed_at__isnull=True, reseller__isnull=True),
                name="connection_one_an_account",
            ),
            models.UniqueConstraint(
                fields=["reseller", "provider"], condition=Q(removed_at__isnull=True), name="connection_one_a_reseller"
            ),
            models.CheckConstraint(condition=Q(provider__in=["huntress", "microsoft"]), name="connection_provider_is_known"),
            models.CheckConstraint(condition=Q(key_kind__in=["", "account", "user", "reseller"]), name="connection_key_kind_is_known"),
            models.CheckConstraint(condition=Q(amount_unit__in=["", "whole", "cents"]), name="connection_amount_unit_is_known"),
            models.CheckConstraint(condition=Q(left_to_others__lte=90), name="connection_leaves_a_part_to_others"),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(removed_at__isnull=False, sealed=""), name="connection_removed_keeps_no_secret"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_resellers(self) -> bool:
        return self.reseller_id is not None
