"""A pull is asked for and watched in a real browser, while a real worker speaks to an invented Huntress that really listens."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ingest.models import Connection
from recon.demo.huntress import FakeHuntress, Fault
from recon.demo.huntress.estate import Crowd
from tests.conftest import Worker
from tests.connections.making import add_connection
from tests.journeys.test_matches import WORKING, sign_in
from tests.review.making import World, new_world

pytestmark = [pytest.mark.browser, pytest.mark.worker]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHuntress]:
    with FakeHuntress(Crowd(agents=40, organizations=6), limit=0) as server:
        monkeypatch.setenv("RECON_HUNTRESS_URL", server.base)  # for the worker, which is a process of its own
        yield server


@pytest.fixture
def world(transactional_db: None) -> World:
    return new_world()


@pytest.fixture
def connection(world: World, fake: FakeHuntress, settings: Any) -> Connection:
    return add_connection(world.account, fake, settings, by=world.ines)


def accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert not found, [one["id"] for one in found]


def test_a_pull_is_asked_for_and_watched(
    page: Page, live_server: Any, world: World, fake: FakeHuntress, connection: Connection, worker: Worker
) -> None:
    go_on = threading.Event()
    for number in ("50001", "50002"):
        fake.fail(Fault("act", at=number, act=lambda: time.sleep(0.7)))
    fake.fail(Fault("act", at="50003", act=lambda: _wait(go_on)))
    fake.fail(Fault("status", at="identities", status=403, times=0))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    address = f"{live_server.url}/a/{world.account.slug}/pulls/"

    # the page says what there is to do; one subject is left out
    sign_in(page, address, world.mara.email)
    expect(page.get_by_text("Nothing was pulled yet")).to_be_visible()
    accessible(page)
    page.get_by_label("Invoices").uncheck()
    page.get_by_role("button", name="Pull now").click()

    # it is watched: the worker waits for the third Organization
    expect(page.get_by_role("heading", name="Being pulled")).to_be_visible()
    expect(page.locator("#pull")).to_contain_text("The counts of one Organization, 2 of 6", timeout=WORKING)
    expect(page.locator("#pull")).to_contain_text(re.compile(r"About \d+ of \d+ calls, until \d\d:\d\d\."))
    accessible(page)

    # leaving the page stops nothing
    page.goto(f"{live_server.url}/a/{world.account.slug}/files/")
    go_on.set()
    page.goto(address)
    row = page.locator("#pulls tbody tr")
    expect(row).to_contain_text("2 whole, 1 refused", timeout=WORKING)
    row.get_by_role("link").click()

    # what came leads to its file, and what did not says why
    expect(page.locator("#pull")).to_contain_text("One part is not whole.")
    expect(page.locator(".item", has_text="Identities")).to_contain_text("Huntress refuses the list of identities to this key (403).")
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("link", name=re.compile("^Agents from Huntress, ")).click()
    expect(page.get_by_role("heading", name=re.compile("^Agents from Huntress, "))).to_be_visible()
    assert not errors


def test_without_a_script_it_is_asked_for_and_watched_all_the_same(
    browser: Any, live_server: Any, world: World, connection: Connection, worker: Worker
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, f"{live_server.url}/a/{world.account.slug}/pulls/", world.mara.email)
    page.get_by_role("button", name="Pull now").click()
    expect(page.get_by_text("Everything came whole.")).to_be_visible(timeout=WORKING)
    context.close()


def _wait(go_on: threading.Event) -> None:
    go_on.wait(30)
