"""People and Settings in a real browser: wide and narrow, light and dark, by keyboard and without scripts."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from accounts.models import Account, BillingCycle, Membership, Reseller, Role, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "four-brass-lanterns"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PEOPLE = [
    ("ines@quillmere.example", "Ines Farrow", Role.ADMIN, PASSWORD),
    ("jonah@quillmere.example", "Jonah Ostrow", Role.REVIEWER, PASSWORD),
    ("mara@quillmere.example", "Mara Kestle", Role.PREPARER, PASSWORD),
    ("nell.barrow-castellan@longer-name-of-a-company.example", "Nell Barrow-Castellan of Upper Whitcombe", Role.VIEWER, None),
]


@pytest.fixture
def address(live_server) -> str:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14, reseller=reseller)
    for email, name, role, password in PEOPLE:
        Membership.objects.create(user=User.objects.create_user(email, password, name=name), account=account, role=role)
    ruth = User.objects.create_user("ruth@cobbleside.example", PASSWORD, name="Ruth Ambler")
    Membership.objects.create(user=ruth, reseller=reseller, role=Role.ADMIN)
    BillingCycle.objects.create(account=account, start=date(2026, 10, 14), end=date(2026, 11, 14))
    return str(live_server.url)


@pytest.fixture
def troubles(page: Page) -> list[str]:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return said


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/account/login/?next=/a/quillmere-it/people/")
    page.get_by_label("E-mail address").fill("ines@quillmere.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_break_no_rule_and_fit(
    page: Page, address: str, troubles: list[str], width: int, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, address)
    mara = page.get_by_role("link", name="Mara Kestle").get_attribute("href")
    for path in ("/a/quillmere-it/people/", "/a/quillmere-it/settings/", mara, f"{mara}remove"):
        page.goto(f"{address}{path}")
        assert violations(page) == []
        assert not is_too_wide(page)
    assert troubles == []


def test_an_admin_adds_changes_and_removes(page: Page, address: str) -> None:
    sign_in(page, address)
    page.get_by_label("E-mail address").fill("tom@quillmere.example")
    page.get_by_label("Name").fill("Tom Ashdale")
    page.get_by_label("Role", exact=True).select_option(label="Viewer")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("Hand this link to Tom Ashdale")
    page.get_by_role("link", name="Tom Ashdale").click()
    page.get_by_label("Role", exact=True).select_option(label="Preparer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Tom Ashdale is now preparer of Quillmere IT.")
    page.get_by_role("link", name="Tom Ashdale").click()
    page.get_by_role("link", name="Remove …").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("Tom Ashdale is removed from Quillmere IT.")
    expect(page.get_by_role("row", name="Tom Ashdale")).to_have_count(0)


def test_the_pages_are_found_from_the_persons_menu(page: Page, address: str) -> None:
    sign_in(page, address)
    page.locator("summary", has_text="Ines Farrow").click()
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_label("Anniversary day")).to_have_attribute("readonly", "")
    expect(page.get_by_label("Anniversary day")).to_have_accessible_description(
        "The anniversary day stays 14: the cycles on record begin and end on it."
    )


def test_it_works_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address)
    page.get_by_role("link", name="Mara Kestle").click()
    page.get_by_label("Role", exact=True).select_option(label="Reviewer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Mara Kestle")).to_contain_text("Reviewer")
    context.close()
