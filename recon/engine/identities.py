"""Who of a Microsoft 365 tenant is billed by ITDR: identities and what they hold in, a verdict with its reason out.

An identity is not billable when it holds no licence, or when every SKU that it holds is on the exclusion list. Nothing else decides:
neither being a guest nor being disabled nor the kind of mailbox (Huntress: "identities whose only license is on the exclusion list are
non-billable"). SKUs are compared by part number, without regard to case and surrounding spaces. A GUID is resolved through its own
tenant's table, because the exclusion list has part numbers that Microsoft's published table lacks. What is not known is billable, and
flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounts.skus import guid_key, sku_key, tidy

#: Why an identity is billable (the first two), or is not.
REASONS: Final = ("licensed", "unknown_sku", "unlicensed", "failed_only", "excluded_only")
_LICENSED, _UNKNOWN, _UNLICENSED, _FAILED, _EXCLUDED = range(len(REASONS))
VERDICT_COLUMNS: Final = ("billable", "reason", "deciding", "has_unknown", "is_trial_only", "has_failed")
#: An assignment in this state gave nobody a licence (``licenseAssignmentStates``).
FAILED_STATE: Final = "error"
#: An assignment that names no SKU at all: nobody knows what it is.
UNNAMED: Final = "(no name)"
_Frame: TypeAlias = pd.DataFrame
_Ints: TypeAlias = npt.NDArray[np.int64]
_Bools: TypeAlias = npt.NDArray[np.bool_]


def classify(
    identities: _Frame,
    holdings: _Frame,
    excluded: Collection[str],
    *,
    catalogue: _Frame | None = None,
    known: Collection[str] | None = None,
) -> _Frame:
    """A row for each of ``identities``, with its index, and ``VERDICT_COLUMNS``.

    ``identities``: tenant, identity (together they say who; a person may stand in it twice). ``holdings``, a row for each assignment:
    tenant, identity, sku_id (GUID; "" none), sku (part number; "" none), and where they are known state, is_trial. How it was assigned,
    directly or by a group, does not matter: a SKU counts once. ``excluded``: part numbers of the list. ``catalogue``, each tenant's own
    table: tenant, sku_id, sku, and where it is known is_trial; it goes before a part number that stands beside a GUID. ``known``: part
    numbers that are known to exist; None: every part number is taken to be.

    ``deciding`` are the part numbers (or GUIDs, where those are not known) that decide, in order, with commas: of a billable identity
    those that are not excluded, of another one those that are. ``has_unknown``: a SKU has no part number that is known. ``is_trial_only``:
    every deciding SKU is a trial. ``has_failed``: an assignment is in error and was not counted. Assignments of nobody among the
    identities are left out.
    """
    tenants, people = (_codes(pd.concat([identities[name], holdings[name]], ignore_index=True)) for name in ("tenant", "identity"))
    size = len(identities)
    codes = _codes(_paired(tenants, people))
    who, whose = codes[:size], codes[size:]
    count = int(who.max(initial=-1)) + 1
    is_failed = _is_failed(holdings)
    has_failed = np.zeros(count, dtype=bool)
    has_failed[whose[(whose < count) & is_failed]] = True
    kept = np.flatnonzero((whose < count) & ~is_failed)
    skus = _resolve(holdings, tenants[size:], kept, catalogue, excluded, known)
    decided = _Held.of(whose[kept], skus, count).verdicts(has_failed)
    return pd.DataFrame({name: values.take(who) for name, values in decided.items()}, index=identities.index, columns=list(VERDICT_COLUMNS))


def _codes(values: pd.Series | _Ints) -> _Ints:
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.int64, copy=False)


def _paired(one: _Ints, other: _Ints) -> _Ints:
    paired: _Ints = one * (other.max(initial=0) + 1) + other
    return paired


def _folded(texts: pd.Series, fold: Callable[[str], str]) -> npt.NDArray[np.object_]:
    """Each text as ``fold`` has it; there are few different ones. What is no text is ""."""
    codes, different = pd.factorize(texts, use_na_sentinel=False)
    words = np.array([fold(one) if isinstance(one, str) else "" for one in different], dtype=object)
    return words[codes] if len(words) else np.zeros(0, dtype=object)


def _is_failed(holdings: _Frame) -> _Bools:
    if "state" not in holdings:
        return np.zeros(len(holdings), dtype=bool)
    return np.asarray(_folded(holdings["state"], sku_key) == FAILED_STATE, dtype=bool)


@dataclass(frozen=True)
class _Skus:
    """SKUs as they are compared, in the order of their labels, and for each assignment which one it is."""

    labels: Sequence[str]
    is_excluded: _Bools
    is_unknown: _Bools
    of: _Ints
    is_trial: _Bools


def _resolve(
    holdings: _Frame, tenants: _Ints, kept: _Ints, catalogue: _Frame | None, excluded: Collection[str], known: Collection[str] | None
) -> _Skus:
    """Texts are looked at once for each tenant that has them, not once an assignment."""
    texts = _codes(_paired(_codes(holdings["sku_id"]), _codes(holdings["sku"])))
    combined, _ = pd.factorize(_paired(tenants, texts)[kept])
    first = kept[np.flatnonzero(_is_first(combined))]
    table = _table(holdings.iloc[first], catalogue)
    on_list = {sku_key(one) for one in excluded} - {""}
    exist = None if known is None else {sku_key(one) for one in known} | on_list
    names = table.groupby("key")["label"].min().sort_index()
    has_part = table.groupby("key")["has_part"].any().sort_index().to_numpy(dtype=bool)
    number = pd.Series(np.arange(len(names)), index=names.index)
    is_excluded = np.array([key in on_list for key in names.index], dtype=bool) & has_part
    is_known = np.array([exist is None or key in exist for key in names.index], dtype=bool) & has_part
    is_trial = table["is_trial"].to_numpy(dtype=bool)[combined]
    if "is_trial" in holdings:
        is_trial = is_trial | holdings["is_trial"].eq(True).fillna(False).to_numpy(dtype=bool)[kept]
    return _Skus(list(names), is_excluded, ~is_known, number.reindex(table["key"]).to_numpy(dtype=np.int64)[combined], is_trial)


def _is_first(codes: _Ints) -> _Bools:
    """Where a number comes for the first time, of numbers that were given in that order."""
    highest = np.maximum.accumulate(codes) if len(codes) else codes
    return np.r_[True, highest[1:] > highest[:-1]] if len(codes) else np.zeros(0, dtype=bool)


def _table(used: _Frame, catalogue: _Frame | None) -> _Frame:
    """What is held in each tenant: label, key (how it is compared), has_part (a part number, not just a GUID), is_trial. In its order.

    A text that is neither a part number nor a GUID stays what it is, and is known by nobody.
    """
    table = pd.DataFrame({"tenant": used["tenant"].to_numpy(dtype=object), "guid": _folded(used["sku_id"], guid_key)})
    own, raw = _folded(used["sku"], tidy), _folded(used["sku_id"], tidy)
    table = table.merge(_catalogue(catalogue), on=["tenant", "guid"], how="left")
    part = table["part"].where(table["part"].notna(), own)
    table["has_part"] = part != ""
    table["label"] = part.where(part != "", table["guid"].where(table["guid"] != "", raw)).replace("", UNNAMED)
    # A GUID is never taken for a part number that is written like one.
    table["key"] = np.where(table["has_part"], "", "\0") + _folded(table["label"], sku_key)
    return table.assign(is_trial=table["is_trial"].eq(True))


def _catalogue(catalogue: _Frame | None) -> _Frame:
    """tenant, guid, part, is_trial: one row for each GUID of a tenant."""
    if catalogue is None or not len(catalogue):
        return pd.DataFrame({"tenant": [], "guid": [], "part": [], "is_trial": []}, dtype=object)
    table = pd.DataFrame(
        {
            "tenant": catalogue["tenant"].to_numpy(dtype=object),
            "guid": _folded(catalogue["sku_id"], guid_key),
            "part": _folded(catalogue["sku"], tidy),
            "is_trial": catalogue["is_trial"].eq(True).to_numpy(dtype=object) if "is_trial" in catalogue else False,
        }
    )
    table = table[(table["guid"] != "") & (table["part"] != "")]
    # One GUID with two part numbers in one tenant does not happen; if it does, no order of rows decides which it is.
    return table.sort_values(["part", "is_trial"], kind="stable").drop_duplicates(["tenant", "guid"])


@dataclass(frozen=True)
class _Held:
    """Who holds which SKU, each once, by identity and then by SKU."""

    identity: _Ints
    sku: _Ints
    is_trial: _Bools
    skus: _Skus
    count: int

    @classmethod
    def of(cls, whose: _Ints, skus: _Skus, count: int) -> _Held:
        """One that is held as a trial and otherwise is no trial."""
        width = max(len(skus.labels), 1)
        pairs = (whose * width + skus.of) * 2 + skus.is_trial
        pairs.sort()
        both = pairs >> 1
        is_first = np.ones(len(both), dtype=bool)
        is_first[1:] = both[1:] != both[:-1]
        once = pairs[is_first]
        return cls((once >> 1) // width, (once >> 1) % width, (once & 1).astype(bool), skus, count)

    def verdicts(self, has_failed: _Bools) -> dict[str, pd.Series | pd.Categorical | _Bools]:
        counting = ~self.skus.is_excluded[self.sku]
        is_billable = self._has(counting)
        holds = self._has(np.ones(len(self.sku), dtype=bool))
        unknown = self.skus.is_unknown[self.sku] & counting
        deciding = counting | ~is_billable[self.identity]
        reason = np.where(holds, _EXCLUDED, np.where(has_failed, _FAILED, _UNLICENSED))
        reason = np.where(is_billable, np.where(self._has(counting & ~unknown), _LICENSED, _UNKNOWN), reason)
        return {
            "billable": is_billable,
            "reason": pd.Categorical.from_codes(reason, categories=list(REASONS)),  # type: ignore[call-overload]
            "deciding": self._words(deciding),
            "has_unknown": self._has(unknown),
            "is_trial_only": holds & ~self._has(deciding & ~self.is_trial),
            "has_failed": has_failed,
        }

    def _has(self, rows: _Bools) -> _Bools:
        """Whether an identity has one of these rows."""
        found = np.zeros(self.count, dtype=bool)
        found[self.identity[rows]] = True
        return found

    def _words(self, rows: _Bools) -> pd.Categorical:
        """The labels of each identity's rows. Sets are few where people are many: each is put into words once.

        The n-th turn extends the sets of those who have n rows by their n-th SKU; equal sets get one number, exactly, not by a hash.
        """
        identity, sku = self.identity[rows], self.sku[rows]
        starts = np.flatnonzero(np.r_[True, identity[1:] != identity[:-1]]) if len(identity) else np.zeros(0, dtype=np.int64)
        sizes = np.diff(np.r_[starts, len(identity)])
        number, texts, width = np.zeros(self.count, dtype=np.int64), [""], max(len(self.skus.labels), 1)
        for turn in range(int(sizes.max(initial=0))):
            place = starts[sizes > turn] + turn
            holder = identity[place]
            codes, longer = pd.factorize(number[holder] * width + sku[place])
            number[holder] = len(texts) + codes
            texts += [_joined(texts[int(one) // width], self.skus.labels[int(one) % width]) for one in longer]
        used, texts_used = np.unique(number, return_inverse=True)
        words, same = np.unique(np.array([texts[one] for one in used], dtype=object), return_inverse=True)
        named: pd.Categorical = pd.Categorical.from_codes(same[texts_used], categories=list(words))  # type: ignore[call-overload]
        return named


def _joined(before: str, label: str) -> str:
    return f"{before}, {label}" if before else label


# --- from one list to another -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What another exclusion list changes: SKUs, and the identities whose verdict it turns, with how many customers those are of."""

    added: int
    removed: int
    freed: int
    freed_customers: int
    billed: int
    billed_customers: int

    @property
    def sentences(self) -> list[str]:
        """For people, one a direction.

        >>> Effect(3, 0, 41, 7, 0, 0).sentences
        ['3 added: 41 identities become non-billable at 7 customers.']
        >>> Effect(0, 1, 0, 0, 1, 1).sentences
        ['1 removed: 1 identity becomes billable at 1 customer.']
        >>> Effect(2, 0, 0, 0, 0, 0).sentences
        ['2 added: nobody’s verdict changes by it.']
        """
        said = []
        if self.added:
            said.append(f"{self.added:,} added: {_become(self.freed, 'non-billable', self.freed_customers)}")
        if self.removed:
            said.append(f"{self.removed:,} removed: {_become(self.billed, 'billable', self.billed_customers)}")
        return said


def _become(identities: int, what: str, customers: int) -> str:
    if not identities:
        return "nobody’s verdict changes by it."
    who = "1 identity becomes" if identities == 1 else f"{identities:,} identities become"
    return f"{who} {what} at {customers:,} {'customer' if customers == 1 else 'customers'}."


def effect(
    identities: _Frame, holdings: _Frame, before: Collection[str], after: Collection[str], *, catalogue: _Frame | None = None
) -> Effect:
    """Whose verdict turns from one list to the other. ``identities`` has the column customer as well; a person counts once."""
    was, now = (classify(identities, holdings, one, catalogue=catalogue)["billable"].to_numpy() for one in (before, after))
    people = identities[["tenant", "identity", "customer"]]
    keys_before, keys_after = ({sku_key(one) for one in listed} - {""} for listed in (before, after))
    freed, billed = people[was & ~now], people[~was & now]
    return Effect(
        len(keys_after - keys_before),
        len(keys_before - keys_after),
        len(freed.drop_duplicates(["tenant", "identity"])),
        int(freed["customer"].nunique()),
        len(billed.drop_duplicates(["tenant", "identity"])),
        int(billed["customer"].nunique()),
    )
