"""A customer's administrator consents in a real browser, and the tenant that came back is confirmed; then its pages, at both widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account, ConsentLink, Organization, Role, Tenant, User
from ingest import jobs
from ingest.models import Job
from ingest.services import microsoft_app, tenant_tests
from ingest.services.microsoft_app import Stated
from recon.demo.microsoft import CLIENT_ID, SECRET, FakeMicrosoft
from recon.demo.microsoft.estate import Crowd
from tests.graph.conftest import QUICK
from tests.journeys.test_invoice import is_too_wide, violations
from tests.journeys.test_matches import sign_in
from tests.recon import making

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIRST, SECOND = Crowd(tenants=2).ids()


def work() -> None:
    """Do what waits, as a worker does."""
    while job := Job.objects.filter(state=Job.State.QUEUED).order_by("pk").first():
        assert jobs.run_now(job).state == Job.State.DONE, job.label


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeMicrosoft]:
    """Two tenants, of which the second has not consented."""
    with FakeMicrosoft(Crowd(tenants=2, users=3)) as server:
        server.revoke(SECOND)
        settings.RECON_DEMO_MICROSOFT = server.base
        yield server


@pytest.fixture
def account(transactional_db: None, fake: FakeMicrosoft) -> Account:
    made = making.new_account()
    ines = making.new_person(made, "ines@quillmere.example", Role.ADMIN)
    Organization.objects.create(account=made, name="Garrowby Dental", huntress_id="101")
    microsoft_app.state_app(made, Stated(CLIENT_ID, SECRET), by=ines, is_demo=True)
    return made


def test_a_consent_goes_there_and_back(page: Page, live_server: Any, account: Account, fake: FakeMicrosoft) -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    address = f"{live_server.url}/a/{account.slug}/tenants/"
    sign_in(page, address, "ines@quillmere.example")
    expect(page.get_by_text("No tenant is connected yet")).to_be_visible()
    page.get_by_role("link", name="Ask for consent").first.click()
    page.get_by_label("Organization").fill("Garrowby Dental")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Consent link for Garrowby Dental")).to_be_visible()
    link = page.get_by_label("The link").input_value()

    # the customer's administrator, who is nobody here: first says no, then yes
    theirs = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    theirs.goto(link)
    theirs.get_by_role("listitem").filter(has_text="Customer 2 Ltd").get_by_role("link", name="Decline").click()
    expect(theirs.get_by_role("heading", name="No consent was given")).to_be_visible()
    theirs.goto(link)
    theirs.get_by_role("listitem").filter(has_text="Customer 2 Ltd").get_by_role("link", name="Accept").click()
    expect(theirs.get_by_role("heading", name="Thank you")).to_be_visible()
    assert violations(theirs) == []
    assert "Quillmere" not in theirs.content()
    theirs.reload()
    expect(theirs.get_by_role("heading", name="This link was used already")).to_be_visible()

    # a worker asks Microsoft, and a person says whose it is
    work()
    page.goto(address)
    page.get_by_role("link", name="Customer 2 Ltd").click()
    expect(page.get_by_text("Suggested because the consent link was made for it.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="It is Garrowby Dental").click()
    expect(page.get_by_text("Confirmed. What this tenant has counts")).to_be_visible()

    # consent is taken back, and Test says what to do
    fake.revoke(SECOND)
    page.get_by_role("button", name="Test").click()
    work()
    expect(page.get_by_text("AADSTS700016").first).to_be_visible()
    page.get_by_role("link", name="New consent link").click()
    expect(page.get_by_label("Organization")).to_have_value("Garrowby Dental")
    assert troubles == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_its_pages_hold_to_the_rules_at_both_widths(page: Page, live_server: Any, account: Account, width: int, scheme: Any) -> None:
    ines = User.objects.get(email="ines@quillmere.example")
    one = Tenant.objects.create(account=account, guid=FIRST)
    bad = Tenant.objects.create(account=account, guid=SECOND)
    for tenant in (one, bad):
        tenant_tests.examine(tenant.pk, patience=QUICK)
    ConsentLink.objects.create(
        account=account, nonce="n", app=CLIENT_ID, made_by=ines, expires_at="2099-01-01T00:00:00Z", said="The consent was declined."
    )
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    address = f"{live_server.url}/a/{account.slug}"
    sign_in(page, f"{address}/tenants/", ines.email)
    places = (
        "tenants/",
        f"tenants/{one.pk}/",
        f"tenants/{bad.pk}/",
        "tenants/import",
        "tenants/huntress",
        "tenants/google",
        "tenants/links/",
    )
    for place in (*places, "settings/microsoft/"):
        page.goto(f"{address}/{place}")
        assert violations(page) == [], place
        assert not is_too_wide(page), place
