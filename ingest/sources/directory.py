"""Users of a Microsoft tenant and the licences that they hold: the answers of a pull, or the list that the admin centre exports.

Both become the same rows, with the least that explains a count: no display name, no address but the user name, no telephone number. Who
holds no licence is in neither.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from ingest.graph import CALLS, GraphError, Purpose, answered, parsed, records_in, tenant_id
from ingest.http.errors import WrongShape
from ingest.huntress.answers import moment_of
from ingest.sources import directory_list
from ingest.sources.answers import Archive
from ingest.sources.directory_list import LINES, licences_text
from ingest.sources.reading import Asked, Reading
from ingest.sources.records import Sorting, opened, text, truth
from ingest.sources.refusals import refusal

KIND: Final = "directory"
_OK: Final = 200
_LISTS: Final = ("users", "licensed_users", "deleted_users")
_ENDPOINTS: Final = (*CALLS,)
_SHOWN: Final = ("id", "userPrincipalName", "accountEnabled", "userType", "onPremisesSyncEnabled", "createdDateTime", "deletedDateTime")
_FAILED: Final = "error"
_MOST_LICENCES: Final = 500
Record = Mapping[str, Any]


def read_answers(data: bytes, asked: Asked) -> Reading:
    """Raises Unreadable for an archive that is refused as a whole, and nothing else."""
    archive = opened(io.BytesIO(data), KIND, directory_list.ONE, _ENDPOINTS, asked.limits)
    sorting = Sorting(_SHOWN, asked.limits, is_personal=True)
    pulled = _Pulled(sorting)
    sizes = [pulled.take(name, body) for name, body in _bodies(archive, pulled)]
    asked.progress(sorting.rows, sorting.rows)
    return sorting.reading(KIND, asked, archive.manifest, pulled.frame(), sizes)


def _bodies(archive: Archive, pulled: _Pulled) -> Iterator[tuple[str, bytes]]:
    """The answers in their order; what they need to be understood is looked at first: the SKUs, the trials and the mailboxes."""
    whose = tenant_id(str(archive.manifest.whose.get("id", "")))
    for entry, body in archive.bodies():
        if entry.status == _OK and entry.endpoint not in _LISTS:
            try:
                pulled.learn(entry.endpoint, body, whose)
            except GraphError as error:
                raise refusal("wrong_answer", f"Answer {entry.number} of this archive cannot be read. {error}") from None
    for entry, body in archive.bodies():
        yield (entry.endpoint if entry.status == _OK else ""), body


@dataclass
class _Pulled:
    """What the answers say, put together. ``trials``: by SKU, whether every subscription to it is a trial."""

    sorting: Sorting
    skus: dict[str, str] = field(default_factory=dict)
    trials: dict[str, bool] = field(default_factory=dict)
    purposes: dict[str, Purpose] = field(default_factory=dict)
    knows_trials: bool = False
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    number: int = 0

    def learn(self, endpoint: str, body: bytes, whose: str) -> None:
        call = CALLS[endpoint]
        if endpoint == "mailboxes":
            self.purposes |= {user.lower(): found for user, found in answered([body]).items()}
            return
        records = records_in(parsed(body, call), call, body)
        if endpoint == "organization" and [tenant_id(str(one["id"])) for one in records] != [whose]:
            raise WrongShape("It is of another tenant than the archive says.")
        if endpoint == "skus":
            self.skus |= {str(one["skuId"]).lower(): str(one.get("skuPartNumber") or "")[:200] for one in records}
        if endpoint == "trials":
            self.knows_trials = True
            for one in records:
                sku, is_trial = str(one.get("skuId") or "").lower(), one.get("isTrial")
                if sku and isinstance(is_trial, bool):
                    self.trials[sku] = self.trials.get(sku, True) and is_trial

    def take(self, endpoint: str, body: bytes) -> int:
        """Every record of a list of users into one bucket; returns how many it has."""
        if endpoint not in _LISTS:
            return 0
        try:
            data = json.loads(body)
            records = data["value"]
            if not isinstance(records, list):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise refusal("wrong_answer", "An answer of this archive has no list of users that can be read.") from None
        for record in records:
            self.number += 1
            try:
                self._one(endpoint, record)
            except WrongShape as why:
                self.sorting.reject(self.number, record, why)
        return len(records)

    def _one(self, endpoint: str, record: Any) -> None:
        if not isinstance(record, dict) or not (key := text(record, "id", 64).lower()):
            raise WrongShape("A user has no “id”.")
        before = self.rows.get(key)
        if before is not None:
            is_late = endpoint == "deleted_users" and before["deleted_at"] is None
            if is_late:  # deleted while the pages came
                before["deleted_at"] = moment_of(record, "deletedDateTime")
            self.sorting.take(self.number, record, "set_aside", "deleted while the users were read" if is_late else "came again")
            return
        made = self._gone(record, key) if endpoint == "deleted_users" else self._user(record, key)
        if made is None:
            self.sorting.take(self.number, record, "set_aside", "no licence")
            return
        self.rows[key] = made
        self.sorting.take(self.number, record, "loaded")

    def _user(self, record: Record, key: str) -> dict[str, Any] | None:
        held = _licences(record, self)
        if not held:
            return None
        purpose = self.purposes.get(key)
        return self._row(record, key, text(record, "userPrincipalName", 320).lower(), purpose.value if purpose else "", held)

    def _gone(self, record: Record, key: str) -> dict[str, Any]:
        """A deleted user's name stands behind the id without its dashes."""
        upn = text(record, "userPrincipalName", 360).lower().removeprefix(key.replace("-", ""))
        made = self._row(record, key, upn[:320], "", [])
        if made["deleted_at"] is None:
            raise WrongShape("A deleted user has no “deletedDateTime”.")
        return made

    def _row(self, record: Record, key: str, upn: str, purpose: str, held: Sequence[Any]) -> dict[str, Any]:
        if not upn:
            raise WrongShape("A user has no “userPrincipalName”.")
        return {
            "line": self.number,
            "user_id": key,
            "upn": upn,
            "is_enabled": truth(record, "accountEnabled"),
            "user_type": text(record, "userType", 32),
            "is_synced": truth(record, "onPremisesSyncEnabled"),
            "created_at": moment_of(record, "createdDateTime"),
            "deleted_at": moment_of(record, "deletedDateTime"),
            "purpose": purpose,
            "licences": licences_text(held),
        }

    def frame(self) -> pd.DataFrame:
        return directory_list.frame(list(self.rows.values()))


