"""Pulling from Microsoft: the client against a bare loop over HTTP that stores the same bytes.

Run: ``python -m tests.benchmarks.bench_graph [tenants]``. Both ask the same invented Microsoft, in a process of its own: 1,000 tenants of
200 users, each with a token, its organization, licences, subscriptions, licensed and deleted users, and the purpose of its mailboxes,
twenty to a batch. The loop keeps one connection, asks for one token a tenant, and knows nothing of discovery, errors, links or ids. Turn
by turn, so that whatever else the machine does slows both alike. To reach: at most 2 times the loop, and less than 1 GiB.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from ingest.graph import CALLS, GLOBAL, App, Mailboxes, Microsoft, Secret, Walk, prove
from recon.demo.microsoft import CLIENT_ID, SECRET
from recon.demo.microsoft.estate import Crowd

TENANTS, USERS, ROUNDS = 1_000, 200, 3
MOST, MOST_BYTES = 2.0, 1 << 30
LISTS = ("skus", "trials", "licensed_users", "deleted_users")
BATCH = 20


@contextmanager
def served(tenants: int) -> Iterator[str]:
    command = [sys.executable, "-m", "recon.demo.microsoft", "--tenants", str(tenants), "--users", str(USERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().removeprefix("Ready: ").strip()
        finally:
            process.terminate()


class Store:
    """Every answer in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stored, self.answers = folder, 0, 0

    def keep(self, tenant: str, address: str, body: bytes) -> None:
        (self.folder / f"{hashlib.sha256(f'{tenant}{address}{self.answers}'.encode()).hexdigest()[:24]}.json").write_bytes(body)
        self.stored += len(body)
        self.answers += 1


def bare(base: str, tenants: list[str], store: Store) -> None:
    """Everything by a loop that hopes for the best."""
    address = urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    form = urlencode(
        {
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
        }
    ).encode()

    def ask(method: str, target: str, host: str, body: bytes | None = None, token: str = "") -> bytes:
        headers = {"Host": host, "Authorization": f"Bearer {token}", "ConsistencyLevel": "eventual"}
        connection.request(method, target, body=body, headers=headers)
        return connection.getresponse().read()

    for tenant in tenants:
        token = json.loads(ask("POST", f"/{tenant}/oauth2/v2.0/token", "login.microsoftonline.com", form))["access_token"]

        def graph(
            method: str, target: str, body: bytes | None = None, tenant: str = tenant, token: str = token
        ) -> dict[str, list[dict[str, str]]]:
            answer = ask(method, f"/v1.0/{target}", "graph.microsoft.com", body, token)
            store.keep(tenant, target, answer)
            found: dict[str, list[dict[str, str]]] = json.loads(answer)
            return found

        users: list[str] = []
        for name in ("organization", *LISTS):
            call = CALLS[name]
            page = graph("GET", f"{call.path}?{urlencode(call.params, quote_via=quote, safe='$,/()')}")
            if name == "licensed_users":
                users = [one["id"] for one in page["value"]]
        for start in range(0, len(users), BATCH):
            wanted = [
                {"id": one, "method": "GET", "url": f"/users/{one}/mailboxSettings/userPurpose"} for one in users[start : start + BATCH]
            ]
            graph("POST", "$batch", json.dumps({"requests": wanted}, separators=(",", ":")).encode())
    connection.close()


def ours(base: str, tenants: list[str], store: Store) -> None:
    """The same through the client: msal, bounds, checks, links, each record once."""
    with Microsoft(GLOBAL, App(CLIENT_ID, Secret(SECRET)), through=base) as microsoft:
        for tenant in tenants:
            with microsoft.tenant(tenant) as client:
                organization = client.get(CALLS["organization"])
                store.keep(tenant, organization.address, organization.body)
                users: list[str] = []
                for name in LISTS:
                    walk = Walk(client, CALLS[name])
                    for page in walk:
                        store.keep(tenant, page.answer.address, page.answer.body)
                        users += [record["id"] for record in page.records] if name == "licensed_users" else []
                    assert walk.is_whole, walk.remark
                boxes = Mailboxes(client, users)
                answered = 0
                for batch in boxes:
                    store.keep(tenant, batch.answer.address, batch.answer.body)
                    answered += len(batch.purposes)
                assert answered == len(users) == USERS, boxes.gap
        assert prove(microsoft.tenant(tenants[0])).id == tenants[0]


def timed(call: Callable[[str, list[str], Store], None], base: str, tenants: list[str]) -> tuple[float, Store]:
    with tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
        store = Store(Path(folder))
        started = time.perf_counter()
        call(base, tenants, store)
        return time.perf_counter() - started, store


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TENANTS
    tenants = Crowd(tenants=count, users=USERS).ids()
    loops, clients = [], []
    with served(count) as base:
        for _ in range(ROUNDS):
            seconds, store = timed(bare, base, tenants)
            loops.append(seconds)
            again, same = timed(ours, base, tenants)
            clients.append(again)
            assert (store.stored, store.answers) == (same.stored, same.answers)
    loop, client = statistics.median(loops), statistics.median(clients)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{count:,} tenants of {USERS} users, {store.answers:,} answers, {store.stored / 2**20:.1f} MiB", end="; ")
    print(f"{os.getloadavg()[0]:.1f} processes wanted the cores")
    print(f"  bare loop {loop:6.2f} s")
    best = min(clients) / min(loops)
    print(f"  client    {client:6.2f} s, {client / count * 1000:.1f} ms a tenant; ratio {client / loop:.2f}", end=", ")
    print(f"of the best rounds {best:.2f}, at most {MOST}; {most / 2**20:.0f} MiB", flush=True)
    return int(best > MOST or most > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
