"""An invoice is typed in and tied out in a real browser: with a minimum shortfall and a rounding, until nothing is unnamed."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.contracts.making import typed
from tests.journeys.test_matches import sign_in
from tests.review.making import BILLED, NOVEMBER, World, new_world, work

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def world(transactional_db: None) -> World:
    """49 agents and 5 sources at 2.90, and a contract for at least 60 agents."""
    world = new_world()
    for leg in ("billed", "expected", "rebilled"):
        world.put(leg, BILLED, price=2_900_000)
    work()
    typed(world, minimum=60)
    return world


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_an_invoice_is_typed_in_and_tied_out(page: Page, live_server: Any, world: World) -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    address = f"{live_server.url}/a/{world.account.slug}/months/{NOVEMBER.start}/"
    sign_in(page, address, world.mara.email)

    # the month's first step says what is missing, and leads there
    step = page.get_by_role("navigation", name="Steps of the month").get_by_role("link").first
    expect(step).to_contain_text("no invoice")
    step.click()
    expect(page.get_by_role("heading", name="Report and invoice", level=1)).to_be_visible()
    expect(page.get_by_text("No invoice is known.")).to_be_visible()

    # what cannot be read is said, and nothing typed is lost
    page.get_by_text("Type an invoice in").click()
    page.get_by_label("Number").fill("Q-2026-11")
    page.get_by_label("Amount").fill("188.51 or so")
    page.get_by_label("Units charged").fill("65")
    page.get_by_role("button", name="Hold it against the report").click()
    expect(page.get_by_text("Write an amount, such as 1,234.50")).to_be_visible()
    expect(page.get_by_label("Number")).to_have_value("Q-2026-11")
    page.get_by_label("Amount").fill("188.51")
    page.get_by_role("button", name="Hold it against the report").click()
    ladder = page.get_by_role("region", name="From the report to the invoice")
    expect(ladder.locator("tfoot")).to_contain_text("Difference")
    expect(ladder.locator("tfoot")).to_contain_text("−11")

    # the shortfall is suggested by the contract's minimum, and named by a click
    expect(page.get_by_text("The contract’s minimum is 60 agents, and the report has 49.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Name it: Minimum shortfall, EDR").click()
    expect(ladder.locator("tfoot")).to_contain_text("Not named")
    expect(ladder.locator("tfoot")).to_contain_text("−0.01")

    # what is left is a rounding: typed in by hand, once with the wrong sign, and taken back
    page.get_by_label("What it is").select_option("rounding")
    page.get_by_label("Money").fill("−0.01")
    page.get_by_label("Note").fill("Their cent.")
    page.locator("#name").get_by_role("button", name="Name it").click()
    expect(ladder.locator("tfoot")).to_contain_text("−0.02")
    page.get_by_role("button", name="Take back: Rounding").click()
    expect(page.get_by_text("Taken back: Rounding")).to_be_visible()
    page.get_by_role("button", name="Name it: Rounding").click()
    expect(page.get_by_text("The report ties to the invoice, with 2 named items").first).to_be_visible()
    assert violations(page) == []

    # the month says so, and so does what will be signed
    page.get_by_role("link", name="The month", exact=True).click()
    expect(step).to_contain_text("ties to the invoice")
    page.goto(f"{address}sign/")
    expect(page.get_by_text("The report ties to the invoice, with 2 named items.")).to_be_visible()
    expect(page.get_by_role("row", name="With what is named")).to_contain_text("188.51")
    assert troubles == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_its_pages_hold_to_the_rules_at_both_widths(page: Page, live_server: Any, world: World, width: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    address = f"{live_server.url}/a/{world.account.slug}"
    sign_in(page, f"{address}/months/{NOVEMBER.start}/tie-out/", world.ines.email)
    for place in (f"months/{NOVEMBER.start}/tie-out/", "settings/amounts/"):
        page.goto(f"{address}/{place}")
        assert violations(page) == [], place
        assert not is_too_wide(page), place
