"""An account with a month whose report comes to 17 units and 71.50, and its people."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account, Role, User
from tests.recon import making

BILL = ["Organization", "EDR", "EDR price", "SIEM", "SIEM price"]


@pytest.fixture
def account(db: None) -> Account:
    return making.new_account()


@pytest.fixture
def mara(account: Account) -> User:
    return making.new_person(account)


@pytest.fixture
def ines(account: Account) -> User:
    return making.new_person(account, "ines@quillmere.example", Role.ADMIN)


@pytest.fixture
def preparer(mara: User) -> Client:
    return making.signed_in(mara)


@pytest.fixture
def billed(account: Account, mara: User) -> None:
    """15 agents at 2.90 and 2 sources at 14.00."""
    rows = making.csv_bytes(BILL, ["Tarn Vale Dental", 12, "2.90", 2, "14.00"], ["Garrowby Farms", 3, "2.90", "", ""])
    making.put(account, mara, "billed", rows)
    making.compare()
