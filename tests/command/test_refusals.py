"""Whatever is given, it ends in a sound result or in a sentence: never in a traceback."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command.making import Reconcile, write
from tests.sources.making import csv_bytes

ROWS = [("Organization", "EDR"), ("Contoso", 12)]


@pytest.mark.parametrize("option", ["billed", "expected", "rebilled", "previous", "tolerance"])
def test_a_path_that_is_no_file_is_refused_by_name(reconcile: Reconcile, tmp_path: Path, option: str) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path, tmp_path / ("x" * 300), tmp_path / "billed.csv" / "in.csv"):
        write(tmp_path, "billed", ROWS)
        done = reconcile(**{"billed": tmp_path / "billed.csv", option: path})
        assert (done.status, done.found) == (2, None)
        assert f"{path}: cannot be opened: " in done.err


@pytest.mark.parametrize("option", ["billed", "expected", "rebilled", "previous", "tolerance", "json", "sheet"])
def test_an_empty_path_is_not_taken_for_none(reconcile: Reconcile, option: str) -> None:
    done = reconcile(billed=ROWS, paths={option: ""})
    assert (done.status, done.err) == (2, f"refused\n--{option}: names no file.")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(reconcile: Reconcile, tmp_path: Path) -> None:
    locked = write(tmp_path, "locked", ROWS)
    locked.chmod(0)
    assert "cannot be opened: Permission denied" in reconcile(billed=locked).err


@pytest.mark.parametrize(
    "cycle",
    [
        "2026-11-14:2026-10-14",
        "2026-10-14:2026-10-14",
        "2026-10-14",
        "",
        ":",
        "a:b",
        "2026-02-30:2026-03-30",
        "2026-10-14:2026-11-14:2026-12-14",
    ],
)
def test_a_cycle_that_is_none_is_refused(reconcile: Reconcile, cycle: str) -> None:
    done = reconcile(billed=ROWS, cycle=cycle)
    assert (done.status, done.found) == (2, None)
    assert "--cycle: " in done.err


def test_a_cycle_of_any_length_is_taken_as_stated(reconcile: Reconcile) -> None:
    assert reconcile(billed=ROWS, cycle="2024-02-29:2026-01-31").json["cycle"] == {"start": "2024-02-29", "end": "2026-01-31"}


def test_what_a_file_says_cannot_break_the_lines_of_a_refusal(reconcile: Reconcile) -> None:
    done = reconcile(billed='Organization,EDR\n"Con\ntoso\x1b[31m",x\n')
    assert len(done.err.splitlines()) == 2
    assert "\x1b" not in done.err


CELLS = st.sampled_from(
    [
        "Organization",
        "EDR",
        "SAT",
        "Product",
        "Quantity",
        "Contoso",
        "CONTOSO",
        "Total",
        "",
        "12",
        "0",
        "x",
        "1.000",
        "7",
        "Organization ID",
        "\x00",
    ]
)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6).map(csv_bytes)
WIDE = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4).map(lambda rows: csv_bytes([("Organization", "Organization ID", "EDR"), *rows]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.one_of(WIDE, TABLES, st.binary(max_size=40)), st.one_of(WIDE, WIDE, TABLES), st.booleans())
def test_any_lists_end_in_0_1_or_2(reconcile: Reconcile, billed: bytes, other: bytes, allow: bool) -> None:
    done = reconcile(billed=billed, expected=other, rebilled=other, allow_rejected=allow)
    assert done.status in (0, 1, 2)
    assert bool(done.err) == (done.status == 2)
    if done.status == 0:
        assert done.json["variances"]
        assert set(done.rows("severity")) <= {"match", "within", "unchecked"}
