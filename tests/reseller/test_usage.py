"""Usage lines become each account's billed leg: its own records alone, by the ordinary river, and nothing twice."""

from __future__ import annotations

import json

import pytest

from accounts.calendar import next_cycle
from accounts.models import Account, BillingCycle, Organization, User
from ingest import storage
from ingest.models import LegInput, ResellerAccount, ResellerDocument, ResellerInvoice, ResellerUsage, SourceFile, UsageLine
from ingest.sources.answers import open_archive
from recon.models import Reconciliation, Variance
from recon.services import imports, resellers
from tests.access.world import NOON
from tests.reseller.making import BRIGHTFEN, INVOICE, PERIOD, QUILLMERE, World, new_world, organization_line, own_line, settle_all

pytestmark = pytest.mark.django_db

OWN = [own_line(1, "edr", 300, 400), own_line(2, "itdr", 40), own_line(3, "edr", 12, of=BRIGHTFEN)]
BY_ORGANIZATION = [
    organization_line(1, 41001, {"edr": 180, "itdr": 40}),
    organization_line(2, 41004, {"edr": 120}),
    organization_line(3, 55001, {"edr": 12}, of=BRIGHTFEN),
]


@pytest.fixture
def mapped(world: World) -> World:
    world.accounts(QUILLMERE, BRIGHTFEN)
    world.mapped()
    return world


def lines(world: World) -> dict[tuple[str, str], int]:
    found = UsageLine.objects.filter(source_file__account=world.account).values_list("huntress_id", "product", "quantity")
    return {(number, product): quantity for number, product, quantity in found}


def test_a_mapped_account_gets_its_own_lines_as_its_billed_leg(mapped: World) -> None:
    mapped.usage(OWN, BY_ORGANIZATION)
    assert lines(mapped) == {("41001", "edr"): 180, ("41001", "itdr"): 40, ("41004", "edr"): 120}
    leg = LegInput.objects.get(cycle__account=mapped.account, ended_at__isnull=True)
    assert (leg.leg, str(leg.cycle.start), str(leg.cycle.end)) == ("billed", "2026-09-14", "2026-10-14")
    assert {o.huntress_id for o in Organization.objects.filter(account=mapped.account)} == {"41001", "41004"}
    assert Variance.objects.filter(reconciliation__cycle=leg.cycle, product="edr", billed=180).exists()
    document = ResellerDocument.objects.get()
    assert (document.cycle, document.said, document.source_file) == (leg.cycle, "", leg.source_file)


def test_its_document_has_no_line_of_another_account_and_names_the_whole_archive(mapped: World) -> None:
    part = mapped.usage(OWN, BY_ORGANIZATION)
    with storage.opened(mapped.document().sha256) as stream:
        archive = open_archive(stream)
        bodies = [json.loads(body) for _, body in archive.bodies()]
    assert archive.manifest.about["cut_from"] == part.sha256
    kept = [record for body in bodies for listed in body.values() for record in listed]
    assert kept == [*BY_ORGANIZATION[:2], *OWN[:2]]
    assert "Brightfen" not in json.dumps(bodies)


def test_nothing_of_it_is_a_file_of_an_account_that_is_not_mapped(world: World) -> None:
    world.accounts(QUILLMERE, BRIGHTFEN)
    world.usage(OWN, BY_ORGANIZATION)
    assert not SourceFile.objects.exists()
    assert ResellerUsage.objects.filter(owner=world.found()).count() == 2


def test_the_same_answers_again_change_nothing(mapped: World) -> None:
    mapped.usage(OWN, BY_ORGANIZATION)
    before = (list(ResellerUsage.objects.order_by("pk").values()), list(SourceFile.objects.values("pk", "state")), LegInput.objects.count())
    mapped.usage(OWN, BY_ORGANIZATION)
    resellers.settle_again(mapped.reseller, by=mapped.ruth)
    settle_all()
    assert before == (
        list(ResellerUsage.objects.order_by("pk").values()), list(SourceFile.objects.values("pk", "state")), LegInput.objects.count(),
    )  # fmt: skip


def test_lines_that_came_before_the_account_was_mapped_wait_for_it(world: World) -> None:
    world.accounts(QUILLMERE, BRIGHTFEN)
    world.usage(OWN, BY_ORGANIZATION)
    resellers.map_to(world.found(), world.account, by=world.ruth)
    settle_all()
    assert lines(world)[("41004", "edr")] == 120