def _licences(record: Record, pulled: _Pulled) -> list[list[Any]]:
    """What a user holds: each SKU once directly and once through groups, with its state; what Microsoft could not assign stays, marked."""
    held: dict[tuple[str, str], list[Any]] = {}
    for one in _objects(record, "licenseAssignmentStates"):
        sku = text(one, "skuId", 36).lower()
        if not sku:
            raise WrongShape("A licence of a user has no “skuId”.")
        via, state = ("group" if one.get("assignedByGroup") else "direct"), text(one, "state", 30)
        before = held.get((sku, via))
        if before is None or (_is_failed(before) and state.lower() != _FAILED):
            held[sku, via] = [sku, pulled.skus.get(sku, ""), via, state, _iso(one, "lastUpdatedDateTime"), _is_trial(sku, pulled)]
    real = {sku for (sku, _), one in held.items() if not _is_failed(one)}
    for one in _objects(record, "assignedLicenses"):
        sku = text(one, "skuId", 36).lower()
        if sku and sku not in real:
            held[sku, ""] = [sku, pulled.skus.get(sku, ""), "", "", None, _is_trial(sku, pulled)]
    return list(held.values())


def _is_failed(held: Sequence[Any]) -> bool:
    return str(held[3]).lower() == _FAILED


def _objects(record: Record, name: str) -> list[Record]:
    found = record.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > _MOST_LICENCES or not all(isinstance(one, dict) for one in found):
        raise WrongShape(f"“{name}” should be a list of licences, and is none.")
    return found


def _is_trial(sku: str, pulled: _Pulled) -> bool | None:
    return pulled.trials.get(sku) if pulled.knows_trials else None


def _iso(record: Record, name: str) -> str | None:
    found = moment_of(record, name)
    return found.isoformat() if found else None


READER: Final = replace(directory_list.READER, read_answers=read_answers, lines=LINES)
