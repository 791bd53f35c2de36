from functools import partial
from pathlib import Path

import pytest

from tests.command.making import Reconcile, run_here


@pytest.fixture
def reconcile(tmp_path: Path) -> Reconcile:
    """The command on lists given as text or rows, writing its JSON into the test's folder."""
    return partial(run_here, tmp_path)
