"""The app: what is taken for one, what is shown of it, and that its secret comes out nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from accounts.models import Account, AuditEvent, Tenant, User
from accounts.sealing import unseal
from accounts.services import Refused
from ingest.graph import Certificate
from ingest.models import Connection
from ingest.services import microsoft_app
from ingest.services.connections import connections_of, huntress_of
from ingest.services.microsoft_app import Stated
from ingest.services.resealing import reseal_all
from recon.demo.microsoft import CLIENT_ID, FakeMicrosoft
from tests.graph.conftest import own_certificate
from tests.tenants.conftest import FIRST, examine

pytestmark = pytest.mark.django_db
SECRET = "Qm8~never.shown-again_7"
STATED = Stated(CLIENT_ID, SECRET)


def at(name: str, account: Account, *more: Any) -> str:
    return reverse(f"ingest:{name}", args=[account.slug, *more])


def pem(pair: Certificate) -> str:
    return f"{pair.public}\n{pair.private_key}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return own_certificate(tmp_path_factory.mktemp("app") / "pair")


def test_a_secret_is_sealed_and_comes_out_nowhere(admin: Client, account: Account, caplog: pytest.LogCaptureFixture) -> None:
    admin.post(at("microsoft_app", account), {"client_id": CLIENT_ID, "cloud": "us_gov", "secret": SECRET, "secret_ends": "2027-03-01"})
    app = Connection.objects.get()
    assert json.loads(unseal(app.sealed))["secret"] == SECRET
    html = admin.get(at("microsoft_app", account)).content.decode()
    assert CLIENT_ID in html
    assert "1 Mar 2027" in html
    assert SECRET not in html + caplog.text + repr(app) + str(list(AuditEvent.objects.values()))
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM ingest_connection")
        assert SECRET not in str(cursor.fetchall())
    assert huntress_of(account) is None, "it is no key to Huntress"
    assert [one.pk for one in connections_of(account)] == [app.pk]


def test_a_refused_form_forgets_what_is_secret(admin: Client, account: Account, pair: Certificate) -> None:
    form = {"client_id": "no id", "cloud": "global", "secret": SECRET, "pem": pem(pair)}
    response = admin.post(at("microsoft_app", account), form)
    html = response.content.decode()
    assert response.status_code == 422
    assert "no id" in html, "what is no secret stays"
    assert SECRET not in html
    assert "BEGIN PRIVATE KEY-----\n" not in html
    assert not Connection.objects.exists()


def test_a_certificate_is_shown_by_its_thumbprint_and_its_end(admin: Client, account: Account, pair: Certificate) -> None:
    admin.post(at("microsoft_app", account), {"client_id": CLIENT_ID, "cloud": "global", "pem": pem(pair)})
    facts = microsoft_app.facts_of(Connection.objects.get())
    assert facts.is_certificate
    assert facts.ends_soon, "it is good for two days"
    assert len(facts.thumbprints[0]) == 40
    page = admin.get(at("microsoft_app", account)).content.decode()
    assert facts.thumbprints[0] in page
    assert "The certificate ends on" in page
    assert "The app’s certificate ends on" in admin.get(at("tenants", account)).content.decode()


def test_a_certificate_opens_a_tenant(account: Account, ines: User, fake: FakeMicrosoft, pair: Certificate) -> None:
    fake.login.certificate = pair.public
    microsoft_app.state_app(account, Stated(CLIENT_ID, pem=pem(pair)), by=ines, is_demo=True)
    assert examine(Tenant.objects.create(account=account, guid=FIRST)).trouble == ""


def test_a_certificate_that_ended_is_said(
    account: Account, ines: User, fake: FakeMicrosoft, pair: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was good when it was stated: what it says of itself is read at each use."""
    microsoft_app.state_app(account, Stated(CLIENT_ID, pem=pem(pair)), by=ines, is_demo=True)
    tenant = Tenant.objects.create(account=account, guid=FIRST)
    microsoft_app.graph_for(tenant)
    check = Certificate.check
    from datetime import UTC, datetime

    monkeypatch.setattr(Certificate, "check", lambda self, now=None: check(self, datetime(2099, 1, 1, tzinfo=UTC)))
    with pytest.raises(Refused, match="The certificate ended on"):
        microsoft_app.graph_for(tenant)