def test_other_lines_of_the_same_period_take_the_place_of_the_first(mapped: World) -> None:
    mapped.usage(OWN, BY_ORGANIZATION)
    mapped.usage([own_line(1, "edr", 310, 400), OWN[1]], [organization_line(1, 41001, {"edr": 190, "itdr": 40}), BY_ORGANIZATION[1]])
    leg = LegInput.objects.get(cycle__account=mapped.account, ended_at__isnull=True)
    assert UsageLine.objects.get(source_file=leg.source_file, huntress_id="41001", product="edr").quantity == 190
    assert LegInput.objects.get(cycle__account=mapped.account, ended_at__isnull=False).superseded_by == leg


def test_an_older_pull_says_nothing_about_an_invoice_that_came_later(mapped: World) -> None:
    first = mapped.usage(OWN, BY_ORGANIZATION)
    mapped.usage([own_line(1, "edr", 310, 400)], [organization_line(1, 41001, {"edr": 310})])
    from recon.services.settling import ask_to_settle

    ask_to_settle(first, by=mapped.ruth)
    settle_all()
    assert ResellerUsage.objects.get(owner=mapped.found(), product="edr").actual == 310
    assert SourceFile.objects.count() == 2


def test_a_period_on_two_invoices_is_taken_from_the_newer_one(mapped: World) -> None:
    mapped.usage(OWN, BY_ORGANIZATION)
    older = INVOICE | {"id": 69_999, "created_at": "2026-10-01T06:00:00Z"}
    mapped.usage([own_line(9, "edr", 5)], [organization_line(9, 41001, {"edr": 5})], older)
    assert SourceFile.objects.count() == 1
    assert lines(mapped)[("41001", "edr")] == 180


@pytest.mark.parametrize("status", ["draft", "voided"])
def test_an_invoice_that_is_not_final_makes_no_month(mapped: World, status: str) -> None:
    mapped.usage(OWN, BY_ORGANIZATION, INVOICE | {"status": status})
    assert not SourceFile.objects.exists()
    assert ResellerInvoice.objects.get().status == status


def test_lines_that_do_not_add_up_to_the_accounts_own_wait_for_a_person(mapped: World) -> None:
    mapped.usage([own_line(1, "edr", 299, 400)], BY_ORGANIZATION[:2])
    document = ResellerDocument.objects.get()
    assert document.source_file is not None
    assert document.source_file.state == "ready"
    assert "1 line cannot be read or does not add up" in document.said
    assert "299 is stated for the account, 300 is the sum" in document.source_file.issues.get(level="error").message


def test_what_is_not_broken_down_is_said_and_stops_nothing(mapped: World) -> None:
    mapped.usage([*OWN[:2], own_line(5, "ispm", 7), own_line(6, "siem_extended_retention", 3)], BY_ORGANIZATION[:2])
    file = mapped.document()
    assert file.state == "imported"
    said = " ".join(file.issues.values_list("message", flat=True))
    assert "ISPM: 7 units are billed to the account, which no line breaks down by Organization." in said
    assert "SIEM EXTENDED RETENTION: 3 units" in said


def test_a_count_that_cannot_be_read_is_no_zero(mapped: World) -> None:
    mapped.usage(OWN[:1], [organization_line(1, 41001, {"edr": None}), BY_ORGANIZATION[1]])
    assert mapped.document().state == "ready"
    usage = ResellerUsage.objects.get(owner=mapped.found(), product="edr")
    assert (usage.organizations, usage.organizations_actual, usage.odd) == (2, None, "no_organizations")


def test_zero_is_a_count(mapped: World) -> None:
    mapped.usage([own_line(1, "edr", 120), own_line(2, "itdr", 0)], [organization_line(1, 41001, {"edr": 0}), BY_ORGANIZATION[1]])
    assert lines(mapped) == {("41001", "edr"): 0, ("41004", "edr"): 120}


