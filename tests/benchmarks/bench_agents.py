"""Agent lists: file to committed rows with their indexes, against the bare work on the same bytes and the same table.

Run: ``python -m tests.benchmarks.bench_agents``. The floor is ``polars.read_csv`` and one COPY (on SQLite one ``executemany``) of all rows
in one transaction, unchecked: no row is looked at, no Organization is matched, nothing can be stopped. Ours is the product's own job, from
the stored file to the flip that lets it count; the reading into a preview that comes before it stands beside it. Turn by turn, so that
whatever else the machine does slows both alike. To reach: at most 1.5 times the floor for 1,000,000 rows, and 5,000,000 rows under 2 GiB.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tests.benchmarks.databases import run_on_each, set_up

ROWS, MANY_ROWS, ROUNDS = 1_000_000, 5_000_000, 3
MOST, MOST_GIB = 1.5, 2.0
_COLUMNS = "source_file_id, line, owner, hostname, serial, platform, last_seen"


def write_list(path: Path, rows: int) -> None:
    """Invented: about 250 hosts an Organization, as a portal's export has them."""
    import numpy as np

    random = np.random.default_rng(7)
    frame = pl.DataFrame(
        {
            "owner": np.sort(random.integers(0, max(rows // 250, 1), rows)),
            "host": np.arange(rows),
            "serial": random.integers(0, 2**40, rows),
            "platform": random.choice(["windows", "darwin", "linux"], rows),
            "seen": 1_767_225_600 + random.integers(0, 28_000_000, rows),
        }
    )
    frame.select(
        pl.format("WS-{}-{}", "owner", "host").alias("Hostname"),
        pl.format("Customer {} Ltd", "owner").alias("Organization"),
        (pl.col("owner") + 100_000).alias("Organization ID"),
        pl.format("SN{}", "serial").alias("Serial Number"),
        pl.col("platform").alias("Platform"),
        pl.from_epoch("seen").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("Last Callback At"),
    ).write_csv(path)


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def peak_gib() -> float:
    """The most memory that this whole process ever had."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


def floor(path: Path) -> None:
    """Read, and load under the number of a file that does not exist."""
    from django.db import connection, transaction

    frame = pl.read_csv(path).with_row_index("line", offset=2)
    frame = frame.select(
        pl.lit(0).alias("file"),
        "line",
        pl.col("Organization ID").rank("dense"),
        "Hostname",
        "Serial Number",
        "Platform",
        "Last Callback At",
    )
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            written = io.BytesIO()
            frame.write_csv(written, include_header=False)
            with cursor.copy(f"COPY ingest_agentline ({_COLUMNS}) FROM STDIN (FORMAT csv)") as copy:
                copy.write(written.getbuffer())
        else:
            cursor.executemany(f"INSERT INTO ingest_agentline ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)", frame.rows())


def emptied() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE ingest_agentline")
        else:
            cursor.execute("DELETE FROM ingest_agentline")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def measure(database: str, rows: int, rounds: int) -> None:
    """In the child: alternating rounds of the floor and ours; no floor where ``rounds`` is 0, which would hold every row in memory."""
    set_up()
    from accounts.models import Account, User
    from ingest.models import AgentLine

    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14)
    mara = User.objects.create_user("mara@quillmere.example", "seven-quiet-herons")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agents.csv"
        subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_agents", "write", str(path), str(rows)], check=True)
        floors, readings, importings = [], [], []
        for _ in range(max(rounds, 1)):
            if rounds:
                floors.append(timed(lambda: floor(path)))
                assert AgentLine.objects.count() == rows
                emptied()
            reading, importing = ours(path, account, mara, rows)
            readings.append(reading)
            importings.append(importing)
            emptied()
    reading, importing = statistics.median(readings), statistics.median(importings)
    busy = os.getloadavg()[0]
    print(f"{database}: {rows:,} rows, {busy:.1f} processes wanted the machine's {os.cpu_count()} cores")
    print(f"  read into preview {reading:6.2f} s, {rows / reading:,.0f} rows/s")
    print(f"  import            {importing:6.2f} s, {rows / importing:,.0f} rows/s")
    if floors:
        least = statistics.median(floors)
        best, both = min(importings) / min(floors), (importing + reading) / least
        print(f"  floor             {least:6.2f} s; ratio of the import {importing / least:.2f}, at most {MOST}")
        print(f"                    of the best rounds {best:.2f}; of preview and import together {both:.2f}", flush=True)
    else:
        print(f"  most memory       {peak_gib():6.2f} GiB, below {MOST_GIB}", flush=True)


def ours(path: Path, account: Any, mara: Any, rows: int) -> tuple[float, float]:
    """A file received, read and imported by the product; the seconds of reading and of importing."""
    from accounts.calendar import Cycle
    from ingest import jobs
    from ingest.models import AgentLine, FileOwner, LegInput, SourceFile
    from ingest.services.intake import receive
    from recon import tasks
    from recon.services import imports

    assert tasks
    with path.open("rb") as content:
        received = receive(account, name="agents.csv", content=content, by=mara, kind="agents")
    source_file, read = received.source_file, received.job
    assert read
    reading = timed(lambda: jobs.run_now(read))
    source_file.refresh_from_db()
    asked = imports.start_import(source_file, by=mara, cycle=Cycle(date(2026, 10, 14), date(2026, 11, 14)))
    importing = timed(lambda: jobs.run_now(asked))
    assert AgentLine.objects.filter(source_file=source_file).count() == rows
    LegInput.objects.filter(source_file=source_file).delete()
    FileOwner.objects.filter(source_file=source_file).delete()
    SourceFile.objects.filter(pk=source_file.pk).update(state="discarded")
    return reading, importing


def main() -> None:
    run_on_each("tests.benchmarks.bench_agents", str(ROWS), str(ROUNDS))
    run_on_each("tests.benchmarks.bench_agents", str(MANY_ROWS), "0")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["write"]:
        write_list(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
