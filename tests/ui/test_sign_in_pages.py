"""Sign-in and error pages in a real browser: nothing refused by the policy, no accessibility rule broken, no width overrun."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL, PASSWORD = "mara@quillmere.example", "seven-quiet-herons"
OPEN_TO_ALL = ["/account/login/", "/account/password/reset/", "/account/password/reset/done/", "/account/inactive/", "/nothing-here"]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def address(live_server) -> str:
    get_user_model().objects.create_user(EMAIL, PASSWORD, name="Mara Kestle")
    return str(live_server.url)


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser refused or failed at."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    return said


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def sign_in(page: Page, address: str, password: str = PASSWORD) -> None:
    page.goto(f"{address}/account/login/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_it_breaks_no_accessibility_rule(
    page: Page, address: str, troubles: list[str], path: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(address + path)
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert not is_too_wide(page)
    assert troubles == []


def test_a_wrong_password_is_told_and_what_was_typed_is_kept(page: Page, address: str, troubles: list[str]) -> None:
    sign_in(page, address, "not-the-password")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    expect(page.get_by_label("E-mail address")).to_have_value(EMAIL)
    expect(page.get_by_label("Password")).to_be_focused()
    assert violations(page) == []
    assert troubles == []


def test_an_empty_field_is_marked_and_described(page: Page, address: str) -> None:
    page.goto(f"{address}/account/login/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password")).to_have_accessible_description("This field is required.")


def test_the_theme_chosen_is_kept_by_the_next_page(page: Page, address: str, troubles: list[str]) -> None:
    sign_in(page, address)
    page.goto(f"{address}/account/password/change/")
    menu = page.locator("summary", has_text="Mara Kestle")
    menu.click()
    page.get_by_label("Dark").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert violations(page) == []
    assert troubles == []


def test_signing_out_leads_to_sign_in_and_says_so(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/account/password/change/")
    page.locator("summary", has_text="Mara Kestle").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
