"""An account with an admin, and lists that go the product's own way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.calendar import Cycle
from accounts.models import Account, Role, User
from ingest.models import LegInput, SourceFile
from recon.services import exclusions, imports
from tests.recon import making

Propose = Callable[..., SourceFile]
Give = Callable[..., LegInput]


@pytest.fixture
def account(db: None) -> Account:
    """With three cycles, whatever day it is."""
    account = making.new_account()
    for cycle in (making.BEFORE, making.CYCLE, making.AFTER):
        imports.cycle_row(account, cycle)
    return account


@pytest.fixture
def ines(account: Account) -> User:
    return making.new_person(account, "ines@quillmere.example", Role.ADMIN)


@pytest.fixture
def admin(ines: User) -> Client:
    return making.signed_in(ines)


@pytest.fixture
def propose(account: Account, ines: User) -> Propose:
    """A list of SKUs, to be looked at."""

    def propose(*skus: str, came: str = "pasted") -> SourceFile:
        return exclusions.propose(account, "\n".join(("SKU", *skus)).encode(), name="list.txt", came=came, by=ines)

    return propose


@pytest.fixture
def give(account: Account, ines: User, propose: Propose) -> Give:
    """A list of SKUs, in force from a cycle on."""

    def give(*skus: str, cycle: Cycle = making.CYCLE) -> LegInput:
        source_file = propose(*skus)
        exclusions.put_in_force(source_file, cycle=cycle, by=ines)
        return LegInput.objects.get(source_file=source_file, cycle__start=cycle.start, ended_at__isnull=True)

    return give
