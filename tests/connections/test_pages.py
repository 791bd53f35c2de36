"""The pages of connections: what each person sees, what forms keep and what they forget, and how a test is followed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Role, User
from ingest import jobs
from ingest.models import Connection, Job
from ingest.services import connecting
from ingest.views.connection_page import ConnectionPage
from recon.demo.huntress import ACCOUNT_KEY, RESELLER_KEY, USER_KEY, FakeHuntress, Fault, records
from tests.connections.conftest import Add, Examine
from tests.recon import making

pytestmark = pytest.mark.django_db
FORM = {"name": "Huntress", "is_scheduled": "on", "nightly_at": "02:30", "last_day_at": "20:00", "left_to_others": "15", "amount_unit": ""}


def at(name: str, account: Account, *more: Any) -> str:
    return reverse(f"ingest:{name}", args=[account.slug, *more])


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def admin(ines: User) -> Client:
    return making.signed_in(ines)


@pytest.fixture
def viewer(account: Account) -> Client:
    return making.signed_in(making.new_person(account, "tom@quillmere.example", Role.VIEWER))


def test_where_nothing_is_connected_the_page_says_how_a_key_is_made(admin: Client, viewer: Client, account: Account) -> None:
    for client in (admin, viewer):
        page = client.get(at("connections", account))
        assert "Nothing is connected yet" in text(page)
        assert "API Credentials" in text(page)
    assert at("add_connection", account) in admin.get(at("connections", account)).content.decode()
    assert at("add_connection", account) not in viewer.get(at("connections", account)).content.decode()


def test_a_key_is_added_and_its_test_asked_for(admin: Client, account: Account) -> None:
    response = admin.post(at("add_connection", account), {"name": "Huntress", "key": ACCOUNT_KEY[0], "secret": ACCOUNT_KEY[1]})
    connection = Connection.objects.get()
    assert response["Location"] == at("connection", account, connection.pk)
    assert Job.objects.get().kind == "test"
    page = admin.get(response["Location"])
    assert "Waiting for a worker" in text(page)
    assert 'hx-trigger="every 1s"' in page.content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page.content.decode(), "who has no script sees it too"


@pytest.mark.parametrize("name", ["add_connection", "replace_secret"])
@pytest.mark.parametrize("typed", [{"key": "hk_marmalade", "secret": ""}, {"key": "hs_marmalade", "secret": "hk_marmalade"}])
def test_a_refused_form_never_gives_key_or_secret_back(
    admin: Client, add: Add, ines: User, account: Account, name: str, typed: dict[str, str]
) -> None:
    address = at(name, account) if name == "add_connection" else at(name, account, add().pk)
    response = admin.post(address, {"name": "My <key>"} | typed)
    assert response.status_code == 422
    assert "marmalade" not in response.content.decode()
    assert "enter both again" in text(response)
    assert response["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    if name == "add_connection":
        assert "My &lt;key&gt;" in response.content.decode(), "what is no secret is kept"


def test_the_fields_are_hidden_and_not_remembered_by_browsers(admin: Client, account: Account) -> None:
    page = admin.get(at("add_connection", account)).content.decode()
    for name in ("key", "secret"):
        tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
        assert tag
        assert 'type="password"' in tag[0]
        assert 'autocomplete="off"' in tag[0]
        assert "value=" not in tag[0]


def test_what_the_test_found_is_said_in_plain_words(
    add: Add, examine: Examine, fake: FakeHuntress, viewer: Client, account: Account
) -> None:
    fake.fail(Fault("status", at="agents", times=0, status=403))
    page = text(viewer.get(at("connection", account, examine(add()).pk)))
    assert "Works in part" in page
    assert "An account key of Quillmere IT (Huntress account 5)." in page
    assert "Without agents there is no sweep by itself: upload a list of agents." in page
    assert "No key of an account can read what was billed for each Organization" in page


def test_a_wrong_secret_is_said_on_its_page_and_in_the_list(add: Add, examine: Examine, admin: Client, account: Account) -> None:
    connection = examine(add((ACCOUNT_KEY[0], "hs_wrong")))
    for address in (at("connection", account, connection.pk), at("connections", account)):
        page = text(admin.get(address))
        assert "Does not work" in page
        assert "It is wrong, was revoked, or key and secret changed places." in page


def test_a_test_that_broke_off_says_why(add: Add, ines: User, admin: Client, account: Account, settings: Any) -> None:
    connection = add()
    admin.post(at("test_connection", account, connection.pk))
    settings.RECON_SECRETS_KEYS = ["another-one"]
    assert jobs.run_now(Job.objects.get()).state == "failed"
    page = text(admin.get(at("connection", account, connection.pk)))
    assert "The last test did not come to its end." in page
    assert "RECON_SECRETS_KEY" in page


def test_while_it_runs_the_fragment_shows_endpoint_by_endpoint(add: Add, examine: Examine, admin: Client, account: Account) -> None:
    connection = add()
    admin.post(at("test_connection", account, connection.pk))
    seen: list[str] = []

    def tell(done: int, total: int, doing: str) -> None:
        if done == 3 and not seen:
            seen.append(admin.get(at("connection", account, connection.pk), headers={"HX-Request": "true"}).content.decode())

    examine(connection, tell=tell)
    assert "<html" not in seen[0]
    assert 'id="connection-test"' in seen[0]
    assert seen[0].count("May read<") == 2
    jobs.run_now(Job.objects.get())
    after = admin.get(at("connection", account, connection.pk), headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in after, "what has ended is not asked for again"


def test_a_test_that_ends_while_the_page_is_made_is_shown_with_what_it_found(add: Add, ines: User, account: Account) -> None:
    add()
    read_before = Connection.objects.select_related("account", "reseller").get()
    jobs.run_now(connecting.start_test(read_before, by=ines))
    page = ConnectionPage(read_before, account, ines)
    assert (page.is_testing, page.look[2], len(page.rows)) == (False, "Works", 7)


def test_another_account_than_before_is_asked_about(
    add: Add, examine: Examine, fake: FakeHuntress, admin: Client, viewer: Client, account: Account
) -> None:
    connection = examine(add())
    fake.desk.estate.account = records.account(9, "Brightfen Support")
    admin.post(at("replace_secret", account, connection.pk), {"key": USER_KEY[0], "secret": USER_KEY[1]})
    examine(connection)
    Job.objects.all().delete()
    page = admin.get(at("connection", account, connection.pk))
    assert "Is this the account that is meant?" in text(page)
    assert "Yes, read Mara Kestle from now on" in text(page)
    assert "Yes, read" not in text(viewer.get(at("connection", account, connection.pk)))
    admin.post(at("confirm_connection", account, connection.pk), {"whose": "account 9"})
    assert "Is this the account" not in text(admin.get(at("connection", account, connection.pk)))
    connection.refresh_from_db()
    assert connection.actor_account == "9"


def test_settings_are_saved_and_a_refused_form_keeps_what_was_typed(add: Add, admin: Client, account: Account) -> None:
    connection = add()
    address = at("change_connection", account, connection.pk)
    response = admin.post(address, FORM | {"left_to_others": "91", "nightly_at": "soon"})
    assert response.status_code == 422
    assert "Write a whole number from 0 to 90." in text(response)
    assert "Write an hour, such as 02:30." in text(response)
    assert 'value="91"' in response.content.decode()
    assert admin.post(address, FORM | {"left_to_others": "50", "last_day_at": "18:15"}).status_code == 302
    connection.refresh_from_db()
    assert (connection.left_to_others, f"{connection.last_day_at:%H:%M}") == (50, "18:15")
    page = text(admin.get(at("connection", account, connection.pk)))
    assert "at most 30 calls a minute" in page
    assert "In the time zone of Quillmere IT, UTC" in page


def test_removing_asks_first(add: Add, admin: Client, account: Account) -> None:
    connection = add()
    address = at("remove_connection", account, connection.pk)
    assert "Its secret is forgotten" in text(admin.get(address))
    assert not Connection.objects.get().removed_at
    assert admin.post(address)["Location"] == at("connections", account)
    assert Connection.objects.get().removed_at
    assert admin.get(at("connection", account, connection.pk)).status_code == 404
    assert "Nothing is connected yet" in text(admin.get(at("connections", account)))


def test_a_resellers_connection_is_seen_in_each_account_and_changed_by_its_admins(
    add: Add, examine: Examine, ruth: User, ines: User, admin: Client, account: Account, sister: Account
) -> None:
    connection = examine(add(RESELLER_KEY, by=ruth, to=sister), by=ruth)
    page = admin.get(at("connection", account, connection.pk))
    assert page.status_code == 200
    assert "Admins of Cobbleside Group change it" in text(page)
    assert "Brightfen Support" not in text(page), "where it was added is not for everybody"
    assert 'type="password"' not in page.content.decode()
    for name in ("change_connection", "replace_secret", "test_connection", "confirm_connection", "remove_connection"):
        assert admin.post(at(name, account, connection.pk), FORM).status_code == 403, name
    through = making.signed_in(ruth)
    assert through.post(at("change_connection", account, connection.pk), FORM | {"name": "All of ours"}).status_code == 302
    assert "All of ours" in text(through.get(at("connections", account)))


def test_an_account_beside_a_resellers_connection_may_have_a_key_of_its_own(
    add: Add, examine: Examine, ruth: User, admin: Client, account: Account, sister: Account
) -> None:
    examine(add(RESELLER_KEY, by=ruth, to=sister), by=ruth)
    assert at("add_connection", account) in admin.get(at("connections", account)).content.decode()
    admin.post(at("add_connection", account), {"name": "Ours", "key": ACCOUNT_KEY[0], "secret": ACCOUNT_KEY[1]})
    page = text(admin.get(at("connections", account)))
    assert page.index("Ours") < page.index("for all of its accounts")


def test_the_invented_one_says_so(add: Add, viewer: Client, account: Account) -> None:
    connection = add(is_demo=True)
    assert "The other side is invented" in text(viewer.get(at("connection", account, connection.pk)))


def test_no_form_makes_a_connection_invented(admin: Client, account: Account) -> None:
    form = {"name": "Huntress", "key": "hk_1", "secret": "hs_1", "is_demo": "on", "reseller": "1", "key_kind": "reseller"}
    admin.post(at("add_connection", account), form)
    connection = Connection.objects.get()
    assert (connection.is_demo, connection.reseller, connection.key_kind) == (False, None, "")


def test_pages_ask_a_few_questions_each(
    add: Add, examine: Examine, admin: Client, account: Account, django_assert_max_num_queries: Any
) -> None:
    connection = examine(add())
    for address in (at("connections", account), at("connection", account, connection.pk)):
        admin.get(address)
        with django_assert_max_num_queries(20):
            admin.get(address)