@pytest.mark.parametrize(
    ("stated", "field", "said"),
    [
        (Stated("quillmere", SECRET), "client_id", "looks like"),
        (Stated(CLIENT_ID), "secret", "one of the two"),
        (Stated(CLIENT_ID, SECRET, "x"), "secret", "one of the two"),
        (Stated(CLIENT_ID, "two words"), "secret", "has a space"),
        (Stated(CLIENT_ID, "0d0c1b2a-0000-4000-8000-000000000000"), "secret", "That is the secret’s ID"),
        (Stated(CLIENT_ID, pem="nonsense"), "pem", "There is no private key"),
        (Stated(CLIENT_ID, SECRET, cloud="mars"), "cloud", "clouds"),
    ],
)
def test_what_can_be_no_app_is_refused_by_its_field(account: Account, ines: User, stated: Stated, field: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        microsoft_app.state_app(account, stated, by=ines)
    assert refused.value.field == field
    assert SECRET not in str(refused.value)


def test_key_and_certificate_of_two_pairs_are_refused(account: Account, ines: User, pair: Certificate, tmp_path: Any) -> None:
    other = own_certificate(tmp_path / "other")
    with pytest.raises(Refused, match="does not belong"):
        microsoft_app.state_app(account, Stated(CLIENT_ID, pem=pair.private_key + other.public), by=ines)


def test_replacing_takes_effect_at_once_and_forgets_the_one_before(account: Account, ines: User, app: Connection) -> None:
    tenant = Tenant.objects.create(account=account, guid=FIRST)
    assert examine(tenant).trouble == ""
    microsoft_app.state_app(account, STATED, by=ines)
    assert Connection.objects.count() == 1
    assert Connection.objects.get().is_demo, "a page cannot lead it elsewhere"
    assert "AADSTS7000215" in examine(tenant).trouble


def test_a_removed_app_keeps_no_secret_and_opens_nothing(account: Account, ines: User, app: Connection) -> None:
    tenant = Tenant.objects.create(account=account, guid=FIRST)
    microsoft_app.remove_app(account, by=ines)
    assert Connection.objects.get().sealed == ""
    with pytest.raises(Refused, match="no app"):
        microsoft_app.graph_for(tenant)
    microsoft_app.state_app(account, STATED, by=ines)
    assert microsoft_app.app_of(account)


def test_a_real_app_is_never_led_to_the_invented_microsoft(account: Account, ines: User, fake: FakeMicrosoft) -> None:
    """What a person states goes to Microsoft, though the invented one runs."""
    made = microsoft_app.state_app(account, STATED, by=ines)
    assert microsoft_app.login_of(made) == ""
    assert microsoft_app.microsoft_of(made, "global").login == "https://login.microsoftonline.com"


def test_an_invented_app_never_goes_to_microsoft(account: Account, app: Connection, settings: Any) -> None:
    for nowhere in ("", "https://login.microsoftonline.com"):
        settings.RECON_DEMO_MICROSOFT = nowhere
        with pytest.raises(Refused, match="is not running"):
            microsoft_app.graph_for(Tenant.objects.create(account=account, guid=FIRST) if not nowhere else Tenant.objects.get())


def test_a_tenant_of_google_or_a_removed_one_is_not_opened(account: Account, app: Connection) -> None:
    with pytest.raises(Refused, match="no tenant of Microsoft"):
        microsoft_app.graph_for(Tenant.objects.create(account=account, kind="google", name="Dunfell"))


def test_a_change_of_key_reseals_the_app(account: Account, app: Connection, settings: Any) -> None:
    settings.RECON_SECRETS_KEYS = ["another-key-of-the-installation", *settings.RECON_SECRETS_KEYS]
    assert reseal_all().done == 1
    assert microsoft_app.facts_of(Connection.objects.get()).client_id == CLIENT_ID


def test_an_app_that_cannot_be_opened_is_said(account: Account, app: Connection, admin: Client, settings: Any) -> None:
    settings.RECON_SECRETS_KEYS = ["another-key-of-the-installation"]
    assert "cannot be opened" in microsoft_app.facts_of(app).trouble
    page = admin.get(at("microsoft_app", account))
    assert page.status_code == 200
    assert "No tenant can be read" in page.content.decode()
