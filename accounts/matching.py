"""Which Organization each row means: by id, else key, else confirmed alias, else exact normalised name. Never by likeness.

Columnar and independent of the order of rows. What cannot be told apart is ambiguous, and is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from accounts.names import normalise, normalise_all

#: Columns of the references: ``source`` numbers the list a reference comes from; texts are "" where not given.
COLUMNS: Final = ("source", "organization", "organization_id", "organization_key")
#: The source numbers of what is known already: an account's Organizations, one reference each, and names they had before.
KNOWN: Final = -1
FORMER: Final = -2
NOBODY: Final = -1
_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Matches:
    """``entity`` gives each reference its Organization, 0 to ``count`` − 1, or NOBODY where it is ambiguous."""

    entity: _Ints
    count: int


def match(references: pd.DataFrame, aliases: pd.DataFrame | None = None, weak: frozenset[int] = frozenset()) -> Matches:
    """Match references to each other, and so to what is known.

    ``references`` has COLUMNS, one row a reference (repeats are welcome). ``aliases`` has ``alias`` (a name) and ``reference``
    (the row of the Organization that it means). Names in a ``weak`` source (last month's, say) are used only where no other
    source knows the name; former names are such. A known Organization that has nothing but its name shares the entity of the
    identified one of that name: they have met.
    """
    weak |= {FORMER}
    distinct, place = _distinct(references)
    names, norms = _norms(distinct["organization"])
    refs = pd.DataFrame(
        {
            "source": distinct["source"].to_numpy(np.int64),
            "id": _codes(distinct["organization_id"]),
            "key": _codes(distinct["organization_key"]),
            "name": names,
            "norm": norms,
            "named": (distinct["organization"] != "").to_numpy(dtype=bool),
        }
    )
    ids, keys = int(refs["id"].max()) + 1 if len(refs) else 0, int(refs["key"].max()) + 1 if len(refs) else 0
    by_id, by_key = refs["id"] >= 0, (refs["id"] < 0) & (refs["key"] >= 0)
    by_name = ~by_id & ~by_key
    entity = np.full(len(refs), NOBODY, dtype=np.int64)
    entity[by_id.to_numpy()] = refs.loc[by_id, "id"].to_numpy()
    if by_key.any():
        entity[by_key.to_numpy()] = _key_entities(refs, by_key, ids, keys, weak)[refs.loc[by_key, "key"].to_numpy()]
    if by_name.any():
        refs["entity"] = entity
        of_norm = _name_entities(refs, ids + keys, weak)
        found = of_norm[refs.loc[by_name, "norm"].to_numpy()]
        found[_spelt_two_ways(refs)[by_name.to_numpy()]] = NOBODY
        entity[by_name.to_numpy()] = found
    entity = _own_entities_for_known(entity, refs, ids + keys)
    if aliases is not None and len(aliases):
        entity = _by_alias(entity, refs, by_name.to_numpy(), aliases, place, names_of=distinct["organization"])
    codes, uniques = pd.factorize(np.where(entity < 0, np.iinfo(np.int64).max, entity), sort=True)
    ambiguous = entity < 0
    count = len(uniques) - bool(ambiguous.any())
    return Matches(np.where(ambiguous, NOBODY, codes).astype(np.int64)[place], int(count))


def _distinct(references: pd.DataFrame) -> tuple[pd.DataFrame, _Ints]:
    """The distinct references, and for each given one the place of its like."""
    combined = references["source"].to_numpy(np.int64) + 1
    for column in COLUMNS[1:]:
        codes = _codes(references[column]) + 1
        combined, _ = pd.factorize(combined * (int(codes.max(initial=0)) + 1) + codes)
    first = pd.Series(combined).drop_duplicates().index
    return references.iloc[first].reset_index(drop=True), np.asarray(combined, dtype=np.int64)


def _codes(texts: pd.Series) -> _Ints:
    """A number for each distinct text, −1 for an empty one."""
    codes, uniques = pd.factorize(texts)
    empty = np.flatnonzero(np.asarray(uniques == "", dtype=bool))
    if len(empty):
        codes = np.where(codes == empty[0], -1, codes)
        codes = np.where(codes > empty[0], codes - 1, codes)
    return codes.astype(np.int64)


def _norms(names: pd.Series) -> tuple[_Ints, _Ints]:
    codes, uniques = pd.factorize(names)
    of_unique, _ = pd.factorize(np.array(normalise_all(uniques.astype(object).tolist()), dtype=object))
    return codes.astype(np.int64), of_unique.astype(np.int64)[codes] if len(uniques) else codes.astype(np.int64)


def _key_entities(refs: pd.DataFrame, by_key: pd.Series, ids: int, keys: int, weak: frozenset[int]) -> _Ints:
    """What each key means: the one id that has it, else the one keyless id of its name, else an Organization of its own."""
    of_key = ids + np.arange(keys, dtype=np.int64)
    pairs = refs.loc[(refs["id"] >= 0) & (refs["key"] >= 0), ["key", "id"]].drop_duplicates()
    counts = np.bincount(pairs["key"], minlength=keys)
    of_key[counts > 1] = NOBODY
    single = pairs[counts[pairs["key"].to_numpy()] == 1]
    of_key[single["key"].to_numpy()] = single["id"].to_numpy()
    has_key = np.zeros(ids, dtype=bool)
    has_key[pairs["id"].to_numpy()] = True
    wanting = refs.loc[by_key & refs["named"] & (counts[refs["key"].clip(lower=0).to_numpy()] == 0), ["key", "norm"]].drop_duplicates()
    with_id = _known_by_name(refs.loc[(refs["id"] >= 0) & refs["named"], ["id", "norm", "source"]], "id", weak)
    keyless = with_id[~has_key[with_id["id"].to_numpy()]]
    candidates = wanting.merge(keyless, on="norm")[["key", "id"]].drop_duplicates()
    if len(candidates):
        of_key[candidates["key"].to_numpy()] = NOBODY
        alone = ~candidates["key"].duplicated(keep=False) & ~candidates["id"].duplicated(keep=False)
        of_key[candidates.loc[alone, "key"].to_numpy()] = candidates.loc[alone, "id"].to_numpy()
    return of_key


def _name_entities(refs: pd.DataFrame, offset: int, weak: frozenset[int]) -> _Ints:
    """What each normalised name means on its own: the one Organization known by it, NOBODY if several, else a new one."""
    norms = int(refs["norm"].max()) + 1
    of_norm = offset + np.arange(norms, dtype=np.int64)
    pairs = _known_by_name(refs.loc[refs["entity"] >= 0, ["entity", "norm", "source"]], "entity", weak)
    counts = np.bincount(pairs["norm"], minlength=norms)
    of_norm[pairs["norm"].to_numpy()] = pairs["entity"].to_numpy()
    of_norm[counts > 1] = NOBODY
    return of_norm


def _known_by_name(identified: pd.DataFrame, who: str, weak: frozenset[int]) -> pd.DataFrame:
    """The distinct pairs of ``who`` and name; those of weak sources only where no other source knows the name."""
    is_weak = identified["source"].isin(weak)
    strong = identified.loc[~is_weak, [who, "norm"]].drop_duplicates()
    spare = identified.loc[is_weak & ~identified["norm"].isin(strong["norm"]), [who, "norm"]].drop_duplicates()
    return pd.concat([strong, spare], ignore_index=True)


def _spelt_two_ways(refs: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """References whose normalised name is spelt otherwise in the same list: one customer or two, nobody can tell."""
    spellings = refs.loc[refs["source"] >= 0, ["source", "norm", "name"]].drop_duplicates()
    twice = spellings.loc[spellings.duplicated(["source", "norm"], keep=False), ["source", "norm"]].drop_duplicates()
    if not len(twice):
        return np.zeros(len(refs), dtype=bool)
    width = int(refs["norm"].max()) + 1
    return np.isin((refs["source"] + 1) * width + refs["norm"], (twice["source"] + 1) * width + twice["norm"])


def _by_alias(entity: _Ints, refs: pd.DataFrame, by_name: np.ndarray, aliases: pd.DataFrame, place: _Ints, names_of: pd.Series) -> _Ints:
    """Let confirmed aliases speak before names do. One that means two Organizations means nobody."""
    means: dict[str, int] = {}
    for alias, reference in zip(aliases["alias"], aliases["reference"], strict=True):
        target = int(entity[place[reference]])
        means[normalise(alias)] = target if means.get(normalise(alias), target) == target else NOBODY
    entity = entity.copy()
    for row in np.flatnonzero(by_name & (refs["source"] >= 0).to_numpy()):
        entity[row] = means.get(normalise(str(names_of.iloc[row])), entity[row])
    return entity


def _own_entities_for_known(entity: _Ints, refs: pd.DataFrame, offset: int) -> _Ints:
    """A known Organization always is itself, also where its bare name now fits several."""
    entity = entity.copy()
    lost = np.flatnonzero((entity < 0) & (refs["source"] == KNOWN).to_numpy())
    entity[lost] = offset + len(refs) + lost
    return entity
