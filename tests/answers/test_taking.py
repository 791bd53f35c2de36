"""What a pull brought, taken in by itself: for its own cycle, in place of what is older or less, and never under a signature."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Account, AuditEvent, BillingCycle, Organization, User
from ingest import jobs, storage
from ingest.models import (
    AgentLine,
    Connection,
    FileOwner,
    IdentityLine,
    Job,
    LegInput,
    LiveCount,
    Pull,
    PullPart,
    RowIssue,
    SourceFile,
    SourceRow,
)  # fmt: skip
from recon.demo.huntress.story import Story
from recon.models import Reconciliation, Sweep
from recon.services import imports
from tests.answers.making import ENDED, agent, agents, archive, asked, detail, identities, organization, organizations
from tests.recon.making import BEFORE, CYCLE, arrive, compare, csv_bytes, put

pytestmark = pytest.mark.django_db
State = SourceFile.State
A_DAY = timedelta(days=1)


def bring(account: Account, by: User, kind: str, content: bytes, *, is_nightly: bool = False) -> PullPart:
    """As a pull hands it on: a part that ended, its file, and the job that takes it in."""
    connection, _ = Connection.objects.get_or_create(account=account, defaults={"name": "Huntress", "added_by": by, "sealed": "x"})
    ended = datetime.now(UTC)
    pull = Pull.objects.create(
        connection=connection, by=None if is_nightly else by, why="nightly" if is_nightly else "asked", ended_at=ended
    )
    stored = storage.store(io.BytesIO(content))
    file = SourceFile.objects.create(
        account=account, kind=kind, name=f"{kind} from Huntress.zip", sha256=stored.sha256, size=stored.size, received_by=by
    )
    part = PullPart.objects.create(pull=pull, number=1, subject=kind, account=account, state="whole", ended_at=ended, source_file=file)
    job = jobs.enqueue("take", file.pk, label="Taking in", account=account, by=pull.by, source_file=file)
    done = jobs.run_now(job)
    assert done.state == Job.State.DONE, done.error
    part.refresh_from_db()
    return part


def file_of(part: PullPart) -> SourceFile:
    assert part.source_file_id is not None
    return SourceFile.objects.get(pk=part.source_file_id)


def current(account: Account, kind: str) -> LegInput:
    return LegInput.objects.get(cycle__account=account, leg=kind, ended_at__isnull=True)


def one_agent(number: int = 1, ended: datetime = ENDED, lacks: Any = ()) -> bytes:
    return archive("agents", agents(agent(number)), ended=ended, lacks=lacks)


# --- into its cycle ---


def test_it_serves_the_cycle_in_which_its_answers_came(account: Account, mara: User) -> None:
    part = bring(account, mara, "agents", one_agent())
    file = file_of(part)
    assert (file.state, file.loaded, file.partial) == (State.IMPORTED, 1, False)
    assert current(account, "agents").cycle.dates == CYCLE
    assert part.settled_at is not None
    line = AgentLine.objects.get(source_file=file)
    assert line.installed_at
    assert line.installed_at.isoformat() == "2025-02-03T09:00:00+00:00"
    assert line.last_seen
    assert line.last_seen.isoformat() == "2026-11-11T08:15:00+00:00"


@pytest.mark.parametrize(
    ("zone", "ended", "start"),
    [
        ("UTC", datetime(2026, 11, 13, 23, 59, tzinfo=UTC), CYCLE.start),
        ("UTC", datetime(2026, 11, 14, 0, 0, tzinfo=UTC), CYCLE.end),
        ("America/Chicago", datetime(2026, 11, 14, 5, 59, tzinfo=UTC), CYCLE.start),
        ("America/Chicago", datetime(2026, 11, 14, 6, 0, tzinfo=UTC), CYCLE.end),
    ],
)
def test_a_cycle_ends_where_the_account_is(account: Account, mara: User, zone: str, ended: datetime, start: Any) -> None:
    Account.objects.filter(pk=account.pk).update(time_zone=zone)
    account.refresh_from_db()
    bring(account, mara, "agents", one_agent(ended=ended))
    assert current(account, "agents").cycle.start == start


def test_the_last_pull_of_a_cycle_stays_as_its_snapshot(account: Account, mara: User) -> None:
    first = bring(account, mara, "agents", one_agent(1))
    last = bring(account, mara, "agents", one_agent(2, ENDED + A_DAY))
    bring(account, mara, "agents", one_agent(3, ENDED + 3 * A_DAY))
    inputs = {one.cycle.start: one.source_file_id for one in LegInput.objects.filter(ended_at__isnull=True).select_related("cycle")}
    assert inputs[CYCLE.start] == last.source_file_id
    assert len(inputs) == 2
    superseded = LegInput.objects.get(source_file=first.source_file)
    assert superseded.superseded_by
    assert superseded.superseded_by.source_file_id == last.source_file_id


def test_who_asked_is_told_apart_from_the_night(account: Account, mara: User) -> None:
    bring(account, mara, "agents", one_agent(1))
    bring(account, mara, "agents", one_agent(2, ENDED + A_DAY), is_nightly=True)
    events = AuditEvent.objects.filter(action="recon.input.imported").order_by("pk")
    assert [event.actor_id for event in events] == [mara.pk, None]
    assert all(event.after["pull"] for event in events)


def test_a_job_that_runs_twice_takes_it_in_once(account: Account, mara: User) -> None:
    part = bring(account, mara, "agents", one_agent())
    file = file_of(part)
    again = jobs.enqueue("take", file.pk, label="Again", account=account, source_file=file)
    assert jobs.run_now(again).state == Job.State.DONE
    assert LegInput.objects.filter(source_file=file).count() == 1
    assert AgentLine.objects.filter(source_file=file).count() == 1


# --- what stands in the way ---


def test_an_incomplete_pull_does_not_take_the_place_of_a_whole_one(account: Account, mara: User) -> None:
    whole = bring(account, mara, "agents", one_agent(1))
    part = bring(account, mara, "agents", one_agent(2, ENDED + A_DAY, ["Page 2 did not come."]))
    file = file_of(part)
    assert current(account, "agents").source_file_id == whole.source_file_id
    assert file.state == State.READY
    assert "is whole" in file.preview["kept_aside"]
    assert file.preview["kept_aside"] in part.said
    assert part.settled_at
    assert RowIssue.objects.filter(source_file=file, code="incomplete").exists()


def test_an_incomplete_pull_stands_until_a_whole_one_comes(account: Account, mara: User) -> None:
    lesser = bring(account, mara, "agents", one_agent(1, lacks=["Page 2 did not come."]))
    assert current(account, "agents").source_file_id == lesser.source_file_id
    assert current(account, "agents").partial
    newer = bring(account, mara, "agents", one_agent(2, ENDED + A_DAY, ["Page 3 did not come."]))
    assert current(account, "agents").source_file_id == newer.source_file_id
    whole = bring(account, mara, "agents", one_agent(3, ENDED + 2 * timedelta(hours=12)))
    assert current(account, "agents").source_file_id == whole.source_file_id


def test_an_older_pull_that_comes_late_does_not_take_a_newer_ones_place(account: Account, mara: User) -> None:
    newer = bring(account, mara, "agents", one_agent(1))
    older = bring(account, mara, "agents", one_agent(2, ENDED - A_DAY))
    assert current(account, "agents").source_file_id == newer.source_file_id
    assert "is newer" in older.said


def test_nothing_at_all_does_not_take_the_place_of_something(account: Account, mara: User) -> None:
    bring(account, mara, "agents", one_agent(1))
    part = bring(account, mara, "agents", archive("agents", agents(), ended=ENDED + A_DAY))
    assert "nothing at all, after 1 record" in part.said
    assert file_of(part).state == State.READY


def test_whoever_has_nothing_may_say_so(account: Account, mara: User) -> None:
    part = bring(account, mara, "agents", archive("agents", agents()))
    assert (file_of(part).state, file_of(part).loaded) == (State.IMPORTED, 0)


def test_a_signed_month_is_not_touched(account: Account, mara: User, ines: User) -> None:
    cycle = BillingCycle.objects.create(account=account, start=CYCLE.start, end=CYCLE.end)
    Reconciliation.objects.create(
        cycle=cycle, state="signed", preparer=mara, reviewer=ines, signed_at=datetime.now(UTC), digest="a" * 64, run=1
    )
    part = bring(account, mara, "live", archive("live", organizations(organization(5))))
    assert "is signed, and is not touched" in part.said
    assert not LegInput.objects.exists()
    assert file_of(part).state == State.READY


def test_a_persons_list_gives_way_to_a_newer_pull_and_to_no_older_one(account: Account, mara: User) -> None:
    content = csv_bytes(("Hostname", "Organization", "Last Seen"), ("PC-1", "Tarn", "2026-11-01"))
    by_hand = put(account, mara, "agents", content, CYCLE)
    LegInput.objects.filter(source_file=by_hand).update(since=ENDED + timedelta(hours=5))
    part = bring(account, mara, "agents", one_agent(ended=ENDED))
    assert current(account, "agents").source_file_id == by_hand.pk
    assert "is newer" in part.said
    LegInput.objects.filter(source_file=by_hand).update(since=ENDED - timedelta(hours=5))
    newer = bring(account, mara, "agents", one_agent(3, ENDED + timedelta(minutes=1)))
    assert current(account, "agents").source_file_id == newer.source_file_id


def test_records_of_a_wrong_shape_are_left_out_and_said(account: Account, mara: User) -> None:
    part = bring(account, mara, "agents", archive("agents", agents(agent(1), agent(2, hostname=None))))
    file = file_of(part)
    assert (file.state, file.loaded, file.rejected) == (State.IMPORTED, 1, 1)
    assert current(account, "agents").partial
    assert part.said == "1 record could not be read, and counts nowhere: see the file."
    assert SourceRow.objects.get(source_file=file).reason == "no_hostname"


def test_an_archive_that_cannot_be_read_is_refused_and_said(account: Account, mara: User) -> None:
    part = bring(account, mara, "agents", archive("agents", ("agents", b"{")))
    assert file_of(part).state == State.REFUSED
    assert "could not be read" in part.said
    assert not LegInput.objects.exists()


# --- whose they are ---


def test_agents_are_matched_by_id_and_named_by_the_list_of_organizations(account: Account, mara: User) -> None:
    known = Organization.objects.create(account=account, name="Tarn Vale Dental", huntress_id="41009")
    by_name = Organization.objects.create(account=account, name="Marrick Town Trust")
    content = archive("agents", agents(agent(1), agent(2, organization_id=6), agent(3, organization_id=7)))
    part = bring(account, mara, "agents", content)
    owners = FileOwner.objects.filter(source_file=part.source_file).order_by("number")
    assert [(one.huntress_id, one.name, one.organization_id) for one in owners] == [
        ("41009", "", known.pk),
        ("6", "", None),
        ("7", "", None),
    ]
    assert str(owners[2]) == "7"
    bring(account, mara, "live", archive("live", organizations(organization(6, "Marrick Town Trust"), organization(7, "Corran Ltd"))))
    assert [(one.name, one.organization_id) for one in owners.all()] == [
        ("", known.pk),
        ("Marrick Town Trust", by_name.pk),
        ("Corran Ltd", None),
    ]
    assert Organization.objects.count() == 2
    by_name.refresh_from_db()
    assert by_name.huntress_id is None


def test_live_counts_keep_null_for_what_is_not_known(account: Account, mara: User) -> None:
    one, other = organization(5, agents_count=9), organization(6)
    part = bring(account, mara, "live", archive("live", organizations(one, other), detail(one, edr={"billable_agents_count": 8})))
    first, second = LiveCount.objects.filter(source_file=part.source_file).order_by("line")
    assert (first.agents, first.billable_agents, first.unresponsive_agents, first.learners, first.products) == (9, 8, None, None, ["edr"])
    assert (second.agents, second.billable_agents, second.identities, second.products, second.tenants) == (12, None, 0, None, [])
    assert FileOwner.objects.get(source_file=part.source_file, number=second.owner).key == "customer-6"


def test_identities_keep_null_for_what_is_not_said(account: Account, mara: User) -> None:
    record = {"id": 3, "organization": {"id": 5, "name": "Tarn"}, "tenant": {"id": 50}, "username": "Ada@Tarn.Example", "billable": False}
    part = bring(account, mara, "identities", archive("identities", identities(record)))
    line = IdentityLine.objects.get(source_file=part.source_file)
    assert (line.external_id, line.upn, line.tenant, line.is_billable, line.is_enabled) == ("3", "ada@tarn.example", "50", False, None)
    assert (line.products, line.created_at) == ([], None)


# --- uploaded by hand ---


def test_an_archive_that_a_person_drops_replays_the_month(account: Account, mara: User) -> None:
    content = asked(Story(now=ENDED), "live")
    file = arrive(account, mara, content, kind="", name="billed.csv")
    assert (file.kind, file.state, file.preview["cycle"]) == ("live", State.READY, f"{CYCLE.start}:{CYCLE.end}")
    assert file.preview["cycle_because"] == "its answers came on 12 Nov 2026"
    job = imports.start_import(file, by=mara, cycle=CYCLE)
    assert jobs.run_now(job).state == Job.State.DONE
    assert LiveCount.objects.filter(source_file=file).count() == 62


def test_counts_of_one_moment_serve_no_other_cycle(account: Account, mara: User) -> None:
    file = arrive(account, mara, one_agent(), kind="")
    with pytest.raises(imports.Refused, match="says nothing about"):
        imports.start_import(file, by=mara, cycle=BEFORE)


@pytest.mark.parametrize("kind", ["billed", "live", "invoice"])
def test_an_archive_for_another_kind_is_refused(account: Account, mara: User, kind: str) -> None:
    file = arrive(account, mara, one_agent(), kind=kind)
    assert file.state == State.REFUSED
    assert "agent list" in RowIssue.objects.get(source_file=file).message


def test_what_is_no_document_of_an_account_is_refused(account: Account, mara: User) -> None:
    file = arrive(account, mara, archive("", ("accounts", {"accounts": []}), subject="accounts"), kind="")
    assert file.state == State.REFUSED
    assert "no document of one account's month" in RowIssue.objects.get(source_file=file).message


# --- replay ---


def told(account: Account) -> dict[str, list[Any]]:
    """Every fact of an account's pulled lists, without the numbers that a database gives."""
    found: dict[str, list[Any]] = {}
    owners = {(one.source_file.kind, one.number): (one.name, one.huntress_id, one.key, one.rows, bool(one.organization_id))
              for one in FileOwner.objects.filter(source_file__account=account).select_related("source_file")}  # fmt: skip
    for model in (AgentLine, LiveCount, IdentityLine):
        rows = model._default_manager.filter(source_file__account=account).order_by("line").values()
        found[model.__name__] = [{k: v for k, v in row.items() if k not in {"id", "source_file_id"}} for row in rows]
    found["owners"] = sorted(owners.items())
    found["inputs"] = sorted(
        (one.leg, str(one.cycle.start), one.source_file.sha256) for one in LegInput.objects.filter(cycle__account=account, ended_at=None)
    )
    return found


