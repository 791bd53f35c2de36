from __future__ import annotations

import pytest

from accounts.models import Account, Role, User
from tests.recon.making import new_account, new_person


@pytest.fixture
def account(db: None) -> Account:
    return new_account()


@pytest.fixture
def mara(account: Account) -> User:
    return new_person(account)


@pytest.fixture
def ines(account: Account) -> User:
    return new_person(account, "ines@quillmere.example", Role.ADMIN)
