"""The sweep is worked in a real browser with a real worker: looked at, one machine kept, the list downloaded, the next list added."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Worker
from tests.journeys.test_matches import WORKING, sign_in
from tests.recon.making import csv_bytes
from tests.review.making import NOVEMBER, World, new_world
from tests.sweep.making import HEADER, STORY, host, look

pytestmark = [pytest.mark.browser, pytest.mark.worker]


@pytest.fixture
def world(transactional_db: None) -> World:
    world = new_world()
    world.put("billed", {("Tarn Vale Dental", "edr"): 4, ("Garrowby Farms", "edr"): 5, ("Dunfell Bakery", "edr"): 1}, price=2_900_000)
    look()
    return world


def add(page: Page, files: str, name: str, rows: list[list[str]]) -> None:
    """Upload a list of agents, and import it as it was understood."""
    page.goto(files)
    content = csv_bytes(HEADER, *rows)
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.get_by_role("link", name=name).first.click(timeout=WORKING)
    page.get_by_role("button", name=re.compile("^Import")).click(timeout=WORKING)
    page.wait_for_timeout(500)


def swept(page: Page, url: str, words: str) -> None:
    """Open the sweep until a worker has gone through the newest list."""
    for _ in range(60):
        page.goto(url)
        if words in page.locator("#sweep").inner_text():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"the sweep never said: {words}")


def test_the_sweep_is_worked_and_its_list_is_downloaded(page: Page, live_server: Any, world: World, worker: Worker) -> None:
    address = f"{live_server.url}/a/{world.account.slug}"
    month = f"{address}/months/{NOVEMBER.start}/"

    # without a list the step says so
    sign_in(page, month, world.mara.email)
    step = page.get_by_role("navigation", name="Steps of the month").get_by_role("link", name="Sweep")
    expect(step).to_contain_text("Cannot be checked · no agent list")

    # a list is added, a worker looks through it, and the step counts machines and money
    add(page, f"{address}/files/", "agents-1-2026-10-14-to-2026-11-14.csv", STORY)
    swept(page, f"{address}/sweep/", "$17.40")
    page.goto(month)
    expect(step).to_contain_text("6 machines · $17.40 a month")
    step.click()
    expect(page.get_by_role("heading", name="Sweep", exact=True)).to_be_visible()

    # a customer opens its machines; one of them is kept
    page.get_by_role("link", name="Garrowby Farms").click()
    row = page.get_by_role("row", name=re.compile("GF-46"))
    row.get_by_text("Keep…").click()
    row.get_by_label("Why").fill("On a ship until January.")
    row.get_by_label("Until").fill(page.evaluate("new Date(Date.now() + 30 * 864e5).toISOString().slice(0, 10)"))
    row.get_by_role("button", name="Keep it").click()
    expect(page.locator("#toasts")).to_contain_text("GF-46 is kept until")
    expect(page.locator(".list")).not_to_contain_text("GF-46")

    # the list is taken along, without it
    page.goto(f"{address}/sweep/")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["GF-45", "GF-07", "GF-NEW", "TV-22", "TV-21"]
    assert download.value.suggested_filename == "sweep-quillmere-it-2026-11-10.csv"

    # the next list tells what was done
    later = NOVEMBER.last_day
    left = [host(one[0], one[1], 0, one[2], later) for one in STORY if one[0] in {"TV-01", "TV-20", "GF-46", "gf-07", "DB-1"}]
    add(page, f"{address}/files/", "agents-2-2026-10-14-to-2026-11-14.csv", left)
    swept(page, f"{address}/sweep/", "Since the list of 10 Nov 2026")
    expect(page.locator("#sweep")).to_contain_text("5 were swept")
    page.goto(month)
    expect(step).to_contain_text("Done · nothing to remove on 13 Nov 2026")