def test_a_month_read_again_from_its_archives_alone_has_the_same_rows(account: Account, mara: User) -> None:
    contents = {kind: asked(Story(now=ENDED), kind) for kind in ("live", "agents", "identities")}
    for kind, content in contents.items():
        bring(account, mara, kind, content)
    pulled = told(account)
    other = Account.objects.create(name="Replayed", slug="replayed", anniversary_day=14, currency="USD")
    for kind in ("identities", "agents", "live"):
        put(other, mara, kind, contents[kind], CYCLE)
    assert told(other) == pulled
    assert len(pulled["AgentLine"]) == 1_614
    assert len(pulled["IdentityLine"]) == 1_364


def test_a_month_that_is_worked_on_is_looked_at_again(account: Account, mara: User) -> None:
    put(account, mara, "billed", csv_bytes(("Organization", "Organization ID", "EDR"), ("Tarn", "5", 12)), CYCLE)
    compare()
    bring(account, mara, "live", archive("live", organizations(organization(5, "Tarn"))))
    assert Job.objects.filter(kind="recount", state=Job.State.QUEUED).exists()
    compare()
    month = Reconciliation.objects.get(cycle__account=account, cycle__start=CYCLE.start)
    assert (month.state, month.stale) == ("working", False)


def test_the_sweep_looks_through_a_pulled_list_by_itself(account: Account, mara: User) -> None:
    part = bring(account, mara, "agents", one_agent())
    sweep = Sweep.objects.get(given__source_file=part.source_file)
    assert Job.objects.filter(kind="sweep", subject=sweep.pk).exists()


