"""The pages of pulls: what each person sees of them, what they can ask for, and how many queries a page takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Reseller, User
from ingest.models import Connection, Pull, PullPart, ResellerAccount
from ingest.services import pulls
from tests.pulls.making import part_with, settled, states_of, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def page(client: Client, user: User, name: str, *args: Any, **headers: str) -> str:
    client.force_login(user)
    response = client.get(reverse(f"ingest:{name}", args=args), headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def ask_for(client: Client, user: User, account: Account, **form: Any) -> Any:
    client.force_login(user)
    return client.post(reverse("ingest:pulls", args=[account.slug]), form)


def test_without_a_connection_the_page_says_what_to_do(client: Client, world: World) -> None:
    assert "Add a key" in page(client, world.ines, "pulls", world.account.slug)
    assert "An admin of this account adds one." in page(client, world.mara, "pulls", world.account.slug)


def test_an_untested_key_is_said(client: Client, world: World, connection: Connection) -> None:
    Connection.objects.update(key_kind="")
    html = page(client, world.mara, "pulls", world.account.slug)
    assert "Nobody knows yet whose key this is" in html
    assert "Pull now" not in html
    Connection.objects.update(trouble="Huntress does not accept this key (401).")
    html = page(client, world.mara, "pulls", world.account.slug)
    assert "Nothing is pulled before a test has told whose key it is." in html
    assert "Each night it is tried once more" not in html


def test_a_preparer_asks_and_watches(client: Client, world: World, connection: Connection) -> None:
    response = ask_for(client, world.mara, world.account, of="account", subject=["live", "invoices"])
    pull = Pull.objects.get()
    assert response.url == reverse("ingest:pull", args=[world.account.slug, pull.pk])
    html = page(client, world.mara, "pull", world.account.slug, pull.pk)
    assert "Being pulled" in html
    assert "Cancel this pull" in html
    worked(pull)
    html = page(client, world.mara, "pull", world.account.slug, pull.pk)
    assert "Everything came whole." in html
    assert "Live counts from Huntress, " in html
    assert "hx-trigger" not in html, "nothing is fetched again when it is over"


def test_what_a_part_lacks_is_on_the_page(client: Client, world: World, connection: Connection) -> None:
    pull = pulls.begin(connection, [])
    part_with(pull, "agents", account=world.account, state="partial", said="The rest is missing.", ended_at=timezone.now(), sha256="0" * 64)
    Pull.objects.update(ended_at=timezone.now())
    html = page(client, world.tom, "pull", world.account.slug, pull.pk)
    assert "One part is not whole." in html
    assert "The rest is missing." in html
    assert "1 incomplete" in page(client, world.tom, "pulls", world.account.slug)


def test_a_viewer_sees_and_asks_for_nothing(client: Client, world: World, connection: Connection) -> None:
    assert "Pull now" not in page(client, world.tom, "pulls", world.account.slug)
    assert ask_for(client, world.tom, world.account, of="account", subject=["live"]).status_code == 403
    assert not Pull.objects.exists()


def test_what_is_refused_is_said_on_the_page(client: Client, world: World, connection: Connection) -> None:
    response = ask_for(client, world.mara, world.account, of="account")
    assert response.status_code == 422
    assert "Say what is to be pulled." in response.content.decode()
    ask_for(client, world.mara, world.account, of="account", subject=["agents"])
    assert "is under way since" in ask_for(client, world.mara, world.account, of="account", subject=["agents"]).content.decode()


def test_a_pull_is_cancelled_from_its_page(client: Client, world: World, connection: Connection) -> None:
    pull = pulls.ask(connection, by=world.mara)
    client.force_login(world.jonah)
    client.post(reverse("ingest:cancel_pull", args=[world.account.slug, pull.pk]))
    assert set(states_of(worked(pull)).values()) == {"cancelled"}
    assert "Cancelled by Jonah" in page(client, world.tom, "pull", world.account.slug, pull.pk)


def test_the_fragments_are_those_of_the_pages(client: Client, world: World, connection: Connection) -> None:
    pull = pulls.ask(connection, by=world.mara)
    for name, args in (("pulls", ()), ("pull", (pull.pk,))):
        fragment = page(client, world.mara, name, world.account.slug, *args, **HTMX)
        assert "<html" not in fragment
        assert 'hx-swap="outerHTML"' in fragment


def test_times_are_those_of_the_account(client: Client, world: World, connection: Connection) -> None:
    Account.objects.update(time_zone="Australia/Sydney")
    pull = pulls.begin(connection, [])
    Pull.objects.update(created_at="2026-11-22T15:30:00Z", ended_at=timezone.now())
    assert "Pull of 23 Nov 2026, 02:30" in page(client, world.tom, "pull", world.account.slug, pull.pk)


# --- resellers ---


@pytest.fixture
def went_round(mapped: Connection, ruth: User) -> Pull:
    pull = pulls.ask(mapped, by=ruth)
    worked(pull)
    settled(pull)
    return worked(pull)


def test_a_member_sees_the_parts_of_their_account_alone(client: Client, world: World, went_round: Pull, brightfen: Account) -> None:
    html = page(client, world.tom, "pull", world.account.slug, went_round.pk)
    assert "Brightfen" not in html
    assert "Subscriptions" not in html
    assert "3 whole" in html
    assert "3 whole" in page(client, world.tom, "pulls", world.account.slug)


def test_who_works_for_the_reseller_sees_all_of_it(client: Client, world: World, went_round: Pull, ruth: User) -> None:
    html = page(client, ruth, "pull", world.account.slug, went_round.pk)
    assert "9 whole" in html
    assert "Brightfen Support" in html
    assert "Pull for all accounts" in page(client, ruth, "pulls", world.account.slug)


def test_a_member_does_not_ask_for_the_reseller(client: Client, world: World, mapped: Connection) -> None:
    assert "Pull for all accounts" not in page(client, world.ines, "pulls", world.account.slug)
    assert ask_for(client, world.ines, world.account, of="reseller", subject=["accounts"]).status_code == 422
    assert not Pull.objects.exists()


def test_a_pull_of_another_account_alone_does_not_exist_here(
    client: Client, world: World, mapped: Connection, ruth: User, brightfen: Account
) -> None:  # fmt: skip
    pull = pulls.ask(mapped, by=ruth, account=brightfen)
    client.force_login(world.ines)
    for name in ("pull", "cancel_pull"):
        address = reverse(f"ingest:{name}", args=[world.account.slug, pull.pk])
        assert (client.post if name == "cancel_pull" else client.get)(address).status_code == 404


def many(reseller: Reseller, count: int) -> None:
    accounts = Account.objects.bulk_create(
        Account(name=f"Account {number:04}", slug=f"a-{number}", reseller=reseller, anniversary_day=number % 28 + 1)
        for number in range(count)
    )
    ResellerAccount.objects.bulk_create(
        ResellerAccount(reseller=reseller, external_id=str(9_000 + number), name=one.name, account=one, first_seen_at=timezone.now())
        for number, one in enumerate(accounts)
    )


def test_the_plan_says_who_is_next_and_when(client: Client, world: World, of_reseller: Connection, reseller: Reseller, ruth: User) -> None:
    many(reseller, 120)
    html = page(client, ruth, "pull_plan", world.account.slug)
    assert "never read" in html
    assert "1–50 of 120 accounts" in html
    assert "120 never read whole" in html


def test_the_plan_of_a_round_that_goes_on(client: Client, world: World, mapped: Connection, ruth: User) -> None:
    pulls.ask(mapped, by=ruth)
    assert "in the round of" in page(client, ruth, "pull_plan", world.account.slug)


#: The history asks for the keys of two providers.
PAGE_QUERIES = {"pulls": 16, "pull": 15, "pull_plan": 15}


@pytest.mark.parametrize("count", [3, 60])
def test_a_page_takes_as_many_queries_however_much_there_is(
    client: Client, world: World, of_reseller: Connection, reseller: Reseller, ruth: User, count: int, django_assert_num_queries: Any
) -> None:  # fmt: skip
    many(reseller, count)
    pull = pulls.begin(of_reseller, [])
    for account in Account.objects.filter(slug__startswith="a-"):
        part_with(pull, "live", account=account, state="whole", ended_at=timezone.now())
    PullPart.objects.bulk_create([PullPart(pull=pull, number=9_000, subject="accounts")])
    for day in range(1, 8):
        old = Pull.objects.create(connection=of_reseller, ended_at=timezone.now())
        Pull.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=day))
    client.force_login(ruth)
    for name, args in (("pulls", ()), ("pull", (pull.pk,)), ("pull_plan", ())):
        with django_assert_num_queries(PAGE_QUERIES[name]):
            assert client.get(reverse(f"ingest:{name}", args=[world.account.slug, *args])).status_code == 200
