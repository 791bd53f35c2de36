"""Whole documents, and what is read from them, side by side. ``python -m tests.sources.test_golden`` writes the golden files anew."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.sources import READERS, Issue, Unreadable, read

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(path for path in SAMPLES.glob("*/*") if path.suffix in (".csv", ".txt", ".xlsx", ".xls", ".zip"))


def seen(path: Path) -> dict[str, Any]:
    """Everything that a person would be told of a document."""
    try:
        result = read(path.read_bytes(), name=path.name, kind=path.parent.name)
    except Unreadable as error:
        mapping = error.mapping.to_json() if error.mapping else None
        return {"refused": list(map(told, error.issues)), "header": list(error.header), "sheets": list(error.sheets), "mapping": mapping}
    return {
        "sha256": result.sha256,
        "mapping": result.mapping.to_json(),
        "columns": {
            str(index): f"{guess.value}, {guess.sureness}: {guess.because}" for index, guess in sorted(result.column_guesses.items())
        },
        "counts": result.counts.to_json(),
        "guesses": {name: f"{guess.value}, {guess.sureness}: {guess.because}" for name, guess in result.guesses.items()},
        "lines": json.loads(result.lines.to_json(orient="values", date_format="iso", default_handler=str)),
        "rejected": json.loads(result.rejected.to_json(orient="values")),
        "issues": list(map(told, result.issues)),
        "odd_rows": [f"{row.line} {row.bucket} ({row.reason}): {' | '.join(row.cells)}" for row in result.odd_rows],
    }


def told(issue: Issue) -> str:
    return f"{issue.line or '-'} {issue.level} {issue.code} [{issue.column}] {issue.message}"


def golden(path: Path) -> Path:
    return path.with_name(path.name + ".golden.json")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_reads_as_it_did(path: Path) -> None:
    assert seen(path) == json.loads(golden(path).read_text())


def test_every_sample_has_its_golden_file() -> None:
    assert {path.parent.name for path in FILES} >= set(READERS)
    assert {path.parent.name for path in FILES} <= set(READERS)
    assert {golden(path) for path in FILES} == set(SAMPLES.glob("*/*.golden.json"))


if __name__ == "__main__":
    for file in FILES:
        golden(file).write_text(json.dumps(seen(file), indent=1, ensure_ascii=False) + "\n")
