"""The third check of a month: asked of ITDR alone, where tenants are connected, and never green for want of an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.models import Account, TenantCount, User
from ingest.models import DirectoryLicence, DirectoryUser, Tombstone
from recon import drift, store
from recon.models import Reconciliation, Severity, Variance
from recon.seal import digest
from tests.microsoft.making import LATE, count_tenant, itdr, tenant
from tests.recon.making import CYCLE, compare, month_of, new_person, put, signed_in

World = tuple[Account, User]
NINE = [["SPE_E5"]] * 8 + [["INVENTED_FREE", "SPE_E3"]] + [["INVENTED_FREE"]] * 3 + [[]]


def recount(account: Account) -> Reconciliation:
    return store.recount(month_of(account).cycle, lambda done, total, doing="": None)  # type: ignore[arg-type]


def test_without_tenants_nobody_is_asked(world: World) -> None:
    account, _ = world
    rows = Variance.objects.filter(reconciliation=recount(account))
    assert rows.count() >= 6
    assert set(rows.values_list("microsoft", "microsoft_severity", "microsoft_difference")) == {(None, None, None)}
    assert month_of(account).totals["all"]["microsoft"]["asked"] == 0


def test_billable_identities_are_held_against_the_bill(world: World) -> None:
    account, ines = world
    count_tenant(tenant(account, "Contoso", ines), NINE, ines)
    recount(account)
    row = itdr(account, "Contoso")
    assert (row.billed, row.microsoft, row.microsoft_difference, row.microsoft_left) == (10, 9, 1, 1)
    assert row.microsoft_severity == Severity.INVESTIGATE
    edr = Variance.objects.get(reconciliation=row.reconciliation, run=row.run, name="Contoso", product="edr")
    assert edr.microsoft_severity is None, "machines are nobody's identities"


def test_a_customer_without_a_tenant_is_unchecked_and_never_green(world: World) -> None:
    account, ines = world
    count_tenant(tenant(account, "Contoso", ines), [["SPE_E5"]] * 10, ines)
    recount(account)
    assert itdr(account, "Contoso").microsoft_severity == Severity.MATCH
    other = itdr(account, "Fabrikam")
    assert (other.microsoft, other.microsoft_severity) == (None, Severity.UNCHECKED)
    assert other.severity >= Severity.UNCHECKED


@pytest.mark.parametrize(("as_of", "is_whole"), [(datetime(2026, 11, 9, tzinfo=UTC), True), (LATE, False)], ids=["stale", "incomplete"])
def test_what_was_counted_badly_is_unchecked(world: World, as_of: datetime, is_whole: bool) -> None:
    account, ines = world
    count_tenant(tenant(account, "Contoso", ines), [["SPE_E5"]] * 10, ines, as_of=as_of, is_whole=is_whole)
    recount(account)
    assert (itdr(account, "Contoso").microsoft, itdr(account, "Contoso").microsoft_severity) == (None, Severity.UNCHECKED)
    said = month_of(account).totals["microsoft"]["tenants"]
    assert [one["billable"] for one in said] == [None]
    assert said[0]["why"]


def test_all_tenants_of_a_customer_count_together_and_one_unknown_leaves_it_unchecked(world: World) -> None:
    account, ines = world
    count_tenant(tenant(account, "Contoso", ines), [["SPE_E5"]] * 6, ines)
    other = tenant(account, "Contoso", ines)
    recount(account)
    assert itdr(account, "Contoso").microsoft_severity == Severity.UNCHECKED
    count_tenant(other, [["SPE_E5"]] * 4, ines)
    recount(account)
    assert (itdr(account, "Contoso").microsoft, itdr(account, "Contoso").microsoft_severity) == (10, Severity.MATCH)


def test_what_a_person_stated_of_a_tenant_counts_where_nothing_was_pulled(world: World) -> None:
    account, ines = world
    given = tenant(account, "Fabrikam", ines)
    TenantCount.objects.create(tenant=given, cycle=month_of(account).cycle, identities=4, note="Admin console", by=ines)
    recount(account)
    assert (itdr(account, "Fabrikam").microsoft, itdr(account, "Fabrikam").microsoft_severity) == (4, Severity.MATCH)


def test_licensed_and_not_billed_makes_a_finding(world: World) -> None:
    account, ines = world
    count_tenant(tenant(account, "Northwind", ines), [["SPE_E5"]] * 3, ines)
    recount(account)
    row = itdr(account, "Northwind")
    assert (row.billed, row.microsoft, row.microsoft_difference) == (0, 3, -3)
    assert row.microsoft_severity in {Severity.INVESTIGATE, Severity.ESCALATE}


def test_a_tenant_that_was_confirmed_after_the_cycle_says_nothing_of_it(world: World) -> None:
    account, ines = world
    before = digest(recount(account))
    count_tenant(tenant(account, "Contoso", ines, at=datetime(2026, 11, 20, tzinfo=UTC)), NINE, ines)
    again = recount(account)
    assert itdr(account, "Contoso").microsoft_severity is None
    assert digest(again) == before, "a month that is not asked has the digest that it had before there were tenants"


def test_the_month_shows_the_check_where_it_is_asked(world: World) -> None:
    account, ines = world
    page = f"/a/{account.slug}/months/{CYCLE.start}/"
    recount(account)
    assert "Billed − Microsoft" not in signed_in(ines).get(page).content.decode()
    count_tenant(tenant(account, "Contoso", ines), NINE, ines)
    recount(account)
    said = signed_in(ines).get(page).content.decode()
    assert "Billed − Microsoft" in said
    assert "Gap to Microsoft" in said
    row = itdr(account, "Contoso")
    opened = signed_in(ines).get(f"{page}rows/{row.organization_id}/itdr/").content.decode()
    assert "Billed − Microsoft" in opened


def test_another_exclusion_list_counts_the_month_anew(world: World) -> None:
    account, ines = world
    put(account, ines, "exclusions", b"SKU\nINVENTED_FREE\nSPE_E3\n")
    assert not month_of(account).stale or recount(account), "nobody is asked"
    count_tenant(tenant(account, "Contoso", ines), NINE, ines)
    recount(account)
    assert itdr(account, "Contoso").microsoft == 8
    put(account, ines, "exclusions", b"SKU\nINVENTED_FREE\nSPE_E3\nSPE_E5\n")
    compare()
    assert itdr(account, "Contoso").microsoft == 0


def test_a_signed_month_keeps_its_counts_when_its_users_are_purged(world: World) -> None:
    account, ines = world
    file = count_tenant(tenant(account, "Contoso", ines), NINE, ines)
    month = recount(account)
    signed = {"state": "signed", "preparer": ines, "reviewer": new_person(account, "jonah@quillmere.example"), "digest": digest(month)}
    Reconciliation.objects.filter(pk=month.pk).update(**signed, signed_at=LATE, submitted_at=LATE)
    assert drift.check(month).changes == []
    DirectoryUser.objects.filter(source_file=file).delete()
    DirectoryLicence.objects.filter(source_file=file).delete()
    Tombstone.objects.create(source_file=file, at=LATE, days=60)
    assert drift.check(month).changes == []
