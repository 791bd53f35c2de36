"""An account, its people, and lists that go the product's own way: received, read, imported, compared."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import connection, connections
from django.test import Client

from accounts.calendar import Cycle
from accounts.models import Account, Membership, Role, User
from ingest import jobs
from ingest.models import Job, LegInput, SourceFile, UsageLine
from ingest.services.intake import receive
from recon import tasks  # noqa: F401  registers what jobs do
from recon.models import Question, Reconciliation, Variance
from recon.services import imports, questions

BEFORE = Cycle(date(2026, 9, 14), date(2026, 10, 14))
CYCLE = Cycle(date(2026, 10, 14), date(2026, 11, 14))
AFTER = Cycle(date(2026, 11, 14), date(2026, 12, 14))
Cell = str | int
NAMES = ["Organization", "EDR"]
WITH_IDS = ["Organization", "Organization ID", "EDR"]


def new_account(name: str = "Quillmere IT", slug: str = "quillmere-it") -> Account:
    return Account.objects.create(name=name, slug=slug, anniversary_day=14, currency="USD")


def new_person(account: Account | None, email: str = "mara@quillmere.example", role: str = Role.PREPARER) -> User:
    user = User.objects.create_user(email, "seven-quiet-herons", name=email.partition("@")[0].capitalize())
    if account:
        Membership.objects.create(user=user, account=account, role=role)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def csv_bytes(*rows: Sequence[Cell]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def arrive(account: Account, by: User, content: bytes, *, kind: str, name: str = "") -> SourceFile:
    """A file, received and read."""
    received = receive(account, name=name or f"{kind}.csv", content=io.BytesIO(content), by=by, kind=kind)
    assert received.job is not None
    jobs.run_now(received.job)
    received.source_file.refresh_from_db()
    return received.source_file


def put(account: Account, by: User, kind: str, content: bytes, cycle: Cycle = CYCLE, *, name: str = "", **said: bool) -> SourceFile:
    """A file, received, read and imported. Its month is not compared yet."""
    source_file = arrive(account, by, content, kind=kind, name=name)
    done = jobs.run_now(imports.start_import(source_file, by=by, cycle=cycle, **said))
    assert done.state == Job.State.DONE, done.error
    source_file.refresh_from_db()
    return source_file


def compare() -> None:
    """Do what waits to be compared."""
    for job in Job.objects.filter(kind="recount", state=Job.State.QUEUED).order_by("pk"):
        done = jobs.run_now(job)
        assert done.state == Job.State.DONE, done.error


def asked(account: Account, kind: str = "ambiguous") -> list[Question]:
    """What waits to be decided, of one kind, by name."""
    return sorted((one.question for one in questions.queue(account) if one.question.kind == kind), key=lambda one: one.name)


def month_of(account: Account, cycle: Cycle = CYCLE) -> Reconciliation:
    return Reconciliation.objects.select_related("cycle__account").get(cycle__account=account, cycle__start=cycle.start)


def rows_of(account: Account, cycle: Cycle = CYCLE) -> list[Variance]:
    month = month_of(account, cycle)
    return list(Variance.objects.filter(reconciliation=month, run=month.run).order_by("name", "product", "pk"))


def units_of(account: Account, cycle: Cycle = CYCLE) -> dict[tuple[str, str], tuple[int | None, ...]]:
    """(name, product) → billed, expected, rebilled, previous."""
    rows = rows_of(account, cycle)
    found: dict[tuple[str, str], tuple[int | None, ...]]
    found = {(row.name, row.product): (row.billed, row.expected, row.rebilled, row.previous) for row in rows}
    assert len(found) == len(rows)
    return found


def current(account: Account, leg: str, cycle: Cycle = CYCLE) -> LegInput:
    return LegInput.objects.get(cycle__account=account, cycle__start=cycle.start, leg=leg, ended_at__isnull=True)


def lines_of(source_file: SourceFile) -> list[UsageLine]:
    return list(UsageLine.objects.filter(source_file=source_file).order_by("line", "product"))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that start together, each on its own connection. What one raises is its result."""
    results: list[Any] = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def run(place: int) -> None:
        start.wait(10)
        try:
            results[place] = calls[place]()
        except Exception as raised:
            results[place] = raised
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[place]) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


@contextmanager
def shown_queries() -> Iterator[list[str]]:
    """The SQL that runs inside, for a look at what a page asks."""
    said: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield said
