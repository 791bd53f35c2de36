"""Two files that do not simply load, in a real browser with a real worker: one without its rejected rows, and a large one cancelled."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from ingest.models import AgentLine, Job, LegInput, SourceFile, UsageLine
from recon.models import SettledRow
from tests.conftest import Worker
from tests.recon.making import csv_bytes, new_account, new_person

pytestmark = [pytest.mark.browser, pytest.mark.worker]
PASSWORD = "seven-quiet-herons"
WORKING = 60_000  # milliseconds for what a worker does
CYCLE = "2026-10-14-to-2026-11-14"
BILLED = csv_bytes(["Organization", "EDR"], ["Tarn Vale Dental", 12], ["Marrick Town Trust", 40], ["Brindle & Stow", 7])
REBILLED = csv_bytes(
    ["Customer", "Service", "Qty", "Rate"],
    ["Tarn Vale Dental", "Managed EDR", 12, "6.50"],
    ["Marrick Town Trust", "Managed EDR", "40.5", "6.50"],
    ["Brindle & Stow", "Managed EDR", 7, "6.50"],
    ["", "Managed EDR", 3, "6.50"],
)
AGENTS = 400_000


@pytest.fixture
def account(worker: Worker) -> Account:
    account = new_account()
    new_person(account)
    return account


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser refused or failed at."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return said


@pytest.fixture
def address(page: Page, live_server: Any, account: Account) -> str:
    """The account's own address, Mara being signed in."""
    address = f"{live_server.url}/a/{account.slug}"
    page.goto(f"{address}/files/")
    page.get_by_label("E-mail address").fill("mara@quillmere.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
    return address


def add(page: Page, address: str, path: Path) -> None:
    page.goto(f"{address}/files/")
    page.get_by_label("Choose files to add").set_input_files(path)
    expect(page.get_by_role("heading", name=path.name)).to_be_visible(timeout=WORKING)


def import_rows(page: Page, label: str) -> None:
    button = page.get_by_role("button", name=label)
    expect(button).to_be_visible(timeout=WORKING)
    button.click()


def test_a_file_is_imported_without_its_rejected_rows(
    page: Page, address: str, worker: Worker, troubles: list[str], tmp_path: Path
) -> None:
    billed, rebilled = tmp_path / f"billing-detail-{CYCLE}.csv", tmp_path / f"psa-agreements-{CYCLE}.csv"
    billed.write_bytes(BILLED)
    rebilled.write_bytes(REBILLED)
    add(page, address, billed)
    import_rows(page, "Import 3 rows")
    expect(page).to_have_url(re.compile(r"/months/2026-10-14/"), timeout=WORKING)

    # each rejected row has its line and its reason, here and in a file that can be sent to whoever mends it
    add(page, address, rebilled)
    expect(page.get_by_role("heading", name="2 rejected rows")).to_be_visible(timeout=WORKING)
    expect(page.locator("#file")).to_contain_text("Line 3 · Quantities are whole numbers: 40.5 is not.")
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV", exact=True).click()
    rows = list(csv.reader(download.value.path().read_text("utf-8-sig").splitlines()))
    assert [(row[0], row[4:]) for row in rows[1:]] == [
        ("3", ["Marrick Town Trust", "Managed EDR", "40.5", "6.50"]),
        ("5", ["", "Managed EDR", "3", "6.50"]),
    ]
    assert all(row[3].endswith(".") for row in rows[1:])

    # the button alone does not leave them out: that is said first
    import_rows(page, "Import 2 rows")
    box = page.get_by_label("Import without these 2 rows")
    expect(box).to_be_focused()
    assert SourceFile.objects.get(name=rebilled.name).state == SourceFile.State.READY
    box.check()
    import_rows(page, "Import 2 rows")
    expect(page).to_have_url(re.compile(r"/months/2026-10-14/"), timeout=WORKING)
    assert sorted(UsageLine.objects.filter(source_file__name=rebilled.name).values_list("line", flat=True)) == [2, 4]

    # the month tells of them, in the words that were said before, until somebody says how they were dealt with
    page.goto(f"{address}/months/2026-10-14/sign/")
    waiting = page.locator("#rejected")
    expect(waiting).to_contain_text(f"{rebilled.name}, line 3: Quantities are whole numbers: 40.5 is not.")
    for place in waiting.get_by_role("checkbox").all():
        place.check()
    waiting.get_by_label("How were they dealt with?").fill("The half is a typing error; the row without a name is a discount.")
    waiting.get_by_role("button", name="Settle the ticked rows").click()
    expect(waiting.get_by_role("checkbox")).to_have_count(0)
    expect(waiting).to_contain_text("The half is a typing error")
    assert SettledRow.objects.count() == 2
    assert troubles == []
    assert "Traceback" not in worker.log()


def test_a_large_import_is_cancelled(page: Page, address: str, worker: Worker, troubles: list[str], tmp_path: Path) -> None:
    path = tmp_path / f"agents-{CYCLE}.csv"
    with path.open("w") as out:
        out.write("Hostname,Organization,Last Check-in\n")
        out.writelines(f"pc-{n:06},Customer {n % 300},2026-11-{n % 13 + 1:02}T08:00:00Z\n" for n in range(AGENTS))
    add(page, address, path)
    import_rows(page, f"Import {AGENTS:,} rows")

    # in the middle of it, with the rows counted, and from a page that was left and opened again
    expect(page.locator("#file")).to_contain_text(re.compile(r"Importing row [1-9]"), timeout=WORKING)
    page.goto(f"{address}/files/")
    page.locator("#shelf").get_by_role("link", name=path.name).click()
    page.locator("#file").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("It was not imported. Cancelled.", timeout=WORKING)
    assert Job.objects.get(kind="import").state == Job.State.CANCELLED
    assert not AgentLine.objects.exists()
    assert not LegInput.objects.exists()

    assert SourceFile.objects.get().state == SourceFile.State.READY

    # nothing stands in the way of another go
    expect(page.get_by_role("button", name=f"Import {AGENTS:,} rows")).to_be_enabled()
    assert troubles == []
    assert "Traceback" not in worker.log()
