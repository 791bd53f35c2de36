"""Receiving and reading: stored as it came, recognised when it comes again, and nothing counts before it is imported."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from accounts.models import Account, Organization
from accounts.services import Refused
from ingest import jobs, storage
from ingest.models import LegInput, RowIssue, SourceFile, SourceRow, UsageLine
from ingest.services import intake
from ingest.services.intake import discard, read_again, receive
from ingest.sources.reading import Mapping
from recon.services import imports
from tests.recon.making import AFTER, BEFORE, CYCLE, arrive, at_once, csv_bytes, lines_of, new_account

LIST = csv_bytes(["Organization", "EDR"], ["Tarn Vale Dental", 3], ["Marrick Town Trust", 8])
TWO_COLUMNS = csv_bytes(["Organization", "EDR", "Agents"], ["Tarn Vale Dental", 3, 4])


def got(account, mara, content=LIST, **more):
    return receive(account, name=more.pop("name", "list.csv"), content=io.BytesIO(content), by=mara, **more)


def on_disk(source_file: SourceFile) -> Path:
    return Path(default_storage.path(storage.path_of(source_file.sha256)))


# --- the bytes --------------------------------------------------------------------------------------------------------------------


def test_bytes_are_kept_exactly_as_they_came_under_their_sha_256(account, mara):
    content = bytes(range(256)) * 5000 + b"\r\n\x00"
    received = got(account, mara, content)
    assert received.source_file.sha256 == hashlib.sha256(content).hexdigest()
    assert received.source_file.size == len(content)
    assert on_disk(received.source_file).read_bytes() == storage.fetch(received.source_file.sha256) == content


def test_a_stored_file_is_for_its_owner_alone(account, mara):
    path = on_disk(got(account, mara).source_file)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_bytes_that_have_changed_in_the_store_are_refused(account, mara):
    received = got(account, mara)
    path = on_disk(received.source_file)
    path.write_bytes(LIST.replace(b"8", b"9"))
    with pytest.raises(ValueError, match="have changed"):
        storage.fetch(received.source_file.sha256)
    assert received.job
    assert jobs.run_now(received.job).state == "failed"
    assert SourceFile.objects.get().state == "refused"


def test_storing_the_same_bytes_again_mends_what_the_disk_lost(account, mara):
    received = got(account, mara)
    on_disk(received.source_file).write_bytes(LIST[:10])  # a disk that was full, say
    assert got(account, mara).again
    assert storage.fetch(received.source_file.sha256) == LIST
    assert received.job
    assert jobs.run_now(received.job).state == "done"


def test_nothing_is_left_over_where_files_arrive(account, mara):
    got(account, mara)
    got(account, mara)
    assert default_storage.listdir("arriving")[1] == []


# --- recognised -------------------------------------------------------------------------------------------------------------------


def test_the_same_bytes_are_recognised_under_another_name(account, mara):
    first = got(account, mara)
    second = got(account, mara, name="copy of list (2).csv")
    assert (first.again, second.again, second.source_file, second.job) == (False, True, first.source_file, None)
    assert SourceFile.objects.count() == 1


def test_the_same_bytes_as_another_kind_are_another_file(account, mara):
    first, second = got(account, mara, kind="billed"), got(account, mara, kind="expected")
    assert not second.again
    assert first.source_file != second.source_file
    assert got(account, mara, kind="expected").source_file == second.source_file


def test_another_account_does_not_learn_that_bytes_are_known(account, mara):
    got(account, mara)
    elsewhere = new_account("Brightfen Support", "brightfen")
    assert not got(elsewhere, mara).again


def test_what_was_discarded_can_come_again(account, mara):
    first = arrive(account, mara, LIST, kind="billed")
    discard(first, by=mara)
    again = got(account, mara, kind="billed")
    assert (again.again, again.source_file == first) == (False, False)


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_received_four_times_at_once_are_one_file(account, mara):
    results = at_once(*[lambda: got(account, mara, kind="billed")] * 4)
    assert SourceFile.objects.count() == 1
    assert sorted(one.again for one in results) == [False, True, True, True]
    assert storage.fetch(SourceFile.objects.get().sha256) == LIST


# --- refused at the door ----------------------------------------------------------------------------------------------------------


def test_an_empty_file_is_refused_by_name(account, mara):
    with pytest.raises(Refused, match=r"^list\.csv is empty"):
        got(account, mara, b"")
    assert not SourceFile.objects.exists()


def test_a_file_that_is_too_large_is_refused_with_the_limit(account, mara, settings):
    settings.RECON_MAX_UPLOAD_MB = 1
    settings.RECON_MAX_STREAMED_MB = 1
    with pytest.raises(Refused, match="larger than 1 MB"):
        got(account, mara, b"x" * (1024 * 1024 + 1))
    assert got(account, mara, b"x" * 1024 * 1024).source_file.size == 1024 * 1024


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\reports\\bill.csv", "bill.csv"),
        ("a\0b.csv", "ab.csv"),
        ("", "unnamed"),
        ("x" * 300 + ".csv", ("x" * 300 + ".csv")[-255:]),
    ],
)
def test_of_a_name_the_last_part_is_kept(account, mara, sent, kept):
    assert got(account, mara, name=sent).source_file.name == kept


# --- read -------------------------------------------------------------------------------------------------------------------------


def test_reading_makes_a_preview_and_nothing_that_counts(account, mara):
    source_file = arrive(account, mara, LIST, kind="billed")
    assert (source_file.state, source_file.loaded, source_file.preview["totals"]) == ("ready", 2, {"edr": 11})
    assert not UsageLine.objects.exists()
    assert not Organization.objects.exists()
    assert not LegInput.objects.exists()


def test_reading_twice_says_everything_once(account, mara):
    content = csv_bytes(["Organization", "EDR"], ["Tarn Vale Dental", "12.5"], ["Marrick Town Trust", 8], ["Total", 8])
    source_file = arrive(account, mara, content, kind="billed")
    said, counts = (SourceRow.objects.count(), RowIssue.objects.count()), source_file.counts
    SourceFile.objects.update(state="received")
    intake.read_into_preview(source_file.pk, lambda *given: None)  # type: ignore[arg-type]
    source_file.refresh_from_db()
    assert (source_file.state, source_file.counts) == ("ready", counts)
    assert (SourceRow.objects.count(), RowIssue.objects.count()) == said


def test_reading_late_does_not_touch_a_file_that_was_discarded_or_counts(account, mara):
    source_file = arrive(account, mara, LIST, kind="billed")
    for state in ("discarded", "ready", "refused"):
        SourceFile.objects.update(state=state, loaded=77)
        intake.read_into_preview(source_file.pk, lambda *given: None)  # type: ignore[arg-type]
        source_file.refresh_from_db()
        assert (source_file.state, source_file.loaded) == (state, 77)


def test_a_file_that_cannot_be_read_is_refused_and_says_what_would_be_right(account, mara):
    source_file = arrive(account, mara, TWO_COLUMNS, kind="billed")
    assert source_file.state == "refused"
    said = RowIssue.objects.get(level="error").message
    assert "EDR" in said
    assert "Agents" in said


def test_a_person_chooses_a_column_and_it_is_read_again(account, mara):
    source_file = arrive(account, mara, TWO_COLUMNS, kind="billed")
    stated = Mapping({0: "organization", 2: "quantity:edr"})
    jobs.run_now(read_again(source_file, by=mara, kind="billed", cycle=CYCLE, mapping=stated))
    source_file.refresh_from_db()
    assert (source_file.state, source_file.preview["totals"], source_file.mapping_stated) == ("ready", {"edr": 4}, True)
    assert source_file.preview["cycle"] == f"{CYCLE.start}:{CYCLE.end}"


def test_what_is_stated_while_an_older_reading_runs_is_what_counts(account, mara, monkeypatch):
    received = got(account, mara, TWO_COLUMNS, kind="billed")
    assert received.job
    real = intake.read

    def slow(*args, **given):
        monkeypatch.setattr(intake, "read", real)
        said = Mapping({0: "organization", 2: "quantity:edr"})
        later = read_again(received.source_file, by=mara, kind="billed", cycle=CYCLE, mapping=said)
        assert later.pk != received.job.pk
        return real(TWO_COLUMNS, name="list.csv", kind="billed", mapping=Mapping({0: "organization", 1: "quantity:edr"}))

    monkeypatch.setattr(intake, "read", slow)
    jobs.run_now(received.job)
    source_file = SourceFile.objects.get()
    assert source_file.state == "received"  # the older reading is not shown
    jobs.run_now(source_file.jobs.get(state="queued"))
    source_file.refresh_from_db()
    assert (source_file.state, source_file.preview["totals"]) == ("ready", {"edr": 4})


def test_a_cycle_stated_while_it_is_read_is_kept(account, mara, monkeypatch):
    received = got(account, mara, kind="billed")
    assert received.job
    real = intake.read

    def slow(*args, **given):
        monkeypatch.setattr(intake, "read", real)
        read_again(SourceFile.objects.get(), by=mara, kind="billed", cycle=BEFORE, mapping=None)
        return real(*args, **given)

    monkeypatch.setattr(intake, "read", slow)
    jobs.run_now(received.job)
    assert SourceFile.objects.get().preview["cycle"] == f"{BEFORE.start}:{BEFORE.end}"


def test_stating_what_the_same_bytes_are_already_is_refused(account, mara):
    arrive(account, mara, LIST, kind="billed")
    other = arrive(account, mara, LIST, kind="expected")
    with pytest.raises(Refused, match="already in Quillmere IT as a billed report"):
        read_again(other, by=mara, kind="billed", cycle=CYCLE, mapping=None)


def test_once_it_counts_it_can_be_neither_restated_nor_discarded(account, mara, put):
    source_file = put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])
    with pytest.raises(Refused, match="no longer be changed"):
        read_again(source_file, by=mara, kind="expected", cycle=CYCLE, mapping=None)
    with pytest.raises(Refused, match="withdraw it from its month instead"):
        discard(source_file, by=mara)
    assert len(lines_of(source_file)) == 1


def test_a_file_moved_to_another_account_is_read_against_that_ones_names(account: Account, mara):
    elsewhere = new_account("Brightfen Support", "brightfen")
    Organization.objects.create(account=elsewhere, name="TARN VALE DENTAL")
    source_file = arrive(account, mara, LIST, kind="billed")
    assert (source_file.preview["organizations"], source_file.preview["known"]) == (2, 0)
    jobs.run_now(read_again(source_file, by=mara, kind="billed", cycle=AFTER, mapping=None, account=elsewhere))
    source_file.refresh_from_db()
    assert (source_file.account, source_file.preview["known"]) == (elsewhere, 1)
    job = jobs.run_now(imports.start_import(source_file, by=mara, cycle=AFTER))
    assert (job.state, job.account) == ("done", elsewhere)
