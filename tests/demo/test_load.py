"""The demonstration as it is loaded: what counts, what waits, who may sign in."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from accounts.models import Account, Membership, Organization, User
from ingest.models import Job, LegInput, SourceFile, UsageLine
from recon.contract_page import renewals_of, renewals_soon
from recon.demo import load as loader
from recon.demo.cast import PASSWORD, PEOPLE
from recon.management.commands import demo
from recon.models import Note, Reconciliation, Severity, Variance
from recon.services import products
from recon.sweep_counts import counted
from recon.tie_out import tie_out_of
from recon.trends import trends_of

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """The demonstration, loaded once for this module and taken away again."""
    with django_db_blocker.unblock(), transaction.atomic():
        assert loader.load(TODAY)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def quillmere(loaded, db):
    return Account.objects.get(slug="quillmere-it")


def rows(account, start="2026-10-14"):
    month = Reconciliation.objects.get(cycle__account=account, cycle__start=start)
    return Variance.objects.filter(reconciliation=month, run=month.run)


def test_four_past_months_have_three_legs_and_the_newest_waits_for_its_rebilled_list(quillmere):
    legs: dict[str, set[str]] = {}
    for given in LegInput.objects.filter(cycle__account=quillmere, ended_at__isnull=True).select_related("cycle"):
        legs.setdefault(str(given.cycle.start), set()).add(given.leg)
    past = {"billed", "expected", "rebilled", "invoice"}
    assert [legs[start] for start in sorted(legs)] == [past | {"prices"}, past, past, past, past - {"rebilled"} | {"agents"}]


def test_the_newest_rebilled_list_is_to_be_checked_with_its_two_rejected_lines(quillmere):
    waiting = SourceFile.objects.get(account=quillmere, state=SourceFile.State.READY)
    assert (waiting.kind, waiting.rejected, waiting.preview["cycle"]) == ("rebilled", 2, "2026-10-14:2026-11-14")
    assert not LegInput.objects.filter(source_file=waiting).exists()


def test_every_month_is_compared_and_no_work_is_left_over(quillmere):
    assert not Reconciliation.objects.filter(stale=True).exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert Reconciliation.objects.count() == 6


def test_a_row_of_one_name_for_two_waits_to_be_matched(quillmere):
    (line,) = UsageLine.objects.filter(source_file__account=quillmere, organization__isnull=True)
    assert line.name == "Harbour Lane Joinery"
    assert Organization.objects.filter(account=quillmere, name=line.name).count() == 2


def test_past_months_have_something_of_each_severity(quillmere):
    assert set(rows(quillmere, "2026-09-14").values_list("severity", flat=True)) == set(Severity.values)


def test_who_left_is_still_shown_with_what_is_charged(quillmere):
    gone = rows(quillmere, "2026-09-14").get(name="Oakmere Print Works", product="edr")
    assert (gone.billed, gone.severity) == (0, Severity.ESCALATE)
    assert gone.rebilled > 0
    assert gone.rebilled_money < 0


def test_a_bundle_counts_and_two_customers_share_one_organization(quillmere):
    past = rows(quillmere, "2026-09-14")
    assert past.get(name="Zoë Marsh Interiors", product="edr").rebilled > 0
    assert past.get(name="Greyfriars Housing Trust", product="edr").rebilled > 100
    assert not past.filter(name__startswith="Greyfriars Homes").exists()
    assert [one.words for one in products.rules(quillmere)] == ["EDR and ITDR"]


def test_past_reports_tie_to_their_invoices_and_the_newest_does_not(quillmere):
    months = Reconciliation.objects.filter(cycle__account=quillmere).select_related("cycle__account").order_by("cycle__start")
    assert [tie_out_of(month).tone for month in months] == ["done"] * 4 + ["todo"]


def test_earlier_months_have_notes_of_people(quillmere):
    assert Note.objects.filter(cycle__account=quillmere).count() >= 5
    assert not Note.objects.filter(cycle__start=date(2026, 10, 14)).exists()


def test_loading_again_changes_nothing(quillmere):
    def counted():
        return [model.objects.count() for model in (User, Membership, SourceFile, UsageLine, Job, Note, Variance)]

    before = counted()
    assert not loader.load(date(2027, 3, 1))
    assert counted() == before


def test_loading_goes_on_where_it_was_interrupted(quillmere):
    Membership.objects.all().delete()
    before = Note.objects.count()
    assert loader.load(TODAY)
    assert Note.objects.count() == before
    assert loader.is_loaded()
    assert SourceFile.objects.filter(account=quillmere).count() == 23


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.role)
def test_each_of_the_people_can_sign_in(loaded, db, person):
    assert Client().login(email=person.email, password=PASSWORD)


def test_the_viewer_sees_one_account_and_the_admin_both(loaded, db):
    def seen(email):
        return set(Account.objects.visible_to(User.objects.get(email=email)).values_list("slug", flat=True))

    assert seen("tom@quillmere.example") == {"quillmere-it"}
    assert seen("ines@quillmere.example") == {"quillmere-it", "brightfen-support"}


def test_the_command_prints_every_sign_in(loaded, db, settings):
    settings.SERVICES = False
    said = StringIO()
    call_command("demo", stdout=said)
    assert all(person.email in said.getvalue() for person in PEOPLE)
    assert PASSWORD in said.getvalue()


def test_services_refuse_the_demo_unless_forced(settings, monkeypatch):
    settings.SERVICES = True
    loads: list[date | None] = []
    monkeypatch.setattr(demo, "load", loads.append)
    with pytest.raises(CommandError, match="--force"):
        call_command("demo")
    assert not loads
    call_command("demo", "--force", stdout=StringIO())
    assert loads


def test_a_file_that_cannot_be_imported_is_named(quillmere):
    Membership.objects.all().delete()
    SourceFile.objects.filter(state=SourceFile.State.READY).update(state=SourceFile.State.REFUSED)
    with pytest.raises(loader.DemoFailed, match=r"psa-agreements-2026-10-14.*refused"):
        loader.load(TODAY)


def test_three_contracts_stand_where_their_stories_say(quillmere, monkeypatch):
    monkeypatch.setattr("recon.contract_page.today_in", lambda account: TODAY)
    courses = {one.contract.product: one for one in renewals_of(quillmere).courses}
    assert {product: one.outlook.standing for product, one in courses.items()} == {"edr": "over", "itdr": "rising", "siem": "under"}
    assert courses["itdr"].is_annual
    newest = courses["siem"].outlook.newest
    assert newest
    assert newest.shortfall == 36
    (soon,) = renewals_soon([quillmere])
    assert soon.contract == courses["edr"].contract.pk


def test_trends_are_alarmed_at(quillmere):
    found = {(one.kind, one.name) for one in trends_of(quillmere).found}
    assert {("stays", "Ashcombe Haulage"), ("stays", "Peverell & Daughters Solicitors"), ("creeps", "St Brannoc's Academy")} <= found


def test_a_sweep_was_half_done_between_the_two_agent_lists(quillmere):
    found = counted(quillmere)
    machines = {(one.owner_name, one.kind, one.days) for one in found.to_remove}
    assert {("Ashcombe Haulage", "stale", 21), ("Ashcombe Haulage", "stale", 22), ("Cranmere Castings", "stale", 45)} <= machines
    assert ("Ashcombe Haulage", "stale", 20) not in machines
    assert ("Barrowgate Pharmacy", "never", None) in machines
    assert ("Foxbarrow Foods", "duplicate", 13) in machines
    assert found.sweep
    assert found.sweep.counts == {"stale": 18, "never": 2, "duplicate": 2, "swept": 7, "returned": 2, "new": 2}
    assert found.worth.unpriced == 0
