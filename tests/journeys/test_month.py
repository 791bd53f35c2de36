"""The way through a month in a real browser with a real worker: files in, a draft rebill sheet out. With a script and without."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import Account
from recon.models import Note
from tests.conftest import Worker
from tests.recon.making import csv_bytes, month_of, new_account, new_person

pytestmark = [pytest.mark.browser, pytest.mark.worker]

PASSWORD = "seven-quiet-herons"
SHOTS = Path(__file__).resolve().parent.parent / "shots"
CYCLE = "2026-10-14-to-2026-11-14"
BILLED = csv_bytes(
    ["Organization", "Organization ID", "EDR", "Agents", "EDR price"],
    ["Tarn Vale Dental", "153", 12, 10, "3.10"],
    ["Marrick Town Trust", "93", 40, 41, "3.10"],
    ["=Brindle & Stow", "24", 7, 7, "3.10"],
)
EXPECTED = csv_bytes(["Client", "EDR"], ["Tarn Vale Dental", 10], ["MARRICK TOWN TRUST", 40], ["=Brindle & Stow", 7])
REBILLED = csv_bytes(
    ["Customer", "Service", "Qty", "Rate"],
    ["Tarn Vale Dental", "Managed EDR", 9, "6.50"],
    ["Marrick Town Trust", "Managed EDR", 40, "6.50"],
)
FILES = [
    {"name": f"billing-detail-{CYCLE}.csv", "mimeType": "text/csv", "buffer": BILLED},
    {"name": f"rmm-contracts-{CYCLE}.csv", "mimeType": "text/csv", "buffer": EXPECTED},
    {"name": f"psa-agreements-{CYCLE}.csv", "mimeType": "text/csv", "buffer": REBILLED},
]
WORKING = 20_000  # milliseconds for what a worker does


@pytest.fixture
def account(worker: Worker) -> Account:
    account = new_account()
    new_person(account)
    return account


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser refused or failed at. The accessibility check leaves styles on elements, which HTMX copies: not ours."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" and "inline style" not in message.text else None
    )
    return said


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A window without scripts."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False, accept_downloads=True)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def shot(page: Page, name: str) -> None:
    """A picture for a person to look at; git does not keep it."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def violations(page: Page) -> list[str]:
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in Axe().run(page, options=rules).response["violations"]]


