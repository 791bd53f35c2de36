"""An account with its app, an invented Microsoft that really listens, and the links and returns of administrators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from urllib3 import PoolManager

from accounts.models import Account, ConsentLink, Organization, Role, Tenant, User
from ingest.models import Connection
from ingest.services import consents, microsoft_app, tenant_tests
from ingest.services.microsoft_app import Stated
from recon.demo.microsoft import CLIENT_ID, SECRET, FakeMicrosoft
from recon.demo.microsoft.estate import Crowd
from tests.graph.conftest import QUICK
from tests.recon import making

FIRST, SECOND, THIRD = Crowd(tenants=3).ids()
CALLBACK = "http://testserver/microsoft/consent"
Back = Callable[..., dict[str, str]]


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeMicrosoft]:
    """Three tenants of two users each, of which the last has not consented."""
    estate = Crowd(tenants=3, users=2)
    with FakeMicrosoft(estate) as server:
        server.revoke(THIRD)
        settings.RECON_DEMO_MICROSOFT = server.base
        yield server


@pytest.fixture
def account(db: None) -> Account:
    return making.new_account()


@pytest.fixture
def ines(account: Account) -> User:
    return making.new_person(account, "ines@quillmere.example", Role.ADMIN)


@pytest.fixture
def mara(account: Account) -> User:
    return making.new_person(account, "mara@quillmere.example", Role.PREPARER)


@pytest.fixture
def admin(ines: User) -> Client:
    return making.signed_in(ines)


@pytest.fixture
def garrowby(account: Account) -> Organization:
    return Organization.objects.create(account=account, name="Garrowby Dental", huntress_id="101")


@pytest.fixture
def dunfell(account: Account) -> Organization:
    return Organization.objects.create(account=account, name="Dunfell Farms", huntress_id="102")


@pytest.fixture
def app(account: Account, ines: User, fake: FakeMicrosoft) -> Connection:
    """Led to the invented Microsoft, as the demonstration's is."""
    return microsoft_app.state_app(account, Stated(CLIENT_ID, SECRET), by=ines, is_demo=True)


@pytest.fixture
def link(app: Connection, account: Account, garrowby: Organization, ines: User) -> ConsentLink:
    return consents.make_link(account, organization=garrowby, cloud="global", by=ines)


@pytest.fixture
def back() -> Back:
    """Open a link as an administrator of a tenant does, and return what the browser brings back."""

    def back(link: ConsentLink, tenant: str = THIRD, decision: str = "yes") -> dict[str, str]:
        address = f"{consents.address_of(link, CALLBACK)}&as={tenant}&decision={decision}"
        response = PoolManager().request("GET", address, redirect=False)
        assert response.status == 302, response.data
        where = urlsplit(response.headers["Location"])
        assert f"{where.scheme}://{where.netloc}{where.path}" == CALLBACK
        return dict(parse_qsl(where.query))

    return back


def prove(link: ConsentLink) -> ConsentLink:
    """As a worker does, with little patience."""
    consents.prove_link(link.pk, tell=lambda: None, patience=QUICK)
    return ConsentLink.objects.select_related("tenant__organization").get(pk=link.pk)


def examine(tenant: Tenant) -> Tenant:
    return tenant_tests.examine(tenant.pk, patience=QUICK)
