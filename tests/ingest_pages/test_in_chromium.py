"""Files in a real browser: dropped, watched, mapped, imported, by keyboard and at 390 pixels; nothing refused by the policy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from ingest import jobs
from ingest.models import Job, LegInput, MappingProfile, SourceFile
from ingest.services.mappings import remember
from ingest.sources import Mapping
from tests.ingest_pages.conftest import BEFORE, BILLED, REJECTING, TWO_COLUMNS, Receive

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def address(live_server, page: Page, client: Client, mara: User) -> str:
    """The account's own address, Mara being signed in."""
    client.force_login(mara)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    return f"{live_server.url}/a/quillmere-it"


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser refused or failed at."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return said


def work() -> None:
    """What a worker would do now."""
    for job in Job.objects.filter(state=Job.State.QUEUED).exclude(kind="recount"):
        jobs.run_now(job)


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def test_a_chosen_file_is_watched_mapped_and_imported(page: Page, address: str, tmp_path: Path, troubles: list[str]) -> None:
    (tmp_path / "billing-detail.csv").write_bytes(TWO_COLUMNS)
    page.goto(f"{address}/files/")
    page.locator("input[type=file]").set_input_files(tmp_path / "billing-detail.csv")
    expect(page.get_by_role("heading", name="billing-detail.csv")).to_be_visible()
    expect(page.locator("#file")).to_contain_text("You may leave this page.")
    work()
    expect(page.get_by_role("alert")).to_contain_text("Two columns could be the EDR")
    page.get_by_label("Column B, EDR, is").select_option("Ignore")
    page.get_by_label("Column C, Agents, is").select_option("quantity:edr")
    page.get_by_role("button", name="Read again with this").click()
    expect(page.locator("#file")).to_contain_text("You may leave this page.")
    work()
    expect(page.get_by_role("button", name="Import 2 rows")).to_be_visible()
    expect(page.locator("#totals tfoot")).to_contain_text("18")
    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.locator("#file")).to_contain_text("You may leave this page.")
    work()
    page.wait_for_url("**/months/*/")
    assert LegInput.objects.get().source_file.name == "billing-detail.csv"
    assert troubles == []


def test_a_corrected_mapping_is_remembered(page: Page, address: str, tmp_path: Path, troubles: list[str]) -> None:
    (tmp_path / "rebilled-october.csv").write_bytes(b"Klant,Sort,Stuks\nAldermere Surveying,EDR,14\nFarnholt Academy,EDR,3\n")
    (tmp_path / "rebilled-november.csv").write_bytes(b"Klant,Sort,Stuks\nAldermere Surveying,EDR,15\n")
    (tmp_path / "rebilled-december.csv").write_bytes(b"Regio,Klant,Stuks,Sort\nNoord,Aldermere Surveying,16,EDR\n")

    def drop(name: str) -> None:
        page.goto(f"{address}/files/")
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        work()

    drop("rebilled-october.csv")
    expect(page.get_by_role("alert")).to_contain_text("No header was found")
    page.get_by_label("Column A, Klant, is").select_option("Organization")
    page.get_by_label("Column B, Sort, is").select_option("Product, named in each row")
    page.get_by_label("Column C, Stuks, is").select_option(label="Quantity, of the row's product")
    page.get_by_role("button", name="Read again with this").click()
    work()
    expect(page.get_by_role("button", name="Import 2 rows")).to_be_visible()

    drop("rebilled-november.csv")
    expect(page.get_by_role("button", name="Import 1 row")).to_be_visible()
    expect(page.locator(".mapped")).to_contain_text("by Mara: Klant, Sort, Stuks.")
    page.locator(".mapped a").click()
    expect(page.get_by_role("heading", name="Klant, Sort, Stuks", level=1)).to_be_visible()
    expect(page.get_by_label("Column C, Stuks, is")).to_have_value("quantity")

    drop("rebilled-december.csv")
    expect(page.locator("#file")).to_contain_text("Column A “Regio” is new.")
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    page.get_by_role("button", name="Confirm and remember").first.click()
    work()
    expect(page.get_by_role("button", name="Import 1 row")).to_be_visible()
    page.goto(f"{address}/settings/mappings/")
    expect(page.locator("#mappings tbody tr")).to_have_count(2)
    assert troubles == []