# --- what would make a zero of what is not known ---


def test_nothing_at_all_does_not_begin_a_cycle_where_there_was_something(account: Account, mara: User) -> None:
    """Else everybody had nothing on the first day of a cycle, and no machine were stale."""
    bring(account, mara, "live", archive("live", organizations(organization(5, "Tarn"))))
    part = bring(account, mara, "live", archive("live", organizations(), ended=ENDED + 3 * A_DAY))
    assert "nothing at all, after 1 record" in part.said
    assert file_of(part).state == State.READY
    assert not LegInput.objects.filter(cycle__start=CYCLE.end, leg="live").exists()


@pytest.mark.parametrize("said", [False, True])
def test_an_incomplete_archive_that_a_person_imports_stays_incomplete(account: Account, mara: User, said: bool) -> None:
    """The page asks nobody whether such a list is complete: the archive says it."""
    lacking = archive("live", organizations(organization(5, "Tarn")), lacks=["Page 2 did not come."])
    file = arrive(account, mara, lacking, kind="")
    job = imports.start_import(file, by=mara, cycle=CYCLE, partial=said)
    assert jobs.run_now(job).state == Job.State.DONE
    assert current(account, "live").partial
    assert SourceFile.objects.get(pk=file.pk).partial
    imports.withdraw(current(account, "live"), by=mara)
    assert imports.use_again(file, by=mara, cycle=CYCLE, partial=said).partial
