"""Which pull speaks for a cycle, what it is called, and what each customer had in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection as connection_in_use

from accounts.models import BillingCycle, Organization
from accounts.roots import families_of, roots_of
from ingest.models import LegInput
from recon.live import Had, Snapshot, current_snapshot, every_had, had_by, snapshot_of
from recon.live_sums import account_units, differing
from tests.live.making import LAST_EVENING, agents, connection, organization, part, pull
from tests.review.making import DECEMBER, NOVEMBER, OCTOBER, World

pytestmark = pytest.mark.django_db
TARN, FARM, BAKERY = "Tarn Vale Dental", "Garrowby Farms", "Dunfell Bakery"


def moment(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def november(world: World, at: datetime) -> Snapshot:
    return current_snapshot(BillingCycle.objects.select_related("account").get(account=world.account, start=NOVEMBER.start), at)


def had(world: World, name: str, snapshot: Snapshot | None = None) -> Had:
    pk = Organization.objects.get(account=world.account, name=name).pk
    return had_by(snapshot or november(world, moment(20)), families_of(world.account, [pk]))[pk]


# --- its label --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "looked", "said"),
    [
        (moment(10, 2, 30), moment(10, 17), "now"),
        (moment(10, 2, 30), moment(11, 0, 1), "as of 10 Nov 2026, 02:30"),
        (moment(13, 20), moment(13, 21), "now"),
        (moment(13, 20), moment(14, 0), "as of 13 Nov 2026, 20:00"),
        (moment(13, 20), moment(20, 9), "as of 13 Nov 2026, 20:00"),
        (moment(12, 23, 59), moment(20, 9), "as of 12 Nov 2026, 23:59, 1 day before the end"),
        (moment(13, 0), moment(20, 9), "as of 13 Nov 2026, 00:00"),
        (moment(2, 2, 30), moment(20, 9), "as of 2 Nov 2026, 02:30, 11 days before the end"),
    ],
)
def test_it_is_now_on_its_day_and_as_of_its_moment_later(world: World, taken: datetime, looked: datetime, said: str) -> None:
    pull(world, {TARN: agents(12)}, at=taken)
    assert november(world, looked).words == said


def test_days_are_those_of_the_accounts_time_zone(world: World) -> None:
    """In Auckland it is the next day already, and the cycle ends half a day sooner."""
    world.account.time_zone = "Pacific/Auckland"
    world.account.save()
    pull(world, {TARN: agents(12)}, at=moment(10, 12))
    assert november(world, moment(10, 10, 59)).label == "as of 11 Nov 2026, 01:00"
    assert november(world, moment(10, 13)).label == "now"


def test_an_incomplete_pull_says_so(world: World) -> None:
    pull(world, {TARN: agents(12)}, partial=True)
    assert november(world, moment(20)).words == "as of 13 Nov 2026, 20:00, incomplete"


@pytest.mark.parametrize("taken", [moment(14), moment(20), moment(13, 23, 59, month=10)])
def test_a_past_month_is_never_compared_with_the_counts_of_another_day(world: World, taken: datetime) -> None:
    """Also where somebody let such a file serve the cycle by hand."""
    world.quiet(NOVEMBER, {(TARN, "edr"): 12})
    pull(world, {TARN: agents(9)}, at=taken)
    snapshot = november(world, moment(21))
    assert not snapshot.is_known
    assert "outside this cycle" in snapshot.why_not
    assert had(world, TARN, snapshot).units("edr") is None
    assert not differing(world.of(), snapshot, {}).exists()


def test_what_another_cycle_had_is_not_this_ones(world: World) -> None:
    world.quiet(OCTOBER)
    world.quiet(NOVEMBER)
    pull(world, {TARN: agents(12)}, OCTOBER, at=moment(13, 20, month=10))
    assert november(world, moment(20)).why_not == "No live counts were pulled in this cycle"


def test_when_it_was_taken_is_what_the_archive_says_else_when_its_pull_ended(world: World) -> None:
    given = pull(world, {TARN: agents(12)}, at=moment(30))
    part(world, connection(world), given.source_file, at=moment(12, 3))
    assert november(world, moment(20)).label == "as of 12 Nov 2026, 03:00"
    given.source_file.preview = {"answered_at": "2026-11-11T02:30:00+00:00"}
    given.source_file.save()
    assert november(world, moment(20)).label == "as of 11 Nov 2026, 02:30"


# --- what a customer had ----------------------------------------------------------------------------------------------------------


def test_each_product_has_its_own_count(world: World) -> None:
    counts = {
        "billable_agents": 12, "agents": 15, "unresponsive_agents": 2, "identities": 30, "all_identities": 34, "learners": 8,
        "sources": 3, "products": ["edr", "itdr", "ispm", "sat", "siem"], "tenants": posture(20, 7),
    }  # fmt: skip
    pull(world, {TARN: counts})
    found = had(world, TARN)
    assert [found.units(product) for product in ("edr", "itdr", "ispm", "sat", "siem")] == [12, 30, 27, 8, 3]
    assert found.beside("edr") == "15 agents in all, 2 agents unresponsive"
    assert found.beside("itdr") == "34 identities in all"


def test_agents_that_may_not_be_billable_are_no_billable_ones(world: World) -> None:
    pull(world, {TARN: agents(None, 15, products=None)})
    found = had(world, TARN)
    assert found.units("edr") is None
    assert found.difference("edr", 15) is None
    assert found.beside("edr") == "15 agents in all"
    assert found.why_blank("edr") == "Huntress did not tell how many of its agents are billable"


def test_a_product_that_is_not_active_is_no_zero(world: World) -> None:
    pull(world, {TARN: agents(12)})
    found = had(world, TARN)
    assert (found.units("sat"), found.why_blank("sat")) == (None, "SAT was not active there")


def test_what_nobody_told_is_not_known(world: World) -> None:
    pull(world, {TARN: {"agents": 12}})
    assert had(world, TARN).why_blank("itdr") == "Huntress did not tell its billable identities"


def test_several_of_one_customer_and_members_are_summed(world: World) -> None:
    pull(world, {TARN: [agents(5), agents(4)], "Tarn Vale Surgery": agents(3), "Tarn Old": agents(1)})
    root, member, older = (organization(world, name) for name in (TARN, "Tarn Vale Surgery", "Tarn Old"))
    Organization.objects.filter(pk=member.pk).update(merged_into=root)
    Organization.objects.filter(pk=older.pk).update(merged_into=member)
    found = had(world, TARN)
    assert found.units("edr") == 13
    assert len(found.lines) == 4
    every = every_had(november(world, moment(20)), roots_of(world.account))
    assert {pk: one.units("edr") for pk, one in every.items()} == {root.pk: 13}


def test_a_sum_with_something_unknown_in_it_is_unknown(world: World) -> None:
    pull(world, {TARN: [agents(5), {"agents": 4}]})
    found = had(world, TARN)
    assert (found.units("edr"), found.counts.agents) == (None, 9)


def test_whom_a_whole_pull_does_not_name_had_nothing(world: World) -> None:
    organization(world, BAKERY)
    pull(world, {TARN: agents(12)})
    assert had(world, BAKERY).units("edr") == 0
    assert had(world, BAKERY).difference("edr", 7) == 7


@pytest.mark.parametrize(
    ("said", "because"),
    [({"partial": True}, "is not complete"), ({"strangers": ["Dunfell  Bakery Ltd"]}, "has Organizations not matched yet")],
)
def test_whom_it_may_have_left_out_is_not_known(world: World, said: dict[str, Any], because: str) -> None:
    organization(world, BAKERY)
    pull(world, {TARN: agents(12)}, **said)
    found = had(world, BAKERY)
    assert found.units("edr") is None
    assert because in found.why_blank("edr")


# --- rows that differ -------------------------------------------------------------------------------------------------------------


def posture(*billable: int | None) -> list[dict[str, Any]]:
    """Tenants of ISPM, beside one of ITDR that is another matter."""
    tenants = [{"product": "ispm", "type": "microsoft", "tenant": "t", "billable": one, "total": 20} for one in billable]
    return [{"product": "itdr", "type": "microsoft", "tenant": "t", "billable": 99, "total": 99}, *tenants]


SHAPES: list[dict[str, Any]] = [
    agents(12), agents(11), agents(None, 12, products=None), agents(0, 0), {"agents": 3},
    agents(12, identities=12, learners=12, sources=12) | {"products": ["edr", "itdr", "ispm", "sat", "siem"], "tenants": posture(8, 4)},
    agents(12, learners=0) | {"products": ["edr", "ispm", "sat"], "tenants": posture(12, None)},
    agents(12, sources=11) | {"products": ["edr", "ispm", "siem"], "tenants": posture(11)},
    agents(12) | {"products": ["edr", "ispm"], "tenants": []},
    agents(12, identities=5, sources=7) | {"products": ["edr", "itdr", "siem"]},
    {"billable_agents": 4, "agents": 4, "identities": 12, "products": None},
]  # fmt: skip


@pytest.mark.parametrize("said", [{}, {"partial": True}, {"strangers": ["Somebody else"]}], ids=str)
def test_the_database_finds_what_a_naive_look_finds(world: World, said: dict[str, Any]) -> None:
    """Every shape of counts against every product, members and their members, who is not named, and nothing billed."""
    names = [f"Customer {number}" for number in range(len(SHAPES) + 6)]
    rows = {(name, product): 12 for name in names for product in ("edr", "itdr", "ispm", "sat", "siem")}
    world.month(NOVEMBER, {key: units for key, units in rows.items() if key[0] != names[-1]}, rows, {})
    has: dict[str, Any] = dict(zip(names, SHAPES, strict=False))
    has[names[-2]] = [agents(6), agents(6)]
    has[names[-3]] = [agents(6), {"agents": 6}]
    pull(world, has, **said)
    chain = [organization(world, name) for name in (names[0], names[-4], names[-5])]
    for member, root in ((chain[1], chain[0]), (chain[2], chain[1])):
        Organization.objects.filter(pk=member.pk).update(merged_into=root)
    snapshot, month, roots = november(world, moment(20)), world.of(), roots_of(world.account)
    every = every_had(snapshot, roots)
    naive = {
        row.pk
        for row in month.variances.filter(run=month.run)
        if row.billed is not None and every.get(row.organization_id, Had(snapshot)).difference(row.product, row.billed)
    }
    assert set(differing(month, snapshot, roots).values_list("pk", flat=True)) == naive
    assert naive


def test_sqlite_looks_customers_up_by_an_index_and_does_not_try_each(world: World) -> None:
    """Without one, 200,000 rows against 50,000 customers take hours."""
    if connection_in_use.vendor != "sqlite":
        pytest.skip("PostgreSQL joins by hashes")
    world.quiet(NOVEMBER, {(TARN, "edr"): 12})
    pull(world, {TARN: agents(11)})
    plan = differing(world.of(), november(world, moment(20)), {7: 3}).explain()
    assert "AUTOMATIC COVERING INDEX (root=?)" in plan


def test_a_whole_account_is_summed_with_whom_nobody_is_matched_with(world: World) -> None:
    both = {"products": ["edr", "ispm", "sat"], "tenants": posture(8, 4)}
    pull(world, {TARN: agents(12, learners=3) | both, FARM: agents(30)}, strangers=["Somebody else"])
    assert account_units(november(world, moment(20))) == {
        "edr": (43, 0), "itdr": (None, 0), "ispm": (12, 0), "sat": (3, 0), "siem": (None, 0),
    }  # fmt: skip


def test_a_whole_account_is_at_least_what_is_told(world: World) -> None:
    pull(world, {TARN: agents(12), FARM: agents(None, 30)})
    assert account_units(november(world, moment(20)))["edr"] == (12, 1)


# --- what a revision keeps --------------------------------------------------------------------------------------------------------


def test_a_month_that_nobody_works_on_keeps_the_pull_that_it_was_counted_with(world: World) -> None:
    """The newest pull speaks while it is worked on; from submitting on, the one that its totals name, whoever came later."""
    first = pull(world, {TARN: agents(12)}, at=moment(12, 20))
    world.quiet(NOVEMBER, {(TARN, "edr"): 12})
    month = world.submitted()
    second = pull(world, {TARN: agents(3)}, at=LAST_EVENING)
    assert snapshot_of(month, moment(20)).given == first
    assert month.totals["live"]["sha256"] == first.source_file.sha256
    assert november(world, moment(20)).given == second


def test_a_month_without_a_pull_has_none_afterwards(world: World) -> None:
    world.quiet(DECEMBER, {(TARN, "edr"): 12})
    month = world.of(DECEMBER)
    month.state = "in_review"
    pull(world, {TARN: agents(12)}, DECEMBER, at=moment(20))
    assert not snapshot_of(month, moment(21)).is_known
    assert LegInput.objects.filter(leg="live").count() == 1
