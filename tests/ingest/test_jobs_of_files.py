"""The product's own work in the background: what a given-up or cancelled job leaves behind, and a real worker that is killed."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from ingest import jobs
from ingest.models import Job, LegInput, RowIssue, SourceFile, UsageLine
from ingest.services.intake import receive
from recon.models import Reconciliation, Variance
from recon.services import imports, months
from tests.conftest import Worker
from tests.ingest.making import SMALL, dead, now
from tests.recon.making import CYCLE, arrive, compare, lines_of, month_of, until

# --- tidying up after the product's own work ---------------------------------------------------------------------------------------


def given_up_by_the_sweep(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(**dead(attempt=3))
    jobs.sweep()
    return now(job)


def test_a_file_whose_reading_was_given_up_is_refused_and_says_why(account, mara):
    received = receive(account, name="billed.csv", content=io.BytesIO(SMALL), by=mara)
    assert received.job
    job = given_up_by_the_sweep(received.job)
    assert SourceFile.objects.get().state == "refused"
    assert RowIssue.objects.get().message == job.error != ""


def test_a_file_whose_import_was_given_up_is_to_be_checked_again_and_has_no_line(account, mara, django_capture_on_commit_callbacks):
    source_file = arrive(account, mara, SMALL, kind="billed")
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    UsageLine.objects.create(source_file=source_file, line=2, product="edr", name="Tarn Vale Dental", quantity=3)
    with django_capture_on_commit_callbacks(execute=True):
        given_up_by_the_sweep(job)
    source_file.refresh_from_db()
    assert (source_file.state, source_file.imported_by, lines_of(source_file)) == ("ready", None, [])
    assert jobs.run_now(imports.start_import(source_file, by=mara, cycle=CYCLE)).state == "done"


def test_a_month_whose_comparison_was_given_up_stays_stale(account, put):
    put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])
    compare()
    job = months.ask_for_recount(month_of(account).cycle, by=None)
    Reconciliation.objects.update(stale=False)  # as the dead worker left it
    given_up_by_the_sweep(job)
    assert month_of(account).stale


def test_cancelling_an_import_that_waits_gives_the_file_back(account, mara):
    source_file = arrive(account, mara, SMALL, kind="billed")
    jobs.ask_to_cancel(imports.start_import(source_file, by=mara, cycle=CYCLE))
    source_file.refresh_from_db()
    assert source_file.state == "ready"


# --- with a real worker -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def big() -> bytes:
    """A report of 150,000 rows, which takes seconds to import."""
    return b"Organization,Product,Quantity\n" + b"".join(b"Customer %d,EDR,%d\n" % (n, n % 50) for n in range(150_000))


@pytest.mark.worker
def test_a_worker_reads_imports_and_compares(worker: Worker, account: Account, mara: User) -> None:
    received = receive(account, name="billing-detail-2026-10-14-to-2026-11-14.csv", content=io.BytesIO(SMALL), by=mara)
    source_file = received.source_file
    assert until(lambda: SourceFile.objects.get(pk=source_file.pk).state == "ready"), worker.log()
    source_file.refresh_from_db()
    assert (source_file.kind, source_file.preview["cycle"]) == ("billed", "2026-10-14:2026-11-14")
    imports.start_import(source_file, by=mara, cycle=CYCLE)
    assert until(lambda: Variance.objects.count() == 2), worker.log()
    assert until(lambda: not Job.objects.exclude(state="done").exists()), worker.log()
    assert not month_of(account).stale


@pytest.mark.worker
def test_a_page_is_answered_at_once_and_the_worker_does_the_rest(worker: Worker, account: Account, preparer: Client) -> None:
    preparer.post(f"/a/{account.slug}/files/", {"files": SimpleUploadedFile("billed.csv", SMALL)})
    assert until(lambda: SourceFile.objects.get().state == "ready"), worker.log()


@pytest.mark.worker
def test_a_worker_killed_in_mid_import_loses_no_line_and_doubles_none(worker: Worker, account: Account, mara: User, big: bytes) -> None:
    source_file = arrive(account, mara, big, kind="billed")
    assert source_file.loaded == 150_000
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    assert until(lambda: 0 < UsageLine.objects.count() < 150_000, 60), worker.log()
    worker.kill()
    assert (now(job).state, SourceFile.objects.get().state) == ("running", "importing")
    assert UsageLine.objects.exists()  # killed in the middle indeed: there are lines, and nothing counts
    assert not LegInput.objects.exists()
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))  # fifteen seconds later
    worker.start()
    assert jobs.sweep() == 1
    assert until(lambda: SourceFile.objects.get().state == "imported", 60), worker.log()
    counted = UsageLine.objects.filter(source_file=source_file)
    assert counted.count() == counted.values("line").distinct().count() == 150_000
    assert counted.order_by("-line").values_list("line", flat=True)[0] == 150_001
    assert account.organizations.count() == 150_000
    assert LegInput.objects.get(ended_at=None).source_file == source_file
    assert until(lambda: now(job).state == "done"), worker.log()
    assert now(job).attempt == 2