def test_a_report_that_somebody_added_stays(mapped: World) -> None:
    cycle = imports.cycle_row(mapped.account, _cycle())
    own = SourceFile.objects.create(
        account=mapped.account, kind="billed", sha256="a" * 64, name="billed.csv", size=1, received_by=mapped.ines, state="imported",
        cycle=cycle, imported_by=mapped.ines,
    )  # fmt: skip
    LegInput.objects.create(cycle=cycle, leg="billed", source_file=own, by=mapped.ines)
    mapped.usage(OWN, BY_ORGANIZATION)
    assert LegInput.objects.get(cycle=cycle, ended_at__isnull=True).source_file == own
    assert "“billed.csv”, which somebody added, serves this cycle" in ResellerDocument.objects.get().said


def test_incomplete_lines_are_kept_and_make_no_month_nor_replace_whole_ones(mapped: World) -> None:
    mapped.usage(OWN[:1], BY_ORGANIZATION[:1], lacks=["Page 2 did not come."])
    assert "Page 2 did not come." in ResellerDocument.objects.get().said
    assert not SourceFile.objects.exists()
    mapped.usage(OWN, BY_ORGANIZATION)
    assert mapped.document().state == "imported"
    mapped.usage(OWN[:1], BY_ORGANIZATION[:1], lacks=["Page 2 did not come."])
    assert ResellerUsage.objects.filter(owner=mapped.found()).count() == 2
    assert ResellerDocument.objects.get().said == ""


def test_the_same_record_on_two_pages_counts_once(mapped: World) -> None:
    mapped.usage([*OWN, OWN[0]], [*BY_ORGANIZATION, BY_ORGANIZATION[0]])
    assert ResellerUsage.objects.get(owner=mapped.found(), product="edr").organizations_actual == 300
    assert lines(mapped)[("41001", "edr")] == 180


def test_a_line_that_nobody_can_place_is_said_and_stops_nothing(mapped: World) -> None:
    broken = own_line(7, "edr", 3) | {"period_start": "soon"}
    mapped.usage([*OWN, broken], BY_ORGANIZATION)
    assert ResellerInvoice.objects.get().said == "1 line cannot be read, and is in no sum."


# --- the day on which cycles begin ------------------------------------------------------------------------------------------------


def test_the_day_of_the_cycles_is_discovered(world: World) -> None:
    world.accounts(QUILLMERE, BRIGHTFEN)
    world.usage(OWN, BY_ORGANIZATION)
    assert world.found().cycle_day == 14


def test_another_day_than_the_accounts_waits_until_it_is_adopted() -> None:
    world = new_world(day=1)
    world.accounts(QUILLMERE)
    world.mapped()
    world.usage(OWN, BY_ORGANIZATION)
    said = "Its lines begin on the 14th of the month, and the cycles of Quillmere IT on the 1st: they cannot be compared."
    assert ResellerDocument.objects.get().said == said
    assert not SourceFile.objects.exists()
    resellers.adopt_day(world.found(), by=world.ruth)
    settle_all()
    assert Account.objects.get(pk=world.account.pk).anniversary_day == 14
    assert BillingCycle.objects.get(account=world.account).start == PERIOD[0].date()
    assert lines(world)[("41004", "edr")] == 120


def test_periods_on_different_days_are_told_and_not_guessed(mapped: World) -> None:
    other = (PERIOD[0].replace(day=20), PERIOD[1].replace(day=20))
    mapped.usage([*OWN, own_line(8, "sat", 4, period=other)], BY_ORGANIZATION)
    found = ResellerAccount.objects.get(external_id="7001")
    assert found.cycle_day is None
    assert "different days" in found.cycle_said


def test_no_month_is_put_before_a_first_one_that_is_signed(mapped: World) -> None:
    first = imports.cycle_row(mapped.account, next_cycle(_cycle(), mapped.account.anniversary_day))
    reviewer = User.objects.create_user("jonah@quillmere.example", "x")
    by = {"preparer": mapped.ines, "submitted_at": NOON, "reviewer": reviewer, "signed_at": NOON, "digest": "ab" * 32}
    Reconciliation.objects.create(cycle=first, run=1, last_run=1, state="signed", **by)
    mapped.usage(OWN, BY_ORGANIZATION)
    document = ResellerDocument.objects.get()
    assert "before the first month on record, 14 Oct – 14 Nov 2026, which is signed" in document.said
    assert mapped.document().state == "ready"
    assert list(BillingCycle.objects.filter(account=mapped.account)) == [first]


def _cycle() -> imports.Cycle:
    return imports.Cycle(PERIOD[0].date(), PERIOD[1].date())
