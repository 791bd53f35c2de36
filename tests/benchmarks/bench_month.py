"""The month's page on 200,000 rows: server time and queries of its first page, sorted, filtered, searched and far down.

Run: ``python -m tests.benchmarks.bench_month [rows]``. The baseline in the same run is the page of a month of 50 rows: what the list
itself costs stands in the ratio. Django's test client, no network; each address 30 times after 3 that warm it.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from typing import Any

from tests.benchmarks.databases import run_on_each, set_up

ROWS, ROUNDS = 200_000, 30
PAGES = (
    "",
    "sort=name",
    "sort=-name",
    "sort=-billed",
    "sort=-rebilled_money",
    "view=work",
    "view=unchecked",
    "product=edr",
    "severity=escalate",
    "severity=escalate&product=edr&sort=name",
    "q=customer+1234",
    "page=200",
    "page=4000",
)


def measure(database: str, rows: int) -> None:
    set_up()
    from accounts.models import Account, Membership, User

    mara = User.objects.create_user("mara@quillmere.example", "seven-quiet-herons")
    print(f"\n{database}: a month of {rows:,} rows, and one of 50")
    times: dict[int, dict[str, tuple[float, float, int]]] = {}
    for size in (50, rows):
        account = Account.objects.create(name=f"Quillmere {size}", slug=f"quillmere-{size}", anniversary_day=14)
        Membership.objects.create(user=mara, account=account, role="preparer")
        fill(account, size)
        times[size] = {query: page(mara, account, query) for query in PAGES}
    for query in PAGES:
        middle, slow, queries = times[rows][query]
        small = times[50][query][1]
        print(
            f"  {query or 'first page':42} median {1000 * middle:6.0f} ms   95% {1000 * slow:6.0f} ms   {queries} queries   "
            f"50 rows 95% {1000 * small:4.0f} ms   ratio {slow / small:.1f}",
            flush=True,
        )


def fill(account: Any, size: int) -> None:
    """Organizations and variances of an invented month and the month before it, with the shapes that real ones have: most rows agree."""
    import numpy as np
    import pandas as pd
    from django.db import connection
    from django.utils import timezone

    from accounts.models import BillingCycle, Organization
    from ingest import bulk
    from recon.models import Reconciliation, Variance

    per = 4
    now = timezone.now()
    made = [(account.pk, now, f"Customer {n} Ltd", f"customer {n} ltd", None, None) for n in range(-(-size // per))]
    bulk.load(Organization, ["account_id", "created_at", "name", "name_key", "huntress_id", "key"], made)
    owners = list(Organization.objects.filter(account=account).order_by("pk").values_list("pk", "name"))
    random = np.random.default_rng(3)
    for start, end in ((date(2026, 9, 14), date(2026, 10, 14)), (date(2026, 10, 14), date(2026, 11, 14))):
        cycle = BillingCycle.objects.create(account=account, start=start, end=end)
        severity = random.choice([0, 1, 2, 3, 4], size, p=[0.8, 0.1, 0.04, 0.04, 0.02])
        billed, gap = random.integers(0, 500, size), np.where(severity == 0, 0, random.integers(-9, 10, size))
        unknown = pd.Series(gap, dtype="Int64").mask(severity == 2).array
        levels = {str(level): int((severity == level).sum()) for level in range(5)}
        nothing = dict.fromkeys(("compared", "difference", "checked", "over", "under", "priced", "unpriced"), 0)
        totals = {
            "rows": size, "severities": levels, "flagged": {"rebilled": levels["3"] + levels["4"]}, "unchecked": levels["2"],
            "legs": {}, "products": [], **{name: {"expected": nothing, "rebilled": nothing} for name in ("all", "within")},
        }  # fmt: skip
        month = Reconciliation.objects.create(cycle=cycle, run=1, last_run=1, stale=False, counted_at=now, totals=totals)
        bulk.load_frame(
            Variance,
            pd.DataFrame(
                {
                    "reconciliation_id": np.full(size, month.pk),
                    "run": np.ones(size, dtype=np.int64),
                    "organization_id": np.repeat([pk for pk, _ in owners], per)[:size],
                    "product": np.tile(["edr", "itdr", "sat", "siem"], len(owners))[:size],
                    "name": np.repeat(np.array([name for _, name in owners], dtype=object), per)[:size],
                    "weight": np.abs(gap) * 6_500_000,
                    "flags": np.full(size, "", dtype=object),
                    "billed": billed,
                    "expected": billed,
                    "rebilled": billed - gap,
                    "expected_difference": np.zeros(size, dtype=np.int64),
                    "rebilled_difference": unknown,
                    "rebilled_money": unknown * 6_500_000,
                    "severity": severity,
                    "expected_severity": np.zeros(size, dtype=np.int64),
                    "rebilled_severity": severity,
                }
            ),
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def page(user: Any, account: Any, query: str) -> tuple[float, float, int]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(user)
    address = f"/a/{account.slug}/months/2026-10-14/?{query}"
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
        queries = len(asked)
    for _ in range(2):
        client.get(address)
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        client.get(address)
        taken.append(time.perf_counter() - started)
    taken.sort()
    return taken[len(taken) // 2], taken[int(0.95 * len(taken))], queries


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        run_on_each("tests.benchmarks.bench_month", *(sys.argv[1:2] or [str(ROWS)]))
