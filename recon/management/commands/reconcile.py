"""``manage.py reconcile``: the arithmetic of a month from files alone, for a quick check or a scheduler."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.calendar import Cycle, parse_cycle
from recon.engine import LegName
from recon.exports import TARGETS
from recon.offline.lists import ORDER, matched, read_lists
from recon.offline.refusal import Refusal
from recon.offline.result import Run, as_json, exit_status, run, short_table
from recon.offline.sheet import month_sheet
from recon.offline.tolerance_file import read_tolerances

REFUSED = 2


class Command(BaseCommand):
    help = (
        "Reconcile lists without a server or a database. Exit status 0: all that was provided agrees within tolerance; "
        "1: something is to be investigated, or nothing could be compared; 2: refused, with the reason, and nothing written."
    )
    requires_system_checks: ClassVar[list[str]] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--billed", metavar="FILE", required=True, help="the Billing Detail Report, CSV or XLSX")
        parser.add_argument("--expected", metavar="FILE", help="what you believe: an RMM or contract list")
        parser.add_argument("--rebilled", metavar="FILE", help="what you charge now: a PSA or price list")
        parser.add_argument("--previous", metavar="FILE", help="the Billing Detail Report of the cycle before")
        parser.add_argument("--cycle", metavar="START:END", help="as in 2026-10-14:2026-11-14")
        parser.add_argument("--tolerance", metavar="FILE", help="CSV: scope,organization,product,level,percent,units")
        parser.add_argument("--allow-rejected", action="store_true", help="go on without the rows that cannot be read")
        parser.add_argument("--json", metavar="OUT.json", help="write the findings")
        parser.add_argument("--sheet", metavar="OUT.xlsx", help="write the rebill sheet, a draft")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = self._run(options)
            self._write(done, options)
        except Refusal as refusal:
            raise CommandError("refused\n" + "\n".join(refusal.reasons), returncode=REFUSED) from refusal
        self.stdout.write(short_table(done))
        sys.exit(exit_status(done))

    def _run(self, options: dict[str, Any]) -> Run:
        cycle = _cycle(options["cycle"])
        paths = {leg: options[leg] for leg in ORDER if options[leg]}
        given = read_lists(cast(dict[LegName, str], paths), allow_rejected=options["allow_rejected"])
        organizations = matched(given)
        if not options["tolerance"]:
            return run(cycle, given, organizations, [], [])
        tolerances, warnings = read_tolerances(options["tolerance"], organizations.names, organizations.ids)
        name = Path(options["tolerance"]).name
        return run(cycle, given, organizations, tolerances, [(name, warning) for warning in warnings])

    def _write(self, done: Run, options: dict[str, Any]) -> None:
        """Make every file first, then put all in place."""
        made: dict[str, bytes] = {}
        if options["json"]:
            made[options["json"]] = (json.dumps(as_json(done), ensure_ascii=False, indent=1) + "\n").encode()
        if options["sheet"]:
            sheet = io.BytesIO()
            TARGETS["rebill-xlsx"].write(month_sheet(done), sheet)
            made[options["sheet"]] = sheet.getvalue()
        _put_in_place(made)


def _cycle(text: str | None) -> Cycle | None:
    try:
        return parse_cycle(text) if text else None
    except ValueError as error:
        raise Refusal([f"--cycle: {error}"]) from None


def _put_in_place(made: dict[str, bytes]) -> None:
    """Write all files or none: beside their places first, and then by renaming."""
    beside: dict[str, str] = {}
    try:
        for path, content in made.items():
            with tempfile.NamedTemporaryFile(dir=Path(path).parent, prefix=".recon-", delete=False) as file:
                beside[path] = file.name
                file.write(content)
            Path(file.name).chmod(0o666 & ~_umask())
        for path, written in beside.items():
            Path(written).replace(path)
    except OSError as error:
        for written in beside.values():
            Path(written).unlink(missing_ok=True)
        raise Refusal([f"{error.filename2 or error.filename}: cannot be written: {error.strerror}"]) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
