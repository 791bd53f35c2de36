"""A month whose customers have tenants: rows as a pull leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from accounts.models import Account, BillingCycle, Organization, Role, Tenant, User
from ingest.models import DirectoryLicence, DirectorySnapshot, DirectoryUser, SourceFile
from recon.models import Variance
from recon.services import exclusions
from tests.recon.making import CYCLE, Cell, csv_bytes, new_account, new_person, put

LATE = datetime(2026, 11, 13, 20, tzinfo=UTC)
_numbers = count(1)
BILLED: tuple[list[Cell], ...] = (["Organization", "EDR", "ITDR"], ["Contoso", 5, 10], ["Fabrikam", 3, 4], ["Northwind", 2, 0])


def new_world() -> tuple[Account, User]:
    """An account with a bill of three customers, and an exclusion list that names INVENTED_FREE."""
    account = new_account()
    admin = new_person(account, role=Role.ADMIN)
    put(account, admin, "billed", csv_bytes(*BILLED))
    put(account, admin, "exclusions", b"SKU\nINVENTED_FREE\n")
    return account, admin


def tenant(account: Account, name: str, by: User, *, at: datetime = datetime(2026, 10, 1, tzinfo=UTC)) -> Tenant:
    """A tenant of a customer, confirmed."""
    number = next(_numbers)
    return Tenant.objects.create(
        account=account, kind="microsoft", guid=f"00000000-0000-0000-0000-{number:012d}", cloud="global", name=f"{name}'s tenant {number}",
        organization=Organization.objects.get(account=account, name=name), confirmed_by=by, confirmed_at=at, how="list", added_by=by,
    )  # fmt: skip


def count_tenant(given: Tenant, held: Sequence[Sequence[str]], by: User, *, as_of: datetime = LATE, is_whole: bool = True) -> SourceFile:
    """A pull of a tenant in CYCLE: ``held`` has the part numbers of each of its users."""
    cycle = BillingCycle.objects.get(account=given.account, start=CYCLE.start)
    file = SourceFile.objects.create(
        account=given.account, kind="directory", cycle=cycle, sha256=f"{next(_numbers):064x}", name="users.zip", size=1, received_by=by,
        state="imported", imported_by=by, imported_at=as_of,
    )  # fmt: skip
    DirectorySnapshot.objects.filter(tenant=given, cycle=cycle, superseded_at__isnull=True).update(superseded_at=as_of)
    DirectorySnapshot.objects.create(source_file=file, tenant=given, cycle=cycle, as_of=as_of, is_whole=is_whole)
    for line, skus in enumerate(held, start=1):
        DirectoryUser.objects.create(source_file=file, line=line, user_id=f"u{line}", upn=f"u{line}@contoso.example")
        for sku in skus:
            DirectoryLicence.objects.create(source_file=file, owner=line, sku=sku, sku_id="", via="direct", state="Active")
    return file


def itdr(account: Account, name: str) -> Variance:
    return Variance.objects.get(
        reconciliation__cycle__account=account, reconciliation__cycle__start=CYCLE.start, name=name, product="itdr",
        run=Variance.objects.filter(reconciliation__cycle__start=CYCLE.start).order_by("-run").values("run")[:1],
    )  # fmt: skip


__all__ = ["BILLED", "LATE", "count_tenant", "exclusions", "itdr", "new_world", "tenant"]
