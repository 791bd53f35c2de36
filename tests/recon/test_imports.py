"""Making files count: what serves a month, and imports that die, run twice or are cancelled."""

from __future__ import annotations

import io
from datetime import date
from random import Random
from typing import Any

import pytest
from django.db import transaction

from accounts.calendar import Cycle
from accounts.models import BillingCycle, Organization, User
from accounts.services import Refused
from ingest import bulk, jobs, storage
from ingest.models import Job, LegInput, RejectedLine, SourceFile, UsageLine
from recon.models import Variance
from recon.services import imports
from tests.recon.making import (
    BEFORE,
    CYCLE,
    NAMES,
    arrive,
    at_once,
    compare,
    csv_bytes,
    current,
    lines_of,
    rows_of,
    units_of,
)
from tests.recon.making import (
    put as put_file,
)

# --- what serves a month ----------------------------------------------------------------------------------------------------------


def test_an_imported_list_serves_its_leg_and_the_month_is_compared(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    put("expected", NAMES, ["Tarn Vale Dental", 2])
    put("rebilled", NAMES, ["tarn vale  DENTAL", 1])
    compare()
    assert units_of(account) == {("Tarn Vale Dental", "edr"): (3, 2, 1, None)}


def test_replacing_a_list_keeps_the_old_one_superseded(account, put):
    old = put("billed", NAMES, ["Tarn Vale Dental", 3])
    new = put("billed", NAMES, ["Tarn Vale Dental", 4])
    compare()
    before = LegInput.objects.get(source_file=old)
    assert (before.ended_at is not None, before.superseded_by) == (True, current(account, "billed"))
    assert current(account, "billed").source_file == new
    assert [line.quantity for line in lines_of(old)] == [3]
    assert units_of(account)["Tarn Vale Dental", "edr"][0] == 4


def test_a_list_with_rejected_rows_is_imported_only_when_that_is_said(account, mara):
    content = csv_bytes(NAMES, ["Tarn Vale Dental", "12.5"], ["Marrick Town Trust", 8])
    source_file = arrive(account, mara, content, kind="billed")
    with pytest.raises(Refused, match="1 rows are rejected"):
        imports.start_import(source_file, by=mara, cycle=CYCLE)
    jobs.run_now(imports.start_import(source_file, by=mara, cycle=CYCLE, without_rejected=True))
    put_file(account, mara, "rebilled", csv_bytes(NAMES, ["Tarn Vale Dental", 5], ["Marrick Town Trust", 8]))
    compare()
    assert RejectedLine.objects.get().name == "Tarn Vale Dental"
    assert units_of(account) == {("Marrick Town Trust", "edr"): (8, None, 8, None), ("Tarn Vale Dental", "edr"): (None, None, 5, None)}


def test_what_a_complete_list_does_not_name_counts_zero_and_what_a_partial_one_does_not_name_is_unknown(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], ["Marrick Town Trust", 8])
    put("rebilled", NAMES, ["Tarn Vale Dental", 3])
    compare()
    assert units_of(account)["Marrick Town Trust", "edr"] == (8, None, 0, None)
    put("rebilled", NAMES, ["Tarn Vale Dental", 3.0], partial=True)
    compare()
    assert units_of(account)["Marrick Town Trust", "edr"] == (8, None, None, None)


