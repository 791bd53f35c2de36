"""A month of 200,000 variances on PostgreSQL: its page as people ask for it, and decisions on 10,000 rows at once.

Run: ``python -m tests.benchmarks.bench_review [variances]``. A page's time is the server's, through the whole stack but the socket, at
the 95th percentile of 30; beside it stand the CPU of the web process and django-tables2 rendering 50 rows of the same table alone. A bulk
decision stands beside bare SQL on the same rows. Storing stands beside the same COPY into a table without triggers.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any, cast

import psycopg

VARIANCES = 200_000
BULK = 10_000
REPEATS = 30
PAGE_MS, BULK_SECONDS = 150, 3.0
PRODUCTS = ("edr", "itdr", "sat", "siem")


def main(variances: str) -> None:
    """Measure in a process and a database of its own."""
    address = os.environ.get("TEST_DATABASE_URL") or f"postgres://{getpass.getuser()}@127.0.0.1:5432/postgres"
    database = f"recon_bench_{uuid.uuid4().hex[:8]}"
    try:
        server = psycopg.connect(address, autocommit=True, connect_timeout=3)
    except psycopg.Error as away:
        print(f"PostgreSQL: not reached, not measured ({str(away).strip()})")
        return
    with server, tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
        server.execute(f"CREATE DATABASE {database}")
        try:
            stated = {"DJANGO_SETTINGS_MODULE": "tests.settings", "RECON_TEST": "postgres", "RECON_TEST_RUN": folder}
            command = [sys.executable, "-m", "tests.benchmarks.bench_review", "measure", variances]
            subprocess.run(command, check=True, env=os.environ | stated | {"RECON_TEST_DATABASE": database})
        finally:
            server.execute(f"DROP DATABASE {database} WITH (FORCE)")


def unheard(*_: Any) -> None:
    """A progress that nobody looks at."""


def seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def measure(variances: int) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    month, mara = a_month(variances)
    storing(month)
    pages(month, mara)
    bulk_decisions(month, mara)


def a_month(variances: int) -> tuple[Any, Any]:
    """A month as a comparison leaves it: three lists, a few per cent of them apart, notes and decisions on some rows."""
    import numpy as np

    from accounts.models import Account, BillingCycle, Membership, Organization, User
    from ingest import bulk
    from ingest.models import Job, LegInput, SourceFile, UsageLine
    from recon.models import Reconciliation
    from recon.services import counting, decisions, months

    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14)
    mara = User.objects.create_user("mara@quillmere.example", "seven-quiet-herons")
    Membership.objects.create(user=mara, account=account, role="admin")
    number = variances // len(PRODUCTS)
    names = [f"Customer {n} Ltd" for n in range(number)]
    made = Organization.objects.bulk_create(
        [Organization(account=account, name=name, name_key=name.lower()) for name in names], batch_size=5000
    )
    random = np.random.default_rng(5)
    billed = random.integers(0, 500, (number, len(PRODUCTS)))
    for start, end in ((date(2026, 9, 14), date(2026, 10, 14)), (date(2026, 10, 14), date(2026, 11, 14))):
        cycle = BillingCycle.objects.create(account=account, start=start, end=end)
        for leg in ("billed", "expected", "rebilled"):
            units = (
                billed
                if leg == "billed"
                else np.maximum(0, billed + random.integers(-40, 40, billed.shape) * (random.random(billed.shape) < 0.04))
            )
            file = SourceFile.objects.create(
                account=account,
                kind=leg,
                name=f"{leg}.csv",
                sha256=uuid.uuid4().hex * 2,
                size=1,
                received_by=mara,
                state="imported",
                cycle=cycle,
            )
            records = (
                (file.pk, n + 2, product, one.pk, one.name, "", "", int(units[n, p]), 3_100_000)
                for n, one in enumerate(made)
                for p, product in enumerate(PRODUCTS)
            )
            columns = ["source_file_id", "line", "product", "organization_id", "name", "huntress_id", "key", "quantity", "unit_price"]
            bulk.load(UsageLine, columns, records)
            LegInput.objects.create(cycle=cycle, leg=leg, source_file=file, by=mara)
        months.newest(cycle)
        took = seconds(lambda: counting.recount(cycle.pk, cast(Any, unheard)))  # noqa: B023
        print(f"compared and stored {variances:,} rows: {took:.2f} s", flush=True)
    Job.objects.all().delete()
    month = Reconciliation.objects.select_related("cycle__account").get(cycle=cycle)
    keys = keys_of(month, 300)
    decisions.add_notes(month, keys[:100], text="Ask them.", is_open=True, by=mara)
    decisions.assign(month, keys, owner=mara, by=mara)
    sql("ANALYZE")
    return month, mara


def keys_of(month: Any, most: int) -> list[tuple[int, str]]:
    from recon.models import Variance

    rows = Variance.objects.filter(reconciliation=month, run=month.run).order_by("-severity", "-weight", "name", "product")
    return list(rows.values_list("organization_id", "product")[:most])


def sql(*statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def storing(month: Any) -> None:
    """The triggers' price: the rows copied into a table with them, and into the same table without."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM recon_variance WHERE reconciliation_id = %s LIMIT 0", [month.pk])
        names = [c.name for c in cursor.description or () if c.name not in {"id", "expected_left", "rebilled_left"}]
        columns = ", ".join(names)
        cursor.execute(f"SELECT {columns} FROM recon_variance WHERE reconciliation_id = %s AND run = %s", [month.pk, month.run])
        records = [list(values) for values in cursor.fetchall()]
    for record in records:
        record[names.index("run")] = 99_999

    def copied() -> None:
        with connection.cursor() as cursor, cursor.copy(f"COPY recon_variance ({columns}) FROM STDIN") as copy:
            for record in records:
                copy.write_row(record)

    took = {}
    for state in ("DISABLE", "ENABLE"):
        with transaction.atomic():
            sql(f"ALTER TABLE recon_variance {state} TRIGGER USER")
            took[state] = seconds(copied)
            transaction.set_rollback(True)
    ratio = took["ENABLE"] / took["DISABLE"]
    print(
        f"COPY of {len(records):,} rows: without triggers {took['DISABLE']:.2f} s, with {took['ENABLE']:.2f} s, ratio {ratio:.2f}",
        flush=True,
    )


