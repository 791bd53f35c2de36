"""Agent lists in the database: every row once or none, whose they are, and what happens when the work is stopped or killed."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from django.db import connection
from django.db.models import Sum

from accounts.models import Account, Alias, Organization, User
from ingest import jobs, storage, streams
from ingest.models import AgentLine, FileOwner, Job, LegInput, RowIssue, SourceFile, SourceRow
from ingest.services.intake import receive
from recon.services import imports
from recon.services.owners import CODE, hostnames_of, match_owners
from tests.agents.making import HEADER, csv_bytes, hosts
from tests.conftest import Worker
from tests.recon.making import CYCLE, arrive, compare, until
from tests.recon.making import put as put_file
from tests.settings import POSTGRES

NAMES = ("Hostname", "Organization", "Last Seen")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of some hundred rows, so that small lists have many, told at once."""
    opened = streams.open_agents
    monkeypatch.setattr(streams, "open_agents", lambda stream, asked: opened(stream, asked, 1 << 14))
    monkeypatch.setattr(jobs, "_REPORT_SECONDS", 0.0)


def importing(account: Account, mara: User, content: bytes, **said: bool) -> tuple[SourceFile, Job]:
    source_file = arrive(account, mara, content, kind="agents")
    return source_file, imports.start_import(source_file, by=mara, cycle=CYCLE, **said)


def agents_of(source_file: SourceFile) -> list[tuple[int, str, str]]:
    name_of = dict(FileOwner.objects.filter(source_file=source_file).values_list("number", "name"))
    rows = AgentLine.objects.filter(source_file=source_file).order_by("line").values_list("line", "hostname", "owner")
    return [(line, host, name_of[owner]) for line, host, owner in rows]


def nothing_is_left() -> bool:
    return not AgentLine.objects.exists() and not FileOwner.objects.exists()


# --- loading ---


def test_a_list_is_stored_row_by_row_and_stands_beside_its_month(account, mara):
    source_file = put_file(account, mara, "agents", csv_bytes(HEADER, *hosts(7)))
    assert (source_file.state, source_file.loaded, source_file.set_aside) == ("imported", 7, 1)
    assert agents_of(source_file) == [(n + 1, f"WS-{n}", f"Customer {n % 3} Ltd") for n in range(1, 8)]
    agent = AgentLine.objects.get(source_file=source_file, line=2)
    assert (agent.serial, agent.platform, agent.last_seen and agent.last_seen.isoformat()) == (
        "SN1",
        "windows",
        "2026-10-02T01:07:08+00:00",
    )
    assert LegInput.objects.get(source_file=source_file).leg == "agents"
    assert not Organization.objects.exists()


def test_the_same_host_twice_is_stored_twice_and_a_blank_check_in_is_unknown(account, mara):
    source_file = put_file(account, mara, "agents", csv_bytes(NAMES, ("PC-1", "Tarn", ""), ("PC-1", "Tarn", "")))
    assert [agent.last_seen for agent in AgentLine.objects.filter(source_file=source_file)] == [None, None]


def test_the_preview_keeps_every_odd_row_and_its_counts(account, mara, small_blocks):
    rows = [("PC", "Tarn", "soon" if n % 3 else "") for n in range(3_000)]
    source_file = arrive(account, mara, csv_bytes(NAMES, *rows), kind="agents")
    assert (source_file.state, source_file.loaded, source_file.set_aside, source_file.rejected) == ("ready", 1_000, 1, 2_000)
    assert SourceRow.objects.filter(source_file=source_file, bucket="rejected", reason="unreadable_date").count() == 2_000
    assert RowIssue.objects.filter(source_file=source_file).count() == 2_000
    assert (source_file.preview["organizations"], len(source_file.preview["first_rows"])) == (1, 11)
    assert nothing_is_left()


def test_an_agent_list_is_recognised_when_it_comes(account, mara):
    source_file = arrive(account, mara, csv_bytes(HEADER, *hosts(3)), kind="", name="export.csv")
    assert (source_file.kind, source_file.state) == ("agents", "ready")


def test_a_list_is_imported_without_its_rejected_rows(account, mara, small_blocks):
    rows = [("PC", "Tarn", "soon" if n % 2 else "2026-10-01") for n in range(2_000)]
    source_file, job = importing(account, mara, csv_bytes(NAMES, *rows), without_rejected=True)
    assert jobs.run_now(job).state == "done"
    assert AgentLine.objects.filter(source_file=source_file).count() == 1_000
    assert FileOwner.objects.get(source_file=source_file).rows == 1_000


