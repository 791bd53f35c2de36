"""The demonstration's own connection, and the invented Huntress that `make run` starts for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account, User
from config import local
from ingest.models import Connection
from ingest.services import connecting
from recon.demo import load as loader
from recon.demo.huntress import FakeHuntress
from recon.demo.huntress.story import Story
from tests.connections.conftest import Examine
from tests.run import BASE_DIR, SERVICES


def of(account: Account) -> list[Connection]:
    """Its keys to Huntress; the demonstration has an app at Microsoft too."""
    return list(Connection.objects.filter(account=account, provider=Connection.Provider.HUNTRESS))


def test_it_is_added_once_and_not_again_when_somebody_removed_it(account: Account, ines: User) -> None:
    assert loader.connect()
    (connection,) = of(account)
    assert (connection.is_demo, connection.tested_at) == (True, None)
    assert not loader.connect()
    connecting.remove(connection, by=ines)
    assert not loader.connect()
    assert of(account) == [connection]


def test_a_real_key_of_the_account_is_left_alone(account: Account, ines: User) -> None:
    own = connecting.add(account, name="Ours", key="hk_1", secret="hs_1", by=ines)
    loader.connect()
    assert of(account) == [own]


def test_it_is_the_first_accounts_own_at_the_invented_huntress(account: Account, ines: User, examine: Examine, settings: Any) -> None:
    loader.connect()
    with FakeHuntress(Story(), limit=0) as fake:
        settings.RECON_DEMO_HUNTRESS = fake.base
        connection = examine(of(account)[0], by=ines)
    assert (connection.key_kind, connection.actor, connection.trouble) == ("account", account.name, "")


def test_make_run_starts_it_and_tells_the_others_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_DEMO_HUNTRESS", "")
    monkeypatch.setenv("RECON_DEMO", "1")
    command = local._invented()["huntress"]
    address = os.environ["RECON_DEMO_HUNTRESS"]
    assert address.startswith("http://127.0.0.1:")
    process = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == f"Ready: {address}\n"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{address}actor", timeout=5)
        assert refused.value.code == 401
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("stated", [{"RECON_DEMO": "0"}, {"RECON_DEMO_HUNTRESS": "http://127.0.0.1:9/v1/"}])
def test_it_is_not_started_without_the_demo_or_where_one_is_stated(monkeypatch: pytest.MonkeyPatch, stated: dict[str, str]) -> None:
    for name, value in ({"RECON_DEMO_HUNTRESS": "", "RECON_DEMO": "1"} | stated).items():
        monkeypatch.setenv(name, value)
    assert local._invented() == {}


def test_the_services_mode_knows_no_invented_huntress(tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        stated = SERVICES | {"RECON_DEMO_HUNTRESS": f"http://127.0.0.1:{one.getsockname()[1]}/v1/", "RECON_DATA_DIR": str(tmp_path)}
    script = "from config import settings; print(repr(settings.RECON_DEMO_HUNTRESS))"
    env = {"PATH": os.environ["PATH"], **stated}
    done = subprocess.run([sys.executable, "-c", script], cwd=BASE_DIR, env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "''", done.stderr
