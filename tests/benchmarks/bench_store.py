"""From a file to committed lines, and from lines to committed variances: 200,000 Organizations × 4 products × 3 legs.

Run: ``python -m tests.benchmarks.bench_store [Organizations]``. Each figure stands beside the bare work on the same rows in the same
run: pandas reading the file as text and COPY (on SQLite ``executemany``) into a table without an index; for the comparison, the legs
read, two outer joins, and the result written to such a table. On PostgreSQL and on SQLite, each in a process and database of its own.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from tests.benchmarks.databases import run_on_each, set_up

PRODUCTS = ("edr", "itdr", "sat", "siem")
LEGS = ("billed", "expected", "rebilled")
ORGANIZATIONS = 200_000


def report(organizations: int, leg: int) -> bytes:
    """A wide list, every Organization with every product; a few per cent of the quantities differ from leg to leg."""
    import numpy as np

    random = np.random.default_rng(5)
    units = random.integers(0, 500, (organizations, len(PRODUCTS)))
    differs = np.random.default_rng(leg).random(units.shape) < 0.05 * leg
    units = units + differs * 3
    lines = [f"Customer {n} Ltd,{n + 100_000}," + ",".join(map(str, row)) for n, row in enumerate(units.tolist())]
    return ("Organization,Organization ID,EDR,ITDR,SAT,SIEM\n" + "\n".join(lines) + "\n").encode()


def seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def measure(database: str, organizations: int) -> None:
    set_up()
    from accounts.calendar import Cycle
    from accounts.models import Account, User
    from ingest import jobs
    from ingest.models import Job, UsageLine
    from ingest.services.intake import receive
    from recon import tasks
    from recon.models import Variance
    from recon.services import imports

    assert tasks
    cycle = Cycle(date(2026, 10, 14), date(2026, 11, 14))
    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14)
    mara = User.objects.create_user("mara@quillmere.example", "seven-quiet-herons")
    rows = organizations * len(PRODUCTS)
    print(f"\n{database}: {organizations:,} Organizations × {len(PRODUCTS)} products = {rows:,} lines a leg")
    for number, leg in enumerate(LEGS):
        content = report(organizations, number)
        bare = seconds(lambda: bare_import(content))  # noqa: B023
        received = receive(account, name=f"{leg}.csv", content=io.BytesIO(content), by=mara, kind=leg)
        assert received.job
        job, reading = received.job, 0.0
        reading = seconds(lambda: jobs.run_now(job))  # noqa: B023
        received.source_file.refresh_from_db()
        asked = imports.start_import(received.source_file, by=mara, cycle=cycle)
        importing = seconds(lambda: jobs.run_now(asked))  # noqa: B023
        assert UsageLine.objects.filter(source_file=received.source_file, organization__isnull=False).count() == rows
        print(
            f"  {leg:9} bare pandas and load {bare:6.2f} s   read into preview {reading:6.2f} s   "
            f"import, matched, indexed {importing:6.2f} s   ratio {importing / bare:.2f}",
            flush=True,
        )
    bare = seconds(bare_comparison)
    for name in ("first", "again"):
        (waits,) = Job.objects.filter(kind="recount", state="queued") or [_asked(cycle)]
        comparing = seconds(lambda: jobs.run_now(waits))  # noqa: B023
        assert Variance.objects.count() == rows
        print(
            f"  {name:9} bare joins and load   {bare:6.2f} s   compared and stored {comparing:6.2f} s   ratio {comparing / bare:.2f}",
            flush=True,
        )


def _asked(cycle: Any) -> Any:
    from accounts.models import BillingCycle
    from recon.services.months import ask_for_recount

    return ask_for_recount(BillingCycle.objects.get(start=cycle.start), by=None)


def bare_import(content: bytes) -> None:
    import pandas as pd

    wide = pd.read_csv(io.BytesIO(content), engine="pyarrow", dtype=str, keep_default_na=False)
    names = {"EDR": "edr", "ITDR": "itdr", "SAT": "sat", "SIEM": "siem"}
    long = wide.rename(columns=names).melt(["Organization", "Organization ID"], list(PRODUCTS), "product", "quantity")
    long["quantity"] = long["quantity"].astype("int64")
    bare_load("name text, id text, product text, quantity bigint", long)


def bare_comparison() -> None:
    import pandas as pd
    from django.db import connection

    legs = []
    for leg in LEGS:
        sql = (
            "SELECT l.organization_id, l.product, l.quantity FROM ingest_usageline l "
            "JOIN ingest_sourcefile f ON f.id = l.source_file_id WHERE f.kind = %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [leg])
            legs.append(pd.DataFrame(cursor.fetchall(), columns=["organization", "product", leg]))
    on = ["organization", "product"]
    joined = legs[0].merge(legs[1], on=on, how="outer").merge(legs[2], on=on, how="outer")
    for leg in LEGS[1:]:
        joined[f"{leg}_gap"] = joined["billed"] - joined[leg]
    columns = "organization bigint, product text, billed bigint, expected bigint, rebilled bigint, expected_gap bigint, rebilled_gap bigint"
    bare_load(columns, joined)


def bare_load(columns: str, frame: Any) -> None:
    """Write a frame to a table without an index, and take it away again."""
    from django.db import connection, transaction

    records: Iterable[Sequence[Any]] = zip(*(frame[column].tolist() for column in frame), strict=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare ({columns})")
        if connection.vendor == "postgresql":
            with cursor.copy("COPY bare FROM STDIN") as copy:
                for record in records:
                    copy.write_row(record)
        else:
            cursor.executemany(f"INSERT INTO bare VALUES ({', '.join(['%s'] * frame.shape[1])})", list(records))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bare")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        run_on_each("tests.benchmarks.bench_store", *(sys.argv[1:2] or [str(ORGANIZATIONS)]))