def test_a_list_that_is_no_longer_what_came_does_not_count(account, mara):
    source_file, job = importing(account, mara, csv_bytes(HEADER, *hosts(20)))
    with storage.opened(source_file.sha256) as stored:
        place, changed = stored.name, stored.read().replace(b"WS-1,", b"WS-X,")
    with open(place, "wb") as stored:  # noqa: PTH123
        stored.write(changed)
    assert jobs.run_now(job).state == "failed"
    source_file.refresh_from_db()
    assert source_file.state == "ready"


def test_only_agent_lists_may_be_larger_than_the_usual_limit(account, mara, settings):
    settings.RECON_MAX_UPLOAD_MB, settings.RECON_MAX_STREAMED_MB = 1, 2
    agents = csv_bytes(HEADER, *hosts(20_000))
    assert 1 < len(agents) / 2**20 < 2
    assert arrive(account, mara, agents, kind="").state == "ready"
    usage = csv_bytes(("Organization", "EDR"), *((f"Customer {n} of a long name Ltd", 3) for n in range(40_000)))
    source_file = arrive(account, mara, usage, kind="", name="huntress billing.csv")
    assert source_file.state == "refused"
    assert "larger than 1 MB, which only agent lists" in RowIssue.objects.get(source_file=source_file).message


# --- whose they are ---


def test_names_are_matched_by_the_ladder_and_the_others_wait_until_they_are_known(account, mara, put):
    put("billed", ["Organization", "Organization ID", "EDR"], ["Tarn Vale Dental", "17", 3], ["Marrick Town Trust", "18", 2])
    rows = [("a", "TARN VALE  dental", ""), ("b", "Whatever", "18"), ("c", "Marrick", ""), ("d", "Corran", ""), ("e", "Marrick", "")]
    source_file = put_file(account, mara, "agents", csv_bytes(("Hostname", "Organization", "Organization ID"), *rows))
    tarn, marrick = Organization.objects.get(huntress_id="17"), Organization.objects.get(huntress_id="18")

    def known() -> list[int | None]:
        return list(FileOwner.objects.filter(source_file=source_file).order_by("number").values_list("organization", flat=True))

    assert known() == [tarn.pk, marrick.pk, None, None]
    message = "“Marrick”, “Corran”: these Organizations are not known here, so 3 agents wait to be matched."
    assert RowIssue.objects.get(source_file=source_file, code=CODE).message == message
    alias = Alias.objects.create(account=account, organization=marrick, name="Marrick", confirmed_by=mara)
    assert match_owners(account) == 1
    assert known() == [tarn.pk, marrick.pk, marrick.pk, None]
    assert "“Corran”: this Organization is" in RowIssue.objects.get(source_file=source_file, code=CODE).message
    corran = Organization.objects.create(account=account, name="Corran")
    assert match_owners(account) == 1
    assert not RowIssue.objects.filter(source_file=source_file, code=CODE).exists()
    Alias.objects.filter(pk=alias.pk).update(revoked_at="2026-11-20T00:00Z")
    assert match_owners(account) == 0
    assert match_owners(account, unsettled=[marrick.pk]) == 1
    assert known() == [tarn.pk, marrick.pk, None, corran.pk]
    assert Organization.objects.count() == 3


def test_what_waits_is_matched_when_the_month_is_counted_with_a_list_that_names_it(account, mara, put):
    source_file = put_file(account, mara, "agents", csv_bytes(NAMES, ("a", "Tarn Vale Dental", "")))
    put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])
    assert FileOwner.objects.get(source_file=source_file).organization is None
    compare()
    assert FileOwner.objects.get(source_file=source_file).organization == Organization.objects.get()
    assert not RowIssue.objects.filter(source_file=source_file, code=CODE).exists()


def test_matching_again_asks_the_same_few_questions_however_many_lists_wait(account, mara, django_assert_max_num_queries):
    for first in (1, 100, 200, 300):
        put_file(account, mara, "agents", csv_bytes(HEADER, *hosts(30, 10, first)))
    Organization.objects.create(account=account, name="Customer 3 Ltd")
    with django_assert_max_num_queries(14):
        assert match_owners(account) == 4


