"""Lists page by page: whole, or with a sentence that says why perhaps not; and nothing twice."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.graph import CALLS, Page, Position, Walk
from ingest.graph import errors as wrong
from recon.demo.microsoft import FakeMicrosoft, Fault
from recon.demo.microsoft.estate import Crowd
from recon.demo.microsoft.story import Story, tenant_of
from tests.graph.conftest import FIRST, Ask

LICENSED, USERS, DELETED, ACTIVITY, TRIALS = (CALLS[name] for name in ("licensed_users", "users", "deleted_users", "activity", "trials"))
ALL = 1_203


def ids(pages: list[Page]) -> list[str]:
    return [record["id"] for page in pages for record in page.records]


def everybody(fake: FakeMicrosoft) -> list[str]:
    tenant = fake.desk.estate.tenant(FIRST)
    assert tenant
    return [one["id"] for one in tenant.users]


def test_every_record_comes_once(ask: Ask, fake: FakeMicrosoft) -> None:
    walk = Walk(ask(), LICENSED)
    pages = list(walk)
    assert [len(page.records) for page in pages] == [999, 204]
    assert ids(pages) == everybody(fake)
    assert (walk.is_whole, walk.remark, walk.gap) == (True, "", None)


def test_each_page_of_an_advanced_query_has_the_header(ask: Ask, fake: FakeMicrosoft) -> None:
    """Without it on the second page this server, like Microsoft's, drops rows and says nothing."""
    list(Walk(ask(), LICENSED))
    assert [one.is_advanced for one in fake.seen if one.target.startswith("/v1.0/users")] == [True, True]


def test_an_empty_page_in_the_middle_is_no_end(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("empty_page", at="users", after=1, times=2))
    walk = Walk(ask(), LICENSED)
    pages = list(walk)
    assert [len(page.records) for page in pages] == [999, 0, 0, 204]
    assert (ids(pages), walk.is_whole) == (everybody(fake), True)


def test_empty_pages_without_an_end_end(ask: Ask) -> None:
    with FakeMicrosoft(Crowd(users=3)) as fake:
        fake.fail(Fault("empty_page", at="users", times=0))
        walk = Walk(ask(through=fake.base), USERS)
        assert len(list(walk)) == 100
    assert "The last 100 pages of the list of users were empty" in walk.remark
    assert not walk.is_whole


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.evil.example/v1.0/users?$skiptoken=x",
        "http://graph.microsoft.com/v1.0/users?$skiptoken=x",
        "https://graph.microsoft.com.evil.example/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "https://evil@graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com:8443/v1.0/users",
        "https://login.microsoftonline.com/v1.0/users",
        "//evil.example/v1.0/users",
        "/v1.0/users?$skiptoken=x",
        "https://[::1/users",
    ],
)
def test_a_link_to_another_host_is_refused_and_the_token_stays_here(ask: Ask, fake: FakeMicrosoft, link: str) -> None:
    fake.fail(Fault("foreign_link", at="users", to=link))
    walk = Walk(ask(), LICENSED)
    pages: list[Page] = []
    with pytest.raises(wrong.ForeignLink, match="where the token does not belong: not followed"):
        pages.extend(walk)
    assert len(ids(pages)) == 999
    assert fake.calls("users") == 1
    assert not walk.is_whole


def test_a_link_to_another_host_gets_no_token_even_from_a_stored_page(ask: Ask) -> None:
    with FakeMicrosoft(Crowd()) as other:
        stored = json.dumps({"value": [], "@odata.nextLink": f"{other.base}/v1.0/users"}).encode()
        with pytest.raises(wrong.ForeignLink):
            list(Walk(ask(), LICENSED, Position.after(LICENSED, [stored])))
        assert not other.seen


def test_a_link_cannot_smuggle_a_second_request(ask: Ask, fake: FakeMicrosoft) -> None:
    """What cannot stand in an address is written so that it can, and so is understood by nobody."""
    fake.fail(Fault("foreign_link", at="users", to="https://graph.microsoft.com/v1.0/users?$skiptoken=x HTTP/1.1\u00e9"))
    with pytest.raises(wrong.LinkExpired):
        list(Walk(ask(), USERS))
    assert fake.seen[-1].target == "/v1.0/users?$skiptoken=x%20HTTP/1.1%C3%A9"


