"""A contract is typed in and read on its way over its minimum, in a real browser: from the list to its chart, its month and home."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.contracts.making import cycles_to, said, typed
from tests.journeys.test_matches import sign_in
from tests.review.making import NOVEMBER, World, new_world, work

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COUNTS = [88, 91, 93, 95, 98]


@pytest.fixture
def world(transactional_db: None) -> World:
    """Five months, in which the agents of one customer rise towards a hundred."""
    world = new_world()
    for cycle, count in zip(cycles_to(NOVEMBER, len(COUNTS)), COUNTS, strict=True):
        for leg in ("billed", "expected", "rebilled"):
            world.put(leg, {("Tarn Vale Dental", "edr"): count}, cycle)
    work()
    return world


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_contract_on_its_way_over_its_minimum_is_read(page: Page, live_server: Any, world: World) -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    address = f"{live_server.url}/a/{world.account.slug}"

    # an admin types it in; what cannot be is said beside its field, and nothing typed is lost
    sign_in(page, f"{address}/renewals/", world.ines.email)
    expect(page.get_by_text("No contract yet")).to_be_visible()
    page.get_by_role("link", name="Type in a contract").first.click()
    page.get_by_label("Product").select_option("edr")
    page.get_by_label("Minimum a cycle").fill("100")
    page.get_by_label("Cost of one unit and cycle").fill("2,90")
    terms = page.locator("section", has=page.get_by_role("heading", name="Terms"))
    terms.get_by_label("From").fill("2026-06-14")
    terms.get_by_label("Renewal date").fill("2027-06-14")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write an amount, such as 2.90.")).to_be_visible()
    expect(page.get_by_label("Minimum a cycle")).to_have_value("100")
    page.get_by_label("Cost of one unit and cycle").fill("2.90")
    page.get_by_role("button", name="Save").click()

    # its page says where it goes and when, draws it, and has the numbers beside the drawing
    expect(page.get_by_role("heading", name="EDR contract")).to_be_visible()
    expect(page.locator(".prose")).to_contain_text("On its way over the minimum: 2 agents under it now, and over it in the cycle")
    expect(page.get_by_role("img", name=re.compile("newest 98 against a minimum of 100"))).to_be_visible()
    expect(page.locator("svg.chart circle")).to_have_count(len(COUNTS))
    rows = page.locator("section", has=page.get_by_role("heading", name="Cycle by cycle")).locator("tbody tr")
    expect(rows).to_have_count(len(COUNTS) + 7)
    expect(rows.nth(4)).to_contain_text("14 Oct – 14 Nov 2026")
    expect(rows.nth(4)).to_contain_text("$5.80".removeprefix("$"))
    expect(rows.nth(5)).to_contain_text("run-rate")
    assert violations(page) == []

    # the month shows what the minimum adds, and leads back
    page.goto(f"{address}/months/{NOVEMBER.start}/")
    minimum = page.get_by_role("link", name=re.compile("EDR: minimum 100"))
    expect(minimum).to_contain_text("shortfall 2, $5.80")
    minimum.click()
    expect(page.get_by_role("heading", name="EDR contract")).to_be_visible()
    assert troubles == []


def test_a_renewal_that_is_near_waits_at_home(page: Page, live_server: Any, world: World) -> None:
    today = date.today()
    typed(world, start=today - timedelta(days=300), renewal=today + timedelta(days=60))
    sign_in(page, f"{live_server.url}/", world.ines.email)
    page.get_by_role("link", name=re.compile("EDR renews")).click()
    expect(page.get_by_role("heading", name="EDR contract")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_its_pages_hold_to_the_rules_at_both_widths(page: Page, live_server: Any, world: World, width: int, scheme: Any) -> None:
    contract = typed(world, interval="annual", unit_cost=None)
    typed(world, "itdr", 40, start=said().renewal, renewal=date(2028, 6, 14))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    address = f"{live_server.url}/a/{world.account.slug}"
    sign_in(page, f"{address}/renewals/", world.ines.email)
    for place in ("renewals/", f"renewals/{contract.pk}/", f"renewals/{contract.pk}/change/", "renewals/new/", "trends/"):
        page.goto(f"{address}/{place}")
        assert violations(page) == [], place
        assert not is_too_wide(page), place