def test_hostnames_of_organizations_are_told(account, mara):
    tarn = Organization.objects.create(account=account, name="Tarn")
    marrick = Organization.objects.create(account=account, name="Marrick")
    rows = [("PC-1", "Tarn", ""), ("pc-1", "tarn", ""), ("PC-2", "Marrick", ""), ("PC-3", "Corran", "")]
    source_file = put_file(account, mara, "agents", csv_bytes(NAMES, *rows[:1], *rows[2:]))
    assert hostnames_of([tarn.pk, marrick.pk, 99], source_file) == {tarn.pk: frozenset({"pc-1"}), marrick.pk: frozenset({"pc-2"})}


# --- progress, cancelling, killing ---


def test_progress_rises_in_rows(account, mara, small_blocks, monkeypatch):
    told: list[tuple[int, int, str]] = []
    real = jobs.Progress.__call__

    def spy(self: jobs.Progress, done: int, total: int, doing: str = "") -> None:
        told.append((done, total, doing))
        real(self, done, total, doing)

    monkeypatch.setattr(jobs.Progress, "__call__", spy)
    _, job = importing(account, mara, csv_bytes(HEADER, *hosts(5_000)))
    told.clear()
    assert jobs.run_now(job).state == "done"
    loading = [(done, total) for done, total, doing in told if doing == "Loading rows"]
    assert {total for _, total in loading} == {5_001}
    assert [done for done, _ in loading] == sorted(done for done, _ in loading)
    assert len({done for done, _ in loading}) > 10
    assert loading[-1] == (5_001, 5_001)


@pytest.mark.parametrize("doing", ["Looking through the file", "Loading rows", "Matching Organizations"])
def test_cancelled_at_any_point_nothing_is_left_and_it_can_be_imported_again(
    account, mara, small_blocks, monkeypatch, django_capture_on_commit_callbacks, doing
):
    source_file, job = importing(account, mara, csv_bytes(HEADER, *hosts(5_000)))
    real, asked = jobs.Progress.__call__, [0]

    def cancel(self: jobs.Progress, done: int, total: int, what: str = "") -> None:
        if what == doing and done:
            asked[0] += 1
            jobs.ask_to_cancel(Job.objects.get(pk=self.job_id))
        real(self, done, total, what)

    with monkeypatch.context() as patched, django_capture_on_commit_callbacks(execute=True):
        patched.setattr(jobs.Progress, "__call__", cancel)
        assert jobs.run_now(job).state == "cancelled"
    source_file.refresh_from_db()
    assert (asked[0], source_file.state) == (1, "ready")
    assert nothing_is_left()
    jobs.run_now(imports.start_import(source_file, by=mara, cycle=CYCLE))
    assert AgentLine.objects.filter(source_file=source_file).count() == 5_000


def test_what_an_earlier_attempt_left_is_cleared_first(account, mara, small_blocks):
    source_file, job = importing(account, mara, csv_bytes(HEADER, *hosts(3_000)))

    def die(done: int, total: int, doing: str = "") -> None:
        if doing == "Loading rows" and done > 1_500:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        streams.load_agents(source_file, None, die)  # type: ignore[arg-type]
    left = AgentLine.objects.count()
    assert 0 < left < 3_000
    assert jobs.run_now(job).state == "done"
    assert AgentLine.objects.count() == 3_000
    assert FileOwner.objects.aggregate(rows=Sum("rows"))["rows"] == 3_000


@pytest.mark.worker
def test_a_worker_killed_in_the_middle_leaves_a_list_that_the_next_one_completes(worker: Worker, transactional_db: None) -> None:
    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14)
    mara = User.objects.create_user("mara@quillmere.example", "seven-quiet-herons")
    rows = 150_000 if not POSTGRES else 400_000
    content = csv_bytes(HEADER, *hosts(rows, 50))
    received = receive(account, name="agents.csv", content=io.BytesIO(content), by=mara, kind="agents")
    source_file = received.source_file

    def state() -> str:
        source_file.refresh_from_db()
        return source_file.state

    assert until(lambda: state() == "ready", 60)
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    assert until(lambda: AgentLine.objects.exists(), 60)
    worker.kill()
    assert state() == "importing"
    left = AgentLine.objects.count()
    assert 0 < left < rows
    assert not LegInput.objects.exists()
    Job.objects.filter(pk=job.pk).update(lease_until="2026-01-01T00:00Z")  # sooner than waiting for it
    worker.start()
    jobs.sweep()
    assert until(lambda: state() == "imported", 90)
    assert AgentLine.objects.count() == rows
    assert AgentLine.objects.values("line").distinct().count() == rows
    assert FileOwner.objects.aggregate(rows=Sum("rows"))["rows"] == rows
    job.refresh_from_db()
    assert job.attempt == 2
    connection.close()