def test_a_link_that_is_repeated_ends_it_and_is_said(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("repeated_link", at="users", after=1, times=0))
    walk = Walk(ask(), LICENSED)
    assert len(ids(list(walk))) == ALL
    assert "leads back to a page that was read already, so reading ended there with 1,203 records" in walk.remark
    assert not walk.is_whole


def test_a_page_that_comes_for_ever_under_new_links_ends_too(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("repeated_page", at="users", times=0))
    walk = Walk(ask(), USERS)
    assert [(len(page.records), page.repeats) for page in walk] == [(999, 0), (0, 999), (0, 999), (0, 999)]
    assert "brought nothing new" in walk.remark


def test_a_user_who_comes_twice_is_counted_once(ask: Ask, fake: FakeMicrosoft) -> None:
    """Once more under the same id in other letters, which is the same GUID."""
    first, *_, last = everybody(fake)
    fake.edit(last, id=first.upper(), userPrincipalName="again@customer1.example")
    walk = Walk(ask(), LICENSED)
    pages = list(walk)
    assert (len(ids(pages)), [page.repeats for page in pages]) == (ALL - 1, [0, 1])
    assert "1,202 came, and Microsoft counted 1,203" in walk.remark


def test_a_user_deleted_between_pages_costs_no_other_and_is_said(ask: Ask, fake: FakeMicrosoft) -> None:
    """The page's last one, whose id the token hides, and one that is yet to come."""
    people = everybody(fake)

    def delete() -> None:
        fake.delete(people[998])
        fake.delete(people[1_100])

    fake.fail(Fault("act", at="users", after=1, act=delete))
    walk = Walk(ask(), LICENSED)
    assert ids(list(walk)) == [one for one in people if one != people[1_100]]
    assert "Somebody may have been removed meanwhile" in walk.remark
    assert not walk.is_whole


def test_a_list_without_a_count_has_nothing_to_count_again(ask: Ask, fake: FakeMicrosoft) -> None:
    people = everybody(fake)
    fake.fail(Fault("act", at="users", after=1, act=lambda: fake.delete(people[1_100])))
    walk = Walk(ask(), USERS)
    assert (len(ids(list(walk))), walk.is_whole) == (ALL - 1, True)


def test_consent_revoked_half_way_keeps_what_came(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("revoke", at="users", after=1))
    walk = Walk(ask(), LICENSED)
    pages: list[Page] = []
    with pytest.raises(wrong.SignInRefused, match="Send the consent link"):
        pages.extend(walk)
    assert (len(ids(pages)), walk.is_whole) == (999, False)


@pytest.mark.parametrize("fault", [Fault("status", at="users", after=1, times=0), Fault("cut", at="users", after=1, times=0)])
def test_a_walk_goes_on_after_the_last_stored_page(ask: Ask, fake: FakeMicrosoft, fault: Fault) -> None:
    """As a worker does whose forerunner was killed."""
    fake.fail(fault)
    stored: list[bytes] = []
    with pytest.raises(wrong.Transient):
        stored.extend(page.answer.body for page in Walk(ask(), LICENSED))
    fake.script.faults.clear()
    fake.seen.clear()
    walk = Walk(ask(), LICENSED, Position.after(LICENSED, stored))
    pages = list(walk)
    assert [(page.number, len(page.records)) for page in pages] == [(2, 204)]
    assert (fake.calls("users"), len(walk.position.ids), walk.is_whole) == (1, ALL, True)


def test_a_walk_that_was_whole_asks_nothing(ask: Ask, fake: FakeMicrosoft) -> None:
    stored = [page.answer.body for page in Walk(ask(), LICENSED)]
    fake.seen.clear()
    walk = Walk(ask(), LICENSED, Position.after(LICENSED, stored))
    assert list(walk) == []
    assert (len(fake.seen), walk.is_whole) == (0, True)


