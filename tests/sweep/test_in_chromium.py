"""The sweep in a real browser: for everybody, at both widths, in both themes, and without a script."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from recon.services import sweeping
from recon.states import today_in
from tests.match_pages.test_in_chromium import enter, is_too_wide, troubles, violations
from tests.review.making import BILLED, World, new_world
from tests.sweep.making import STORY, Swept, host

__all__ = ["troubles"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: Where pictures of the pages are put, for whoever wants to look at them.
SHOTS = os.environ.get("RECON_SHOTS", "")


@pytest.fixture
def world(transactional_db: None) -> World:
    return new_world()


@pytest.fixture
def swept(world: World) -> Swept:
    world.put("billed", BILLED, price=2_900_000)
    found = Swept(world)
    found.put(STORY)
    until = today_in(world.account) + timedelta(days=20)
    sweeping.keep(found.finding("GF-45"), reason="On a ship until January.", until=until, by=world.mara)
    later = found.sweep.as_of
    assert later is not None
    found.put(
        [*STORY[2:], host("TV-99", "Tarn Vale Dental", 0, "SN-99", later + timedelta(days=1)), host("YS-1", "Yarrowfield Scouts", 40)]
    )
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it_in_every_state(
    page: Page,
    live_server: Any,
    swept: Swept,
    theme: Literal["light", "dark"],
    troubles: list[str],
) -> None:
    page.emulate_media(color_scheme=theme)
    address = enter(page, live_server, swept.world.mara)
    farms = swept.organization("Garrowby Farms").pk
    paths = ("sweep/", f"sweep/{farms}/", "sweep/0/", "sweep/changes/?kind=new", "sweep/print/", f"organizations/{farms}/")
    for path in paths:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{address}/{path}")
            if SHOTS:
                page.screenshot(
                    path=Path(SHOTS) / f"{path.strip('/').replace('/', '-').partition('?')[0]}-{width}-{theme}.png", full_page=True
                )
            assert violations(page) == [], f"{path} at {width}"
            assert not is_too_wide(page), f"{path} at {width}"
    assert troubles == []


def test_it_works_without_a_script(browser: Browser, live_server: Any, swept: Swept) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    address = enter(page, live_server, swept.world.mara)
    page.goto(f"{address}/sweep/")
    page.get_by_label("Customer or machine").fill("GF-4")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".list tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Garrowby Farms").click()
    page.get_by_role("button", name="No longer keep GF-45").click()
    expect(page.locator("#toasts")).to_contain_text("GF-45 is on the list again.")
    context.close()
