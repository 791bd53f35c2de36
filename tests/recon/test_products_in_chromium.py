"""Product names, shares and the invoice in a real browser: decided by hand, in both widths and colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import Account, Organization, User
from recon.engine import Holding
from recon.services import products, shares
from tests.recon.conftest import Put
from tests.recon.making import compare

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SHOTS = Path(__file__).resolve().parent.parent / "shots"
HEAD = ["Organization", "Product", "Quantity", "Unit Price"]


@pytest.fixture
def address(live_server, page: Page, client: Client, account: Account, mara: User, put: Put) -> str:
    """The account's own address, Mara being signed in, with names that wait, one that was decided, and a shared Organization."""
    put(
        "billed",
        ["Organization", "Organization ID", "EDR", "EDR price"],
        ["Tarn Vale Dental", "1", 10, "2.90"],
        ["Greyfriars", "2", 9, "2.90"],
    )
    put(
        "rebilled",
        HEAD,
        ["Tarn Vale Dental", "Workstation Care incl. EDR", 10, "9.00"],
        ["Greyfriars North", "EDR", 5, "6.50"],
        ["Tarn Vale Dental", "Offsite Backup", 2, "41.00"],
        ["Tarn Vale Dental", "Secure Workplace", 1, "12.00"],
    )
    products.count_as(account, "Secure Workplace", [Holding("edr"), Holding("itdr")], by=mara)
    shared = Organization.objects.get(account=account, huntress_id="2")
    shares.share_out(shared, [shares.Wanted("Greyfriars North", 3), shares.Wanted("Greyfriars South", 2)], by=mara)
    compare()
    client.force_login(mara)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    return f"{live_server.url}/a/{account.slug}"


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_name_is_counted_and_another_ignored(page: Page, address: str) -> None:
    page.goto(f"{address}/products/")
    page.get_by_role("button", name="Count it as EDR").click()
    expect(page.locator("body")).to_contain_text("Workstation Care incl. EDR counts as EDR.")
    page.get_by_label("Select Offsite Backup").check()
    page.get_by_placeholder("Why the ticked names").fill("Another vendor’s")
    page.get_by_role("button", name="Ignore the ticked").click()
    expect(page.get_by_text("Every product name is known")).to_be_visible()
    page.get_by_role("button", name="Undo the last act on Offsite Backup").click()
    expect(page.get_by_label("Select Offsite Backup")).to_be_visible()


def test_an_invoice_is_typed_in(page: Page, address: str) -> None:
    page.goto(f"{address}/months/2026-10-14/")
    page.get_by_text("Type an invoice in").click()
    page.get_by_label("Amount").fill("55.10")
    page.get_by_label("Units charged").fill("19")
    page.get_by_role("button", name="Hold it against the report").click()
    expect(page.get_by_text("The report ties to the invoice")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_fit_and_can_be_read_by_everybody(page: Page, address: str, account: Account, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    shared = Organization.objects.get(account=account, huntress_id="2")
    SHOTS.mkdir(exist_ok=True)
    for name, path in (("products", "products/"), ("shares", f"organizations/{shared.pk}/shares/"), ("tie-out", "months/2026-10-14/")):
        page.goto(f"{address}/{path}")
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
        assert not is_too_wide(page), name
        assert violations(page) == [], name
