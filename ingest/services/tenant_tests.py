"""What Microsoft says of a tenant: who it is, and what the app may read there. One tenant on demand, or many after an import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Tenant, User
from accounts.services import Refused
from accounts.templatetags.recon_ui import plural
from ingest import graph, jobs
from ingest.graph import GraphError, Microsoft, Patience, Reach
from ingest.graph.errors import Needs, SignInRefused, Transient
from ingest.models import Job
from ingest.services.microsoft_app import app_of, microsoft_of

TEST, TEST_ALL, TEST_NEW = "tenant_test", "tenants_test", "tenants_new"
#: A person waits for it: what does not answer in good time is said to, and can be tested again.
PATIENCE: Final = Patience(tries=3, total=60, first=1.0, longest=15.0)
#: So many tenants are asked at once. Each has a limit of calls of its own at Microsoft.
_AT_ONCE: Final = 4
_AGAIN: Final = "Nothing was found out about the tenant: test it again later."
Tell = Callable[[], None]


def _quiet() -> None:
    """Nobody waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``tenant`` is who it says it is, None where it could not be proved; ``trouble`` why it cannot be read, "" where it can.

    ``is_ours``: the trouble is the app's credential, so that every other tenant would say the same.
    """

    tenant: graph.Tenant | None = None
    reach: tuple[Reach, ...] = ()
    trouble: str = ""
    is_ours: bool = False


def look(microsoft: Microsoft, guid: str, *, while_waiting: Tell = _quiet) -> Outcome:
    """Prove the tenant, and try each call. It asks Microsoft afresh and touches no database; raises what ``while_waiting`` does."""
    try:
        with microsoft.tenant(guid, while_waiting=while_waiting, is_test=True) as client:
            try:
                tenant = graph.prove(client)
                reach = tuple(graph.survey(client))
            except SignInRefused as error:
                clock = graph.skewed(client)
                return Outcome(trouble=f"{error} {clock}".strip(), is_ours=error.needs in (Needs.CREDENTIAL, Needs.CLOCK))
    except GraphError as error:
        return Outcome(trouble=f"{error} {_AGAIN}" if isinstance(error, Transient) else str(error))
    closed = [one.sentence for one in reach if one.is_needed and one.is_open is False]
    return Outcome(tenant, reach, " ".join([*closed, "Without it nobody can be counted."]) if closed else "")


def write_down(tenant: Tenant, outcome: Outcome) -> None:
    """Keep what was found. Where nothing was, what was known of its name stays, for an outage says nothing of the tenant."""
    fields: dict[str, Any] = {"tested_at": timezone.now(), "trouble": outcome.trouble[:1000]}
    if outcome.tenant:
        fields |= {
            "name": outcome.tenant.name[:256], "domains": list(outcome.tenant.domains)[:100], "proved_at": timezone.now(),
            "reach": [_entry(one) for one in outcome.reach],
        }  # fmt: skip
    Tenant.objects.filter(pk=tenant.pk, removed_at__isnull=True).update(**fields)


def _entry(one: Reach) -> dict[str, Any]:
    return {
        "name": one.call.name, "label": one.call.label, "permission": one.call.permission, "is_open": one.is_open,
        "is_needed": one.is_needed, "sentence": one.sentence,
    }  # fmt: skip


# --- one ---


@transaction.atomic
def start_test(tenant: Tenant, *, by: User) -> Job:
    """Ask a worker. One that waits or runs already is that one."""
    require(by, tenant.account, Need.ADMINISTER)
    _refuse_untestable(tenant)
    running = tests_of(tenant).filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()
    if running:
        return running
    audit.record("ingest.tenant.tested", str(tenant), account=tenant.account, actor=by, after={"tenant": tenant.guid})
    return jobs.enqueue(TEST, tenant.pk, label=f"Test of {tenant}", account=tenant.account, by=by)


def tests_of(tenant: Tenant) -> QuerySet[Job, Job]:
    """The jobs that tested it, newest first."""
    return Job.objects.filter(account=tenant.account_id, kind=TEST, subject=tenant.pk).order_by("-created_at", "-pk")


def _refuse_untestable(tenant: Tenant) -> None:
    if tenant.kind != Tenant.Kind.MICROSOFT or tenant.removed_at:
        raise Refused(f"{tenant} was removed." if tenant.removed_at else f"{tenant} is Google’s, and is counted by hand.")
    if app_of(tenant.account) is None:
        raise Refused("State the app for Microsoft first: tenants are read with it.")


@jobs.handles(TEST)
def run_test(tenant_id: int, progress: jobs.Progress) -> None:
    examine(tenant_id, tell=lambda: progress(0, 1, "Asking Microsoft"))


def examine(tenant_id: int, *, tell: Tell = _quiet, patience: Patience = PATIENCE) -> Tenant:
    """Test one tenant, and write down what was found. Raises JobFailed where it cannot be tried."""
    tenant = Tenant.objects.select_related("account").filter(pk=tenant_id, removed_at__isnull=True).first()
    if tenant is None:
        raise jobs.JobFailed("There is no such tenant any more.")
    write_down(tenant, look(_microsoft(tenant.account, tenant.cloud, patience), tenant.guid, while_waiting=tell))
    tenant.refresh_from_db()
    return tenant


def _microsoft(account: Account, cloud: str, patience: Patience) -> Microsoft:
    app = app_of(account)
    if app is None:
        raise jobs.JobFailed("There is no app for Microsoft any more.")
    try:
        return microsoft_of(app, cloud, patience=patience)
    except Refused as refusal:
        raise jobs.JobFailed(str(refusal)) from None


# --- many ---


@transaction.atomic
def start_tests(account: Account, *, by: User, only_new: bool = False) -> Job | None:
    """Ask a worker to test all tenants, or those that were never tested. None where there is none."""
    require(by, account, Need.ADMINISTER)
    if app_of(account) is None:
        raise Refused("State the app for Microsoft first: tenants are read with it.")
    rows = _to_test(account)
    count = rows.filter(tested_at__isnull=True).count() if only_new else rows.count()
    if not count:
        return None
    audit.record("ingest.tenant.tested_all", plural(count, "tenant"), account=account, actor=by)
    return jobs.enqueue(TEST_NEW if only_new else TEST_ALL, account.pk, label=f"Test of {plural(count, 'tenant')}", account=account, by=by)


def open_tests(account: Account) -> Job | None:
    """The test of many that waits or runs."""
    return Job.objects.filter(account=account, kind__in=[TEST_ALL, TEST_NEW], state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()


def _to_test(account: Account) -> QuerySet[Tenant, Tenant]:
    return Tenant.objects.filter(account=account, kind=Tenant.Kind.MICROSOFT, removed_at__isnull=True)


@jobs.handles(TEST_ALL)
def run_all(account_id: int, progress: jobs.Progress) -> None:
    """Begun again after a kill, it goes on with those that were not tested since it was asked for."""
    asked_at = Job.objects.values_list("created_at", flat=True).get(pk=progress.job_id)
    account = Account.objects.get(pk=account_id)
    rows = _to_test(account)
    examine_many(account, list(rows.filter(tested_at__isnull=True) | rows.filter(tested_at__lt=asked_at)), progress)


@jobs.handles(TEST_NEW)
def run_new(account_id: int, progress: jobs.Progress) -> None:
    account = Account.objects.get(pk=account_id)
    examine_many(account, list(_to_test(account).filter(tested_at__isnull=True)), progress)


def examine_many(account: Account, tenants: Sequence[Tenant], progress: Callable[..., None], *, patience: Patience = PATIENCE) -> None:
    """Some at once, and each written down as it is known. Raises JobFailed at the first that says the app's own credential is bad."""
    done = 0
    progress(done, len(tenants) or 1, "Asking Microsoft")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for few in _chunks(tenants, _AT_ONCE):
            through = [_microsoft(account, one.cloud, patience) for one in few]
            outcomes = list(pool.map(look, through, [one.guid for one in few]))
            for tenant, outcome in zip(few, outcomes, strict=True):
                write_down(tenant, outcome)
            done += len(few)
            progress(done, len(tenants), "Asking Microsoft")
            ours = next((one for one in outcomes if one.is_ours), None)
            if ours:
                raise jobs.JobFailed(f"{ours.trouble} The other tenants were not asked: they would say the same.")


def _chunks(tenants: Sequence[Tenant], size: int) -> Iterator[Sequence[Tenant]]:
    for start in range(0, len(tenants), size):
        yield tenants[start : start + size]
