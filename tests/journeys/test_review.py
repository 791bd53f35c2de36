"""A month is closed in a real browser with a real worker: explained, submitted, signed by another person, changed since, reopened."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from recon.models import Drift, Reconciliation
from tests.conftest import Worker
from tests.review.making import NOVEMBER, World, key, new_world

pytestmark = [pytest.mark.browser, pytest.mark.worker]

PASSWORD = "seven-quiet-herons"
WORKING = 20_000  # milliseconds for what a worker does
BILLED = {("Tarn Vale Dental", "edr"): 12, ("Garrowby Farms", "edr"): 100}
EXPECTED = {("Tarn Vale Dental", "edr"): 10, ("Garrowby Farms", "edr"): 96}


@pytest.fixture
def world(worker: Worker) -> World:
    world = new_world()
    world.month(billed=BILLED, expected=EXPECTED, rebilled=BILLED)
    return world


@pytest.fixture
def windows(browser: Browser) -> Iterator[list[Any]]:
    opened: list[Any] = []
    yield opened
    for one in opened:
        one.close()


def signed_in(browser: Browser, windows: list[Any], url: str, user: User) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(10_000)
    windows.append(context)
    page: Page = context.new_page()
    page.goto(url)
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(url)))
    return page


def test_a_month_is_closed_and_opened_again(browser: Browser, windows: list[Any], live_server: Any, worker: Worker, world: World) -> None:
    address = f"{live_server.url}/a/{world.account.slug}"
    month, at = f"{address}/months/{NOVEMBER.start}/", key(world.of(), "Tarn Vale Dental")

    # what stands in the way is named, and nothing can be submitted
    ines = signed_in(browser, windows, f"{month}sign/", world.ines)
    expect(ines.get_by_role("button", name="Submit for review")).to_have_attribute("aria-disabled", "true")
    expect(ines.get_by_role("region", name="What stands in the way")).to_contain_text("1 row with something unexplained")

    # explained, and submitted
    ines.goto(f"{month}rows/{at[0]}/{at[1]}/")
    form = ines.get_by_role("form", name=re.compile("^Explain Billed − expected"))
    form.get_by_label("Cause").select_option("New agents")
    form.get_by_label("Evidence or note").fill("Two laptops, confirmed by phone.")
    form.get_by_role("button", name="Add item").click()
    expect(ines.locator(".panel")).to_contain_text("New agents")
    ines.goto(f"{month}sign/")
    ines.get_by_label(re.compile("I certify this as preparer")).check()
    ines.get_by_role("button", name="Submit for review").click()
    expect(ines.get_by_text("submitted it", exact=False).first).to_be_visible()

    # one's own signature is refused, on the page and beside it
    expect(ines.get_by_role("button", name="Sign revision 1")).to_have_attribute("aria-disabled", "true")
    expect(ines.locator("#objection")).to_contain_text("a different person signs it")
    beside = Client()
    beside.force_login(world.ines)
    beside.post(
        f"/a/{world.account.slug}/months/{NOVEMBER.start}/sign/sign", {"seen_run": world.of().run, "certify": world.account.to_certify[0]}
    )
    assert Reconciliation.objects.get().state == "in_review"

    # another person signs
    jonah = signed_in(browser, windows, f"{month}sign/", world.jonah)
    jonah.get_by_label(re.compile("I certify this as reviewer")).check()
    jonah.get_by_role("button", name="Sign revision 1").click()
    expect(jonah.get_by_role("heading", level=1)).to_contain_text("is signed")
    signed = Reconciliation.objects.get()
    assert (signed.state, signed.preparer, signed.reviewer) == ("signed", world.ines, world.jonah)

    # its sheet has no DRAFT on it
    jonah.get_by_role("button", name="Rebill sheet").click()
    expect(jonah.locator("#download")).to_be_visible(timeout=WORKING)
    with jonah.expect_download() as downloaded:
        jonah.locator("#download").click()
    assert "DRAFT" not in downloaded.value.suggested_filename
    book = load_workbook(io.BytesIO(Path(downloaded.value.path()).read_bytes()))
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if "DRAFT" in str(cell.value)]
    sheet_page = jonah.url

    # a late file: the signature stands, and the month says what would change
    world.put("rebilled", {**BILLED, ("Garrowby Farms", "edr"): 90})
    _until(lambda: Drift.objects.filter(reconciliation=signed, rows=1).exists(), jonah)
    jonah.goto(month)
    expect(jonah.locator("#changed")).to_contain_text("Changed since sign-off.")
    expect(jonah.locator("#changed")).to_contain_text("1 row would be counted otherwise now.")
    jonah.goto(f"{month}sign/")

    # reopened: the next revision has the decisions and the late file, and the sheet is superseded
    jonah.get_by_role("link", name="Reopen…").click()
    dialog = jonah.get_by_role("dialog")
    dialog.get_by_label("Reason").select_option("A later file changes it")
    dialog.get_by_label("What happened?").fill("The PSA list came late.")
    dialog.get_by_role("button", name="Reopen the month").click()
    expect(jonah.get_by_text("revision 2").first).to_be_visible()
    _until(lambda: Reconciliation.objects.filter(revision=2, run__gt=0, stale=False).exists(), jonah)
    jonah.goto(f"{month}sign/")
    expect(jonah.get_by_role("region", name="What stands in the way")).to_contain_text("1 row with something unexplained")
    jonah.goto(sheet_page)
    expect(jonah.get_by_text("Superseded.")).to_be_visible()


def test_tolerances_are_changed_with_a_preview(
    browser: Browser, windows: list[Any], live_server: Any, worker: Worker, world: World
) -> None:
    ines = signed_in(browser, windows, f"{live_server.url}/a/{world.account.slug}/tolerances/", world.ines)
    ines.locator("input[name$=investigate_percent]").first.fill("2")
    ines.get_by_role("button", name="Preview").click()
    expect(ines.get_by_text("2 rows would be flagged, 1 more.")).to_be_visible()
    assert not Reconciliation.objects.exclude(policy=None).exists()
    ines.get_by_label(re.compile("^Why")).fill("We look closer.")
    ines.get_by_role("button", name="Save as version 1").click()
    expect(ines.get_by_text("Version 1 is in force", exact=True)).to_be_visible()
    _until(lambda: Reconciliation.objects.filter(policy__version=1, stale=False).exists(), ines)
    ines.goto(f"{live_server.url}/a/{world.account.slug}/months/{NOVEMBER.start}/?view=work")
    expect(ines.locator(".list tbody tr[id^=row-]")).to_have_count(2)


def _until(true: Any, page: Page) -> None:
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("the worker did not do it in time")
