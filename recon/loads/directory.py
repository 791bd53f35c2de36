"""Users of a tenant and what they hold. They make no Organization: whose a tenant is, a person has said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from accounts.models import Account
from accounts.skus import sku_key, tidy
from ingest import bulk, jobs
from ingest.models import DirectoryLicence, DirectoryUser, SkuName, SkuUpload, SourceFile
from ingest.sources.reading import Reading
from recon.loads.loader import Loader, Taught, nothing, read_file
from recon.services.directories import place, recount_when_all_are_in

_KEPT: Final = (
    "line", "user_id", "upn", "is_enabled", "user_type", "is_synced", "created_at", "deleted_at", "purpose",
)  # fmt: skip
_HELD: Final = ("source_file_id", "owner", "sku_id", "sku", "via", "state", "assigned_at", "is_trial")


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    _forget(source_file.pk)
    lines = reading.lines
    made = pa.Table.from_pandas(lines[list(_KEPT)].assign(source_file_id=source_file.pk), preserve_index=False)
    for at, one in enumerate(made.schema):
        if pa.types.is_timestamp(one.type):  # in UTC, and said so by the column
            made = made.set_column(at, one.name, made.column(at).cast(pa.timestamp("s", tz="UTC")).cast(pa.timestamp("s")))
    bulk.load_table(DirectoryUser, made, lambda done: progress(done, len(lines), "Loading users"))
    known = {} if reading.manifest else _names_of(source_file.account)
    bulk.load(DirectoryLicence, _HELD, _licences(source_file.pk, lines["line"].tolist(), lines["licences"].tolist(), known))
    return nothing


def _licences(file: int, numbers: list[int], texts: list[str], known: dict[str, tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    """A row a licence. A list says what a SKU is sold as: where the account's names know that, its part number and GUID are kept."""
    for owner, text in zip(numbers, texts, strict=True):
        seen = set()
        for sku_id, name, via, state, assigned, is_trial in json.loads(text):
            guid, sku = (sku_id, name) if sku_id else known.get(sku_key(name), ("", name))
            if (guid, sku, via) not in seen:
                seen.add((guid, sku, via))
                at = datetime.fromisoformat(assigned).astimezone(UTC).replace(tzinfo=None) if assigned else None
                yield (file, owner, guid, sku, via, state, at, is_trial)


def _names_of(account: Account) -> dict[str, tuple[str, str]]:
    """GUID and part number by what Microsoft calls a SKU, and by the part number itself. A name of two SKUs says neither."""
    newest = SkuUpload.objects.filter(account=account, what=SkuUpload.What.NAMES).order_by("-pk").first()
    found: dict[str, tuple[str, str]] = {}
    twice: set[str] = set()
    for guid, sku, name in SkuName.objects.filter(upload=newest).values_list("sku_id", "sku", "name") if newest else ():
        key = sku_key(name)
        twice |= {key} if key in found and found[key][1] != sku else set()
        found.setdefault(key, (guid, tidy(sku)))
    by_part = {sku_key(sku): (guid, sku) for guid, sku in found.values()}
    return {key: one for key, one in found.items() if key not in twice} | by_part


def _forget(source_file_id: int) -> None:
    bulk.remove(DirectoryLicence.objects.filter(source_file=source_file_id))
    bulk.remove(DirectoryUser.objects.filter(source_file=source_file_id))


LOADER = Loader(_load, _forget, read_file, alone=True, settled=recount_when_all_are_in, place=place)
