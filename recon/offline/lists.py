"""Reading the lists of a run, refusing what may not count, and matching their Organizations."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from accounts.matching import NOBODY, match
from accounts.names import normalise
from ingest.sources import read
from ingest.sources.profiles import Profile
from ingest.sources.reading import Reading, Unreadable
from recon.engine import ANY_ORGANIZATION, LegName, LegTable
from recon.offline.mapping_files import mapping_for
from recon.offline.refusal import Refusal, place

#: The order in which a list is asked how an Organization is spelt; it is also the order of the lists everywhere here.
ORDER: Final[tuple[LegName, ...]] = ("billed", "expected", "rebilled", "previous")
_TEXTS: Final = ["organization", "organization_id", "organization_key"]


@dataclass(frozen=True)
class GivenList:
    """One file of the run, read."""

    leg: LegName
    path: str
    reading: Reading


@dataclass(frozen=True)
class Matched:
    """The legs, with Organizations as numbers, and who those are.

    ``spelt`` has what each list calls them: entity, source (a place in ORDER), organization, organization_id, organization_key.
    """

    legs: dict[LegName, LegTable]
    names: list[str]
    ids: list[str | None]
    spelt: pd.DataFrame


def read_lists(paths: dict[LegName, str], *, allow_rejected: bool, profiles: Sequence[Profile] = ()) -> list[GivenList]:
    """Read every list that was given, each as the mapping that fits it says. Raises Refusal with every reason found, not only the first."""
    given, reasons = [], []
    for leg in ORDER:
        if leg not in paths:
            continue
        path = paths[leg]
        try:
            given.append(GivenList(leg, path, _read(leg, path, profiles)))
        except OSError as error:
            reasons.append(f"{path}: cannot be opened: {error.strerror or error}")
        except Unreadable as refusal:
            reasons += [f"{place(path, issue.line)}: {issue.message}" for issue in refusal.issues]
    if not allow_rejected:
        reasons += [reason for one in given for reason in _rejections(one)]
    if reasons:
        raise Refusal(reasons)
    return given


def _read(leg: LegName, path: str, profiles: Sequence[Profile]) -> Reading:
    kind = "billed" if leg == "previous" else leg
    data = Path(path).read_bytes()
    mapping, said = mapping_for(data, kind, profiles)
    try:
        reading = read(data, name=file_name(path), kind=kind, mapping=mapping, only_known=True)
    except Unreadable as refusal:
        raise Unreadable(*refusal.issues, *(issue for issue in said if issue.level == "warning")) from refusal
    return replace(reading, issues=[*said, *reading.issues])


def file_name(path: str) -> str:
    """A file's name as text that can be written anywhere, also where it is no text at all."""
    return os.fsencode(Path(path).name).decode("utf-8", "replace")


def _rejections(one: GivenList) -> list[str]:
    reading = one.reading
    if not reading.counts.rejected:
        return []
    return [f"{place(one.path, issue.line)}: {issue.message}" for issue in reading.issues if issue.level == "error"]


def matched(given: list[GivenList]) -> Matched:
    """Match the Organizations of all lists. Raises Refusal where one cannot be told from another."""
    references = _references(given)
    matches = match(references[["source", *_TEXTS]], weak=frozenset({ORDER.index("previous")}))
    references = references.assign(entity=matches.entity)
    lines = references[references["is_line"]]
    if ambiguous := _ambiguities(references, given):
        raise Refusal(ambiguous)
    return Matched(
        legs={one.leg: _leg(one, references) for one in given},
        names=_spellings(lines, matches.count),
        ids=_ids(lines, matches.count),
        spelt=lines[["entity", "source", *_TEXTS]].drop_duplicates(ignore_index=True),
    )


