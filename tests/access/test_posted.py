"""What a form names is looked up like what an address names: never beyond one's own accounts."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization, Role, User
from ingest.models import Job, SourceFile, UsageLine
from tests.access.world import World, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def mara(client: Client, world: World) -> Client:
    """The preparer, who has no role next door."""
    client.force_login(world.people["preparer"])
    return client


def test_rows_are_not_settled_on_somebody_elses_organization(mara: Client, world: World) -> None:
    theirs = Organization.objects.create(account=world.elsewhere, name="Dunfell Farms")
    address = reverse("recon:answer", args=[world.account.slug, world["question"].pk])
    assert mara.post(address, {"answer": "same", "organization": str(theirs.pk)}).status_code == 404
    assert UsageLine.objects.get(pk=world["waiting"].pk).organization is None


@pytest.mark.parametrize("role", [None, Role.VIEWER])
@pytest.mark.parametrize("name", ["ingest:state_mapping", "recon:start_import"])
def test_a_file_is_not_moved_where_one_may_not_work(mara: Client, world: World, name: str, role: Role | None) -> None:
    if role:
        Membership.objects.create(user=world.people["preparer"], account=world.elsewhere, role=role)
    ready: SourceFile = world["ready"]
    form = {"account": world.elsewhere.slug, "kind": ready.kind, "cycle": "2026-10-14:2026-11-14"}
    assert mara.post(reverse(name, args=[world.account.slug, ready.pk]), form).status_code == 422
    ready.refresh_from_db()
    assert (ready.account, ready.state) == (world.account, "ready")


def test_an_admin_next_door_gives_no_role_here(client: Client, world: World) -> None:
    client.force_login(world.people["stranger"])
    form = {"email": "eve@brightfen.example", "name": "Eve Sallow", "role": "admin"}
    assert client.post(reverse("accounts:people", args=[world.account.slug]), form).status_code == 404
    assert not User.objects.filter(email="eve@brightfen.example").exists()


@pytest.mark.parametrize("who", ["viewer", "preparer", "reviewer"])
def test_nobody_below_an_admin_raises_themselves(client: Client, world: World, who: str) -> None:
    user = world.people[who]
    client.force_login(user)
    own = Membership.objects.get(user=user)
    assert client.post(reverse("accounts:person", args=[world.account.slug, own.pk]), {"role": "admin"}).status_code == 403
    own.refresh_from_db()
    assert own.role == who


def test_a_viewer_cancels_nothing(client: Client, world: World) -> None:
    client.force_login(world.people["viewer"])
    assert client.post(reverse("ingest:cancel", args=[world.account.slug, world["job"].pk])).status_code == 403
    assert Job.objects.get(pk=world["job"].pk).state == "queued"
