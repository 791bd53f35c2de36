"""Pulling customers' tenants: every answer as it came, a part a tenant, and rows of who holds what for the cycle in which it ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Tenant
from accounts.services import Refused
from ingest import jobs, storage
from ingest.models import Connection, DirectorySnapshot, Job, LegInput, Pull, PullPage, PullPart, SourceFile
from ingest.services import pull_parts, slots
from ingest.services.tenant_pulls import ask_tenants, tenants_to_pull
from ingest.sources.answers import open_archive
from recon.demo.microsoft import FakeMicrosoft
from recon.demo.microsoft.estate import Crowd
from recon.demo.microsoft.story import Story, tenant_of
from recon.models import Reconciliation
from tests.directory.conftest import Serve
from tests.directory.making import add_app, add_tenant, add_tenants, held_by, part_of, put_in_force, snapshot_of, users_of, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db(transaction=True)
FIRST, SECOND, THIRD = Crowd(tenants=3).ids()


def test_each_tenant_is_a_part_and_an_archive_and_a_snapshot(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    tenants = add_tenants(world.account, [FIRST, SECOND])
    pull = worked(ask_tenants(world.account, by=world.mara))
    assert pull.ended_at
    for tenant in tenants:
        part, snapshot = part_of(pull, tenant), snapshot_of(tenant)
        assert (part.state, part.records, part.said) == ("whole", 25, "")
        assert part.source_file_id == snapshot.source_file_id
        assert part.settled_at
        assert (snapshot.is_whole, snapshot.lacks) == (True, [])
        assert snapshot.cycle.start <= snapshot.as_of.astimezone(ZoneInfo(world.account.time_zone)).date() < snapshot.cycle.end
        assert len(users_of(tenant)) == 25
    assert held_by(tenants[0], "person1@customer1.example") == [("FLOW_FREE", "direct", "Active"), ("SPB", "direct", "Active")]
    one = users_of(tenants[0])["person2@customer1.example"]
    assert (one.is_enabled, one.user_type, one.is_synced, one.purpose, one.deleted_at) == (True, "Member", None, "user", None)
    assert not PullPage.objects.exists()
    assert not LegInput.objects.filter(leg="directory").exists()


def test_the_archive_has_every_answer_as_it_came_and_no_name_that_nobody_needs(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    tenant = add_tenant(world.account, FIRST)
    part = part_of(worked(ask_tenants(world.account, by=world.mara)), tenant)
    with storage.opened(part.sha256) as stream:
        archive = open_archive(stream)
        bodies = [(entry.endpoint, body) for entry, body in archive.bodies()]
    names = [name for name, _ in bodies]
    assert names == ["organization", "skus", "trials", "licensed_users", "deleted_users", "mailboxes", "mailboxes"]
    assert (archive.manifest.source, archive.manifest.kind, archive.manifest.whose["id"]) == ("microsoft", "directory", FIRST)
    users = next(json.loads(body)["value"] for name, body in bodies if name == "licensed_users")
    assert "displayName" not in users[0]


def test_the_purpose_is_asked_only_for_holders_of_what_is_not_excluded(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    put_in_force(world, "SPB")
    tenant = add_tenant(world.account, FIRST)
    worked(ask_tenants(world.account, by=world.mara))
    assert fake.calls("$batch") == 1  # three of 25 hold FLOW_FREE too
    assert sum(one.purpose == "user" for one in users_of(tenant).values()) == 3


def test_the_demonstrations_stories_come_as_rows(world: World, serve: Serve, settings: Any) -> None:
    story = serve(Story(now=timezone.now()))
    add_app(world.account, story, settings, by=world.ines)
    failed, both, gone, trial, unknown = add_tenants(world.account, map(tenant_of, (41024, 41123, 41096, 41057, 41030)))
    pull = worked(ask_tenants(world.account, by=world.mara))
    assert set(PullPart.objects.filter(pull=pull).values_list("state", flat=True)) == {"whole"}
    held = [held_by(failed, upn) for upn in users_of(failed)]
    assert [("SMB_APPS", "direct", "Active"), ("SPB", "group", "Error")] in held
    assert any({via for _, via, _ in held_by(both, upn)} == {"direct", "group"} for upn in users_of(both))
    deleted = [one for one in users_of(gone).values() if one.deleted_at]
    assert len(deleted) == 3
    assert all(not one.upn.startswith(one.user_id.replace("-", "")) for one in deleted)
    assert snapshot_of(trial).is_whole
    assert any(not sku.strip() for upn in users_of(unknown) for sku, *_ in held_by(unknown, upn)) or users_of(unknown)


def test_who_was_read_longest_ago_goes_first(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    first, second = add_tenants(world.account, [FIRST, SECOND])
    worked(ask_tenants(world.account, by=world.mara, tenants=[first]))
    assert tenants_to_pull(world.account) == [second, first]


def test_a_second_pull_takes_the_place_of_the_first(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    tenant = add_tenant(world.account, FIRST)
    worked(ask_tenants(world.account, by=world.mara))
    before = snapshot_of(tenant)
    fake.delete(next(iter(users_of(tenant).values())).user_id)
    worked(ask_tenants(world.account, by=world.mara))
    now = snapshot_of(tenant)
    assert now.pk != before.pk
    assert len(users_of(tenant)) == 24
    before.refresh_from_db()
    assert before.superseded_at


def test_only_a_tenant_is_pulled_of_which_somebody_has_said_whose_it_is(world: World, app: Connection) -> None:
    Tenant.objects.create(account=world.account, guid=FIRST, name="Claimed", proved_at=timezone.now())
    with pytest.raises(Refused, match="no tenant to pull"):
        ask_tenants(world.account, by=world.mara)


def test_a_viewer_cannot_ask(world: World, app: Connection) -> None:
    add_tenant(world.account, FIRST)
    with pytest.raises(Refused):
        ask_tenants(world.account, by=world.tom)


def test_one_that_is_asked_for_goes_next_in_a_pull_that_is_under_way(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    first, second = add_tenants(world.account, [FIRST, SECOND])
    pull = ask_tenants(world.account, by=world.mara, tenants=[first])
    assert ask_tenants(world.account, by=world.mara, tenants=[second]) == pull
    with pytest.raises(Refused, match="being pulled"):
        ask_tenants(world.account, by=world.mara)
    worked(pull)
    assert {snapshot_of(one).is_whole for one in (first, second)} == {True}


def test_it_is_pulled_at_night_by_itself_once(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    tenant = add_tenant(world.account, FIRST)
    Connection.objects.filter(pk=app.pk).update(added_at=timezone.now() - timedelta(days=3))
    assert slots.begin_due() == 1
    pull = worked(Pull.objects.get(connection=app))
    assert slots.begin_due() == 0
    assert part_of(pull, tenant).state == "whole"


def test_no_more_than_a_few_are_with_the_workers_at_once(world: World, app: Connection, settings: Any) -> None:
    settings.RECON_PULL_PARTS = 2
    add_tenants(world.account, [FIRST, SECOND, THIRD])
    ask_tenants(world.account, by=world.mara)
    assert Job.objects.filter(kind="pull_tenant", state="queued").count() == 2


def test_a_signed_month_is_not_touched(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    tenant = add_tenant(world.account, FIRST)
    worked(ask_tenants(world.account, by=world.mara))
    cycle = snapshot_of(tenant).cycle
    before = snapshot_of(tenant)
    Reconciliation.objects.filter(cycle=cycle).delete()
    now = timezone.now()
    Reconciliation.objects.create(
        cycle=cycle, revision=1, state="signed", preparer=world.mara, reviewer=world.jonah, submitted_at=now, signed_at=now, digest="a" * 64
    )
    pull = worked(ask_tenants(world.account, by=world.mara))
    assert snapshot_of(tenant) == before
    part = part_of(pull, tenant)
    assert "is signed, and is not touched" in part.said
    assert part.source_file
    assert part.source_file.state == "ready"


def test_a_killed_worker_is_followed_by_one_that_goes_on(
    world: World, app: Connection, fake: FakeMicrosoft, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = add_tenant(world.account, FIRST)
    pull = ask_tenants(world.account, by=world.mara)
    _kill_after(monkeypatch, 4)
    with pytest.raises(SystemExit):
        jobs.run(Job.objects.get(kind="pull_tenant").pk)
    monkeypatch.undo()
    assert PullPage.objects.count() == 4
    Job.objects.filter(kind="pull_tenant").update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs.sweep()
    calls = fake.calls("users")
    worked(pull)
    assert part_of(pull, tenant).state == "whole"
    assert fake.calls("users") == calls  # the page that was there was not asked for again
    assert fake.calls("organization") == 1
    assert len(users_of(tenant)) == 25


def test_a_long_tenant_lets_others_have_a_turn(
    world: World, app: Connection, fake: FakeMicrosoft, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.RECON_PULL_PARTS = 2
    monkeypatch.setattr(pull_parts, "STINT", -1.0)
    first, second = add_tenants(world.account, [FIRST, SECOND])
    pull = ask_tenants(world.account, by=world.mara)
    jobs.run_now(Job.objects.filter(kind="pull_tenant").order_by("pk")[0])
    assert part_of(pull, first).state == "running"
    monkeypatch.undo()
    worked(pull)
    assert {part_of(pull, one).state for one in (first, second)} == {"whole"}
    assert len(users_of(first)) == 25


def test_cancelling_ends_it_and_keeps_nothing_of_what_was_half_read(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    from ingest.services import pulls

    tenant = add_tenant(world.account, FIRST)
    pull = ask_tenants(world.account, by=world.mara)
    pulls.cancel(pull, by=world.mara)
    worked(pull)
    assert part_of(pull, tenant).state == "cancelled"
    assert not SourceFile.objects.filter(kind="directory").exists()
    assert not DirectorySnapshot.objects.exists()


def test_nobodys_address_is_in_the_audit_trail(world: World, app: Connection, fake: FakeMicrosoft) -> None:
    add_tenant(world.account, FIRST)
    worked(ask_tenants(world.account, by=world.mara))
    told = "".join(f"{one.subject}{one.before}{one.after}" for one in AuditEvent.objects.filter(account=world.account))
    assert "ingest.directory.placed" in set(AuditEvent.objects.values_list("action", flat=True))
    assert "@customer1.example" not in told


def _kill_after(monkeypatch: pytest.MonkeyPatch, answers: int) -> None:
    """Each answer is stored at once, and the worker dies at the next."""
    from ingest.services import tenant_parts

    keep, left = tenant_parts._Stint._insert, [answers]

    def insert(self: Any, *given: Any) -> None:
        if not left[0]:
            raise SystemExit("killed")
        left[0] -= 1
        keep(self, *given)

    monkeypatch.setattr(tenant_parts, "_TOGETHER", 1)
    monkeypatch.setattr(tenant_parts._Stint, "_insert", insert)
