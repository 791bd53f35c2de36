from __future__ import annotations

import pytest

from accounts.models import Account, User
from tests.microsoft.making import new_world


@pytest.fixture
def world(db: None) -> tuple[Account, User]:
    return new_world()
