"""Pulling from Huntress: the client against a bare loop over HTTP that stores the same bytes, and against the limit's own minimum.

Run: ``python -m tests.benchmarks.bench_huntress``. Both ask the same invented Huntress, in a process of its own: 60,000 agents in 120
pages, 1,000 Organizations in 2, and the detail of each of these, where a call costs the most for what it brings. The loop keeps one
connection, and knows nothing of errors, ids or limits. Turn by turn, so that whatever else the machine does slows both alike. To reach: at
most 2 times the loop; and against a minute that lasts four seconds no 429, and at most a tenth more than the limit's own minimum.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ingest.huntress import ENDPOINTS, Client, Credential, Walk
from ingest.huntress.limiter import OwnStore, Rules, SharedLimiter
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress
from recon.demo.huntress.estate import Crowd

AGENTS, ORGANIZATIONS, ROUNDS = 60_000, 1_000, 5
MOST, MOST_OVER = 2.0, 1.10
LIMIT, SECONDS, CALLS = 60, 4.0, 200


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "recon.demo.huntress", "--limit", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().removeprefix("Ready: ").strip()
        finally:
            process.terminate()


def bare(base: str, folder: Path) -> int:
    """Every answer to a file, by a loop that hopes for the best; returns how many bytes."""
    address, stored = urlsplit(base), 0
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    headers = {"Authorization": Credential(*ACCOUNT_KEY).header()}

    def get(target: str) -> bytes:
        nonlocal stored
        connection.request("GET", f"{address.path}{target}", headers=headers)
        body = connection.getresponse().read()
        (folder / f"{hashlib.sha256(target.encode()).hexdigest()[:24]}.json").write_bytes(body)
        stored += len(body)
        return body

    for name in ("organizations", "agents"):
        token = ""
        while True:
            query = f"&page_token={token}" if token else ""
            about = json.loads(get(f"{name}?limit=500&sort_field=id&sort_direction=asc{query}"))["pagination"]
            if not (token := about.get("next_page_token", "")):
                break
    for number in range(50_001, 50_001 + ORGANIZATIONS):
        get(f"organizations/{number}")
    connection.close()
    return stored


def ours(base: str, folder: Path) -> int:
    """The same through the client: bounded, checked, parsed, each record once."""
    stored = 0

    def keep(address: str, body: bytes) -> None:
        nonlocal stored
        (folder / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}.json").write_bytes(body)
        stored += len(body)

    with Client(Credential(*ACCOUNT_KEY), base=base) as client:
        found: dict[str, list[int]] = {}
        for name in ("organizations", "agents"):
            walk = Walk(client, ENDPOINTS[name])
            for page in walk:
                keep(page.answer.address, page.answer.body)
                found.setdefault(name, []).extend(record["id"] for record in page.records)
            assert walk.is_whole, walk.remark
        for number in found["organizations"]:
            answer = client.get(ENDPOINTS["organization"], {"id": number})
            answer.record()
            keep(answer.address, answer.body)
    assert [len(found[name]) for name in ("organizations", "agents")] == [ORGANIZATIONS, AGENTS]
    return stored


def timed(call: Callable[[str, Path], int], base: str) -> tuple[float, int]:
    with tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
        started = time.perf_counter()
        stored = call(base, Path(folder))
        return time.perf_counter() - started, stored


def unlimited() -> bool:
    loops, clients = [], []
    with served("--agents", str(AGENTS), "--organizations", str(ORGANIZATIONS)) as base:
        for _ in range(ROUNDS):
            seconds, stored = timed(bare, base)
            loops.append(seconds)
            again, same = timed(ours, base)
            clients.append(again)
            assert stored == same
    loop, client = statistics.median(loops), statistics.median(clients)
    busy = os.getloadavg()[0]
    print(f"{AGENTS:,} agents, {ORGANIZATIONS:,} Organizations, {stored / 2**20:.1f} MiB; {busy:.1f} processes wanted the cores")
    print(f"  bare loop {loop:6.2f} s")
    best = min(clients) / min(loops)
    print(f"  client    {client:6.2f} s; ratio {client / loop:.2f}, of the best rounds {best:.2f}, at most {MOST}", flush=True)
    return best <= MOST


def limited() -> bool:
    """One caller in a steady state, which uses the whole of the limit."""
    with FakeHuntress(Crowd(agents=CALLS * 10), limit=LIMIT, seconds=SECONDS) as fake:
        limiter = SharedLimiter(OwnStore(), Rules(LIMIT, SECONDS, for_others=0))
        with Client(Credential(*ACCOUNT_KEY), base=fake.base, limiter=limiter) as client:
            started = time.perf_counter()
            pages = sum(1 for _ in Walk(client, ENDPOINTS["agents"], params={"limit": 10}))
            took = time.perf_counter() - started
    least = (pages - 1) // LIMIT * SECONDS
    print(f"{pages} calls, {LIMIT} in {SECONDS:g} s: {took:.2f} s, the limit's own minimum {least:.2f} s", end="; ")
    print(f"ratio {took / least:.3f}, at most {MOST_OVER}; {fake.refused} were too many", flush=True)
    return took / least <= MOST_OVER and not fake.refused


def main() -> int:
    return sum(not good for good in (unlimited(), limited()))


if __name__ == "__main__":
    sys.exit(main())
