"""Tenants of an account, the app that opens them, and workers that pull and take in, one job after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.calendar import cycle_containing
from accounts.models import Account, Organization, Tenant, User
from accounts.sealing import seal
from accounts.skus import sku_key
from ingest import jobs
from ingest import tasks as ingest_tasks  # noqa: F401  registers what jobs do
from ingest.models import (
    Connection,
    DirectoryLicence,
    DirectorySnapshot,
    DirectoryUser,
    ExcludedSku,
    Job,
    LegInput,
    Pull,
    PullPart,
    SourceFile,
)
from ingest.services import microsoft_app, pumping
from ingest.services.microsoft_app import Stated
from recon import tasks as tasks
from recon.demo.microsoft import CLIENT_ID, SECRET, FakeMicrosoft
from recon.services import imports
from tests.review.making import World

OURS = ("pull_tenant", "keep", "take", "read", "import")


def add_app(account: Account, fake: FakeMicrosoft, settings: Any, *, by: User) -> Connection:
    settings.RECON_DEMO_MICROSOFT = fake.base
    return microsoft_app.state_app(account, Stated(CLIENT_ID, secret=SECRET), by=by, is_demo=True)


def add_tenant(account: Account, guid: str, name: str = "") -> Tenant:
    """One that is proved, and of which somebody has said whose it is."""
    name, now = name or f"Tenant {guid[-3:]}", timezone.now()
    whose, _ = Organization.objects.get_or_create(account=account, name=name, defaults={"name_key": name.lower()})
    said = {"organization": whose, "confirmed_at": now, "confirmed_by": User.objects.filter(memberships__account=account).first()}
    return Tenant.objects.create(account=account, guid=guid, name=name, proved_at=now, **said)


def add_tenants(account: Account, guids: Iterable[str]) -> list[Tenant]:
    return [add_tenant(account, guid) for guid in guids]


def spoil_secret(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(sealed=seal(json.dumps({"client_id": CLIENT_ID, "cloud": "global", "secret": "no"})))


def work(*kinds: str, most: int = 10_000) -> int:
    """Run the jobs as workers would, until none waits; returns how many."""
    for done in range(most):
        job = Job.objects.filter(kind__in=kinds or OURS, state="queued").order_by("pk").first()
        if job is None:
            return done
        jobs.run_now(job)
    raise AssertionError("it never ends")


def worked(pull: Pull) -> Pull:
    work()
    pumping.sweep()
    work()
    return Pull.objects.get(pk=pull.pk)


def part_of(pull: Pull, tenant: Tenant) -> PullPart:
    return PullPart.objects.select_related("source_file").get(pull=pull, external_id=tenant.guid)


def snapshot_of(tenant: Tenant) -> DirectorySnapshot:
    return DirectorySnapshot.objects.select_related("source_file", "cycle").get(tenant=tenant, superseded_at__isnull=True)


def users_of(tenant: Tenant) -> dict[str, DirectoryUser]:
    file = snapshot_of(tenant).source_file_id
    return {one.upn: one for one in DirectoryUser.objects.filter(source_file=file)}


def held_by(tenant: Tenant, upn: str) -> list[tuple[str, str, str]]:
    """SKU, how, and state of what somebody holds."""
    user = users_of(tenant)[upn]
    rows = DirectoryLicence.objects.filter(source_file=user.source_file_id, owner=user.line)
    return sorted(rows.values_list("sku", "via", "state"))


def put_in_force(world: World, *skus: str) -> None:
    """An exclusion list with some SKUs, from this cycle on."""
    today = timezone.now().astimezone(ZoneInfo(world.account.time_zone)).date()
    cycle = imports.cycle_row(world.account, cycle_containing(today, world.account.anniversary_day))
    file = SourceFile.objects.create(
        account=world.account,
        kind="exclusions",
        sha256="e" * 64,
        name="list.csv",
        size=1,
        received_by=world.ines,
        state="imported",
        cycle=cycle,
    )
    ExcludedSku.objects.bulk_create(
        ExcludedSku(source_file=file, line=line, sku=sku, sku_key=sku_key(sku)) for line, sku in enumerate(skus, start=2)
    )
    LegInput.objects.create(cycle=cycle, leg="exclusions", source_file=file, by=world.ines)
