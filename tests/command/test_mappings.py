"""``--mapping``: a list with a header that somebody has mapped is read so; any other is guessed, and the findings say it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command.making import Reconcile, write

BILLED = [("Organization", "EDR"), ("Contoso", 12)]
EXPECTED = [("Klant", "Stuks"), ("Contoso", 11)]
MAPPING: dict[str, Any] = {
    "kind": "expected",
    "name": "RMM",
    "header": ["Klant", "Stuks"],
    "columns": {"A": "organization", "B": "quantity:edr"},
}


def export(folder: Path, *mappings: dict[str, Any], name: str = "mappings.json") -> str:
    return str(write(folder, name, json.dumps({"format": "recon column mappings", "version": 1, "mappings": mappings})))


def test_a_list_that_cannot_be_guessed_is_read_as_it_was_mapped(reconcile: Reconcile, tmp_path: Path) -> None:
    assert reconcile(billed=BILLED, expected=EXPECTED).status == 2
    done = reconcile(billed=BILLED, expected=EXPECTED, mapping=[export(tmp_path, MAPPING)])
    assert done.rows("billed", "expected") == [(12, 11)]
    said = {(issue["file"], issue["code"]) for issue in done.json["issues"]}
    assert {("expected.csv", "mapped"), ("billed.csv", "not_mapped")} <= said


def test_several_files_are_taken_together(reconcile: Reconcile, tmp_path: Path) -> None:
    rebilled = MAPPING | {"kind": "rebilled", "columns": {"A": "organization", "B": "quantity:edr"}}
    files = [export(tmp_path, MAPPING), export(tmp_path, rebilled, name="more.json")]
    done = reconcile(billed=BILLED, expected=EXPECTED, rebilled=EXPECTED, mapping=files)
    assert done.rows("billed", "expected", "rebilled") == [(12, 11, 11)]


def test_a_mapping_of_another_kind_is_not_used(reconcile: Reconcile, tmp_path: Path) -> None:
    done = reconcile(billed=BILLED, expected=EXPECTED, mapping=[export(tmp_path, MAPPING | {"kind": "rebilled"})])
    assert done.status == 2
    assert "No mapping that was given fits its header: its columns are guessed." in done.err


def test_a_header_that_changed_is_guessed_and_says_what_changed(reconcile: Reconcile, tmp_path: Path) -> None:
    known = MAPPING | {"header": ["Client", "EDR", "Notes"], "columns": {"A": "organization", "B": "quantity:edr"}}
    expected = [("Client", "Notes", "EDR"), ("Contoso", "x", 11)]
    done = reconcile(billed=BILLED, expected=expected, mapping=[export(tmp_path, known)])
    assert done.rows("expected") == [11]
    [issue] = [one for one in done.json["issues"] if one["code"] == "mapping_outdated"]
    assert "moved from column" in issue["message"]


def test_without_a_mapping_nothing_is_said(reconcile: Reconcile) -> None:
    done = reconcile(billed=BILLED, expected=BILLED)
    assert not {"mapped", "not_mapped"} & set(done.codes())


@pytest.mark.parametrize(("content", "why"), [("{", "this is no JSON"), ("[]", "no export of column mappings")])
def test_a_bad_export_refuses_the_run(reconcile: Reconcile, tmp_path: Path, content: str, why: str) -> None:
    path = write(tmp_path, "bad.json", content)
    done = reconcile(billed=BILLED, mapping=[str(path)])
    assert (done.status, done.found) == (2, None)
    assert str(path) in done.err
    assert why in done.err


def test_a_missing_export_refuses_the_run(reconcile: Reconcile, tmp_path: Path) -> None:
    done = reconcile(billed=BILLED, mapping=[str(tmp_path / "none.json")])
    assert (done.status, "none.json: cannot be opened" in done.err) == (2, True)
    assert "--mapping: names no file." in reconcile(billed=BILLED, mapping=[""]).err


def test_an_export_is_not_written_over(reconcile: Reconcile, tmp_path: Path) -> None:
    path = export(tmp_path, MAPPING)
    done = reconcile(billed=BILLED, mapping=[path], sheet=path)
    assert done.status == 2
    assert json.loads(Path(path).read_text())["mappings"]
