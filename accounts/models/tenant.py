"""The customers' tenants: where the people are whom ITDR protects, which Organization each is, and how that came to be known."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models.account import Account, BillingCycle
from accounts.models.organization import Organization


class Tenant(models.Model):
    """A customer's tenant at Microsoft, or at Google, where ``guid`` is "" and counts are stated by hand.

    ``guid`` is in small letters, and ``cloud`` a code of ``ingest.graph.clouds``. ``name`` and ``domains`` (the default one first) are what
    the tenant itself says, once a token proved it (``proved_at``); a Google tenant's are a person's. ``organization`` holds only with
    ``confirmed_at``, and is a person's word; the account's own ``consented_at`` is null where nobody came back through a link of ours.
    ``reach`` is the last test (``tested_at``), call by call (``name``, ``label``, ``is_open`` true, false or null, ``is_needed``,
    ``sentence``); ``trouble`` why the tenant cannot be read, "" where it can.
    """

    class Kind(models.TextChoices):
        MICROSOFT = "microsoft", "Microsoft"
        GOOGLE = "google", "Google"

    class Cloud(models.TextChoices):
        GLOBAL = "global", "Worldwide, and GCC"
        US_GOV = "us_gov", "US Government (GCC High)"
        US_DOD = "us_dod", "US Government (DoD)"
        CHINA = "china", "China (21Vianet)"

    class How(models.TextChoices):
        CONSENT = "consent", "Consent link"
        CSV = "csv", "Imported list"
        HUNTRESS = "huntress", "Huntress"
        LIST = "list", "By hand"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tenants")
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.MICROSOFT)
    guid = models.CharField(max_length=36, blank=True)
    cloud = models.CharField(max_length=6, choices=Cloud.choices, default=Cloud.GLOBAL)
    name = models.CharField(max_length=256, blank=True)
    domains: Any = models.JSONField(default=list, blank=True)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="tenants")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    how = models.CharField(max_length=8, choices=How.choices, default=How.CONSENT)
    consented_at = models.DateTimeField(null=True, blank=True)
    proved_at = models.DateTimeField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    reach: Any = models.JSONField(default=list, blank=True)
    trouble = models.CharField(max_length=1000, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "guid"], condition=Q(removed_at__isnull=True) & ~Q(guid=""), name="tenant_once_an_account"
            ),
            models.CheckConstraint(
                condition=Q(kind="microsoft", guid__regex=r"^[0-9a-f-]{36}$") | Q(kind="google", guid="") & ~Q(name=""),
                name="tenant_kind_is_named_its_way",
            ),
            models.CheckConstraint(condition=Q(cloud__in=["global", "us_gov", "us_dod", "china"]), name="tenant_cloud_is_known"),
            models.CheckConstraint(condition=Q(how__in=["consent", "csv", "huntress", "list"]), name="tenant_how_is_known"),
            models.CheckConstraint(
                condition=Q(organization__isnull=True, confirmed_at__isnull=True, confirmed_by__isnull=True)
                | Q(organization__isnull=False, confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="tenant_organization_is_somebodys_word",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "name"], name="tenant_by_name")]

    def __str__(self) -> str:
        return self.name or self.guid


class TenantCount(models.Model):
    """How many identities a tenant had in a cycle, as a person counted them: for Google, and where nothing can be pulled.

    One for a tenant and cycle; what it was before is in the audit trail.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="counts")
    cycle = models.ForeignKey(BillingCycle, on_delete=models.PROTECT, related_name="tenant_counts")
    identities = models.BigIntegerField()
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["tenant", "cycle"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "cycle"], name="tenant_count_once_a_cycle"),
            models.CheckConstraint(condition=Q(identities__gte=0), name="tenant_count_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.identities}"


class ConsentLink(models.Model):
    """A link with which a customer's administrator consents, good for one return. ``nonce`` is what its signed state holds.

    ``organization`` is whom it was made for, null for anybody, and only suggests. ``app`` is the client id that it asks consent for, so
    that nothing is believed of another app. ``claimed`` is the tenant that the returning browser named, a mere claim until a worker has
    proved it: then ``tenant`` is set. ``said`` is what the last return or proof came to, where it was not well.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="consent_links")
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    nonce = models.CharField(max_length=64, unique=True)
    cloud = models.CharField(max_length=6, choices=Tenant.Cloud.choices, default=Tenant.Cloud.GLOBAL)
    app = models.CharField(max_length=64)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    declined_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    claimed = models.CharField(max_length=36, blank=True)
    said = models.CharField(max_length=1000, blank=True)
    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT, related_name="consent_links")
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-made_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(nonce=""), name="consent_link_has_a_nonce"),
            models.CheckConstraint(condition=Q(cloud__in=["global", "us_gov", "us_dod", "china"]), name="consent_link_cloud_is_known"),
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True, claimed="", tenant__isnull=True) | Q(returned_at__isnull=False) & ~Q(claimed=""),
                name="consent_link_claims_by_its_return",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-made_at"], name="consent_link_newest")]

    def __str__(self) -> str:
        return f"consent link of {self.made_at:%Y-%m-%d %H:%M}"