def test_a_withdrawn_list_no_longer_counts_and_stays(account, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    source_file = put("expected", NAMES, ["Tarn Vale Dental", 2])
    imports.withdraw(current(account, "expected"), by=mara)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"] == (3, None, None, None)
    source_file.refresh_from_db()
    assert (source_file.state, len(lines_of(source_file))) == ("imported", 1)
    with pytest.raises(Refused, match="no longer serves"):
        imports.withdraw(LegInput.objects.get(source_file=source_file), by=mara)


def test_a_list_can_be_used_again_for_another_cycle(account, mara, put):
    contracts = put("expected", NAMES, ["Tarn Vale Dental", 2], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    imports.use_again(contracts, by=mara, cycle=CYCLE, partial=False)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"] == (3, 2, None, None)
    assert current(account, "expected", BEFORE).source_file == current(account, "expected").source_file == contracts
    with pytest.raises(Refused, match="already serves"):
        imports.use_again(contracts, by=mara, cycle=CYCLE, partial=False)


def test_only_what_was_imported_can_be_used_again(account, mara):
    with pytest.raises(Refused, match="only what was imported"):
        imports.use_again(arrive(account, mara, csv_bytes(NAMES, ["A", 1]), kind="billed"), by=mara, cycle=CYCLE, partial=False)


def test_a_withdrawn_list_can_be_used_again_for_its_own_cycle(account, mara, put):
    bill = put("billed", NAMES, ["Tarn Vale Dental", 3])
    imports.withdraw(current(account, "billed"), by=mara)
    imports.use_again(bill, by=mara, cycle=CYCLE, partial=False)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"][0] == 3


@pytest.mark.parametrize(
    "cycle",
    [
        Cycle(date(2026, 10, 20), date(2026, 11, 20)),
        Cycle(date(2026, 10, 1), date(2026, 10, 15)),
        Cycle(date(2026, 10, 14), date(2026, 12, 14)),  # the same start and another end
        Cycle(date(2026, 10, 20), date(2026, 10, 21)),
    ],
)
def test_a_cycle_that_overlaps_another_is_refused(account, mara, put, cycle):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 2]), kind="expected")
    with pytest.raises(Refused, match="overlaps the cycle 2026-10-14 to 2026-11-14"):
        imports.start_import(source_file, by=mara, cycle=cycle)
    source_file.refresh_from_db()
    assert source_file.state == "ready"
    assert BillingCycle.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_three_lists_asked_for_at_once_make_one_cycle(account, mara):
    files = [arrive(account, mara, csv_bytes(NAMES, ["A", n]), kind=kind) for n, kind in enumerate(("billed", "expected", "rebilled"))]
    asked = at_once(*[lambda f=f: imports.start_import(f, by=mara, cycle=CYCLE) for f in files])
    assert all(isinstance(one, Job) for one in asked)
    assert BillingCycle.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_lists_imported_at_once_make_one_organization_of_each_name(account, mara):
    """Three workers, three files, the same customers, none of them known before."""
    rows: list[list[str | int]] = [[f"Customer {n}", n] for n in range(300)]
    files = [
        arrive(account, mara, csv_bytes(NAMES, *Random(kind).sample(rows, len(rows))), kind=kind)
        for kind in ("billed", "expected", "rebilled")
    ]
    waiting = [imports.start_import(f, by=mara, cycle=CYCLE) for f in files]
    assert at_once(*[lambda job=job: jobs.run(job.pk) for job in waiting]) == [None] * 3
    assert {Job.objects.get(pk=job.pk).state for job in waiting} == {"done"}
    assert Organization.objects.filter(account=account).count() == 300
    compare()
    assert {(row.billed, row.expected, row.rebilled) for row in rows_of(account)} == {(n, n, n) for n in range(300)}


# --- safe to run twice ------------------------------------------------------------------------------------------------------------


def test_running_an_import_again_changes_nothing(account, mara, put):
    source_file = put("billed", NAMES, ["Tarn Vale Dental", 3])
    before = (list(UsageLine.objects.values()), list(LegInput.objects.values()), list(Organization.objects.values()))
    imports.import_file(source_file.pk, jobs.Progress(0, 0))
    assert (list(UsageLine.objects.values()), list(LegInput.objects.values()), list(Organization.objects.values())) == before


def test_an_import_that_died_after_its_lines_is_done_over(account, mara, monkeypatch):
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 3], ["Marrick Town Trust", 8]), kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)

    def dies(*args: object, **given: object) -> None:
        raise jobs.LeaseLost  # the worker stops here, without a trace

    with monkeypatch.context() as patched:
        patched.setattr(imports, "_take_leg", dies)
        with transaction.atomic():
            jobs.run(job.pk)
            assert UsageLine.objects.count() == 2
    SourceFile.objects.update(state="importing")
    Job.objects.filter(pk=job.pk).update(state="queued")
    assert jobs.run_now(job).state == "done"
    assert [(line.line, line.quantity) for line in lines_of(source_file)] == [(2, 3), (3, 8)]
    assert Organization.objects.count() == 2
    assert current(account, "billed").source_file == source_file


def test_an_import_cancelled_in_the_middle_leaves_nothing_that_counts(account, mara, monkeypatch, django_capture_on_commit_callbacks):
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 3]), kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    real = bulk.load

    def load(*args: Any, **given: Any) -> None:
        real(*args, **given)
        jobs.ask_to_cancel(job)
        raise jobs.Cancelled

    monkeypatch.setattr(bulk, "load", load)
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.run_now(job).state == "cancelled"
    source_file.refresh_from_db()
    assert (source_file.state, lines_of(source_file), LegInput.objects.count()) == ("ready", [], 0)


def test_bytes_that_changed_since_they_were_checked_are_not_imported(account, mara, monkeypatch):
    source_file = arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 3]), kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    monkeypatch.setattr(storage.default_storage, "open", lambda path: io.BytesIO(csv_bytes(NAMES, ["Tarn Vale Dental", 4])))
    assert jobs.run_now(job).state == "failed"
    source_file.refresh_from_db()
    assert (source_file.state, UsageLine.objects.count()) == ("ready", 0)


def test_each_person_who_imports_is_kept_with_the_file(account, put, mara: User):
    source_file = put("billed", NAMES, ["Tarn Vale Dental", 3])
    assert (source_file.imported_by, current(account, "billed").by, source_file.received_by) == (mara, mara, mara)
    assert Variance.objects.count() == 0  # compared by a job of its own
