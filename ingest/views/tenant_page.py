"""A tenant as its page shows it: who it says it is, whose that may be, and what the app may read there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from accounts.models import Account, BillingCycle, Organization, Tenant, TenantCount
from accounts.names import normalise
from ingest.models import DirectorySnapshot, Job
from ingest.services.consents import suggested_by_links
from ingest.services.microsoft_app import app_of
from ingest.services.tenant_imports import candidates_of
from ingest.services.tenant_tests import tests_of

#: Whether a call may be made, and whether it is needed → tone, icon, word.
_OPEN: Final = ("done", "match", "May read")
_CLOSED: Final = ("rejected", "escalate", "May not read")
_GAP: Final = ("within", "within", "Not known")
_UNTRIED: Final = ("unchecked", "unchecked", "Not tried")
_CYCLES: Final = 6


@dataclass(frozen=True, slots=True)
class Hint:
    """An Organization that this tenant may be, and why it is offered. Never applied by itself."""

    organization: Organization
    why: str


class TenantPage:
    """``tenant`` has ``standing``."""

    def __init__(self, tenant: Any, account: Account, *, may_change: bool, may_count: bool) -> None:
        self.tenant, self.account, self.may_change, self.may_count = tenant, account, may_change, may_count

    @property
    def is_google(self) -> bool:
        return bool(self.tenant.kind == Tenant.Kind.GOOGLE)

    @property
    def test_look(self) -> tuple[str, str, str]:
        """What the last test came to: tone, icon, word."""
        if self.is_testing:
            return ("review", "running", "Being tested")
        if self.tenant.trouble:
            return ("rejected", "escalate", "Trouble")
        if not self.tenant.tested_at:
            return ("todo", "todo", "Not tested")
        closed = any(one["is_open"] is False for one in self.tenant.reach)
        return ("within", "within", "In part") if closed else ("done", "match", "All of it")

    @cached_property
    def test(self) -> Job | None:
        return tests_of(self.tenant).select_related("by").first()

    @property
    def is_testing(self) -> bool:
        return self.test is not None and self.test.is_open

    @property
    def broke_off(self) -> str:
        one = self.test
        return (one.error or "It was cancelled.") if one and one.state in (Job.State.FAILED, Job.State.CANCELLED) else ""

    @cached_property
    def has_app(self) -> bool:
        return app_of(self.account) is not None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [one | {"look": _look(one)} for one in self.tenant.reach]

    @cached_property
    def hints(self) -> list[Hint]:
        """Best evidence first: the link, then Huntress, then the very name."""
        if self.tenant.organization_id or self.is_google:
            return []
        found = [Hint(one, "the consent link was made for it") for one in suggested_by_links(self.tenant)]
        named = {one.guid: one.organization for one in candidates_of(self.account)[0]}.get(self.tenant.guid)
        ours = Organization.objects.filter(account=self.account, merged_into__isnull=True)
        if named:
            found += [Hint(one, "Huntress’ live counts name this tenant there") for one in ours.filter(pk=named)]
        if self.tenant.name:
            key = normalise(self.tenant.name)[:500]
            found += [Hint(one, "it has the very name") for one in ours.filter(name_key=key)[:3]]
        seen: dict[int, Hint] = {}
        for hint in found:
            known = seen.get(hint.organization.pk)
            seen[hint.organization.pk] = Hint(
                hint.organization, f"{known.why}, and {hint.why}" if known and hint.why not in known.why else hint.why
            )
        return list(seen.values())

    @property
    def likeliest(self) -> str:
        """What the field begins with: what is so now, else nothing; a suggestion is pressed, never filled in."""
        return self.tenant.organization.name if self.tenant.organization_id else ""

    @cached_property
    def pulled(self) -> DirectorySnapshot | None:
        return DirectorySnapshot.objects.filter(tenant=self.tenant, superseded_at__isnull=True).order_by("-as_of").first()

    @cached_property
    def counts(self) -> list[tuple[BillingCycle, TenantCount | None]]:
        """The newest cycles, each with what was stated for it."""
        cycles = list(BillingCycle.objects.filter(account=self.account).order_by("-start")[:_CYCLES])
        stated = {one.cycle_id: one for one in TenantCount.objects.filter(tenant=self.tenant, cycle__in=cycles).select_related("by")}
        return [(cycle, stated.get(cycle.pk)) for cycle in cycles]


def _look(one: dict[str, Any]) -> tuple[str, str, str]:
    if one["is_open"]:
        return _OPEN
    if one["is_open"] is None:
        return _UNTRIED
    return _CLOSED if one["is_needed"] else _GAP
