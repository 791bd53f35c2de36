"""An account with its people, and files that really went through the intake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from accounts.calendar import Cycle
from accounts.models import Account, Membership, Role, User
from ingest import jobs
from ingest.models import SourceFile
from ingest.services.intake import receive
from recon.services import imports

CYCLE = Cycle(date(2026, 10, 14), date(2026, 11, 14))
BEFORE = Cycle(date(2026, 9, 14), date(2026, 10, 14))
CYCLE_TEXT = f"{CYCLE.start}:{CYCLE.end}"

BILLED = b"""Huntress usage 2026-10-14 to 2026-11-14
Organization,EDR,ITDR
Aldermere Surveying,14,16
Farnholt Academy,40,
Marrowdale Coffee,7,5
Total,61,21
"""
REJECTING = b"""Customer,Service,Qty,Rate
Aldermere Surveying,Managed EDR,14,6.50
Aldermere Surveying,Managed EDR,2,6.50
Marrowdale Coffee,SAT Learners,12.5,2.75
Sorrelby Architects,Managed EDR,1.000,6.50
Thornby Vets,Backup,3,1.00
"""
TWO_COLUMNS = b"Organization,EDR,Agents\nAldermere Surveying,14,15\nFarnholt Academy,3,3\n"

Receive = Callable[..., SourceFile]


def person(email: str, account: Account | None = None, role: str = "") -> User:
    user = get_user_model().objects.create_user(email, "seven-quiet-herons", name=email.partition("@")[0].capitalize())
    if account:
        Membership.objects.create(user=user, account=account, role=role)
    return user


@pytest.fixture
def account(db: None) -> Account:
    return Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14)


@pytest.fixture
def mara(account: Account) -> User:
    return person("mara@quillmere.example", account, Role.PREPARER)


@pytest.fixture
def preparer(mara: User) -> Client:
    return signed_in(mara)


@pytest.fixture
def viewer(account: Account) -> Client:
    return signed_in(person("vera@quillmere.example", account, Role.VIEWER))


@pytest.fixture
def stranger(db: None) -> Client:
    return signed_in(person("sid@elsewhere.example"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def arrive(account: Account, mara: User) -> Receive:
    """A file, received and read."""

    def arrive(content: bytes = BILLED, name: str = "billing-detail.csv", *, read: bool = True, **more: str) -> SourceFile:
        received = receive(account, name=name, content=BytesIO(content), by=mara, **more)
        assert received.job is not None
        if read:
            jobs.run_now(received.job)
        received.source_file.refresh_from_db()
        return received.source_file

    return arrive


@pytest.fixture
def count_in(mara: User) -> Callable[..., SourceFile]:
    """A file that was read, imported into a cycle."""

    def count_in(source_file: SourceFile, cycle: Cycle = CYCLE) -> SourceFile:
        by = mara
        if source_file.kind == "exclusions":  # a rule of the account, which is an admin's
            by = person("ines@quillmere.example", source_file.account, Role.ADMIN)
        jobs.run_now(imports.start_import(source_file, by=by, cycle=cycle, without_rejected=True))
        source_file.refresh_from_db()
        return source_file

    return count_in
