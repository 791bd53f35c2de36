"""A finished run: the JSON, the exit status, the short table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from accounts.calendar import Cycle
from accounts.products import BY_CODE
from ingest.sources.reading import Issue
from recon.engine import FLAGS, LIST_CHECKS, LISTS, SEVERITIES, LegName, Tolerance, reconcile, totals
from recon.engine.compare import INVESTIGATE, UNCHECKED
from recon.offline.lists import GivenList, Matched
from recon.offline.refusal import on_one_line

_SHOWN: Final = 15


@dataclass(frozen=True)
class Run:
    """What was given and what came of it. ``rows`` are those of ``recon.engine.reconcile``, by name, then product code."""

    cycle: Cycle | None
    given: list[GivenList]
    matched: Matched
    rows: pd.DataFrame
    totals: pd.DataFrame
    other_issues: list[tuple[str, Issue]]

    @property
    def issues(self) -> list[tuple[str, Issue]]:
        """Every issue with the name of its file, in the order of files and lines."""
        of_lists = [(one.reading.name, issue) for one in self.given for issue in one.reading.issues]
        return [*of_lists, *self.other_issues]


def run(cycle: Cycle | None, given: list[GivenList], matched: Matched, tolerances: list[Tolerance], issues: list[tuple[str, Issue]]) -> Run:
    rows = reconcile(matched.legs, len(matched.names), tolerances)
    rows = rows.assign(
        name=_texts(matched.names, rows),
        organization_id=_texts(matched.ids, rows),
        product=rows["product"].astype(object),
    )
    keys = [(name, product, its_id or "") for name, product, its_id in rows[["name", "product", "organization_id"]].itertuples(index=False)]
    rows = rows.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)
    return Run(cycle, given, matched, rows, totals(rows, matched.legs), issues)


def _texts(of: Sequence[str | None], rows: pd.DataFrame) -> pd.Series:
    """One text a row, as Python's own: None stays None."""
    return pd.Series([of[number] for number in rows["organization"]], index=rows.index, dtype=object)


def exit_status(done: Run) -> int:
    """0: everything that was provided agrees within tolerance; 1: something is to be investigated, or was never compared."""
    provided = {one.leg for one in done.given} & set(LIST_CHECKS)
    if not provided or provided - _compared(done):
        return 1
    if bool((done.rows["severity"] >= INVESTIGATE).any()) or any(one.reading.counts.rejected for one in done.given):
        return 1
    return 0


def _compared(done: Run) -> set[LegName]:
    """The lists that could be compared with the bill in at least one row."""
    return {check for check in LIST_CHECKS if (done.rows[f"{check}_severity"] != UNCHECKED).any()}


def json_text(done: Run) -> str:
    """The findings, an item a line. (Without an indent Python's quick encoder does it: large months take seconds, not minutes.)"""
    parts = []
    for name, value in as_json(done).items():
        items = ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value) if isinstance(value, list) else ""
        text = f"[\n  {items}\n ]" if items else json.dumps(value, ensure_ascii=False)
        parts.append(f' "{name}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def as_json(done: Run) -> dict[str, Any]:
    cycle = {"start": done.cycle.start.isoformat(), "end": done.cycle.end.isoformat()} if done.cycle else None
    return {
        "cycle": cycle,
        "files": [_file(one) for one in done.given],
        "totals": [{"product": t["product"], **{leg: _whole(t[leg]) for leg in LISTS}} for t in done.totals.to_dict("records")],
        "variances": [_variance(row) for row in done.rows.to_dict("records")],
        "issues": [
            {"file": name, "line": issue.line, "level": issue.level, "code": issue.code, "message": issue.message}
            for name, issue in done.issues
        ],
    }


def _file(one: GivenList) -> dict[str, Any]:
    reading = one.reading
    return {"leg": one.leg, "name": reading.name, "sha256": reading.sha256, "rows": reading.counts.to_json()}


def _variance(row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "organization": row["name"],
        "organization_id": row["organization_id"],
        "product": row["product"],
        **{leg: _whole(row[leg]) for leg in LISTS},
        "severity": SEVERITIES[row["severity"]],
        "checks": {
            check: {"difference": _whole(row[f"{check}_difference"]), "severity": SEVERITIES[row[f"{check}_severity"]]}
            for check in LIST_CHECKS
        },
        "flags": [flag for flag in FLAGS if row[flag]],
    }


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def short_table(done: Run) -> str:
    """Totals by product and the worst rows, for a terminal."""
    lines = [_line("product", *LISTS)]
    lines += [_line(BY_CODE[t["product"]].label, *(_text(t[leg]) for leg in LISTS)) for t in done.totals.to_dict("records")]
    counts = ", ".join(f"{int((done.rows['severity'] == place).sum())} {word}" for place, word in enumerate(SEVERITIES))
    lines += ["", f"{len(done.rows)} rows: {counts}"]
    worst = done.rows[done.rows["severity"] >= INVESTIGATE].sort_values("severity", ascending=False, kind="stable")
    for row in worst.head(_SHOWN).to_dict("records"):
        figures = "  ".join(f"{leg} {_text(row[leg])}" for leg in LISTS[:3])
        lines.append(f"  {SEVERITIES[row['severity']]:<11} {on_one_line(row['name'])}, {BY_CODE[row['product']].label}: {figures}")
    if len(worst) > _SHOWN:
        lines.append(f"  and {len(worst) - _SHOWN} more")
    lines += [f"not read: {one.reading.counts.rejected} rejected rows of {one.path}" for one in done.given if one.reading.counts.rejected]
    compared = _compared(done)
    lines += [
        f"nothing of the {one.leg} list could be compared" for one in done.given if one.leg in LIST_CHECKS and one.leg not in compared
    ]
    if not compared:
        lines.append("nothing could be compared")
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"{cells[0]:<10}" + "".join(f"{cell:>10}" for cell in cells[1:])


def _text(value: Any) -> str:
    return "–" if pd.isna(value) else f"{int(value):,}"


def cells_of(leg: LegName, done: Run) -> dict[tuple[int, str], int]:
    """The first line of each Organization and product in one list."""
    one = next((given for given in done.given if given.leg == leg), None)
    if one is None:
        return {}
    table = done.matched.legs[leg].lines.assign(line=one.reading.lines["line"].to_numpy())
    first = table.sort_values("line").drop_duplicates(["organization", "product"])
    places = zip(first["organization"], first["product"], first["line"], strict=True)
    return {(int(organization), str(product)): int(line) for organization, product, line in places}
