"""Testing tenants: what each answer means, and that one bad tenant does not stop the others."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account, Tenant, User
from accounts.services import Refused
from ingest import jobs
from ingest.models import Connection, Job
from ingest.services import tenant_tests, tenants
from recon.demo.microsoft import FakeMicrosoft, Fault
from tests.graph.conftest import QUICK
from tests.tenants.conftest import FIRST, SECOND, THIRD, examine

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(account: Account, app: Connection) -> Tenant:
    return Tenant.objects.create(account=account, guid=FIRST)


def quiet(*told: Any) -> None:
    """Nobody looks."""


def opened(tenant: Tenant) -> dict[str, bool | None]:
    return {one["name"]: one["is_open"] for one in tenant.reach}


def test_a_good_tenant_says_who_it_is_and_what_may_be_read(tenant: Tenant) -> None:
    after = examine(tenant)
    assert (after.name, after.trouble) == ("Customer 1 Ltd", "")
    assert set(opened(after).values()) == {True}
    assert after.organization is None, "a test confirms nothing"


def test_an_optional_permission_is_a_gap_and_no_trouble(tenant: Tenant, fake: FakeMicrosoft) -> None:
    fake.withhold(FIRST, "MailboxSettings.Read")
    after = examine(tenant)
    assert after.trouble == ""
    assert opened(after)["mailboxes"] is False
    said = next(one["sentence"] for one in after.reach if one["name"] == "mailboxes")
    assert "It is not known which mailboxes are shared" in said


def test_a_needed_permission_is_trouble(tenant: Tenant, fake: FakeMicrosoft) -> None:
    fake.withhold(FIRST, "User.Read.All")
    after = examine(tenant)
    assert "nobody can be counted" in after.trouble
    assert opened(after)["licensed_users"] is False


@pytest.mark.parametrize(("aadsts", "words"), [(65001, "consent link"), (53003, "Conditional Access"), (90002, "no such tenant")])
def test_a_refused_sign_in_says_what_to_do(tenant: Tenant, fake: FakeMicrosoft, aadsts: int, words: str) -> None:
    fake.fail(Fault("refuse", at="token", aadsts=aadsts))
    after = examine(tenant)
    assert words in after.trouble
    assert f"AADSTS{aadsts}" in after.trouble
    assert not after.proved_at


def test_what_was_mended_is_seen_at_once(tenant: Tenant, fake: FakeMicrosoft) -> None:
    """msal would give the refusal again for a minute."""
    fake.fail(Fault("refuse", at="token", aadsts=65001))
    assert examine(tenant).trouble
    assert examine(tenant).trouble == ""


def test_an_outage_leaves_what_was_known(tenant: Tenant, fake: FakeMicrosoft) -> None:
    examine(tenant)
    fake.fail(Fault("status", at="organization", status=503, times=0))
    after = examine(tenant)
    assert "test it again later" in after.trouble
    assert after.name == "Customer 1 Ltd"
    assert after.proved_at
    assert after.reach


def test_a_tenant_in_another_cloud_is_not_found_there(tenant: Tenant, ines: User, fake: FakeMicrosoft) -> None:
    examine(tenant)
    tenants.move(tenant, "china", by=ines)
    tenant.refresh_from_db()
    assert (tenant.cloud, tenant.tested_at, tenant.reach) == ("china", None, [])
    seen = len(fake.seen)
    examine(tenant)
    assert {one.host for one in list(fake.seen)[seen:]} <= {"login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"}


def test_many_are_tested_and_each_says_its_own(account: Account, app: Connection) -> None:
    made = [Tenant.objects.create(account=account, guid=guid) for guid in (FIRST, SECOND, THIRD)]
    tenant_tests.examine_many(account, made, quiet, patience=QUICK)
    for one in made:
        one.refresh_from_db()
    assert [bool(one.trouble) for one in made] == [False, False, True]
    assert "AADSTS700016" in made[2].trouble


def test_a_bad_credential_stops_the_round(account: Account, app: Connection, fake: FakeMicrosoft) -> None:
    """A thousand tenants would say the same."""
    made = [Tenant.objects.create(account=account, guid=f"10000000-0000-4000-8000-{number:012}") for number in range(1, 12)]
    fake.fail(Fault("refuse", at="token", aadsts=7000222, times=0))
    with pytest.raises(jobs.JobFailed, match="The other tenants were not asked"):
        tenant_tests.examine_many(account, made, quiet, patience=QUICK)
    assert Tenant.objects.filter(tested_at__isnull=False).count() < len(made)


def test_a_worker_does_them_as_a_job(account: Account, app: Connection, tenant: Tenant, ines: User) -> None:
    job = tenant_tests.start_tests(account, by=ines)
    assert job
    jobs.run(job.pk)
    job.refresh_from_db()
    tenant.refresh_from_db()
    assert (job.state, tenant.name) == (Job.State.DONE, "Customer 1 Ltd")


def test_a_test_that_waits_already_is_that_one(tenant: Tenant, ines: User) -> None:
    assert tenant_tests.start_test(tenant, by=ines) == tenant_tests.start_test(tenant, by=ines)
    assert Job.objects.count() == 1


def test_without_an_app_nothing_is_tested(account: Account, ines: User) -> None:
    tenant = Tenant.objects.create(account=account, guid=FIRST)
    for asked in (lambda: tenant_tests.start_test(tenant, by=ines), lambda: tenant_tests.start_tests(account, by=ines)):
        with pytest.raises(Refused, match="State the app"):
            asked()
