"""Archives of answers: agents of the invented Huntress, stored file to committed rows, against the same agents as a CSV.

Run: ``python -m tests.benchmarks.bench_answers``, or with a number of agents behind it. Both go the product's own way, read into a preview
and then imported, turn by turn. To reach: at most 3 times the CSV for 1,000,000 agents, and 512 MiB. JSON is decoded twice, once for the
preview and once for the import, and that is most of it.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_agents import emptied, peak_gib, timed
from tests.benchmarks.databases import run_on_each, set_up

AGENTS, PAGE, MOST, MOST_GIB = 1_000_000, 500, 3.0, 0.5
_ENDED = datetime(2026, 11, 12, 2, 31, tzinfo=UTC).isoformat()


def _pages(table: Any, count: int) -> Iterator[tuple[bytes, list[dict[str, Any]]]]:
    for start in range(0, count, PAGE):
        records = [table.make(number) for number in table.ids[start : start + PAGE]]
        yield json.dumps({"agents": records, "pagination": {}}).encode(), records


def write_both(archive: Path, listed: Path, count: int) -> None:
    """The same agents in both forms."""
    from ingest.sources.answers import Entry, Manifest, write
    from recon.demo.huntress.estate import Crowd

    table, entries = Crowd(agents=count, organizations=max(count // 250, 1)).table("agents", None), []
    with listed.open("w") as rows:
        rows.write("Hostname,Organization ID,Serial Number,Platform,Last Callback At\n")
        for number, (body, records) in enumerate(_pages(table, count), 1):
            digest = hashlib.sha256(body).hexdigest()
            entries.append(Entry(number, "agents", "/v1/agents?limit=500", 200, {}, _ENDED, digest, len(body), len(records)))
            for one in records:
                rows.write(
                    f"{one['hostname']},{one['organization_id']},{one['serial_number']},{one['platform']},{one['last_callback_at']}\n"
                )
    manifest = Manifest("huntress", "agents", "agents", {"id": "5", "name": "Quillmere IT"}, _ENDED, _ENDED, (), tuple(entries))
    with archive.open("wb") as packed:
        write(packed, manifest, (body for body, _ in _pages(table, count)))


def measure(database: str, count: int) -> None:
    set_up()
    from accounts.models import Account, User

    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14)
    mara = User.objects.create_user("mara@quillmere.example", "seven-quiet-herons")
    with tempfile.TemporaryDirectory() as folder:
        archive, listed = Path(folder) / "agents.zip", Path(folder) / "agents.csv"
        subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_answers", "write", str(archive), str(listed), str(count)], check=True)
        seconds: dict[str, list[float]] = {"archive": [], "csv": []}
        for _ in range(3):
            for name, path in (("archive", archive), ("csv", listed)):
                seconds[name].append(timed(partial(taken, path, account, mara, count)))
                emptied()
            print(f"  most memory of the process so far {peak_gib():.2f} GiB, below {MOST_GIB}", flush=True)
    ratio = statistics.median(one / other for one, other in zip(*seconds.values(), strict=True))
    archived, csv = (statistics.median(each) for each in seconds.values())
    print(f"{database}: {count:,} agents, archive {archived:.2f} s, CSV {csv:.2f} s")
    print(f"  ratio {ratio:.2f}, at most {MOST}", flush=True)


def taken(path: Path, account: Any, mara: Any, count: int) -> None:
    """Received, read and imported."""
    from accounts.calendar import Cycle
    from ingest import jobs
    from ingest.models import AgentLine, FileOwner, LegInput, SourceFile
    from ingest.services.intake import receive
    from recon import tasks
    from recon.models import Sweep
    from recon.services import imports

    assert tasks
    with path.open("rb") as content:
        received = receive(account, name=path.name, content=content, by=mara, kind="agents")
    assert received.job
    jobs.run_now(received.job)
    source_file = SourceFile.objects.get(pk=received.source_file.pk)
    cycle = Cycle(datetime(2026, 10, 14).date(), datetime(2026, 11, 14).date())
    done = jobs.run_now(imports.start_import(source_file, by=mara, cycle=cycle))
    assert AgentLine.objects.filter(source_file=source_file).count() == count, done.error
    Sweep.objects.all().delete()
    LegInput.objects.filter(source_file=source_file).delete()
    FileOwner.objects.filter(source_file=source_file).delete()
    SourceFile.objects.filter(pk=source_file.pk).update(state="discarded")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["write"]:
        write_both(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        run_on_each("tests.benchmarks.bench_answers", *(sys.argv[1:2] or [str(AGENTS)]))
