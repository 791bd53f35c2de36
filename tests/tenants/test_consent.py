"""Consent: a link, a return that is not believed, a tenant that proves itself, and a person who says whose it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, AuditEvent, ConsentLink, Organization, Tenant, User
from accounts.services import Refused
from ingest.models import Connection, Job
from ingest.services import consents, microsoft_app, tenants
from ingest.services.microsoft_app import Stated
from recon.demo.microsoft import SECRET, FakeMicrosoft, Fault
from tests.tenants.conftest import FIRST, SECOND, THIRD, Back, prove

pytestmark = pytest.mark.django_db


def come_back(query: dict[str, str]) -> Any:
    return Client().get(reverse("ingest:consent_return"), query)


def test_an_administrator_comes_back_and_the_tenant_proves_itself(
    link: ConsentLink, back: Back, garrowby: Organization, ines: User
) -> None:
    response = come_back(back(link))
    assert response.status_code == 200
    assert "Your consent is noted" in response.content.decode()
    assert not Tenant.objects.exists(), "nothing is believed before a token was taken"
    assert Job.objects.get().kind == consents.PROVE
    tenant = prove(link).tenant
    assert tenant
    assert (tenant.guid, tenant.name, tenant.domains) == (THIRD, "Customer 3 Ltd", ["customer3.example"])
    assert tenant.proved_at
    assert tenant.consented_at
    assert tenant.organization is None, "a person says whose it is"
    assert consents.suggested_by_links(tenant) == [garrowby]
    tenants.confirm(tenant, garrowby, by=ines)
    assert list(tenants.pullable(link.account)) == [tenant]
    acts = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert acts[-4:] == ["ingest.consent.made", "ingest.consent.granted", "ingest.tenant.proved", "ingest.tenant.confirmed"]


def test_the_page_of_the_return_names_nobody(link: ConsentLink, back: Back, account: Account, garrowby: Organization) -> None:
    html = come_back(back(link)).content.decode()
    for name in (account.name, garrowby.name, "ines@", THIRD, "Customer 3"):
        assert name not in html
    assert "script-src" in come_back({}).headers["Content-Security-Policy"]


def test_the_tenant_that_the_browser_names_is_not_believed(link: ConsentLink, back: Back, fake: FakeMicrosoft) -> None:
    """The browser says another tenant than the one that consented: that one gives the app no token."""
    fake.login.lie = THIRD
    query = back(link, FIRST)
    assert query["tenant"] == THIRD
    come_back(query)
    after = prove(link)
    assert after.tenant is None
    assert "AADSTS700016" in after.said
    assert not Tenant.objects.exists()


def test_naming_a_tenant_of_another_customer_changes_nothing_of_it(
    link: ConsentLink, back: Back, account: Account, dunfell: Organization, fake: FakeMicrosoft, ines: User
) -> None:
    """That tenant has consented before, so a token can be had for it: whose it is stays, and people are told."""
    theirs = Tenant.objects.create(
        account=account, guid=SECOND, name="Customer 2 Ltd", organization=dunfell, confirmed_by=ines, confirmed_at=timezone.now()
    )
    fake.login.lie = SECOND
    come_back(back(link, THIRD))
    after = prove(link)
    theirs.refresh_from_db()
    assert theirs.organization == dunfell
    assert Tenant.objects.count() == 1
    assert "was here already, as Dunfell Farms" in after.said
    assert after in consents.links_of(account), "it stays in the list until somebody has looked"


def test_a_tenant_whose_answer_is_for_another_is_refused(link: ConsentLink, back: Back, fake: FakeMicrosoft) -> None:
    """Whatever stands between: the token is for one tenant, and /organization says another."""
    made = fake.desk.estate.tenant(FIRST)
    assert made
    query = back(link, THIRD)
    real = fake.desk.estate.tenant

    def lying(identity: str) -> Any:
        return made if identity == THIRD else real(identity)

    fake.desk.estate.tenant = lying  # type: ignore[method-assign]
    come_back(query)
    assert "is for another tenant" in prove(link).said
    assert not Tenant.objects.exists()


def test_a_decline_is_said_and_the_link_stays_good(link: ConsentLink, back: Back) -> None:
    response = come_back(back(link, decision="no"))
    assert response.status_code == 200
    assert "The consent was declined" in response.content.decode()
    link.refresh_from_db()
    assert link.declined_at
    assert not link.returned_at
    assert not Job.objects.exists()
    assert come_back(back(link)).status_code == 200
    assert prove(link).tenant


def test_a_link_is_good_for_one_return(link: ConsentLink, back: Back) -> None:
    query = back(link)
    come_back(query)
    again = come_back(query | {"tenant": FIRST})
    assert again.status_code == 410
    assert "used already" in again.content.decode()
    link.refresh_from_db()
    assert link.claimed == THIRD
    assert Job.objects.count() == 1


def test_a_late_return_is_refused(link: ConsentLink, back: Back) -> None:
    query = back(link)
    ConsentLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = come_back(query)
    assert response.status_code == 410
    assert "no longer good" in response.content.decode()


def test_a_state_that_is_older_than_seven_days_is_refused_by_its_signature(link: ConsentLink, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now().timestamp() - 8 * 86_400
    with monkeypatch.context() as patched:
        patched.setattr("django.core.signing.time.time", lambda: long_ago)
        state = signing.dumps(link.nonce, salt="ingest.consent")
    assert come_back({"state": state, "admin_consent": "True", "tenant": FIRST}).status_code == 410


@pytest.mark.parametrize("state", ["", "nonsense", "a:b:c"])
def test_a_forged_state_is_refused(link: ConsentLink, state: str) -> None:
    response = come_back({"state": state, "admin_consent": "True", "tenant": FIRST})
    assert response.status_code == 400
    assert "no link of ours" in response.content.decode()
    assert not Job.objects.exists()


def test_what_was_signed_for_something_else_is_no_state(link: ConsentLink) -> None:
    for state in (signing.dumps(link.nonce), signing.dumps("another", salt="ingest.consent")):
        assert come_back({"state": state, "admin_consent": "True", "tenant": FIRST}).status_code == 400


def test_a_withdrawn_link_leads_nowhere(link: ConsentLink, back: Back, ines: User) -> None:
    query = back(link)
    consents.withdraw(link, by=ines)
    assert come_back(query).status_code == 410
    with pytest.raises(Refused, match="no longer good"):
        consents.address_of(ConsentLink.objects.get(), "http://testserver/microsoft/consent")


def test_what_only_looks_at_the_return_does_not_use_it_up(link: ConsentLink, back: Back) -> None:
    query = back(link)
    assert Client().head(reverse("ingest:consent_return"), query).status_code == 405
    assert Client().post(reverse("ingest:consent_return"), query).status_code == 405
    assert come_back(query).status_code == 200


def test_a_link_for_an_app_that_was_replaced_is_not_believed(link: ConsentLink, back: Back, account: Account, ines: User) -> None:
    come_back(back(link))
    microsoft_app.state_app(account, Stated("11111111-0000-4000-8000-000000000000", SECRET), by=ines)
    after = prove(link)
    assert after.tenant is None
    assert "was replaced or removed" in after.said


def test_what_was_not_known_at_once_is_asked_again(link: ConsentLink, back: Back, fake: FakeMicrosoft, ines: User) -> None:
    fake.fail(Fault("refuse", at="token", aadsts=700016))
    come_back(back(link))
    assert "AADSTS700016" in prove(link).said
    consents.prove_again(link, by=ines)
    assert prove(link).tenant
    with pytest.raises(Refused):
        consents.prove_again(ConsentLink.objects.get(), by=ines)


def test_proving_twice_makes_one_tenant(link: ConsentLink, back: Back) -> None:
    come_back(back(link))
    first = prove(link).tenant
    assert prove(link).tenant == first
    assert Tenant.objects.count() == 1


def test_only_a_proved_tenant_is_confirmed(account: Account, garrowby: Organization, ines: User) -> None:
    tenant = Tenant.objects.create(account=account, guid=FIRST)
    with pytest.raises(Refused, match="Test it first"):
        tenants.confirm(tenant, garrowby, by=ines)


def test_a_member_counts_as_its_root(app: Connection, account: Account, garrowby: Organization, dunfell: Organization, ines: User) -> None:
    Organization.objects.filter(pk=dunfell.pk).update(merged_into=garrowby)
    tenant = Tenant.objects.create(account=account, guid=FIRST, name="Customer 1 Ltd", proved_at=timezone.now())
    tenants.confirm(tenant, dunfell, by=ines)
    tenant.refresh_from_db()
    assert tenant.organization == garrowby
