"""The environment: pinned by hash, and a wrong Python is told so in a sentence."""

import re
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.run import BASE_DIR

LOCKS = ("run", "dev")


def _install() -> dict[str, Any]:
    return runpy.run_path(str(BASE_DIR / "requirements" / "install.py"))


def test_a_wrong_python_is_said_in_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    main = _install()["main"]
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert main("run") == 1
    assert capsys.readouterr().err == "Python 3.11 is needed and this is 3.9. Remedy: make setup PYTHON=/path/to/python3.11\n"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_hash_and_no_address_is_named(lock: str) -> None:
    text = (BASE_DIR / "requirements" / f"{lock}.txt").read_text()
    pinned = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert len(pinned) > 30
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert "://" not in text
    assert "--find-links" not in text


def test_every_declared_package_is_locked() -> None:
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())
    declared = {"run": project["project"]["dependencies"], "dev": project["dependency-groups"]["dev"]}
    for lock, packages in declared.items():
        locked = set(re.findall(r"^([\w.-]+)(?:\[.*?\])?==", (BASE_DIR / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))
        assert {re.split(r"[\[>]", package)[0].lower() for package in packages} <= locked


def test_every_declared_package_says_what_it_is_for() -> None:
    lines = Path(BASE_DIR / "pyproject.toml").read_text().splitlines()
    packages = [line for line in lines if line.startswith('    "') and ">=" in line and "==3" not in line]
    assert len(packages) > 25
    assert [line for line in packages if "# " not in line] == []
