"""Alarms out of stored months: whose count stays up, whose identities creep, on the account's page and on the customer's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from accounts.models import Organization
from recon.trend_page import words_of
from recon.trends import Trend, trends_of
from tests.contracts.making import cycles_to
from tests.match_pages.pages import Pages
from tests.review.making import NOVEMBER, World, work

pytestmark = pytest.mark.django_db
PAGE_QUERIES = 15
Series = dict[tuple[str, str], Sequence[int | None]]


def months(world: World, billed: Series, expected: Series, *, price: int | None = None) -> None:
    """A month for each place of the series, the last one November; None leaves the row out."""
    size = len(next(iter(billed.values())))
    for place, cycle in enumerate(cycles_to(NOVEMBER, size)):
        for leg, series in (("billed", billed), ("expected", expected)):
            rows = {key: count for key, counts in series.items() if (count := counts[place]) is not None}
            if rows:
                world.put(leg, rows, cycle, price=price)
    work()


def only(world: World) -> Trend:
    (found,) = trends_of(world.account).found
    return found


def test_a_count_that_stays_up_is_told_with_its_money(ines: Pages, world: World) -> None:
    ash, tarn = ("Ashcombe Haulage", "edr"), ("Tarn Vale Dental", "edr")
    months(world, {ash: [46, 48, 50, 52], tarn: [12, 14, 16, 18]}, {ash: [44] * 4, tarn: [12, 14, 16, 18]}, price=2_900_000)
    found = only(world)
    assert (found.kind, found.name, found.alarm.units, found.money) == ("stays", "Ashcombe Haulage", 8, 8 * 2_900_000)
    said = "EDR up from 46 to 52 in four cycles and not once down, while the expected list says 44: 8 agents too many."
    page = ines.get("trends")
    assert said in page
    assert "$23.20" in page
    assert "Tarn Vale Dental" not in page
    ash_page = ines.get("organization", found.organization)
    assert "A count that will not go down." in ash_page
    assert said in ash_page
    tarn_pk = Organization.objects.get(name="Tarn Vale Dental").pk
    assert "A count that will not go down." not in ines.get("organization", tarn_pk)


def test_identities_that_creep_are_told_with_what_is_not_behind_them(world: World) -> None:
    school = "St Brannoc’s"
    billed: Series = {(school, "itdr"): [88, 94, 100], (school, "edr"): [64, 64, 65]}
    months(world, billed, {(school, "itdr"): [88] * 3, (school, "edr"): [64, 64, 65]})
    found = only(world)
    assert (found.kind, found.money) == ("creeps", None)
    assert words_of(found) == (
        "ITDR up from 88 to 100 in three cycles, while its agents went from 64 to 65 and what you expect stayed at 88. "
        "Look for leavers who kept a licence."
    )


def test_machines_behind_them_are_no_alarm(world: World) -> None:
    school = "St Brannoc’s"
    months(world, {(school, "itdr"): [88, 94, 100], (school, "edr"): [64, 70, 76]}, {(school, "edr"): [64, 70, 76]})
    assert trends_of(world.account).found == []


def test_a_month_without_a_complete_report_ends_the_run(world: World) -> None:
    ash = ("Ashcombe Haulage", "edr")
    months(world, {ash: [46, 48, None, 52, 54]}, {ash: [44] * 5})
    assert trends_of(world.account).found == []


def test_members_are_counted_with_their_root(world: World) -> None:
    """Until October it was billed under another name, which has been said to be the same customer since."""
    new, old = ("Ashcombe Haulage", "edr"), ("Ashcombe Transport", "edr")
    months(world, {new: [None, None, 50, 52], old: [46, 48, None, None]}, {new: [44] * 4})
    root = Organization.objects.get(name=new[0])
    Organization.objects.filter(name=old[0]).update(merged_into=root)
    found = only(world)
    assert (found.organization, found.counts) == (root.pk, (46, 48, 50, 52))


def test_two_months_say_nothing(ines: Pages, world: World) -> None:
    ash = ("Ashcombe Haulage", "edr")
    months(world, {ash: [46, 58]}, {ash: [44] * 2})
    assert "Too few cycles to tell" in ines.get("trends")


def test_all_quiet_is_said(ines: Pages, world: World) -> None:
    ash = ("Ashcombe Haulage", "edr")
    months(world, {ash: [44] * 3}, {ash: [44] * 3})
    assert "No alarm" in ines.get("trends")


@pytest.mark.parametrize("count", [1, 60])
def test_it_asks_the_same_for_few_customers_and_for_many(ines: Pages, world: World, count: int, django_assert_num_queries: Any) -> None:
    billed: Series = {(f"Customer {number:02}", "edr"): [46, 48, 50] for number in range(count)}
    months(world, billed, {key: [44] * 3 for key in billed})
    ines.get("trends")
    with django_assert_num_queries(PAGE_QUERIES):
        page = ines.get("trends")
    assert f"Alarms {count} " in page
    if count > 50:
        assert "1–50 of 60 alarms" in page