def test_turning_to_another_bucket_keeps_what_was_chosen(page: Page, address: str, arrive: Receive, troubles: list[str]) -> None:
    came = arrive(REJECTING, "psa.csv")
    page.goto(f"{address}/files/{came.pk}/")
    page.get_by_label("Column D, Rate, is").select_option("Ignore")
    tab = page.get_by_role("navigation", name="Rows by bucket").get_by_role("link", name="Rejected")
    tab.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(page.locator("#tab-rejected")).to_have_attribute("aria-current", "true")
    expect(page.locator("#tab-rejected")).to_be_focused()
    expect(page.get_by_label("Column D, Rate, is")).to_have_value("")
    assert page.url.endswith("?bucket=rejected")
    assert troubles == []


def test_choosing_a_cycle_shows_what_it_would_replace(page: Page, address: str, arrive: Receive, count_in, troubles: list[str]) -> None:
    count_in(arrive(), BEFORE)
    came = arrive(BILLED + b"\n", "corrected.csv")
    page.goto(f"{address}/files/{came.pk}/")
    expect(page.locator("#replaces")).to_contain_text("Replaces nothing")
    page.get_by_label("Cycle", exact=True).select_option(f"{BEFORE.start}:{BEFORE.end}")
    expect(page.locator("#replaces")).to_contain_text("Replaces billing-detail.csv")
    assert troubles == []


def test_rejected_rows_must_be_left_out_knowingly(page: Page, address: str, arrive: Receive) -> None:
    came = arrive(REJECTING, "psa.csv")
    page.goto(f"{address}/files/{came.pk}/")
    page.get_by_role("button", name="Import 3 rows").click()
    box = page.get_by_label("Import without these 2 rows")
    expect(box).to_be_focused()
    box.check()
    page.get_by_role("button", name="Import 3 rows").click()
    expect(page.locator("#file")).to_contain_text("You may leave this page.")


def test_withdrawing_asks_first(page: Page, address: str, arrive: Receive, count_in, troubles: list[str]) -> None:
    came = count_in(arrive())
    page.goto(f"{address}/files/{came.pk}/")
    page.get_by_role("button", name="Withdraw from this month").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Keep it").click()
    assert LegInput.objects.get().ended_at is None
    page.get_by_role("button", name="Withdraw from this month").click()
    dialog.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#file")).to_contain_text("Counts nowhere now")
    assert troubles == []


def test_it_works_without_a_script(page: Page, address: str, browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(page.context.cookies())
    plain = context.new_page()
    (tmp_path / "billing-detail.csv").write_bytes(BILLED)
    plain.goto(f"{address}/files/")
    plain.locator("input[type=file]").set_input_files(tmp_path / "billing-detail.csv")
    plain.get_by_role("button", name="Add the chosen files").click()
    work()
    plain.reload()
    plain.get_by_role("button", name="Import 3 rows").click()
    work()
    plain.reload()
    plain.get_by_role("link", name="Loaded").last.click()
    expect(plain.locator("#lines tbody tr")).to_have_count(5)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_accessibility_rule_and_fits_a_phone(
    page: Page, address: str, arrive: Receive, count_in, troubles: list[str], scheme: Literal["light", "dark"]
) -> None:
    counted, ready, refused = count_in(arrive()), arrive(REJECTING, "psa.csv"), arrive(TWO_COLUMNS, "bill.csv")
    remember(ready.account, "rebilled", ["Klant", "Sort"], Mapping({0: "organization", 1: "quantity:edr"}), by=ready.received_by)
    proposed = arrive(b"Klant,Regio,Sort\nAldermere Surveying,Noord,3\n", "psa-new.csv")
    busy = arrive(BILLED + b"\n", "later.csv", read=False)
    page.emulate_media(color_scheme=scheme)
    files = [f"{address}/files/{one.pk}/" for one in (counted, ready, refused, proposed, busy)]
    mappings = f"{address}/settings/mappings/"
    places = (mappings, f"{mappings}{MappingProfile.objects.get().pk}/")
    for place in (f"{address}/files/", f"{address}/jobs/", *places, *files, f"{files[0]}?bucket=loaded", f"{files[1]}?bucket=rejected"):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(place)
        assert violations(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert not is_too_wide(page), place
    assert troubles == []
    assert SourceFile.objects.count() == 5
