"""An invented Microsoft that really listens, and clients that really ask it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.graph import GLOBAL, App, Bounds, Certificate, Client, Cloud, Microsoft, Patience, Secret
from recon.demo.microsoft import CLIENT_ID, SECRET, FakeMicrosoft
from recon.demo.microsoft.estate import Crowd

#: Quick enough for a test: several tries in parts of a second.
QUICK = Patience(tries=4, total=10, first=0.02, longest=0.1)
BOUNDS = Bounds(read=2, answer=4)
APP = App(CLIENT_ID, Secret(SECRET))
FIRST, SECOND = Crowd(tenants=2).ids()
Open = Callable[..., Microsoft]
Ask = Callable[..., Client]


@pytest.fixture
def fake() -> Iterator[FakeMicrosoft]:
    """Two tenants of 1,203 users."""
    with FakeMicrosoft(Crowd(tenants=2, users=1_203)) as server:
        yield server


@pytest.fixture
def connect(fake: FakeMicrosoft) -> Iterator[Open]:
    """Make a factory of clients, by default of the fake, with the app's secret."""
    made: list[Microsoft] = []

    def make(app: App = APP, *, through: str = "", cloud: Cloud = GLOBAL, patience: Patience = QUICK, bounds: Bounds = BOUNDS) -> Microsoft:
        made.append(Microsoft(cloud, app, through=through or fake.base, patience=patience, bounds=bounds))
        return made[-1]

    yield make
    for microsoft in made:
        microsoft.close()


@pytest.fixture
def ask(connect: Open) -> Ask:
    """Make a client of the first tenant."""

    def make(tenant: str = FIRST, *, while_waiting: Callable[[], None] = lambda: None, is_test: bool = False, **named: object) -> Client:
        return connect(**named).tenant(tenant, while_waiting=while_waiting, is_test=is_test)

    return make


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Certificate]:
    """Two pairs of key and certificate, good for two days."""
    folder = tmp_path_factory.mktemp("certificates")
    return own_certificate(folder / "one"), own_certificate(folder / "two")


def own_certificate(folder: Path, *named: str) -> Certificate:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    folder.mkdir()
    key, public = folder / "key.pem", folder / "public.pem"
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=recon", *(named or ("-days", "2"))]
    subprocess.run([openssl, "req", "-x509", "-keyout", str(key), "-out", str(public), *made], check=True, capture_output=True)
    return Certificate(key.read_text(), public.read_text())
