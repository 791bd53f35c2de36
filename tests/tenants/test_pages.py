"""The pages of tenants: what each person sees, what is counted in the database, and counts by hand."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, AuditEvent, BillingCycle, ConsentLink, Organization, Role, Tenant, TenantCount, User
from accounts.services import Refused
from ingest.models import Connection, Job
from ingest.services import tenants
from ingest.services.tenants import WHOSE
from recon.services.tenant_counts import state_count
from tests.recon import making
from tests.tenants.conftest import FIRST, SECOND, examine

pytestmark = pytest.mark.django_db


def at(name: str, account: Account, *more: Any) -> str:
    return reverse(f"ingest:{name}", args=[account.slug, *more])


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def tom(account: Account) -> Client:
    return making.signed_in(making.new_person(account, "tom@quillmere.example", Role.VIEWER))


@pytest.fixture
def cycle(account: Account) -> BillingCycle:
    return BillingCycle.objects.create(account=account, start=date(2026, 10, 14), end=date(2026, 11, 14))


@pytest.fixture
def google(account: Account, dunfell: Organization, ines: User) -> Tenant:
    return tenants.add_google(account, name="dunfell.example", organization=dunfell, by=ines)


def test_where_nothing_is_connected_the_page_says_what_to_do(admin: Client, tom: Client, account: Account) -> None:
    page = text(admin.get(at("tenants", account)))
    assert "There is no app for Microsoft yet" in page
    assert "No tenant is connected yet" in page
    assert at("consent_links", account) in admin.get(at("tenants", account)).content.decode()
    assert at("consent_links", account) not in tom.get(at("tenants", account)).content.decode()
    assert "There is no app to consent to yet" in text(admin.get(at("consent_links", account)))


def test_an_admin_makes_a_link_and_sees_it_and_nobody_else_does(
    admin: Client, tom: Client, account: Account, app: Connection, garrowby: Organization
) -> None:
    response = admin.post(at("consent_links", account), {"organization": "garrowby dental", "cloud": "global"})
    link = ConsentLink.objects.get()
    assert link.organization == garrowby
    html = admin.get(response["Location"]).content.decode()
    assert "adminconsent?client_id=" in html
    assert "mailto:?subject=" in html
    assert tom.get(response["Location"]).status_code == 403
    refused = admin.post(at("consent_links", account), {"organization": "Nobody", "cloud": "global"})
    assert refused.status_code == 422
    assert "No Organization of this account is called “Nobody”" in text(refused)


def test_a_tenant_is_confirmed_by_its_suggestion(admin: Client, account: Account, app: Connection, garrowby: Organization) -> None:
    Organization.objects.filter(pk=garrowby.pk).update(name="Customer 1 Ltd", name_key="customer 1 ltd")
    tenant = examine(Tenant.objects.create(account=account, guid=FIRST))
    page = admin.get(at("tenant", account, tenant.pk))
    assert "It is Customer 1 Ltd" in text(page)
    assert "it has the very name" in text(page)
    tenant.refresh_from_db()
    assert tenant.organization is None, "a suggestion is never applied by itself"
    admin.post(at("confirm_tenant", account, tenant.pk), {"organization": "101"})
    tenant.refresh_from_db()
    assert tenant.organization == garrowby
    assert Job.objects.filter(kind=WHOSE).exists(), "the months that ask for it are counted anew"


def test_the_list_is_searched_narrowed_and_sorted(admin: Client, account: Account, garrowby: Organization, ines: User) -> None:
    word = {"organization": garrowby, "confirmed_by": ines, "confirmed_at": timezone.now(), "tested_at": timezone.now()}
    Tenant.objects.create(account=account, guid=FIRST, name="Alder Works", **word)
    Tenant.objects.create(account=account, guid=SECOND, name="Birch Works", trouble="AADSTS65001")
    assert [name in text(admin.get(at("tenants", account), {"q": "garrowby"})) for name in ("Alder", "Birch")] == [True, False]
    assert [name in text(admin.get(at("tenants", account), {"q": SECOND.upper()})) for name in ("Alder", "Birch")] == [False, True]
    assert [name in text(admin.get(at("tenants", account), {"show": "trouble"})) for name in ("Alder", "Birch")] == [False, True]
    page = text(admin.get(at("tenants", account), {"sort": "-name"}))
    assert page.index("Birch Works") < page.index("Alder Works")
    fragment = admin.get(at("tenants", account), headers={"HX-Request": "true"})
    assert fragment.content.decode().lstrip().startswith("<section")


@pytest.mark.parametrize("many", [2, 60])
def test_the_list_takes_the_same_queries_whatever_is_in_it(
    admin: Client, account: Account, many: int, django_assert_num_queries: Any
) -> None:
    Tenant.objects.bulk_create(Tenant(account=account, guid=f"10000000-0000-4000-8000-{n:012}", name=f"T {n}") for n in range(many))
    with django_assert_num_queries(3):
        tenants_seen = list(tenants.tenants_of(account)[:50])
        tenants.tenants_of(account).count()
        list(tenants.pullable(account))
    assert len(tenants_seen) == min(many, 50)
    admin.get(at("tenants", account))
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        admin.get(at("tenants", account))
    assert len(seen) <= 22


def test_a_list_with_a_bad_line_comes_back_with_what_was_pasted(admin: Client, account: Account, garrowby: Organization) -> None:
    pasted = f"Tenant ID,Organization\n{FIRST},Garrowby Dental\nnonsense,Garrowby Dental"
    response = admin.post(at("import_tenants", account), {"text": pasted, "cloud": "global"})
    assert response.status_code == 422
    assert "Line 3" in text(response)
    assert FIRST in response.content.decode()
    assert not Tenant.objects.exists()
    good = admin.post(at("import_tenants", account), {"text": pasted.rsplit("\n", 1)[0], "cloud": "global"}, follow=True)
    assert "1 new" in text(good)


def test_a_google_tenant_is_counted_by_hand(account: Account, google: Tenant, cycle: BillingCycle, mara: User) -> None:
    client = making.signed_in(mara)
    where = reverse("recon:state_tenant_count", args=[account.slug, google.pk, cycle.start])
    for wrong in ("", "12.5", "-1", "many", "9" * 12):
        assert "Write" in text(client.post(where, {"identities": wrong}, follow=True))
    assert not TenantCount.objects.exists(), "a blank is not zero"
    client.post(where, {"identities": "1,204", "note": "Admin console"})
    assert TenantCount.objects.get().identities == 1_204
    state_count(google, cycle, identities=0, by=mara)
    assert TenantCount.objects.get().identities == 0
    events = AuditEvent.objects.filter(action="recon.tenant.counted").order_by("pk")
    assert [one.after["identities"] for one in events] == [1_204, 0]
    assert events[1].before == {"identities": 1_204, "note": "Admin console"}
    assert Job.objects.filter(kind="recount", subject=cycle.pk).exists()


def test_a_second_google_tenant_of_that_name_is_refused(account: Account, google: Tenant, dunfell: Organization, ines: User) -> None:
    with pytest.raises(Refused, match="already"):
        tenants.add_google(account, name="DUNFELL.example", organization=dunfell, by=ines)


def test_a_removed_tenant_is_gone_and_may_come_back(admin: Client, account: Account, garrowby: Organization, ines: User) -> None:
    tenant = Tenant.objects.create(account=account, guid=FIRST, name="Alder Works")
    admin.post(at("remove_tenant", account, tenant.pk))
    assert admin.get(at("tenant", account, tenant.pk)).status_code == 404
    assert list(tenants.tenants_of(account)) == []
    tenants.connect(account, {FIRST: (garrowby.pk, "global")}, how="csv", by=ines)
    assert tenants.tenants_of(account).count() == 1


def test_an_organization_of_another_account_is_not_named(admin: Client, account: Account, ines: User) -> None:
    other = making.new_account("Brightfen Support", "brightfen-support")
    theirs = Organization.objects.create(account=other, name="Theirs", huntress_id="900")
    tenant = Tenant.objects.create(account=account, guid=FIRST, name="Alder Works", proved_at=timezone.now())
    assert admin.post(at("confirm_tenant", account, tenant.pk), {"organization": "900"}).status_code == 422
    with pytest.raises(Refused):
        tenants.confirm(tenant, theirs, by=ines)
