"""The command as a shell meets it: exit status, streams, files, and nothing else touched."""

import hashlib
import json
import os
from pathlib import Path

import openpyxl

from tests.command.making import run_process, write

BILLED = [("Organization", "EDR", "SAT"), ("Contoso Dental", 12, 4), ("Fabrikam", 3, "")]
SAME = [("Customer", "Product", "Qty"), ("contoso dental", "EDR", 12), ("contoso dental", "Learners", 4), ("FABRIKAM", "edr", 3)]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_says_0_when_everything_provided_agrees_and_touches_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "billed", BILLED)
    write(tmp_path, "rebilled", SAME)
    done = run_process(tmp_path, "--billed", "billed.csv", "--rebilled", "rebilled.csv")
    assert (done.status, done.err) == (0, "")
    assert "3 rows: 0 match, 0 within, 3 unchecked, 0 investigate, 0 escalate" in done.out
    assert left_in(tmp_path) == {"billed.csv", "rebilled.csv"}, "no database, no data folder, no key"


def test_it_says_1_when_something_is_to_be_investigated_and_writes_what_was_asked(tmp_path: Path) -> None:
    billed = write(tmp_path, "billed", BILLED)
    write(tmp_path, "expected", [("Organization", "EDR"), ("Contoso Dental", 10), ("Fabrikam", 3)])
    done = run_process(
        tmp_path, "--billed", "billed.csv", "--expected", "expected.csv", "--cycle", "2026-10-14:2026-11-14",
        "--json", "found.json", "--sheet", "rebill.xlsx",
    )  # fmt: skip
    assert (done.status, done.err) == (1, "")
    assert "escalate    Contoso Dental, EDR: billed 12  expected 10  rebilled –" in done.out
    found = json.loads((tmp_path / "found.json").read_bytes())
    assert found["cycle"] == {"start": "2026-10-14", "end": "2026-11-14"}
    assert found["files"][0]["sha256"] == hashlib.sha256(billed.read_bytes()).hexdigest()
    book = openpyxl.load_workbook(tmp_path / "rebill.xlsx")
    assert all("DRAFT" in str(book[name]["A1"].value) for name in book.sheetnames)
    assert left_in(tmp_path) == {"billed.csv", "expected.csv", "found.json", "rebill.xlsx"}
    assert (tmp_path / "found.json").stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_it_says_2_with_file_line_and_reason_and_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "billed", [("Organization", "EDR"), ("Contoso", "12.5"), ("Fabrikam", "-3")])
    done = run_process(tmp_path, "--billed", "billed.csv", "--json", "found.json", "--sheet", "rebill.xlsx")
    assert (done.status, done.out) == (2, "")
    assert "billed.csv, line 2: " in done.err
    assert "12.5" in done.err
    assert "billed.csv, line 3: " in done.err
    assert "Traceback" not in done.err
    assert left_in(tmp_path) == {"billed.csv"}


def test_it_says_2_when_it_is_not_asked_properly(tmp_path: Path) -> None:
    done = run_process(tmp_path, "--expected", "expected.csv")
    assert done.status == 2
    assert "Traceback" not in done.err


def test_no_database_or_queue_is_asked(tmp_path: Path) -> None:
    write(tmp_path, "billed", BILLED)
    write(tmp_path, "rebilled", SAME)
    away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0", "PYTHONIOENCODING": "ascii"}
    done = run_process(tmp_path, "--billed", "billed.csv", "--rebilled", "rebilled.csv", "--json", "f.json", **away)
    assert (done.status, done.err) == (0, "")
    assert left_in(tmp_path) == {"billed.csv", "rebilled.csv", "f.json"}


def test_a_file_whose_name_is_no_text_is_read_like_any_other(tmp_path: Path) -> None:
    odd = os.fsdecode(b"b\xff.csv")
    (tmp_path / odd).write_bytes(write(tmp_path, "billed", BILLED).read_bytes())
    done = run_process(tmp_path, "--billed", odd, "--rebilled", "billed.csv", "--json", "found.json", "--sheet", "rebill.xlsx")
    assert (done.status, done.err) == (0, "")
    assert json.loads((tmp_path / "found.json").read_bytes())["files"][0]["name"] == "b\ufffd.csv"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