def sign_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("E-mail address").fill("mara@quillmere.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()


def renewed_until(shown: Locator) -> None:
    """Without a script a page renews itself while a worker is busy; a person who waits for long loads it again."""
    with suppress(AssertionError):
        expect(shown).to_be_visible(timeout=WORKING / 2)
        return
    shown.page.reload()
    expect(shown).to_be_visible(timeout=WORKING)


def sheet_of(path: str | Path) -> Workbook:
    return load_workbook(io.BytesIO(Path(path).read_bytes()))


def check_sheet(name: str, book: Workbook) -> None:
    """The rebill sheet: DRAFT on its face and in its name, the billed quantity as the new one, amounts as formulas, names as text."""
    assert "DRAFT" in name
    assert book.sheetnames == ["Summary", "Rebill lines", "Variances", "Notes"]
    assert any("DRAFT" in str(cell.value) for row in book["Summary"].iter_rows() for cell in row if cell.value)
    rows = [list(row) for row in book["Rebill lines"].iter_rows()]
    header = next(n for n, row in enumerate(rows) if row[0].value == "Organization")
    place = {cell.value: n for n, cell in enumerate(rows[header])}
    lines = {row[0].value: row for row in rows[header + 1 :] if row[place["Product"]].value == "EDR"}
    assert set(lines) == {"Tarn Vale Dental", "Marrick Town Trust", "=Brindle & Stow"}
    assert {row[0].data_type for row in lines.values()} == {"s"}
    tarn = lines["Tarn Vale Dental"]
    assert (tarn[place["Old quantity"]].value, tarn[place["New quantity"]].value) == (9, 10)
    assert re.match(r"=ROUND\(G\d+\*I\d+,2\)", str(tarn[place["New amount"]].value))


def test_from_three_files_to_a_rebill_sheet(page: Page, live_server: object, worker: Worker, account: Account, troubles: list[str]) -> None:
    address = f"{live_server.url}/a/{account.slug}"  # type: ignore[attr-defined]
    sign_in(page, f"{address}/files/")

    # three at once; the report has two columns for EDR, which nobody but a person can choose between
    page.get_by_label("Choose files to add").set_input_files(FILES)  # type: ignore[arg-type]
    shelf = page.locator("#shelf")
    expect(shelf.locator("li")).to_have_count(3)
    expect(shelf.get_by_text("refused", exact=True)).to_have_count(1, timeout=WORKING)
    expect(shelf.get_by_text("to check", exact=True)).to_have_count(2, timeout=WORKING)
    shot(page, "files")
    shelf.get_by_role("link", name="billing-detail").click()
    expect(page.get_by_role("alert")).to_contain_text("Agents")
    assert violations(page) == []
    page.get_by_label("Column C, EDR, is").select_option("Ignore")
    page.get_by_label("Column D, Agents, is").select_option("EDR quantity (agents)")
    shot(page, "mapping")
    page.get_by_role("button", name="Read again with this").click()
    expect(page.get_by_role("button", name="Import 3 rows")).to_be_visible(timeout=WORKING)
    shot(page, "preview")
    assert violations(page) == []
    page.get_by_role("button", name="Import 3 rows").click()

    # when it counts, its month opens; the other two follow
    expect(page).to_have_url(re.compile(r"/months/2026-10-14/"), timeout=WORKING)
    for name in ("rmm-contracts", "psa-agreements"):
        page.goto(f"{address}/files/")
        page.locator("#shelf").get_by_role("link", name=name).click()
        page.get_by_role("button", name=re.compile(r"^Import \d rows")).click()
        expect(page).to_have_url(re.compile(r"/months/2026-10-14/"), timeout=WORKING)
    expect(page.get_by_text("Comparing the lists.")).to_have_count(0, timeout=WORKING)
    rows = page.locator(".list tbody tr[id^=row-]")
    expect(rows).to_have_count(3, timeout=WORKING)
    shot(page, "month")
    assert violations(page) == []

    # filter, by tab and by typing; the address keeps it
    page.get_by_role("link", name="Work queue").click()
    expect(rows).to_have_count(2)
    page.get_by_placeholder("Organization").fill("tarn")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("q=tarn"))
    page.go_back()
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="All rows").click()
    expect(rows).to_have_count(3)

    # by keyboard: J to the second row, O opens it
    page.locator("body").press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = rows.first.locator("th a").inner_text()
    page.keyboard.press("o")
    panel = page.locator("aside.panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text(first)
    expect(panel).to_contain_text(f"billing-detail-{CYCLE}.csv, line 4")
    shot(page, "row")
    assert violations(page) == []
    panel.get_by_label("Add a note").fill("Two machines too many; asked them.")
    panel.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes")).to_contain_text("Two machines too many; asked them.")
    assert Note.objects.get().author.email == "mara@quillmere.example"

    # the sheet
    page.get_by_role("button", name="Rebill sheet, draft").click()
    with page.expect_download(timeout=WORKING) as download:
        page.get_by_role("link", name="Download").click(timeout=WORKING)
    check_sheet(download.value.suggested_filename, sheet_of(download.value.path()))
    shot(page, "sheet")
    assert not month_of(account).stale
    assert troubles == []
    assert "Traceback" not in worker.log()


def test_the_same_way_without_a_script(plain_page: Page, live_server: object, worker: Worker, account: Account) -> None:
    page, address = plain_page, f"{live_server.url}/a/{account.slug}"  # type: ignore[attr-defined]
    sign_in(page, f"{address}/files/")
    page.get_by_label("Choose files to add").set_input_files(FILES)  # type: ignore[arg-type]
    page.get_by_role("button", name="Add the chosen files").click()
    for name in ("billing-detail", "rmm-contracts", "psa-agreements"):
        page.goto(f"{address}/files/")
        page.locator("#shelf").get_by_role("link", name=name).click()
        if name == "billing-detail":
            choose = page.get_by_label("Column D, Agents, is")
            renewed_until(choose)
            page.get_by_label("Column C, EDR, is").select_option("Ignore")
            choose.select_option("EDR quantity (agents)")
            page.get_by_role("button", name="Read again with this").click()
        button = page.get_by_role("button", name=re.compile(r"^Import \d rows"))
        renewed_until(button)
        button.click()
        expect(page.get_by_role("button", name=re.compile("Withdraw from this month"))).to_be_visible(timeout=WORKING)
    page.goto(f"{address}/months/2026-10-14/")
    page.get_by_placeholder("Organization").fill("tarn")
    page.get_by_role("button", name="Filter").click()
    rows = page.locator(".list tbody tr[id^=row-]")
    expect(rows).to_have_count(1, timeout=WORKING)
    rows.get_by_role("link", name="Tarn Vale Dental").click()
    page.get_by_label("Add a note").fill("Without a script.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes")).to_contain_text("Without a script.")
    shot(page, "row-without-script")
    page.get_by_role("button", name="Rebill sheet, draft").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=WORKING)
    with page.expect_download() as download:
        link.click()
    check_sheet(download.value.suggested_filename, sheet_of(download.value.path()))
