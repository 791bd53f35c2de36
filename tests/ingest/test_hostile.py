"""A worker that is given what wants to hurt it: the file is refused with a sentence on its page, and the next one is read."""

from __future__ import annotations

import io
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, User
from ingest import guards, jobs
from ingest.models import Job, RowIssue, SourceFile
from ingest.services import intake
from tests.conftest import Worker
from tests.recon.making import csv_bytes
from tests.sources import hostile

PLAIN = csv_bytes(["Organization", "EDR"], ["Tarn Vale Dental", 3])


def until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


def drop(account: Account, by: User, name: str, content: bytes) -> SourceFile:
    return intake.receive(account, name=name, content=io.BytesIO(content), by=by, kind="billed").source_file


def said_of(file: SourceFile) -> str:
    return " ".join(RowIssue.objects.filter(source_file=file).values_list("message", flat=True))


def is_settled(file: SourceFile) -> bool:
    return SourceFile.objects.get(pk=file.pk).state != SourceFile.State.RECEIVED


# --- a real worker, with little memory ---


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_WORKER_MEMORY_MB", "512")


def much_text() -> bytes:
    """An honest list that is too large for so little memory: every row is odd, and says so."""
    return b"Organization,EDR\n" + b"".join(b'"Org %d, of the north",twelve or so\n' % number for number in range(1_500_000))


def much_workbook() -> bytes:
    """A workbook of little size whose cells fill the memory."""
    return hostile.with_part("sheet1", b'r="B3"', b'r="Z900000"')


@pytest.mark.worker
@pytest.mark.usefixtures("little_memory")
def test_a_worker_survives_what_wants_to_hurt_it(worker: Worker, account: Account, mara: User) -> None:
    hurting = {
        "bomb.xlsx": hostile.zip_bomb(),
        "text.csv": much_text(),
        "cells.xlsx": much_workbook(),
        "wide.csv": hostile.million_commas(),
    }
    files = {name: drop(account, mara, name, content) for name, content in hurting.items()}
    last = drop(account, mara, "plain.csv", PLAIN)
    assert until(lambda: is_settled(last), 90), worker.log()
    for name, file in files.items():
        file.refresh_from_db()
        assert file.state == SourceFile.State.REFUSED, name
        assert said_of(file), name
    assert "memory" in said_of(files["text.csv"]), worker.log()
    last.refresh_from_db()
    assert (last.state, last.loaded) == (SourceFile.State.READY, 1)
    assert worker.process
    assert worker.process.poll() is None
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}


@pytest.fixture
def no_known_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_WORKER_MEMORY_MB", "0")


@pytest.mark.worker
@pytest.mark.usefixtures("no_known_limit")
def test_a_job_that_breaks_its_process_is_ended_at_once_and_not_tried_again(worker: Worker, account: Account, mara: User) -> None:
    """The readers know of no limit, and one holds: the workbook's library then ends the process."""
    assert worker.process
    main = worker.process.pid
    for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
        resource.prlimit(int(child), resource.RLIMIT_DATA, (512 << 20, 512 << 20))
    file = drop(account, mara, "cells.xlsx", much_workbook())
    last = drop(account, mara, "plain.csv", PLAIN)
    assert until(lambda: is_settled(file) and is_settled(last), 40), worker.log()
    assert "broke the worker" in said_of(file)
    assert Job.objects.get(source_file=file).attempt == 1
    last.refresh_from_db()
    assert last.state == SourceFile.State.READY


# --- time ---


@pytest.mark.django_db
def test_a_reading_that_takes_too_long_is_refused(account: Account, mara: User, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.RECON_MAX_READ_SECONDS = 1
    monkeypatch.setattr(intake, "read", lambda *arguments, **more: time.sleep(30))
    received = intake.receive(account, name="slow.csv", content=io.BytesIO(PLAIN), by=mara, kind="billed")
    assert received.job
    started = time.monotonic()
    assert jobs.run_now(received.job).state == Job.State.FAILED
    assert time.monotonic() - started < 10
    assert "longer than 1 seconds" in said_of(received.source_file)
    monkeypatch.undo()
    again = drop(account, mara, "next.csv", PLAIN + b"Marrick Town Trust,8\n")
    jobs.run_now(Job.objects.get(source_file=again))
    again.refresh_from_db()
    assert again.state == SourceFile.State.READY


def test_the_alarm_is_off_when_the_reading_is_done() -> None:
    with guards.at_most(1):
        pass
    time.sleep(1.2)


# --- limits ---


@pytest.mark.django_db
def test_readers_keep_to_the_limits_of_the_settings(account: Account, mara: User, settings: Any) -> None:
    settings.RECON_MAX_ROWS = 1
    file = drop(account, mara, "long.csv", PLAIN + b"Marrick Town Trust,8\n")
    jobs.run_now(Job.objects.get(source_file=file))
    assert "more than 1 rows" in said_of(file)


# --- what the page says ---


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a million columns", "entities that grow", "an encrypted workbook", "a picture called CSV"])
def test_the_page_shows_the_sentence_and_the_next_file_is_read(name: str, account: Account, mara: User, client: Client) -> None:
    make, _, words = hostile.REFUSED[name]
    file, following = drop(account, mara, "../../etc/passwd.csv", make()), drop(account, mara, "plain.csv", PLAIN)
    for one in (file, following):
        jobs.run_now(Job.objects.get(source_file=one))
    client.force_login(mara)
    page = client.get(f"/a/{account.slug}/files/{file.pk}/").content.decode()
    assert words in page
    assert file.name == "passwd.csv"
    following.refresh_from_db()
    assert following.state == SourceFile.State.READY
