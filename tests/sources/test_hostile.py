"""Files that want to hurt: each is answered in seconds, in words, in bounded memory, and the next one is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.sources import Limits, Unreadable, read
from tests.sources import hostile
from tests.sources.hostile_run import MEMORY_MB
from tests.sources.making import csv_bytes, lines_of, reading

SECONDS = 15  # what takes one second takes several on a busy machine; a file that hurts would take minutes


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, str], dict[str, Any]]:
    """All of them, read in one process under a limit of memory; one that ends it leaves the others without an outcome."""
    command = [sys.executable, "-m", "tests.sources.hostile_run"]
    top = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, cwd=top, env=os.environ | {"MIMALLOC_ARENA_RESERVE": "65536"}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {(one["name"], one["kind"]): one for one in said}


@pytest.mark.parametrize("name", hostile.REFUSED)
@pytest.mark.parametrize("kind", ["billed", "agents", "prices"])
def test_it_is_refused_in_words(name: str, kind: str, outcomes: dict[tuple[str, str], dict[str, Any]]) -> None:
    _, code, words = hostile.REFUSED[name]
    said = outcomes[name, kind]
    assert said["code"]
    if kind == "billed":  # as another kind, it may already be that there is no header
        assert said["code"].startswith(code)
        assert words in said["message"]
    assert len(said["message"]) < 400
    assert said["seconds"] < SECONDS


@pytest.mark.parametrize("name", hostile.READ)
def test_what_would_hurt_is_left_alone_and_the_rest_is_read(name: str, outcomes: dict[tuple[str, str], dict[str, Any]]) -> None:
    said = outcomes[name, "billed"]
    assert said["counts"] == {"in": 3, "loaded": 2, "merged": 0, "set_aside": 1, "rejected": 0}
    assert said["issues"] == hostile.READ[name][1]
    assert said["seconds"] < SECONDS
    assert not Path("/tmp/recon-was-here").exists()
    assert not Path("/tmp/recon-was-here.xml").exists()


def test_none_needs_more_memory_than_the_limit(outcomes: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert max(one["peak_mb"] for one in outcomes.values()) < MEMORY_MB


def test_a_row_too_wide_far_down_is_refused_before_the_others_are_filled_up_to_it() -> None:
    rows = b"Organization,EDR\n" + b"Tarn Vale Dental,1\n" * 15_000 + b"x" + b"," * 200_000 + b"\n"
    with pytest.raises(Unreadable) as caught:
        read(rows, name="a.csv", kind="billed")
    assert caught.value.issues[0].code == "too_many_columns"


def test_a_workbook_that_would_need_more_memory_than_there_is_is_refused_before_it_is_opened() -> None:
    """The workbook's library ends the process where it cannot allocate, so it is not asked."""
    far = hostile.with_part("sheet1", b'r="B3"', b'r="Z900000"')
    with pytest.raises(Unreadable) as caught:
        read(far, name="a.xlsx", kind="billed", limits=Limits(max_memory=512 << 20))
    assert caught.value.issues[0].code == "too_many_cells"
    with pytest.raises(Unreadable) as caught:
        read(hostile.plain(), name="a.xlsx", kind="billed", limits=Limits(max_memory=16 << 10))
    assert caught.value.issues[0].code == "too_big"


@pytest.mark.parametrize("formula", ["=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example")', "@SUM(1)", "+1+cmd", "-2"])
def test_a_formula_in_a_text_is_a_name_and_nothing_else(formula: str) -> None:
    result = reading(csv_bytes([["Organization", "EDR"], [formula, "3"]]))
    assert lines_of(result) == [(formula, "edr", 3)]


def test_a_cell_without_end_is_not_shown_without_end() -> None:
    with pytest.raises(Unreadable) as caught:
        read(b"x" * 100_000 + b",1\ny,2\n", name="a.csv", kind="billed")
    assert max(len(cell) for row in caught.value.first_rows for cell in row.cells) < 2_000
    assert max(map(len, caught.value.header)) < 2_000
