"""How long what is about people is kept: after it, rows, bytes and what was shown are really gone, and a tombstone says so."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Tenant, User
from accounts.services import Refused
from ingest import storage
from ingest.models import (
    Connection,
    DirectoryLicence,
    DirectoryUser,
    IdentityLine,
    Retention,
    RowIssue,
    SourceFile,
    SourceRow,
    Tombstone,
)
from ingest.services import intake, retention
from ingest.services.tenant_pulls import ask_tenants
from recon.demo.microsoft import FakeMicrosoft
from recon.demo.microsoft.estate import Crowd
from recon.microsoft import counted_in
from recon.services import imports
from tests.directory.making import add_tenant, put_in_force, snapshot_of, users_of, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = Crowd().ids()[0]
PAGE = "ingest:privacy"


@pytest.fixture
def tenant(world: World, app: Connection, fake: FakeMicrosoft) -> Tenant:
    put_in_force(world, "FLOW_FREE")
    one = add_tenant(world.account, FIRST)
    worked(ask_tenants(world.account, by=world.mara))
    return one


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def disk(file: SourceFile) -> Path:
    return Path(default_storage.path(storage.path_of(file.sha256)))


def grow_old(file: SourceFile, days: int) -> None:
    """As if it had come so long ago, to the database and to the disk."""
    SourceFile.objects.filter(pk=file.pk).update(received_at=timezone.now() - timedelta(days=days))
    then = time.time() - days * 86_400
    if disk(file).exists():
        os.utime(disk(file), (then, then))


def keep_for(world: World, days: int) -> None:
    retention.state_days(world.account, days, by=world.ines)


def everywhere(text: str) -> bool:
    """Whether any file of the store has it."""
    folder = Path(default_storage.path("."))
    return any(text.encode() in one.read_bytes() for one in folder.rglob("*") if one.is_file())


def test_after_its_days_a_file_is_really_gone(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    file = snapshot_of(tenant).source_file
    bytes_before, name = disk(file).read_bytes(), next(iter(users_of(tenant)))
    grow_old(file, 101)
    assert retention.purge_due() == 1
    assert not disk(file).exists()
    assert not [one for one in Path(default_storage.path(".")).rglob("*") if one.is_file() and one.read_bytes() == bytes_before]
    for model in (DirectoryUser, DirectoryLicence, SourceRow, RowIssue):
        assert not model._default_manager.filter(source_file=file).exists(), model
    row = SourceFile.objects.get(pk=file.pk)
    assert (row.sha256, row.size, row.state, row.loaded) == (file.sha256, file.size, "imported", 25)
    assert name not in str(row.preview)
    stone = Tombstone.objects.get(source_file=file)
    assert (stone.days, stone.bytes_gone_at is not None) == (100, True)


def test_a_file_whose_days_are_not_over_stays(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    grow_old(snapshot_of(tenant).source_file, 99)
    assert retention.purge_due() == 0
    assert len(users_of(tenant)) == 25


def test_without_a_rule_nothing_is_purged(world: World, tenant: Tenant) -> None:
    grow_old(snapshot_of(tenant).source_file, 9_000)
    assert retention.purge_due() == 0
    keep_for(world, 100)
    retention.state_days(world.account, None, by=world.ines)
    assert retention.purge_due() == 0


def test_the_bytes_that_another_file_has_too_stay(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    file = snapshot_of(tenant).source_file
    fields = {"account": world.account, "kind": "", "sha256": file.sha256, "name": "copy.zip", "size": 1, "received_by": world.mara}
    copy = SourceFile.objects.create(**fields)
    grow_old(file, 101)
    retention.purge_due()
    assert disk(file).exists()
    assert not DirectoryUser.objects.exists()
    assert Tombstone.objects.get().bytes_gone_at is None
    SourceFile.objects.filter(pk=copy.pk).delete()
    retention.purge_due()
    assert not disk(file).exists()


def test_what_was_stored_a_moment_ago_may_be_arriving_and_goes_with_the_next_run(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    file = snapshot_of(tenant).source_file
    grow_old(file, 101)
    os.utime(disk(file))
    retention.purge_due()
    assert disk(file).exists()
    grow_old(file, 101)
    retention.purge_due()
    assert not disk(file).exists()
    assert not list(Path(default_storage.path("purging")).glob("*"))


def test_a_purge_that_was_killed_is_ended_by_the_next(world: World, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_for(world, 100)
    file = snapshot_of(tenant).source_file
    grow_old(file, 101)
    monkeypatch.setattr(retention, "_delete", lambda stone: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        retention.purge_due()
    monkeypatch.undo()
    assert DirectoryUser.objects.exists()
    retention.purge_due()
    assert not DirectoryUser.objects.exists()
    assert not disk(file).exists()


def test_identities_of_huntress_are_purged_too(world: World) -> None:
    keep_for(world, 100)
    stored = storage.store(BytesIO(b"ann@garrowby.example"))
    fields: dict[str, Any] = {"account": world.account, "kind": "identities", "name": "i.zip", "received_by": world.mara}
    file = SourceFile.objects.create(**fields, sha256=stored.sha256, size=stored.size, state="ready", preview={"first_rows": ["ann@"]})
    IdentityLine.objects.create(source_file=file, line=1, owner=0, external_id="1", upn="ann@garrowby.example")
    grow_old(file, 101)
    retention.purge_due()
    file.refresh_from_db()
    assert (file.state, file.preview) == ("discarded", {})
    assert not IdentityLine.objects.exists()
    assert not everywhere("ann@garrowby.example")


def test_a_purged_tenant_is_unchecked_and_never_zero(world: World, tenant: Tenant) -> None:
    cycle = snapshot_of(tenant).cycle
    assert counted_in(cycle).tenants[0].billable == 25
    keep_for(world, 100)
    grow_old(snapshot_of(tenant).source_file, 101)
    retention.purge_due()
    counted = counted_in(cycle).tenants[0]
    assert counted.billable is None
    assert "purged on" in counted.why


def test_pages_and_downloads_say_that_it_was_purged(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    file = snapshot_of(tenant).source_file
    grow_old(file, 101)
    retention.purge_due()
    client, address = signed_in(world.mara), [world.account.slug, file.pk]
    assert "Purged on" in client.get(reverse("ingest:file", args=address)).content.decode()
    for name in ("ingest:original", "ingest:record"):
        answer = client.get(reverse(name, args=address) + "?number=1", follow=True)
        assert answer.redirect_chain
        assert "purged" in answer.content.decode().lower()
    listed = client.get(reverse(PAGE, args=[world.account.slug])).content.decode()
    assert file.name in listed
    assert "@customer1.example" not in listed


def test_purged_bytes_are_not_taken_in_again_nor_used(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    file = snapshot_of(tenant).source_file
    content = disk(file).read_bytes()
    grow_old(file, 101)
    retention.purge_due()
    with pytest.raises(Refused, match="was purged on"):
        intake.receive(world.account, name="again.zip", content=BytesIO(content), by=world.mara)
    grow_old(file, 101)
    retention.purge_due()
    assert not disk(file).exists()
    with pytest.raises(Refused, match="was purged on"):
        imports.use_again(file, by=world.mara, cycle=snapshot_of(tenant).cycle.dates, partial=False)


def test_the_trail_has_ids_and_nobodys_address(world: World, tenant: Tenant) -> None:
    keep_for(world, 100)
    grow_old(snapshot_of(tenant).source_file, 101)
    retention.purge_due()
    event = AuditEvent.objects.get(action="ingest.file.purged")
    assert set(event.after) == {"file", "sha256", "days"}
    assert not any("@" in f"{one.subject}{one.before}{one.after}" for one in AuditEvent.objects.filter(action__startswith="ingest."))


@pytest.mark.parametrize(("typed", "said"), [("44", "Say 45 to"), ("9999", "Say 45 to"), ("soon", "in digits"), ("-90", "in digits")])
def test_a_rule_that_cannot_be_is_refused_in_words(world: World, typed: str, said: str) -> None:
    answer = signed_in(world.ines).post(reverse(PAGE, args=[world.account.slug]), {"days": typed})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert f'value="{typed}"' in answer.content.decode()
    assert not Retention.objects.exists()


def test_an_admin_states_the_rule_and_nobody_else_does(world: World) -> None:
    address = reverse(PAGE, args=[world.account.slug])
    assert signed_in(world.mara).post(address, {"days": "400"}).status_code in (403, 404)
    assert signed_in(world.ines).post(address, {"days": "400"}).status_code == 302
    assert retention.days_of(world.account) == 400
    assert signed_in(world.ines).post(address, {"days": ""}).status_code == 302
    assert retention.days_of(world.account) is None
