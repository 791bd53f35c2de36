"""Whose bill it is."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, ClassVar, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.calendar import Cycle

if TYPE_CHECKING:
    from accounts.models.people import User

#: What is certified where an account does not say it in words of its own.
USUAL_STATEMENT: Final = (
    "I have compared what Huntress billed for this cycle with what we expected and with what we charge our customers. Every difference "
    "above tolerance is explained or carried forward with a note. What could not be checked is named above."
)


#: After how many days without a check-in an agent counts as unresponsive: what Huntress offers for an account, and for one Organization.
ACCOUNT_STALE_DAYS: Final = (21, 30, 45, 60, 90)
USUAL_STALE_DAYS: Final = 21


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name} is not a time zone: write one such as Europe/London.")


class Reseller(models.Model):
    """Somebody who does this for many accounts; a role on a reseller is a role on each of its accounts."""

    name = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.name


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, user: User) -> AccountQuerySet:
        """The accounts in which the user has any role. Fetch through this: what is not yours does not exist."""
        if not user.is_active or user.pk is None:
            return self.none()
        return self.reached_by(user)

    def reached_by(self, user: User) -> AccountQuerySet:
        """The accounts that the user's roles are in, though the sign-in may be switched off."""
        return self.filter(Q(memberships__user=user) | Q(reseller__memberships__user=user)).distinct()


class Account(models.Model):
    """The MSP's account at Huntress. Its cycles begin on ``anniversary_day`` in ``time_zone``.

    ``solo_rule`` lets one person prepare and sign a month, for a one-person MSP; every revision signed so says it.
    ``statements`` are what preparer and reviewer certify, one a line; empty, the usual one.
    ``stale_days`` is what Huntress's portal is set to, which its API does not show; an Organization may have its own.
    """

    reseller = models.ForeignKey(Reseller, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    anniversary_day = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(31)])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    currency = models.CharField(max_length=3, default="USD")
    solo_rule = models.BooleanField(default=False)
    statements = models.TextField(blank=True, default="")
    stale_days = models.PositiveSmallIntegerField(default=USUAL_STALE_DAYS, db_default=USUAL_STALE_DAYS)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(anniversary_day__gte=1) & Q(anniversary_day__lte=31), name="account_anniversary_day_is_of_a_month"
            ),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="account_currency_is_a_code"),
            models.CheckConstraint(condition=Q(stale_days__in=ACCOUNT_STALE_DAYS), name="account_stale_days_are_offered"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def to_certify(self) -> list[str]:
        """The statements, as they are certified from now on."""
        return (self.statements or USUAL_STATEMENT).splitlines()


class BillingCycle(models.Model):
    """One account's ``[start, end)``."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="cycles")
    start = models.DateField()
    end = models.DateField()

    class Meta:
        ordering: ClassVar = ["-start"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "start"], name="cycle_starts_once_an_account"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="cycle_ends_after_its_start"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.start}:{self.end}"

    @property
    def dates(self) -> Cycle:
        return Cycle(self.start, self.end)
