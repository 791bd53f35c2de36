"""The reseller's accounts: found, renamed, gone; and said to be one of ours, a new one, or none, by the reseller's admins alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account, AuditEvent, BillingCycle, Contract, Reseller, User
from accounts.services import Refused
from ingest.models import ResellerAccount
from recon.demo.huntress import records
from recon.services import resellers, settling
from tests.reseller.making import BRIGHTFEN, QUILLMERE, World, organization_line, own_line

pytestmark = pytest.mark.django_db
TARNBECK = records.account(7003, "Tarnbeck Systems")


@pytest.fixture
def listed(world: World) -> World:
    world.accounts(QUILLMERE, BRIGHTFEN, TARNBECK)
    return world


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return str(refused.value)


# --- the list ---------------------------------------------------------------------------------------------------------------------


def test_accounts_are_found_as_they_are_told(listed: World) -> None:
    found = listed.found()
    assert (found.name, found.subdomain, found.status, found.support_type) == (
        "Quillmere IT",
        "quillmereit",
        "enabled",
        "huntress_supported",
    )
    assert found.seats == {"edr": 10, "itdr": 10, "sat": 10}
    assert found.account is None


def test_a_rename_keeps_the_account_and_the_name_before(listed: World) -> None:
    listed.mapped()
    listed.accounts(QUILLMERE | {"name": "Quillmere Group IT"}, BRIGHTFEN, TARNBECK)
    found = listed.found()
    assert (found.name, found.former_name, found.account) == ("Quillmere Group IT", "Quillmere IT", listed.account)
    assert Account.objects.get().name == "Quillmere IT"


def test_a_list_of_nobody_takes_nobody_away(listed: World) -> None:
    """A key that may see no account any more answers so too; nobody would be pulled any more, without a word."""
    listed.accounts()
    assert [listed.found(number).gone_at for number in (7001, 7002, 7003)] == [None, None, None]


def test_what_a_whole_list_is_without_is_gone_and_comes_back(listed: World) -> None:
    listed.accounts(QUILLMERE, BRIGHTFEN, lacks=["Page 2 did not come."])
    assert listed.found(7003).gone_at is None
    listed.accounts(QUILLMERE, BRIGHTFEN)
    assert listed.found(7003).gone_at is not None
    listed.accounts(QUILLMERE, BRIGHTFEN, TARNBECK | {"status": "disabled"})
    assert (listed.found(7003).gone_at, listed.found(7003).status) == (None, "disabled")


def test_the_same_list_again_changes_nothing_but_when_it_was_seen(listed: World) -> None:
    before = list(ResellerAccount.objects.order_by("pk").values("pk", "name", "former_name", "first_seen_at"))
    listed.accounts(QUILLMERE, BRIGHTFEN, TARNBECK)
    assert list(ResellerAccount.objects.order_by("pk").values("pk", "name", "former_name", "first_seen_at")) == before


def test_an_older_list_says_nothing_any_more(world: World) -> None:
    part = world.accounts(QUILLMERE)
    world.accounts(QUILLMERE | {"name": "Quillmere Group IT"})
    settling.settle(part.pk, lambda *given: None)  # type: ignore[arg-type]
    assert world.found().name == "Quillmere Group IT"


def test_an_account_that_only_its_lines_name_is_kept_as_they_name_it(world: World) -> None:
    world.usage([own_line(1, "edr", 3)], [organization_line(1, 41001, {"edr": 3})])
    assert (world.found().name, world.found().seen_at, world.found().status) == ("Quillmere IT", None, "")


# --- what people say --------------------------------------------------------------------------------------------------------------


def test_an_account_is_mapped_once(listed: World) -> None:
    resellers.map_to(listed.found(), listed.account, by=listed.ruth)
    assert "is Quillmere IT already" in refusal(lambda: resellers.map_to(listed.found(), listed.account, by=listed.ruth))
    assert "(account 7001 at Huntress) already" in refusal(lambda: resellers.map_to(listed.found(7002), listed.account, by=listed.ruth))


def test_an_account_of_somebody_else_is_not_mapped(listed: World) -> None:
    for reseller in (None, Reseller.objects.create(name="Hallbeck Partners")):
        other = Account.objects.create(name="Brightfen Support", slug=f"brightfen-{reseller and reseller.pk}", reseller=reseller)
        assert "is not one of the accounts of" in refusal(
            lambda other=other: resellers.map_to(listed.found(7002), other, by=listed.ruth)  # type: ignore[misc]
        )


def test_a_new_account_begins_its_cycles_where_its_lines_do(world: World) -> None:
    world.usage([own_line(1, "edr", 3)], [organization_line(1, 41001, {"edr": 3})])
    made = resellers.make(
        world.found(), name="Quillmere  West", slug="quillmere-west", anniversary_day=world.found().cycle_day or 0, by=world.ruth
    )
    assert (made.name, made.reseller, made.anniversary_day, made.time_zone) == ("Quillmere West", world.reseller, 14, "Europe/London")
    assert world.found().account == made
    assert AuditEvent.objects.get(action="recon.reseller.made").account == made


@pytest.mark.parametrize(
    ("fields", "field"), [({"slug": "quillmere-it"}, "slug"), ({"slug": "no address"}, "slug"), ({"name": " "}, "name")]
)
def test_a_new_account_that_cannot_be_says_why(listed: World, fields: dict[str, Any], field: str) -> None:
    given: dict[str, Any] = {"name": "Tarnbeck", "slug": "tarnbeck", "anniversary_day": 1} | fields
    with pytest.raises(Refused) as refused:
        resellers.make(listed.found(7003), **given, by=listed.ruth)
    assert refused.value.field == field
    assert not Account.objects.filter(slug="tarnbeck").exists()


def test_several_are_mapped_by_their_names_and_none_is_guessed(listed: World) -> None:
    listed.accounts(QUILLMERE, BRIGHTFEN, TARNBECK, records.account(7004, "Tarnbeck Systems"))
    Account.objects.create(name="Tarnbeck Systems", slug="tarnbeck", reseller=listed.reseller)
    keys = ResellerAccount.objects.values_list("pk", flat=True)
    done = resellers.map_by_name(listed.reseller, keys, by=listed.ruth)
    assert (done.count, listed.found().account) == (1, listed.account)
    assert sorted(done.left) == [
        "Brightfen Support: no account here has that name.", "Tarnbeck Systems: the name is not of one account alone.",
        "Tarnbeck Systems: the name is not of one account alone.",
    ]  # fmt: skip


def test_several_are_made_where_their_lines_tell_their_day(listed: World) -> None:
    listed.usage([own_line(1, "edr", 3, of=TARNBECK)], [organization_line(1, 41001, {"edr": 3}, of=TARNBECK)])
    done = resellers.make_several(listed.reseller, [listed.found(7002).pk, listed.found(7003).pk], by=listed.ruth)
    assert done.count == 1
    assert (made := listed.found(7003).account) is not None
    assert (made.slug, made.anniversary_day) == ("tarnbecksystems", 14)
    assert "no usage line tells on which day" in done.left[0]


def test_not_ours_needs_a_reason_and_is_taken_back(listed: World) -> None:
    pk = listed.found(7003).pk
    assert "Say why" in refusal(lambda: resellers.ignore(listed.reseller, [pk], " ", by=listed.ruth))
    resellers.ignore(listed.reseller, [pk], "A trial.", by=listed.ruth)
    assert "not ours: A trial." in refusal(lambda: resellers.map_to(listed.found(7003), listed.account, by=listed.ruth))
    resellers.undo(listed.found(7003), by=listed.ruth)
    assert listed.found(7003).ignored_because == ""


def test_its_members_do_not_read_the_names_of_others_in_the_audit_trail(listed: World) -> None:
    resellers.ignore(listed.reseller, [listed.found(7003).pk], "A trial.", by=listed.ruth)
    event = AuditEvent.objects.get(action="recon.reseller.ignored")
    assert (event.account, event.subject) == (listed.account, "account 7003 at Huntress")


def test_what_is_taken_back_leaves_what_was_imported(listed: World) -> None:
    listed.mapped()
    listed.usage([own_line(1, "edr", 3)], [organization_line(1, 41001, {"edr": 3})])
    resellers.undo(listed.found(), by=listed.ruth)
    assert listed.found().account is None
    assert BillingCycle.objects.filter(account=listed.account).exists()


def test_a_day_is_not_adopted_once_months_rest_on_another() -> None:
    from tests.reseller.making import new_world

    world = new_world(day=1)
    world.accounts(QUILLMERE)
    world.mapped()
    BillingCycle.objects.create(account=world.account, start="2026-09-01", end="2026-10-01")
    world.usage([own_line(1, "edr", 3)], [organization_line(1, 41001, {"edr": 3})])
    assert "The anniversary day stays 1" in refusal(lambda: resellers.adopt_day(world.found(), by=world.ruth))
    assert resellers.why_day_stays(world.account)


ACTS: dict[str, Callable[[World, User], Any]] = {
    "map_to": lambda w, by: resellers.map_to(w.found(), w.account, by=by),
    "make": lambda w, by: resellers.make(w.found(7003), name="Tarnbeck", slug="tarnbeck", anniversary_day=1, by=by),
    "make_several": lambda w, by: resellers.make_several(w.reseller, [w.found(7003).pk], by=by),
    "map_by_name": lambda w, by: resellers.map_by_name(w.reseller, [w.found().pk], by=by),
    "ignore": lambda w, by: resellers.ignore(w.reseller, [w.found(7003).pk], "A trial.", by=by),
    "undo": lambda w, by: resellers.undo(w.found(7002), by=by),
    "adopt_day": lambda w, by: resellers.adopt_day(w.mapped(), by=by),
}
LOOKS = {"why_day_stays", "free_accounts", "free_slug", "day_words"}


def test_every_public_act_is_tried() -> None:
    mine = {name for name, one in vars(resellers).items() if getattr(one, "__module__", "") == resellers.__name__ and callable(one)}
    assert {name for name in mine if name[0].islower() and not name.startswith("_")} == {*ACTS, *LOOKS}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", ["ines", "vera"])
def test_only_an_admin_of_the_reseller_does_them(listed: World, who: str, name: str) -> None:
    """Being an admin of one of its accounts is not enough."""
    resellers.ignore(listed.reseller, [listed.found(7002).pk], "A trial.", by=listed.ruth)
    events = AuditEvent.objects.count()
    assert "Your role in Cobbleside Group does not do that." in refusal(lambda: ACTS[name](listed, getattr(listed, who)))
    assert (AuditEvent.objects.count(), Contract.objects.count()) == (events, 0)


def test_one_who_was_switched_off_does_none_of_them(listed: World) -> None:
    User.objects.filter(pk=listed.ruth.pk).update(is_active=False)
    gone = User.objects.get(pk=listed.ruth.pk)
    assert "Your role in Cobbleside Group" in refusal(lambda: ACTS["map_to"](listed, gone))