def _references(given: list[GivenList]) -> pd.DataFrame:
    """Every line and every rejected row of every list, in one table."""
    parts = [
        frame[["line", *_TEXTS]].assign(source=ORDER.index(one.leg), is_line=is_line)
        for one in given
        for frame, is_line in ((one.reading.lines, True), (one.reading.rejected, False))
    ]
    return pd.concat(parts, ignore_index=True).astype(dict.fromkeys(_TEXTS, "str") | {"is_line": bool})


def _leg(one: GivenList, references: pd.DataFrame) -> LegTable:
    own = references[references["source"] == ORDER.index(one.leg)]
    entities, refused = own.loc[own["is_line"], "entity"], own[~own["is_line"]]
    named = (refused[_TEXTS] != "").any(axis=1).to_numpy(dtype=bool)
    organizations = np.where(named, refused["entity"].to_numpy(np.int64), ANY_ORGANIZATION)
    rejected = pd.DataFrame({"organization": organizations, "product": one.reading.rejected["product"].to_numpy()})
    lines = one.reading.lines[["product", "quantity", "unit_price"]].assign(organization=entities.to_numpy(np.int64))
    return LegTable(lines, rejected.drop_duplicates(ignore_index=True))


def _ambiguities(references: pd.DataFrame, given: list[GivenList]) -> list[str]:
    """A sentence for each name that cannot be told apart, with the first place of each spelling or Organization."""
    first = references.drop_duplicates(["source", *_TEXTS])
    lost = references[references["is_line"] & (references["entity"] == NOBODY)].drop_duplicates(["source", *_TEXTS])
    if not len(lost):
        return []
    paths = {ORDER.index(one.leg): one.path for one in given}
    norms = {name: normalise(name) for name in first["organization"].unique()}
    first = first.assign(norm=first["organization"].map(norms))
    reasons = []
    for row in lost.to_dict("records"):
        same_name = (first["norm"] == norms[row["organization"]]) & (first["norm"] != "")
        same_key = (first["organization_key"] == row["organization_key"]) & (first["organization_key"] != "")
        others = first[(same_name | same_key) & (first[["source", *_TEXTS]] != [row[c] for c in ("source", *_TEXTS)]).any(axis=1)]
        listed = "; ".join(_other(paths[other["source"]], other) for other in others.head(3).to_dict("records"))
        where = place(paths[row["source"]], row["line"])
        reasons.append(
            f"{where}: {_who(row)} could be more than one Organization{listed and f': {listed}'}. "
            "Give each its Organization ID, or spell one customer one way."
        )
    return reasons


def _other(path: str, row: Mapping[Hashable, Any]) -> str:
    return f"{_who(row)} on line {row['line']} of {Path(path).name}"


def _who(row: Mapping[Hashable, Any]) -> str:
    identity = row["organization_id"] or row["organization_key"]
    return f"“{row['organization']}” ({identity})" if row["organization"] and identity else f"“{row['organization'] or identity}”"


def _spellings(lines: pd.DataFrame, count: int) -> list[str]:
    """Each Organization as the first list that names it spells it; of several spellings there, the smallest by code point.

    One that no list names goes by its key, else its id.
    """
    distinct = lines[["entity", "source", *_TEXTS]].drop_duplicates()
    shown = distinct["organization"].where(distinct["organization"] != "", distinct["organization_key"])
    shown = shown.where(shown != "", distinct["organization_id"])
    ranked = distinct.assign(shown=shown.astype(object), nameless=distinct["organization"] == "")
    best = ranked.sort_values(["entity", "nameless", "source", "shown"]).drop_duplicates("entity")
    names = [""] * count
    for entity, name in zip(best["entity"], best["shown"], strict=True):
        names[entity] = name
    return names


def _ids(lines: pd.DataFrame, count: int) -> list[str | None]:
    ids: list[str | None] = [None] * count
    known = lines.loc[lines["organization_id"] != "", ["entity", "organization_id"]].drop_duplicates("entity")
    for entity, its_id in zip(known["entity"], known["organization_id"], strict=True):
        ids[entity] = its_id
    return ids
