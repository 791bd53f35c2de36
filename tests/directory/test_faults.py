"""What goes wrong at Microsoft: each tenant ends whole or says what it lacks, the others go on, and nobody is counted twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Tenant
from ingest.models import Connection, DirectoryUser, Pull, PullPart
from ingest.services.tenant_pulls import ask_tenants
from recon.demo.microsoft import FakeMicrosoft, Fault
from recon.demo.microsoft.estate import Crowd
from tests.directory.conftest import Serve
from tests.directory.making import add_app, add_tenants, part_of, snapshot_of, spoil_secret, users_of, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db(transaction=True)
FIRST, SECOND = Crowd(tenants=2).ids()


@pytest.fixture
def many(serve: Serve) -> FakeMicrosoft:
    """Two tenants of 1,203 users: two pages each."""
    return serve(Crowd(tenants=2, users=1_203))


@pytest.fixture
def tenants(world: World, many: FakeMicrosoft, settings: Any) -> list[Tenant]:
    add_app(world.account, many, settings, by=world.ines)
    many.withhold(FIRST, "MailboxSettings.Read")  # sixty batches a tenant are for the tests of mailboxes
    many.withhold(SECOND, "MailboxSettings.Read")
    return add_tenants(world.account, [FIRST, SECOND])


def pulled(world: World) -> Pull:
    return worked(ask_tenants(world.account, by=world.mara))


def both_are_there(tenants: list[Tenant], *users: int) -> None:
    for tenant, count in zip(tenants, users, strict=True):
        rows = DirectoryUser.objects.filter(source_file=snapshot_of(tenant).source_file_id)
        assert rows.count() == count == rows.values("user_id").distinct().count()


def test_a_consent_that_was_taken_back_is_the_tenants_alone(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    many.revoke(FIRST)
    pull = pulled(world)
    first, second = (part_of(pull, one) for one in tenants)
    assert (first.state, second.state) == ("refused", "whole")
    assert "onsent" in first.said
    tenants[0].refresh_from_db()
    assert tenants[0].trouble
    assert first.source_file is None
    many.desk.consented.add(FIRST)
    pull = pulled(world)
    assert part_of(pull, tenants[0]).state == "whole"
    tenants[0].refresh_from_db()
    assert not tenants[0].trouble


def test_a_consent_that_is_taken_back_between_pages_keeps_what_came_and_replaces_nothing(
    world: World, many: FakeMicrosoft, tenants: list[Tenant]
) -> None:
    pulled(world)
    before = snapshot_of(tenants[0])
    many.fail(Fault("revoke", at="users", after=1, tenant=FIRST))
    pull = pulled(world)
    first, second = (part_of(pull, one) for one in tenants)
    assert (first.state, second.state) == ("partial", "whole")
    assert snapshot_of(tenants[0]) == before
    assert "incomplete" in first.said


def test_a_wrong_secret_stops_the_whole_pull_and_says_so_once(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    app = Connection.objects.get()
    spoil_secret(app)
    pull = pulled(world)
    first, second = (part_of(pull, one) for one in tenants)
    assert (first.state, second.state) == ("refused", "refused")
    assert "secret" in first.said
    assert second.said.startswith("Not asked for.")
    app.refresh_from_db()
    assert "AADSTS7000215" in app.trouble
    assert not Tenant.objects.exclude(trouble="").exists()


def test_a_certificate_that_expired_there_stops_the_whole_pull(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    many.fail(Fault("refuse", at="token", aadsts=700027, times=0))
    pull = pulled(world)
    assert {part_of(pull, one).state for one in tenants} == {"refused"}
    assert "AADSTS700027" in Connection.objects.get().trouble


def test_without_mailboxes_it_is_whole_and_says_what_is_not_known(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    pull = pulled(world)
    part, snapshot = part_of(pull, tenants[0]), snapshot_of(tenants[0])
    assert (part.state, snapshot.is_whole, snapshot.lacks) == ("whole", True, ["mailboxes"])
    assert "It is not known which mailboxes are shared" in part.said
    assert {one.purpose for one in users_of(tenants[0]).values()} == {""}
    both_are_there(tenants, 1_203, 1_203)


def test_without_users_nobody_is_counted(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    many.withhold(FIRST, "User.Read.All")
    pull = pulled(world)
    part, snapshot = part_of(pull, tenants[0]), snapshot_of(tenants[0])
    assert (part.state, snapshot.is_whole) == ("partial", False)
    assert {"licensed_users", "deleted_users"} <= set(snapshot.lacks)
    assert "User.Read.All" in part.said
    both_are_there(tenants, 0, 1_203)


def test_without_the_organization_nothing_is_believed(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    many.withhold(FIRST, "Organization.Read.All")
    part = part_of(pulled(world), tenants[0])
    assert (part.state, part.source_file) == ("refused", None)
    assert "Organization.Read.All" in part.said


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", at="users", status=429, code="TooManyRequests", retry_after="0", tenant=FIRST, times=2),
        Fault("status", at="users", status=429, code="TooManyRequests", tenant=FIRST),
        Fault("status", at="users", status=503, tenant=FIRST, after=1),
        Fault("empty_page", at="users", after=1, tenant=FIRST),
        Fault("html", at="users", after=1, tenant=FIRST),
        Fault("repeated_page", at="users", after=1, tenant=FIRST),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.retry_after}",
)
def test_it_ends_whole_or_says_what_it_lacks(world: World, many: FakeMicrosoft, tenants: list[Tenant], fault: Fault) -> None:
    many.fail(fault)
    pull = pulled(world)
    first, second = (part_of(pull, one) for one in tenants)
    assert second.state == "whole"
    snapshot = snapshot_of(tenants[0])
    rows = DirectoryUser.objects.filter(source_file=snapshot.source_file_id)
    assert rows.count() == rows.values("user_id").distinct().count()
    if first.state == "whole":
        assert (rows.count(), snapshot.is_whole) == (1_203, True)
    else:
        assert first.said
        assert (snapshot.is_whole, rows.count() < 1_203) == (False, True)
        assert "licensed_users" in snapshot.lacks


def test_a_link_to_another_host_is_not_followed(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    many.fail(Fault("foreign_link", at="users", tenant=FIRST, to="https://graph.example.net/v1.0/users"))
    part = part_of(pulled(world), tenants[0])
    assert part.state == "partial"
    assert "graph.example.net" in part.said
    assert not snapshot_of(tenants[0]).is_whole


def test_a_mixed_batch_is_asked_again_for_who_is_missing(world: World, serve: Serve, settings: Any) -> None:
    fake = serve(Crowd(tenants=1, users=25))
    add_app(world.account, fake, settings, by=world.ines)
    tenant = add_tenants(world.account, [FIRST])[0]
    fake.fail(Fault("status", at="userPurpose", status=429, code="ApplicationThrottled", retry_after="0", times=3, after=2))
    fake.fail(Fault("status", at="userPurpose", status=404, code="MailboxNotEnabledForRESTAPI"))
    assert part_of(pulled(world), tenant).state == "whole"
    found = [one.purpose for one in users_of(tenant).values()]
    assert (found.count("user"), found.count("none")) == (24, 1)


def test_a_clock_that_is_wrong_is_said(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    many.fail(Fault("refuse", at="token", aadsts=700024, times=0))
    part = part_of(pulled(world), tenants[0])
    assert "clock of this machine is wrong" in part.said


def test_a_user_who_was_deleted_between_the_pages_is_nobody_twice(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    last = f"{1:08x}-0000-4000-8000-{1_202:012}"
    many.fail(Fault("act", at="users", after=1, tenant=FIRST, act=lambda: many.delete(last)))
    pull = pulled(world)
    part = part_of(pull, tenants[0])
    assert part.state == "partial"
    assert "Pull it again" in part.said
    both_are_there(tenants, 1_202, 1_203)
    assert not snapshot_of(tenants[0]).is_whole
    assert part_of(pulled(world), tenants[0]).state == "whole"
    assert snapshot_of(tenants[0]).is_whole


def test_a_tenant_that_was_removed_meanwhile_is_not_read(world: World, many: FakeMicrosoft, tenants: list[Tenant]) -> None:
    pull = ask_tenants(world.account, by=world.mara)
    Tenant.objects.filter(pk=tenants[0].pk).update(removed_at=timezone.now() - timedelta(seconds=1), removed_by=world.ines)
    worked(pull)
    states = dict(PullPart.objects.filter(pull=pull).values_list("external_id", "state"))
    assert states == {FIRST: "refused", SECOND: "whole"}