def pages(month: Any, mara: Any) -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    client = Client()
    client.force_login(mara)
    place = [month.cycle.account.slug, month.cycle.start]
    address = reverse("recon:month", args=place)
    ways = {words: f"{address}?{query}" if query else address for words, query in ASKED.items()}
    ways["an opened row"] = reverse("recon:row", args=[*place, *keys_of(month, 1)[0]])
    table = rendering(month)
    print(f"django-tables2 alone, 50 rows: {table:.0f} ms; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    queries = {}
    for words, where in ways.items():
        for kind, headers in (("page", {}), ("list", {"HX-Request": "true", "HX-Target": "list"})):
            if kind == "list" and where != address:
                continue
            with CaptureQueriesContext(connection) as captured:
                assert client.get(where, headers=headers).status_code == 200
            asked = list(captured)  # before the next request forgets them
            queries[words, kind] = len(asked)
            started = time.process_time()
            times = sorted(seconds(lambda: client.get(where, headers=headers)) * 1000 for _ in range(REPEATS))  # noqa: B023
            own = (time.process_time() - started) * 1000 / REPEATS
            p95, median = times[int(0.95 * REPEATS)], times[REPEATS // 2]
            verdict = "" if p95 <= PAGE_MS else f"   MISSES {PAGE_MS} ms"
            print(
                f"  {words:22} {kind}  median {median:5.0f} ms   p95 {p95:5.0f} ms   own CPU {own:3.0f} ms   {len(asked):2} queries   "
                f"ratio {p95 / table:4.1f}{verdict}",
                flush=True,
            )
            if p95 > PAGE_MS or "--explain" in sys.argv:
                for one in sorted(asked, key=lambda one: -float(one["time"]))[:4]:
                    print(f"      {float(one['time']) * 1000:.0f} ms  {one['sql'][:230]} … {one['sql'][-330:]}")
    print(f"  queries: {sorted(set(queries.values()))}", flush=True)


ASKED = {
    "first page": "",
    "the 1,000th page": "page=1000",
    "by name": "sort=name",
    "by name, backwards": "sort=-name",
    "by severity": "sort=-severity",
    "work queue": "view=work",
    "not explained": "view=open",
    "mine": "view=mine",
    "one product": "product=edr",
    "one severity": "severity=escalate",
    "one product, by name": "product=siem&sort=name",
    "a part of a name": "q=customer+4999",
    "a part of every name": "q=customer",
}


def rendering(month: Any) -> float:
    """django-tables2 on 50 rows that are there already: what a page costs before anything is asked of the database."""
    from django.template.loader import render_to_string
    from django.test import RequestFactory
    from django_tables2 import Column, RequestConfig, Table

    fields = ("name", "product", "billed", "expected", "rebilled", "previous", "expected_left", "rebilled_left", "severity", "owner")
    plain = type("Plain", (Table,), {name: Column() for name in fields})
    rows = [dict.fromkeys(fields, n) for n in range(50)]
    request = RequestFactory().get("/")

    def once() -> None:
        table = plain(rows)
        RequestConfig(request, paginate=False).configure(table)
        render_to_string("django_tables2/table.html", {"table": table}, request=request)

    once()
    return sorted(seconds(once) * 1000 for _ in range(REPEATS))[int(0.95 * REPEATS)]


def bulk_decisions(month: Any, mara: Any) -> None:
    from django.db import transaction

    from recon.services import decisions

    keys = keys_of(month, BULK)
    columns = "reconciliation_id, organization_id, product"
    rows = f"FROM recon_variance WHERE reconciliation_id = {month.pk} AND run = {month.run}"
    chosen = f"SELECT {columns} {rows} ORDER BY severity DESC LIMIT {len(keys)}"

    def bare() -> None:
        with transaction.atomic():
            sql(f"INSERT INTO recon_rowdecision ({columns}, rebill_reason, rebill_note, owner_id) "
                f"SELECT *, '', '', {mara.pk} FROM ({chosen}) c "
                f"ON CONFLICT ({columns}) DO UPDATE SET owner_id = EXCLUDED.owner_id",
                f"UPDATE recon_variance v SET owner_id = {mara.pk} FROM ({chosen}) c WHERE v.reconciliation_id = c.reconciliation_id "
                f"AND v.run = {month.run} AND v.organization_id = c.organization_id AND v.product = c.product")  # fmt: skip
            transaction.set_rollback(True)

    baseline = seconds(bare)
    print(f"bare SQL on {len(keys):,} rows: {baseline:.2f} s", flush=True)
    made = []
    acts: dict[str, Callable[[], Any]] = {
        "explain what is left": lambda: decisions.explain(month, keys, check="expected", cause="new_agents", quantity=None, by=mara),
        "assign": lambda: decisions.assign(month, keys, owner=mara, by=mara),
        "mark reviewed": lambda: decisions.mark_reviewed(month, keys, by=mara),
        "rebill": lambda: decisions.decide_rebill(month, keys, quantity=3, reason="dispute", by=mara),
        "note": lambda: decisions.add_notes(month, keys, text="Ask them.", by=mara),
    }
    for words, act in acts.items():
        took = seconds(lambda: made.append(act()))  # noqa: B023
        undoing = seconds(lambda: decisions.undo(made[-1], by=mara))
        verdict = "" if max(took, undoing) <= BULK_SECONDS else f"   MISSES {BULK_SECONDS} s"
        print(f"  {words:22} {took:5.2f} s   undone {undoing:5.2f} s   ratio {took / baseline:4.1f}{verdict}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(int(sys.argv[2]))
    else:
        main(sys.argv[1] if sys.argv[1:] else str(VARIANCES))
