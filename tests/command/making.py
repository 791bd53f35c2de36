"""Runs of the command on invented lists: in this process for the many, as a process of its own for the promises to a shell."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
LISTS = ("billed", "expected", "rebilled", "previous", "tolerance")


@dataclass(frozen=True)
class Outcome:
    """What a run left behind; ``found`` is its JSON, where it wrote one."""

    status: int
    out: str
    err: str
    found: dict[str, Any] | None = None

    @property
    def json(self) -> dict[str, Any]:
        assert self.found is not None, self.err
        return self.found

    def rows(self, *names: str) -> list[Any]:
        """Of each variance these, or the one alone."""
        values = [tuple(row[name] for name in names) for row in self.json["variances"]]
        return [value[0] for value in values] if len(names) == 1 else values

    def row(self, organization: str, product: str = "edr") -> dict[str, Any]:
        [found] = [row for row in self.json["variances"] if (row["organization"], row["product"]) == (organization, product)]
        return found

    def severity(self, organization: str = "Contoso", product: str = "edr") -> str:
        return str(self.row(organization, product)["severity"])

    def codes(self) -> list[str]:
        return [issue["code"] for issue in self.json["issues"]]


Reconcile = Callable[..., Outcome]


def write(folder: Path, name: str, content: str | bytes | Sequence[Sequence[object]]) -> Path:
    """A list as a file: bytes and text as they are, rows as comma-separated text."""
    if not isinstance(content, str | bytes):
        content = "".join(",".join(map(str, row)) + "\n" for row in content)
    path = folder / (name if "." in name else f"{name}.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run_here(folder: Path, paths: dict[str, str] | None = None, **options: Any) -> Outcome:
    """The command in this process. A list is given as its content or its path (a text only in ``paths``); what else it takes as it is."""
    given = {
        name: str(value if isinstance(value, Path) else write(folder, name, value)) for name, value in options.items() if name in LISTS
    }
    others = {name: value for name, value in options.items() if name not in LISTS}
    target = folder / "found.json"
    arguments = {"json": str(target), **others, **given, **(paths or {})}
    out = io.StringIO()
    status, err = 0, ""
    try:
        call_command("reconcile", **arguments, stdout=out)
    except SystemExit as ended:
        status = int(ended.code or 0)
    except CommandError as refused:
        status, err = refused.returncode, str(refused)
    found = json.loads(target.read_text(), parse_constant=_no_json) if target.exists() else None
    return Outcome(status, out.getvalue(), err, found)


def run_process(folder: Path, *arguments: object, **environment: str) -> Outcome:
    """``manage.py reconcile`` as a shell runs it, in a folder of its own, with no database and no queue stated."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RECON_", "DJANGO_", "DATABASE_", "REDIS_", "SECRET_"))
    }
    env = {**kept, "RECON_DATA_DIR": str(folder / "data that nobody made"), **environment}
    command = [sys.executable, str(MANAGE), "reconcile", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, errors="replace")
    return Outcome(done.returncode, done.stdout, done.stderr)


def _no_json(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
