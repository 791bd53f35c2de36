"""``manage.py reconcile``: the arithmetic of a month from files alone, for a quick check or a scheduler."""

from __future__ import annotations

import io
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.calendar import Cycle, parse_cycle
from recon.exports import TARGETS, TooManyRows
from recon.offline.lists import ORDER, file_name, matched, read_lists
from recon.offline.mapping_files import read_mappings
from recon.offline.output import check_outputs, put_in_place
from recon.offline.refusal import Refusal
from recon.offline.result import Run, exit_status, json_text, run, short_table
from recon.offline.sheet import month_sheet
from recon.offline.tolerance_file import read_tolerances

REFUSED = 2
_OUTPUTS = ("json", "sheet")


class Command(BaseCommand):
    help = (
        "Reconcile lists without a server or a database. Exit status 0: all that was provided agrees within tolerance; "
        "1: something is to be investigated, or nothing could be compared; 2: refused, with the reason, and nothing written."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--billed", metavar="FILE", required=True, help="the Billing Detail Report: CSV, XLSX, XLS, ODS or an HTML table"
        )
        parser.add_argument("--expected", metavar="FILE", help="what you believe: an RMM or contract list")
        parser.add_argument("--rebilled", metavar="FILE", help="what you charge now: a PSA or price list")
        parser.add_argument("--previous", metavar="FILE", help="the Billing Detail Report of the cycle before")
        parser.add_argument("--cycle", metavar="START:END", help="as in 2026-10-14:2026-11-14")
        parser.add_argument("--tolerance", metavar="FILE", help="CSV: scope,organization,product,level,percent,units")
        parser.add_argument(
            "--mapping",
            metavar="FILE",
            action="append",
            default=[],
            help="an export of column mappings (docs/mappings.md): a list with the header of one is read as it says; may be repeated",
        )
        parser.add_argument("--allow-rejected", action="store_true", help="go on without the rows that cannot be read")
        parser.add_argument("--json", metavar="OUT.json", help="write the findings")
        parser.add_argument("--sheet", metavar="OUT.xlsx", help="write the rebill sheet, a draft")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = self._run(options)
            self._write(done, options)
        except Refusal as refusal:
            raise CommandError("refused\n" + "\n".join(refusal.reasons), returncode=REFUSED) from refusal
        self._print(short_table(done))
        sys.exit(exit_status(done))

    def _print(self, text: str) -> None:
        """A terminal that cannot show a character shows a question mark."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(text.encode(encoding, "replace").decode(encoding))

    def _run(self, options: dict[str, Any]) -> Run:
        cycle = _cycle(options["cycle"])
        paths, mappings = _paths(options), _mapping_paths(options)
        inputs = [path for name, path in paths.items() if name not in _OUTPUTS]
        check_outputs([paths[name] for name in _OUTPUTS if name in paths], [*inputs, *mappings])
        lists = {leg: paths[leg] for leg in ORDER if leg in paths}
        given = read_lists(lists, allow_rejected=options["allow_rejected"], profiles=read_mappings(mappings))
        organizations = matched(given)
        if "tolerance" not in paths:
            return run(cycle, given, organizations, [], [])
        tolerances, warnings = read_tolerances(paths["tolerance"], organizations.spelt)
        name = file_name(paths["tolerance"])
        return run(cycle, given, organizations, tolerances, [(name, warning) for warning in warnings])

    def _write(self, done: Run, options: dict[str, Any]) -> None:
        """Make every file first, then put all in place."""
        made: dict[str, bytes] = {}
        if options["json"] is not None:
            made[options["json"]] = json_text(done).encode()
        if options["sheet"] is not None:
            made[options["sheet"]] = _sheet(done, options["sheet"])
        put_in_place(made)


def _paths(options: dict[str, Any]) -> dict[str, str]:
    """What was given, by option. An empty path is a slip of a script, and not the same as none."""
    paths = {name: options[name] for name in (*ORDER, "tolerance", *_OUTPUTS) if options[name] is not None}
    if nameless := [name for name, path in paths.items() if not path]:
        raise Refusal([f"--{name}: names no file." for name in nameless])
    return paths


def _mapping_paths(options: dict[str, Any]) -> list[str]:
    given = options.get("mapping") or []
    paths = [given] if isinstance(given, str) else list(given)
    if not all(paths):
        raise Refusal(["--mapping: names no file."])
    return paths


def _cycle(text: str | None) -> Cycle | None:
    try:
        return None if text is None else parse_cycle(text)
    except ValueError as error:
        raise Refusal([f"--cycle: {error}"]) from None


def _sheet(done: Run, path: str) -> bytes:
    sheet = io.BytesIO()
    try:
        TARGETS["rebill-xlsx"].write(month_sheet(done), sheet)
    except TooManyRows as error:
        raise Refusal([f"{path}: cannot be written: {error}"]) from error
    return sheet.getvalue()