def test_a_place_that_is_too_old_says_to_begin_anew(ask: Ask, fake: FakeMicrosoft) -> None:
    stored = [page.answer.body for page, _ in zip(Walk(ask(), LICENSED), range(1), strict=False)]
    fake.fail(Fault("status", at="users", status=400, code="Directory_ExpiredPageToken"))
    with pytest.raises(wrong.LinkExpired, match="It begins anew"):
        list(Walk(ask(), LICENSED, Position.after(LICENSED, stored)))


def test_deleted_users_are_read(ask: Ask) -> None:
    with FakeMicrosoft(Story()) as fake:
        pages = list(Walk(ask(tenant_of(41096), through=fake.base), DELETED))
    mails = {record["mail"] for page in pages for record in page.records}
    assert mails == {f"person{number}@meadowsweetcarehomes.example" for number in (1, 2, 3)}


@pytest.mark.parametrize(
    ("call", "permission", "says"),
    [
        (ACTIVITY, "AuditLog.Read.All", "It is not known who has not signed in for long."),
        (TRIALS, "Organization.Read.All", "It is not known which licences are trials."),
        (DELETED, "User.Read.All", "It is not known who was deleted in the last thirty days."),
    ],
)
def test_an_optional_list_that_is_refused_is_a_gap(ask: Ask, fake: FakeMicrosoft, call: object, permission: str, says: str) -> None:
    fake.withhold(FIRST, permission)
    walk = Walk(ask(), call)  # type: ignore[arg-type]
    assert list(walk) == []
    assert walk.gap
    assert walk.gap.code == "Authorization_RequestDenied"
    assert walk.gap.sentence.startswith(says)
    assert permission in walk.gap.sentence
    assert not walk.is_whole


def test_sign_in_activity_without_premium_is_a_gap_and_users_come_all_the_same(ask: Ask) -> None:
    with FakeMicrosoft(Story()) as fake:
        client = ask(tenant_of(41021), through=fake.base)
        walk = Walk(client, ACTIVITY)
        assert list(walk) == []
        assert walk.gap
        assert "only to tenants with Entra ID P1" in walk.gap.sentence
        assert len(ids(list(Walk(client, LICENSED)))) > 0


def test_what_a_pull_cannot_do_without_is_no_gap(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.withhold(FIRST, "User.Read.All")
    with pytest.raises(wrong.Refused, match=r"User\.Read\.All"):
        list(Walk(ask(), LICENSED))


def test_a_token_that_is_not_accepted_is_no_gap(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("status", at="subscriptions", status=401, code="InvalidAuthenticationToken", times=0))
    with pytest.raises(wrong.Refused, match="does not accept the app's token"):
        list(Walk(ask(), TRIALS))
    assert (fake.calls("subscriptions"), fake.calls("token")) == (2, 2)


def test_trouble_that_may_pass_is_no_gap(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("status", at="subscriptions", status=503, times=0))
    with pytest.raises(wrong.Unavailable):
        list(Walk(ask(), TRIALS))


# --- laws -------------------------------------------------------------------------------------------------------------------------

_KEYS = st.sampled_from(["a", "b", "c", "d", "A", "e"])
_PAGES = st.lists(st.lists(_KEYS, max_size=4), min_size=1, max_size=8)


def body(keys: list[str], number: int, last: int) -> bytes:
    link = {} if number == last else {"@odata.nextLink": f"https://graph.microsoft.com/v1.0/users?$skiptoken={number}"}
    return json.dumps({"value": [{"id": key} for key in keys], **link}).encode()


@given(_PAGES, st.integers(0, 8))
def test_wherever_it_stops_it_goes_on_as_if_it_had_not(pages: list[list[str]], stop: int) -> None:
    bodies = [body(keys, number, len(pages) - 1) for number, keys in enumerate(pages)]
    whole, again = Position.after(USERS, bodies), Position.after(USERS, bodies[:stop])
    for late in bodies[stop:]:
        data = json.loads(late)
        again.take(data, data["value"], USERS)
    assert again == whole
    assert whole.ids == {key.lower() for keys in pages for key in keys}
    assert whole.is_at_end
