"""The queue in a real browser: by keyboard, without a script, at 390 pixels, and for everybody; nothing refused by the policy."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import Organization, User
from recon.models import Question
from tests.match_pages.pages import in_rebilled_list_alone, namesakes
from tests.questions.stories import mistyped, renamed
from tests.review.making import World, new_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def world(transactional_db: None) -> World:
    return new_world()


def enter(page: Page, live_server: Any, user: User) -> str:
    """The account's own address, somebody being signed in."""
    client, name = Client(), settings.SESSION_COOKIE_NAME
    client.force_login(user)
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    return f"{live_server.url}/a/quillmere-it"


@pytest.fixture
def address(live_server: Any, page: Page, world: World) -> str:
    return enter(page, live_server, world.mara)


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser refused or failed at."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return said


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def another(one: Question, name: str, **said: Any) -> Question:
    values = {
        "kind": "mistyped",
        "topic": f"orgs:{name}",
        "weight": 0,
        "subject": one.subject,
        "candidate": one.candidate,
        "evidence": one.evidence,
    }
    return Question.objects.create(account=one.account, cycle=one.cycle, name=name, **(values | said))


def test_one_key_press_decides_and_the_next_one_comes(page: Page, address: str, world: World, troubles: list[str]) -> None:
    one = renamed(world)
    another(one, "Tarn Vale Dentel")
    page.goto(f"{address}/matches/")
    expect(page.locator("#pair-h")).to_have_text("1 of 2: Are these the same customer?")
    page.keyboard.press("s")
    expect(page.locator("#pair-h")).to_contain_text("1 of 1")
    expect(page.locator("#pair-h")).to_be_focused()
    expect(page.locator("#toasts")).to_contain_text("Garrowby Glazing and Garrowby Glass are one customer")
    expect(page.locator("#effect")).to_contain_text("Comparing anew.")
    expect(page.locator(".bar .nav .count")).to_have_text("1")
    assert Question.objects.get(pk=one.pk).answer == "same"
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Taken back")
    assert Question.objects.get(pk=one.pk).state == "open"
    assert troubles == []


def test_a_key_that_is_held_down_answers_once(page: Page, address: str, world: World) -> None:
    one = renamed(world)
    for number in range(4):
        another(one, f"Customer {number}")
    page.goto(f"{address}/matches/")
    press = "(repeat) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'd', repeat, bubbles: true}))"
    for repeat in (False, True, True, True):
        page.evaluate(press, repeat)
    expect(page.locator("#pair-h")).to_contain_text("1 of 4")
    page.wait_for_timeout(400)
    assert Question.objects.filter(state="answered").count() == 1


def test_not_ours_asks_why(page: Page, address: str, world: World, troubles: list[str]) -> None:
    one = mistyped(world)
    page.goto(f"{address}/matches/")
    page.keyboard.press("n")
    expect(page.get_by_label("Why?").last).to_be_focused()
    page.keyboard.type("Sold last year.")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Hexmoor Schol is not ours")
    one.refresh_from_db()
    assert (one.answer, one.answer_reason) == ("not_ours", "Sold last year.")
    assert troubles == []


def test_keys_lead_through_the_queue_and_leave_for_later(page: Page, address: str, world: World) -> None:
    one = renamed(world)
    another(one, "Tarn Vale Dentel")
    page.goto(f"{address}/matches/")
    page.keyboard.press("j")
    expect(page.locator("#pair-h")).to_contain_text("2 of 2")
    page.keyboard.press("k")
    expect(page.locator("#pair-h")).to_contain_text("1 of 2")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#toasts")).to_contain_text("comes last now")
    assert Question.objects.get(pk=one.pk).postponed_at


def test_keys_do_nothing_while_somebody_types_or_switched_them_off(page: Page, address: str, world: World) -> None:
    renamed(world)
    page.goto(f"{address}/matches/")
    page.locator("#m-q").press("s")
    expect(page.locator("#m-q")).to_have_value("s")
    page.context.add_cookies([{"name": "shortcuts", "value": "off", "url": address}])
    page.goto(f"{address}/matches/")
    page.keyboard.press("s")
    page.wait_for_timeout(300)
    assert not Question.objects.filter(state="answered").exists()


def test_a_number_says_whose_rows_they_are(page: Page, address: str, world: World) -> None:
    one = namesakes(world)
    page.goto(f"{address}/matches/{one.pk}/")
    page.keyboard.press("2")
    expect(page.locator("#toasts")).to_contain_text("those rows are Harbour Lane Joinery’s")
    assert Question.objects.get(pk=one.pk).undo["organization"] == Organization.objects.get(huntress_id="195").pk


def test_it_works_without_a_script(browser: Browser, live_server: Any, world: World) -> None:
    one = renamed(world)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{enter(page, live_server, world.mara)}/matches/")
    page.get_by_role("button", name="Same").click()
    expect(page.locator("#toasts")).to_contain_text("are one customer")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Taken back")
    page.get_by_text("Not ours…").click()
    page.get_by_label("Why?").last.fill("Sold.")
    page.get_by_role("button", name="Not ours", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("not ours")
    one.refresh_from_db()
    assert one.answer == "not_ours"
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it_in_every_state(page: Page, address: str, world: World, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto(f"{address}/matches/")
    assert violations(page) == [], "with nothing to decide"
    one = in_rebilled_list_alone(world, "Yarrowfield Scouts")[0]
    known = Organization.objects.get(name="Cobble Lane Florists")
    for path in (f"matches/{one.pk}/?other=lane", f"matches/{one.pk}/?with={known.pk}", "organizations/", f"organizations/{known.pk}/"):
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{address}/{path}")
            assert violations(page) == [], f"{path} at {width}"
            assert not is_too_wide(page), f"{path} at {width}"
