"""A rename is settled in a real browser with a real worker: the month changes, its customer has one history, and it is undone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from recon.models import Reconciliation
from tests.conftest import Worker
from tests.questions.stories import renamed
from tests.review.making import NOVEMBER, World, new_world

pytestmark = [pytest.mark.browser, pytest.mark.worker]
PASSWORD = "seven-quiet-herons"
WORKING = 30_000  # milliseconds for what a worker does


@pytest.fixture
def world(transactional_db: None) -> World:
    """Counted here; the worker starts afterwards."""
    world = new_world()
    renamed(world)
    return world


def sign_in(page: Page, url: str, email: str) -> None:
    page.goto(url)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(url)))


def test_a_rename_is_settled_and_the_month_changes(page: Page, live_server: Any, world: World, worker: Worker) -> None:
    address = f"{live_server.url}/a/{world.account.slug}"
    month = f"{address}/months/{NOVEMBER.start}/"

    # the month has the old name and the new one, and asks
    sign_in(page, month, world.mara.email)
    rows = page.locator(".list tbody tr[id^=row-]")
    expect(rows.filter(has_text="Garrowby Glazing")).to_have_count(2)
    expect(rows.filter(has_text="Garrowby Glass")).to_have_count(2)
    step = page.get_by_role("navigation", name="Steps of the month").get_by_role("link", name="Organizations")
    expect(step).to_contain_text("1 to do")

    # one key press settles it, and what changed is shown when the month is compared anew
    step.click()
    expect(page.get_by_role("heading", name="1 of 1: Are these the same customer?")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("#toasts")).to_contain_text("Garrowby Glazing and Garrowby Glass are one customer")
    expect(page.locator("#effect")).to_contain_text("Garrowby Glazing: what that changed", timeout=WORKING)
    expect(page.locator("#effect")).to_contain_text("EDR: billed 0 → 18")

    # one row is left of the two, with nothing to explain, under the present name
    page.goto(month)
    expect(rows.filter(has_text="Garrowby Glazing")).to_have_count(2)
    expect(rows.filter(has_text="Garrowby Glass")).to_have_count(0)
    expect(step).to_contain_text("Done")
    rows.filter(has_text="Garrowby Glazing").first.get_by_role("link").first.click()
    expect(page.locator(".panel")).to_contain_text("before: Garrowby Glass")
    expect(page.locator(".panel .trail li")).to_have_count(2)

    # and it is taken back
    page.goto(f"{address}/matches/")
    page.get_by_role("button", name="Undo Garrowby Glazing").click()
    expect(page.locator("#toasts")).to_contain_text("Taken back")
    _until(lambda: not Reconciliation.objects.filter(stale=True).exists(), page)
    page.goto(month)
    expect(rows.filter(has_text="Garrowby Glass")).to_have_count(2)
    expect(step).to_contain_text("1 to do")


def _until(true: Any, page: Page) -> None:
    for _ in range(300):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("the worker did not do it in time")
