"""Pulling customers' tenants: the whole pull against a bare loop over HTTP that stores the same bytes.

Run: ``python -m tests.benchmarks.bench_directory [tenants]``. Both ask the same invented Microsoft, in a process of its own: 1,000 tenants
of 200 users. The pull is the product's: jobs with leases, each answer a row at once, an archive a tenant. Taking in (reading, loading,
putting in force) is measured beside it. To reach: the pull at most 2 times the loop, and less than 1 GiB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.bench_graph import MOST, MOST_BYTES, TENANTS, USERS, Store, bare, served
from tests.benchmarks.databases import run_on_each, set_up


def main() -> int:
    if sys.argv[1:2] != ["measure"]:
        try:
            run_on_each("tests.benchmarks.bench_directory", *sys.argv[1:])
        except subprocess.CalledProcessError as failed:
            return failed.returncode
        return 0
    return measure(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else TENANTS)


def measure(database: str, count: int) -> int:
    set_up()
    from django.conf import settings
    from django.utils import timezone

    from accounts.models import Account, Membership, Organization, Role, Tenant, User
    from ingest.models import DirectoryUser, PullPart
    from ingest.services import microsoft_app
    from ingest.services.tenant_pulls import ask_tenants
    from recon.demo.microsoft import CLIENT_ID, SECRET
    from recon.demo.microsoft.estate import Crowd
    from tests.directory.making import work

    account = Account.objects.create(name="Quillmere IT", slug="quillmere")
    admin = User.objects.create_user("ines@quillmere.example", "four-brass-lanterns", name="Ines")
    Membership.objects.create(user=admin, account=account, role=Role.ADMIN)
    whose = Organization.objects.create(account=account, name="All of them", name_key="all of them")
    guids = Crowd(tenants=count, users=USERS).ids()
    said = {"organization": whose, "confirmed_at": timezone.now(), "confirmed_by": admin, "proved_at": timezone.now()}
    Tenant.objects.bulk_create(Tenant(account=account, guid=guid, name=guid[-6:], **said) for guid in guids)
    with served(count) as base, tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
        settings.RECON_DEMO_MICROSOFT = base
        microsoft_app.state_app(account, microsoft_app.Stated(CLIENT_ID, secret=SECRET), by=admin, is_demo=True)
        store, started = Store(Path(folder)), time.perf_counter()
        bare(base, guids, store)
        loop, started = time.perf_counter() - started, time.perf_counter()
        pull = ask_tenants(account, by=admin)
        work("pull_tenant")
        pulled, started = time.perf_counter() - started, time.perf_counter()
        work("take")
        taken = time.perf_counter() - started
    assert set(PullPart.objects.filter(pull=pull).values_list("state", flat=True)) == {"whole"}
    assert DirectoryUser.objects.count() == count * USERS
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{database}: {count:,} tenants of {USERS} users, {store.answers:,} answers, {os.getloadavg()[0]:.1f} wanted the cores")
    print(f"  bare loop {loop:6.2f} s; pull {pulled:6.2f} s, ratio {pulled / loop:.2f}, at most {MOST}", end="; ")
    print(f"taking in {taken:6.2f} s, {taken / count * 1000:.0f} ms a tenant; {most / 2**20:.0f} MiB", flush=True)
    return int(pulled / loop > MOST or most > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
