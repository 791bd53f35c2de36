"""Who the bill is for: the customers of an account, and the names that sources use for them."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models.account import Account
from accounts.names import normalise

#: After how many days without a check-in an agent of one Organization counts as unresponsive, where it has a setting of its own.
ORGANIZATION_STALE_DAYS: Final = (2, 7, 14, 21, 30, 45, 60, 90)


class Organization(models.Model):
    """One customer of the MSP in one account, known by id, else key, else a confirmed alias, else exact normalised name.

    ``huntress_id`` and ``key`` are null until a source tells them. Names are labels and not unique. ``name_key`` is
    ``names.normalise(name)``, kept by every writer, bulk ones included.

    ``merged_into`` says that a person found it to be the same customer as another: its lines count there (``accounts.roots``), and
    stay its own, so that the decision can be taken back. ``standing`` other than customer: nobody is rebilled for it.
    ``stale_days`` is null where the account's holds.
    """

    class Standing(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        INTERNAL = "internal", "Internal use"
        NOT_OURS = "not_ours", "Not ours"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="organizations")
    name = models.CharField(max_length=500)
    name_key = models.CharField(max_length=500, db_index=True)
    huntress_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001  unique where there is one
    key = models.CharField(max_length=256, null=True, blank=True)  # noqa: DJ001  "" would be a key
    created_at = models.DateTimeField(auto_now_add=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    standing = models.CharField(max_length=10, choices=Standing.choices, default=Standing.CUSTOMER, db_default="customer")
    standing_reason = models.CharField(max_length=500, blank=True, db_default="")
    stale_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "huntress_id"], name="organization_id_once_an_account"),
            models.CheckConstraint(condition=~Q(huntress_id=""), name="organization_id_is_null_or_something"),
            models.CheckConstraint(condition=~Q(key=""), name="organization_key_is_null_or_something"),
            models.CheckConstraint(condition=~Q(name=""), name="organization_has_a_name"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")), name="organization_is_not_its_own_member"
            ),
            models.CheckConstraint(
                condition=Q(standing="customer") | (Q(standing__in=["internal", "not_ours"]) & ~Q(standing_reason="")),
                name="organization_standing_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(stale_days__isnull=True) | Q(stale_days__in=ORGANIZATION_STALE_DAYS), name="organization_stale_days_are_offered"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "name_key"], name="organization_by_name_key")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.name_key = normalise(self.name)[:500]
        super().save(*args, **kwargs)


class FormerName(models.Model):
    """What an Organization was called before: the same id or key came with another name. Not an alias: nobody confirmed it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="former_names")
    name = models.CharField(max_length=500)
    until = models.DateField()

    class Meta:
        ordering: ClassVar = ["-until", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="former_name_once_an_organization"),
        ]

    def __str__(self) -> str:
        return self.name


class Alias(models.Model):
    """A name that a source uses for an Organization, confirmed by a person; revoked rather than deleted."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="aliases")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=500)
    name_key = models.CharField(max_length=500)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "aliases"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "name_key"], condition=Q(revoked_at__isnull=True), name="alias_means_one_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.organization}"

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.name_key = normalise(self.name)[:500]
        super().save(*args, **kwargs)
