"""Lists page by page: whole, or with a sentence that says why perhaps not; and nothing twice."""

from __future__ import annotations

import pytest

from ingest.huntress import ENDPOINTS, Page, Position, Walk
from ingest.huntress import errors as wrong
from recon.demo.huntress import RESELLER_KEY, FakeHuntress, Fault
from recon.demo.huntress.estate import Crowd
from recon.demo.huntress.story import Story
from tests.huntress.conftest import Ask

AGENTS, ORGANIZATIONS, ACCOUNTS = ENDPOINTS["agents"], ENDPOINTS["organizations"], ENDPOINTS["accounts"]
ALL = 1_203


def ids(pages: list[Page]) -> list[int]:
    return [record["id"] for page in pages for record in page.records]


def test_every_record_comes_once_in_the_order_of_ids(ask: Ask, fake: FakeHuntress) -> None:
    walk = Walk(ask(), AGENTS)
    pages = list(walk)
    assert [len(page.records) for page in pages] == [500, 500, 203]
    assert ids(pages) == sorted(set(ids(pages)))
    assert (walk.is_whole, walk.remark) == (True, "")
    assert fake.seen[0] == "/v1/agents?limit=500&sort_field=id&sort_direction=asc"


@pytest.mark.parametrize("count", [11, 501])
def test_more_organizations_than_a_page_are_all_read(ask: Ask, count: int) -> None:
    """Eleven is past the default of ten, and 501 past the most that a page may have."""
    with FakeHuntress(Crowd(agents=1, organizations=count), limit=0) as fake:
        assert len(ids(list(Walk(ask(base=fake.base), ORGANIZATIONS)))) == count


@pytest.mark.parametrize("end", ["empty", "null", "absent"])
def test_the_end_is_known_in_each_of_its_forms(ask: Ask, fake: FakeHuntress, end: str) -> None:
    fake.habits.pagination = end  # type: ignore[assignment]
    walk = Walk(ask(), AGENTS)
    assert (len(ids(list(walk))), walk.is_whole) == (ALL, True)


def test_the_older_numbered_form_is_read(ask: Ask, fake: FakeHuntress) -> None:
    fake.habits.pages = "numbers"
    walk = Walk(ask(), AGENTS)
    assert (len(ids(list(walk))), walk.is_whole) == (ALL, True)
    assert "page=3" in fake.seen[-1]


def test_what_moves_over_the_edge_of_a_numbered_page_is_said_to_be_missing(ask: Ask, fake: FakeHuntress) -> None:
    fake.habits.pages = "numbers"
    fake.fail(Fault("act", at="agents", after=1, act=lambda: fake.delete("agents", 1_000_001)))
    walk = Walk(ask(), AGENTS)
    assert len(ids(list(walk))) == ALL - 1  # and the one at the edge was never seen
    assert "deleted from the list of agents while it was read" in walk.remark
    assert not walk.is_whole


def test_an_organization_deleted_between_pages_costs_no_other(ask: Ask) -> None:
    """The page's last one, whose id the token hides, and one that is yet to come."""
    with FakeHuntress(Crowd(agents=1, organizations=1_001), limit=0) as fake:

        def delete() -> None:
            fake.delete("organizations", 50_500)
            fake.delete("organizations", 50_700)

        fake.fail(Fault("act", at="organizations", after=1, act=delete))
        walk = Walk(ask(base=fake.base), ORGANIZATIONS)
        read = ids(list(walk))
    assert set(read) == set(range(50_001, 51_002)) - {50_700}
    assert len(read) == len(set(read))
    assert walk.is_whole


def test_a_token_that_is_repeated_ends_it_and_is_said(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("repeated_token", at="agents", times=0))
    walk = Walk(ask(), AGENTS)
    pages = list(walk)
    assert ([page.repeats for page in pages], len(ids(pages))) == ([0, 0], 1_000)
    assert "leads back to a page that was read already, so reading ended there with 1,000 records" in walk.remark
    assert not walk.is_whole


def test_a_page_that_comes_for_ever_under_new_tokens_ends_too(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("repeated_page", at="agents", times=0))
    walk = Walk(ask(), AGENTS)
    pages = list(walk)
    assert [(len(page.records), page.repeats) for page in pages] == [(500, 0), (0, 500), (0, 500), (0, 500)]
    assert "brought nothing new" in walk.remark


def test_a_key_revoked_half_way_keeps_what_came(ask: Ask, fake: FakeHuntress) -> None:
    fake.fail(Fault("revoke", at="agents", after=2))
    walk = Walk(ask(), AGENTS)
    pages: list[Page] = []
    with pytest.raises(wrong.Refused, match="was not revoked"):
        pages.extend(walk)
    assert len(ids(pages)) == 1_000
    assert not walk.is_whole


def test_a_walk_goes_on_after_the_last_stored_page(ask: Ask, fake: FakeHuntress) -> None:
    stored = [page.answer.body for page, _ in zip(Walk(ask(), AGENTS), range(2), strict=False)]
    position = Position.after(AGENTS, stored)
    fake.seen.clear()
    walk = Walk(ask(), AGENTS, position=position)
    pages = list(walk)
    assert [(page.number, len(page.records)) for page in pages] == [(3, 203)]
    assert (len(fake.seen), len(walk.position.ids), walk.is_whole) == (1, ALL, True)


def test_a_walk_that_was_whole_asks_nothing(ask: Ask, fake: FakeHuntress) -> None:
    stored = [page.answer.body for page in Walk(ask(), AGENTS)]
    fake.seen.clear()
    assert list(Walk(ask(), AGENTS, position=Position.after(AGENTS, stored))) == []
    assert not fake.seen


def test_filters_and_the_ids_of_a_reseller_go_along(ask: Ask) -> None:
    with FakeHuntress(Story(), limit=0) as fake:
        leavers = Walk(ask(base=fake.base), ENDPOINTS["identities"], params={"billable": True, "enabled": False})
        assert len(ids(list(leavers))) == 6
        client = ask(RESELLER_KEY, base=fake.base)
        assert len(ids(list(Walk(client, ENDPOINTS["account_organizations"], {"account_id": 7002})))) == 6
        assert len(ids(list(Walk(client, ENDPOINTS["organization_usage"], {"id": 70_000})))) == 72


def test_five_thousand_accounts_are_ten_pages(ask: Ask) -> None:
    with FakeHuntress(Crowd(accounts=5_000), limit=0) as fake:
        pages = list(Walk(ask(RESELLER_KEY, base=fake.base), ACCOUNTS))
    assert (len(pages), len(set(ids(pages)))) == (10, 5_000)


def test_a_record_without_an_id_is_a_wrong_shape(ask: Ask, fake: FakeHuntress) -> None:
    fake.edit("agents", 1_000_001, id=None)
    with pytest.raises(wrong.WrongShape, match="a record has no “id”"):
        list(Walk(ask(), AGENTS))
