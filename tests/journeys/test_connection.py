"""A connection is added and tested in a real browser with a real worker, against a Huntress that really listens: wrong secret first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ingest.models import Connection
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress, Fault
from recon.demo.huntress.estate import Crowd
from tests.conftest import Worker
from tests.journeys.test_matches import WORKING, sign_in
from tests.review.making import World, new_world

pytestmark = [pytest.mark.browser, pytest.mark.worker]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHuntress]:
    """Where the worker, which is started after this, is led."""
    with FakeHuntress(Crowd(agents=6, organizations=2), limit=0) as server:
        monkeypatch.setenv("RECON_HUNTRESS_URL", server.base)
        yield server


@pytest.fixture
def world(fake: FakeHuntress, transactional_db: None) -> World:
    return new_world()


def fill(page: Page, secret: str) -> None:
    page.get_by_label("Key", exact=True).fill(ACCOUNT_KEY[0])
    page.get_by_label("Secret", exact=True).fill(secret)


def test_a_connection_is_added_and_tested(page: Page, live_server: Any, fake: FakeHuntress, world: World, worker: Worker) -> None:
    address = f"{live_server.url}/a/{world.account.slug}/settings/connections/"
    found = page.locator("#connection-test")

    # nothing is there, and the page says where a key is made
    sign_in(page, address, world.ines.email)
    expect(page.get_by_role("heading", name="Nothing is connected yet")).to_be_visible()
    page.get_by_role("link", name="Add a key").click()

    # the wrong secret: said in words, and nothing of it on the page
    fill(page, "hs_periwinkle")
    page.get_by_role("button", name="Add and test").click()
    expect(found).to_contain_text("Nothing can be pulled with this key.", timeout=WORKING)
    expect(found).to_contain_text("It is wrong, was revoked, or key and secret changed places.")
    assert "periwinkle" not in page.content()

    # the right one, where one list is refused
    fake.fail(Fault("status", at="agents", times=1, status=403))
    fill(page, ACCOUNT_KEY[1])
    page.get_by_role("button", name="Replace and test").click()
    expect(found).to_contain_text("Works in part", timeout=WORKING)
    expect(found).to_contain_text("An account key of Quillmere IT (Huntress account 5).")
    expect(found).to_contain_text("Without agents there is no sweep by itself: upload a list of agents.")

    # granted meanwhile, and tested again
    found.get_by_role("button", name="Test", exact=True).click()
    expect(found.get_by_text("Works", exact=True)).to_be_visible(timeout=WORKING)
    expect(found.get_by_text("May read", exact=True)).to_have_count(6)

    # an hour is changed, and the connection removed
    page.get_by_label("Every night at").fill("03:15")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    expect(page.get_by_label("Every night at")).to_have_value("03:15")
    page.get_by_role("link", name="Remove", exact=True).click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing is connected yet")).to_be_visible()
    assert Connection.objects.get().sealed == ""


def test_without_a_script_it_works_as_well(browser: Browser, live_server: Any, fake: FakeHuntress, world: World, worker: Worker) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    sign_in(page, f"{live_server.url}/a/{world.account.slug}/settings/connections/add", world.ines.email)
    fill(page, ACCOUNT_KEY[1])
    page.get_by_role("button", name="Add and test").click()
    expect(page.locator("#connection-test")).to_contain_text("Works", timeout=WORKING)  # the page renews itself
    expect(page.locator("#connection-test")).to_contain_text("An account key of Quillmere IT")
    context.close()
