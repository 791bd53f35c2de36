"""The product says of files what the command says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.calendar import Cycle
from accounts.models import Account
from accounts.names import normalise
from ingest import jobs
from recon.demo.files import quillmere
from recon.engine import ALWAYS, FLAGS, LIST_CHECKS
from recon.engine import LISTS as ENGINE_LISTS
from recon.offline.lists import matched, read_lists
from recon.offline.result import run as run_offline
from recon.services import imports
from tests.recon.making import (
    CYCLE,
    arrive,
    compare,
    csv_bytes,
    new_account,
    new_person,
    rows_of,
)
from tests.recon.making import (
    put as put_file,
)
from tests.settings import POSTGRES


def said_by_the_command(files: dict[str, tuple[str, bytes]]) -> list[tuple[Any, ...]]:
    """Every row of ``recon.offline`` on the same bytes, with names as they are compared."""
    with TemporaryDirectory() as folder:
        paths: dict[Any, str] = {}
        for leg, (name, content) in files.items():
            path = Path(folder) / leg / name
            path.parent.mkdir()
            path.write_bytes(content)
            paths[leg] = str(path)
        given = read_lists(paths, allow_rejected=True)
        done = run_offline(None, given, matched(given), [], [])
    columns = [
        *ENGINE_LISTS,
        *(f"{check}_difference" for check in LIST_CHECKS),
        "severity",
        *(f"{check}_severity" for check in LIST_CHECKS),
    ]
    money = ["cost", "sell", "expected_money", "rebilled_money"]
    return sorted(
        (
            normalise(row["name"]),
            row["product"],
            *(_whole(row[column]) for column in columns + money),
            ",".join(flag for flag in FLAGS if row[flag]),
        )
        for row in done.rows.to_dict("records")
    )


def said_by_the_product(account: Account, cycle: Cycle) -> list[tuple[Any, ...]]:
    """Without what the product alone looks at: who came and went since the month before."""
    legs = (*ENGINE_LISTS, "expected_difference", "rebilled_difference")
    rest = ("expected_severity", "rebilled_severity", "cost", "sell", "expected_money", "rebilled_money")
    return sorted(
        (
            normalise(row.name),
            row.product,
            *(getattr(row, name) for name in legs),
            max(row.expected_severity, row.rebilled_severity),
            *(getattr(row, name) for name in rest),
            ",".join(flag for flag in row.flags.split(",") if flag not in ALWAYS),
        )
        for row in rows_of(account, cycle)
    )


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _key(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(map(str, row))


def agree(ours: Sequence[tuple[Any, ...]], theirs: Sequence[tuple[Any, ...]]) -> None:
    assert sorted(ours, key=_key) == sorted(theirs, key=_key)


LISTS = ("billed", "expected", "rebilled")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_demonstrations_past_months_are_what_the_command_says_of_their_files(account, mara, seed):
    """Every list of four months, imported in a random order over all of them. The command knows no price list and no invoice."""
    months = quillmere(date(2026, 11, 20)).months[:4]
    files = [(month.cycle, file) for month in months for file in month.files if file.leg in LISTS]
    Random(seed).shuffle(files)
    for cycle, file in files:
        put_file(account, mara, file.leg, file.data, cycle, name=file.name, without_rejected=True)
    compare()
    bills = [None, *(next(file for file in month.files if file.leg == "billed") for month in months)]
    for month, previous in zip(months, bills, strict=False):
        given = {file.leg: (file.name, file.data) for file in month.files if file.leg in LISTS}
        if previous:
            given["previous"] = (previous.name, previous.data)
        ours = said_by_the_product(account, month.cycle)
        assert len(ours) > 100
        agree(ours, said_by_the_command(given))


PEOPLE_NAMES = ["Tarn Vale Dental", "TARN VALE DENTAL", "Marrick", "marrick!", "NA", "007", "Straße & Co", "Brindle"]
IDS = {normalise(name): str(100 + place) for place, name in enumerate(PEOPLE_NAMES)}
QUANTITIES = st.sampled_from(["", "0", "1", "2", "20", "21", "1,000", "12.5"])


@st.composite
def lists(draw: st.DrawFn) -> dict[str, bytes]:
    """Up to three small lists: wide, two products, with and without ids; each customer is spelt one way in one list."""
    made = {}
    for leg in draw(st.lists(st.sampled_from(["billed", "expected", "rebilled"]), min_size=1, unique=True)):
        names = draw(st.lists(st.sampled_from(PEOPLE_NAMES), min_size=1, max_size=6, unique_by=normalise))
        has_ids = draw(st.booleans())
        cells = st.tuples(QUANTITIES, QUANTITIES, st.sampled_from(["", "2.50"]))
        rows = [[name, *([IDS[normalise(name)]] if has_ids else []), *draw(cells)] for name in names]
        header = ["Organization", *(["Organization ID"] if has_ids else []), "EDR", "SAT", "EDR price"]
        made[leg] = csv_bytes(header, *rows)
    return made


@given(made=lists(), order=st.permutations(["billed", "expected", "rebilled"]))
@settings(max_examples=12 if POSTGRES else 25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_small_months_are_what_the_command_says_of_them_in_any_order_of_upload(db, made, order):
    with transaction.atomic():
        account, mara = new_account(), new_person(None)
        loaded: dict[str, tuple[str, bytes]] = {}
        for leg in (leg for leg in order if leg in made):
            source_file = arrive(account, mara, made[leg], kind=leg)
            if source_file.state == "ready" and source_file.loaded + source_file.merged:
                assert jobs.run_now(imports.start_import(source_file, by=mara, cycle=CYCLE, without_rejected=True)).state == "done"
                loaded[leg] = (f"{leg}.csv", made[leg])
        compare()
        ours = said_by_the_product(account, CYCLE) if loaded else []
        transaction.set_rollback(True)
    theirs = said_by_the_command(loaded) if loaded else []
    agree(ours, theirs)
