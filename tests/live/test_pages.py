"""Live counts on the pages: the month, an opened row, an Organization, a contract, and sheets; with what they ask of the database."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from ingest.models import FileOwner, IdentityLine, LegInput
from recon import seal
from recon.contract_page import live_of
from recon.exports import TARGETS
from recon.filters import variances_as_listed
from recon.models import Severity, Variance
from recon.services import exports, review
from recon.services.months import ask_for_recount
from recon.states import running_cycle
from recon.trend_page import alarms_of
from recon.turnover import came_and_went
from tests.contracts.making import cycles_to, typed
from tests.live.making import LAST_EVENING, agents, connection, listed, organization, part, pull
from tests.match_pages.pages import Pages
from tests.review.making import NOVEMBER, OCTOBER, World, work

pytestmark = pytest.mark.django_db
START = "2026-10-14"
TARN, FARM, BAKERY = "Tarn Vale Dental", "Garrowby Farms", "Dunfell Bakery"
ROWS = {(TARN, "edr"): 12, (FARM, "edr"): 30, (FARM, "siem"): 5, (BAKERY, "edr"): 7}


@pytest.fixture
def pulled(world: World) -> World:
    """A quiet month; of one customer two agents more are there, and of one nothing any more."""
    world.quiet(NOVEMBER, ROWS)
    pull(world, {TARN: agents(14, 15, unresponsive_agents=1), FARM: agents(30) | {"sources": 5, "products": ["edr", "siem"]}})
    ask_for_recount(world.of().cycle, by=world.mara)
    work()
    return world


def row_of(world: World, name: str, product: str = "edr") -> Variance:
    month = world.of()
    return Variance.objects.get(reconciliation=month, run=month.run, name=name, product=product)


def opened(pages: Pages, name: str, product: str = "edr") -> str:
    return pages.get("row", START, row_of(pages.world, name, product).organization_id, product)


def listing(text: str) -> str:
    return text.split("Units and money by Organization")[1].split("What it is counted from")[0]


def test_a_running_month_of_a_pull_alone_claims_nothing(ines: Pages, world: World) -> None:
    running = running_cycle(world.account)
    pull(world, {TARN: agents(14)}, running, at=timezone.now())
    ask_for_recount(world.of(running).cycle, by=world.mara)
    work()
    page = ines.get("month", running.start.isoformat())
    assert "Running" in page
    assert "in progress: counted on" in page
    assert "Explained – cannot be checked" in page
    assert "100%" not in page


# --- the month --------------------------------------------------------------------------------------------------------------------


def test_the_month_has_live_and_its_difference_beside_billed(ines: Pages, pulled: World) -> None:
    page = ines.get("month", START)
    assert re.search(r"Live 49 as of 13 Nov 2026, 20:00; billed − live \+5", page)
    assert "Differs from live 2" in page
    tarn = listing(page).split(TARN)[1][:160]
    assert "15 agents in all" not in tarn  # in a title
    assert " 14 " in tarn
    assert "−2" in tarn
    assert "Live counts, as of 13 Nov 2026, 20:00; they stand beside the month and judge nothing" in page


def test_it_sets_no_severity_and_blocks_nothing(pulled: World) -> None:
    assert row_of(pulled, TARN).severity == Severity.MATCH
    assert pulled.submitted().state == "in_review"


def test_the_view_shows_the_rows_that_differ_and_sums_them(ines: Pages, pulled: World) -> None:
    page = listing(ines.get("month", START, view="live"))
    assert TARN in page
    assert BAKERY in page
    assert FARM not in page
    assert re.search(r"These 2 rows 19 19 19 14", page)


def test_acts_on_the_whole_view_act_on_its_rows(ines: Pages, pulled: World) -> None:
    act = {"act": "review", "everything": "1", "seen_run": str(pulled.of().run), "seen_rows": "2"}
    assert ines.client.post(ines.address("month", START) + "?view=live", act).status_code == 302
    reviewed = Variance.objects.filter(run=pulled.of().run, is_reviewed=True)
    assert set(reviewed.values_list("name", flat=True)) == {TARN, BAKERY}


def test_a_month_without_a_pull_has_no_such_column(ines: Pages, world: World) -> None:
    world.quiet(NOVEMBER, ROWS)
    page = ines.get("month", START)
    assert "− live" not in page
    assert "Differs from live" not in page
    assert "Huntress is not connected" in page


def test_a_pull_that_waits_to_be_compared_is_no_figure_of_the_head_yet(ines: Pages, world: World) -> None:
    world.quiet(NOVEMBER, ROWS)
    pull(world, {TARN: agents(14)})
    page = ines.get("month", START)
    assert "Live – as of 13 Nov 2026, 20:00; being compared" in page
    assert "Differs from live 4" in page


def test_a_sheet_has_live_under_the_time_it_is_of(pulled: World) -> None:
    out = io.BytesIO()
    month = pulled.of()
    TARGETS["variances-csv"].write(exports.month_sheet(month, variances_as_listed(month, QueryDict("sort=name"))), out)
    header, *lines = out.getvalue().decode("utf-8-sig").splitlines()
    assert '"Live, as of 13 Nov 2026, 20:00",Billed − live' in header
    assert len(lines) == 4
    (tarn,) = [line for line in lines if TARN in line]
    assert ",14,-2," in tarn


# --- an opened row ----------------------------------------------------------------------------------------------------------------


def test_an_opened_row_has_both_counts_and_its_record(ines: Pages, pulled: World) -> None:
    page = opened(ines, TARN)
    assert "Live 14 −2 As of 13 Nov 2026, 20:00, record 1 15 agents in all, 1 agent unresponsive" in page
    assert "Live 0 +7 As of 13 Nov 2026, 20:00" in opened(ines, BAKERY)
    assert "not in the pull: counts 0" in opened(ines, BAKERY)


def test_a_row_names_each_tenant_of_several(ines: Pages, world: World) -> None:
    world.quiet(NOVEMBER, {(TARN, "itdr"): 12})
    tenants = [{"product": "itdr", "type": "microsoft", "tenant": f"tenant-{n}", "billable": n, "total": n + 1} for n in (4, 6)]
    pull(world, {TARN: {"identities": 10, "all_identities": 12, "products": ["itdr"], "tenants": tenants}})
    page = opened(ines, TARN, "itdr")
    assert "12 identities in all tenant-4: 4 of 5 tenant-6: 6 of 7" in page


def test_a_pull_long_before_the_end_says_that_time_alone_may_do(ines: Pages, world: World) -> None:
    world.quiet(NOVEMBER, ROWS)
    pull(world, {TARN: agents(14)}, at=datetime(2026, 11, 2, 2, 30, tzinfo=UTC))
    assert "this was pulled 11 days before the end: that alone may make the difference" in opened(ines, TARN)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (None, "No live counts were pulled in this cycle"),
        ({"state": "refused", "said": "The key may not read Organizations."}, "the pull was refused: The key may not read Organizations."),
        ({"state": "failed", "said": "Huntress did not answer."}, "the pull failed: Huntress did not answer."),
    ],
)
def test_what_was_not_pulled_is_not_known_and_says_why(ines: Pages, world: World, fields: dict[str, Any] | None, said: str) -> None:
    world.quiet(NOVEMBER, ROWS)
    if fields:
        part(world, connection(world), **fields)
    assert said in opened(ines, TARN).split("Legs")[1].split("Prices")[0].split("Live")[1]


# --- signed -----------------------------------------------------------------------------------------------------------------------


def test_a_signed_month_shows_and_seals_the_pull_of_its_time(ines: Pages, pulled: World) -> None:
    month = pulled.signed()
    before = opened(ines, TARN)
    pull(pulled, {TARN: agents(3), FARM: agents(3)}, at=LAST_EVENING + timedelta(hours=2))
    work()
    assert opened(ines, TARN) == before
    assert "Live 49 as of" in ines.get("month", START)
    month.refresh_from_db()
    assert month.totals["live"]["sha256"] == LegInput.objects.filter(leg="live").order_by("pk")[0].source_file.sha256
    assert review.statements_of(month) is not None
    assert seal.digest(month) == month.digest
    month.totals["live"]["sha256"] = "0" * 64
    assert seal.digest(month) != month.digest


# --- an Organization --------------------------------------------------------------------------------------------------------------


def test_an_organization_has_its_live_counts_cycle_by_cycle(ines: Pages, world: World) -> None:
    for cycle, units in zip(cycles_to(NOVEMBER, 3), (10, 11, 12), strict=True):
        world.quiet(cycle, {(TARN, "edr"): units})
    pull(world, {TARN: agents(9)}, OCTOBER, at=datetime(2026, 10, 13, 20, tzinfo=UTC))
    pull(world, {TARN: agents(14, 15)})
    page = ines.get("organization", organization(world, TARN).pk)
    assert re.search(r"EDR, live .*? 9 14 ", page)
    assert "Live as of 13 Nov 2026, 20:00 EDR 14 agents 15 agents in all" in page


def test_who_came_and_who_went_is_named_and_counted(ines: Pages, world: World) -> None:
    world.quiet(NOVEMBER, ROWS)
    listed(world, {TARN: [("FRONT-1", "S1"), ("LAB-2", "S2"), ("DESK-3", "S3")]}, OCTOBER)
    listed(world, {TARN: [("front-1", "S1"), ("LAB-2", "S9"), ("NEW-4", "S4")]}, NOVEMBER)
    pk = organization(world, TARN).pk
    page = ines.get("organization", pk)
    assert "3 agents: 3 before, 2 came and 2 went." in page
    assert "LAB-2 came serial S9 NEW-4 came serial S4 DESK-3 went serial S3 LAB-2 went serial S2" in page


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([], "no cycle has an agent list"),
        ([{}], "one cycle has an agent list"),
        ([{}, {"partial": True}], "is not complete"),
        ([{"partial": True}, {}], "is not complete"),
    ],
)
def test_who_came_and_went_is_not_told_of_lists_that_cannot_tell(world: World, lists: Sequence[dict[str, Any]], said: str) -> None:
    world.quiet(NOVEMBER, ROWS)
    for cycle, how in zip((OCTOBER, NOVEMBER), lists, strict=False):
        listed(world, {TARN: ["FRONT-1"]}, cycle, **how)
    found = came_and_went(world.account, [organization(world, TARN).pk])
    assert found.found is None
    assert said in found.why_not


def test_lists_that_are_further_apart_say_so(world: World) -> None:
    first, _, _, last = cycles_to(NOVEMBER, 4)
    listed(world, {TARN: ["FRONT-1"]}, first)
    listed(world, {TARN: ["FRONT-1"]}, last)
    assert "no list of the cycles between" in came_and_went(world.account, [organization(world, TARN).pk]).between


# --- alarms with what was pulled ---------------------------------------------------------------------------------------------------


def test_leavers_are_told_behind_identities_that_creep(world: World) -> None:
    for cycle, units in zip(cycles_to(NOVEMBER, 3), (88, 94, 100), strict=True):
        world.month(cycle, {(TARN, "itdr"): units, (TARN, "edr"): 64}, {(TARN, "itdr"): 88, (TARN, "edr"): 64}, {})
    given = pull(world, {TARN: agents(64)})
    LegInput.objects.filter(pk=given.pk).update(leg="identities")
    FileOwner.objects.filter(source_file=given.source_file).update(rows=4)
    for line, (billable, enabled) in enumerate([(True, False), (True, False), (True, True), (False, False)], start=1):
        IdentityLine.objects.create(
            source_file=given.source_file, line=line, owner=1, external_id=str(line), is_billable=billable, is_enabled=enabled
        )
    (alarm,) = alarms_of(world.account, [organization(world, TARN).pk])
    assert alarm.title == "Identities creeping without agents or hiring behind them"
    assert alarm.words.endswith("2 of its billable identities are disabled: leavers who kept a licence.")


# --- contracts --------------------------------------------------------------------------------------------------------------------


def test_a_contract_shows_what_is_there_now_as_its_newest_point(ines: Pages, world: World) -> None:
    running = running_cycle(world.account)
    for cycle in cycles_to(running, 5)[:-1]:
        world.put("billed", {(TARN, "edr"): 90}, cycle)
    work()
    contract = typed(
        world, start=running.start.replace(year=running.start.year - 1), renewal=running.end.replace(year=running.end.year + 1)
    )
    pull(world, {TARN: agents(104), FARM: agents(4)}, running, at=timezone.now())
    assert live_of(world.account)["edr"].known == 108
    page = ines.get("contract", contract.pk)
    assert re.search(r"Live 108 now; \+8 to the minimum", page)
    assert "live, now 108 100 +8" in page
    html = ines.client.get(ines.address("contract", contract.pk)).content.decode()
    assert "Live now: 108" in html
    assert "live 108, now" in ines.get("renewals")


# --- queries ----------------------------------------------------------------------------------------------------------------------


def _asked(client: Any, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(database) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


@pytest.mark.parametrize("count", [1, 40])
def test_live_takes_one_query_more_however_many_rows(ines: Pages, world: World, count: int) -> None:
    names = [f"Customer {number}" for number in range(count)]
    world.quiet(NOVEMBER, {(name, "edr"): 5 for name in names})
    month, row = ines.address("month", START), ines.address("row", START, row_of(world, names[0]).organization_id, "edr")
    page = ines.address("organization", organization(world, names[0]).pk)
    before = [_asked(ines.client, url) for url in (month, row, page)]
    pull(world, {name: agents(5) for name in names})
    work()
    ask_for_recount(world.of().cycle, by=world.mara)
    work()
    after = [_asked(ines.client, url) for url in (month, row, page)]
    assert [now - was for now, was in zip(after, before, strict=True)] == [1, 0, 1]
    assert Organization.objects.count() == count
