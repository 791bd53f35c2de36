"""What an admin uploads about SKUs beside the list itself: how Microsoft calls them, and suggestions with their evidence.

Neither decides who is billable. Names are shown; a suggestion is looked at, and goes into a list only by ``exclusions.propose_change``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, User
from accounts.services import Refused
from ingest import guards, storage
from ingest.models import SkuName, SkuSuggestion, SkuUpload
from ingest.sources.limits import Limits
from ingest.sources.reading import Issue, Unreadable
from ingest.sources.sku_files import read_names, read_suggestions

#: Microsoft's table has a little over a megabyte.
MOST_BYTES: Final = 8_000_000
What = SkuUpload.What


def newest_upload(account: Account, what: str) -> SkuUpload | None:
    return SkuUpload.objects.filter(account=account, what=what).select_related("by").first()


def take_names(account: Account, content: bytes, *, name: str, by: User) -> SkuUpload:
    """Microsoft's table of product names, in the place of the one before. Raises Refused where it cannot be read."""
    require(by, account, Need.ADMINISTER)
    found, issues = _read(content, read_names)
    with transaction.atomic():
        upload = _replace(account, What.NAMES, content, name, len(found), issues, by)
        SkuName.objects.bulk_create([SkuName(upload=upload, **one._asdict()) for one in found], batch_size=1000)
    return upload


def take_suggestions(account: Account, content: bytes, *, name: str, by: User) -> SkuUpload:
    """Suggestions, in the place of those before; what was dismissed of them stays dismissed. Raises Refused where it cannot be read."""
    require(by, account, Need.ADMINISTER)
    found, issues = _read(content, read_suggestions)
    with transaction.atomic():
        dismissed = SkuSuggestion.objects.filter(upload__account=account, dismissed_at__isnull=False)
        said = {key: {"dismissed_at": at, "dismissed_by_id": who} for key, at, who in _answers(dismissed)}
        upload = _replace(account, What.SUGGESTIONS, content, name, len(found), issues, by)
        rows = [SkuSuggestion(upload=upload, **one._asdict(), **said.get(one.sku_key, {})) for one in found]
        SkuSuggestion.objects.bulk_create(rows, batch_size=1000)
    return upload


def _answers(dismissed: Any) -> list[tuple[str, Any, int]]:
    return list(dismissed.values_list("sku_key", "dismissed_at", "dismissed_by"))


def dismiss(account: Account, numbers: Collection[int], *, by: User) -> int:
    """Say no to suggestions: they are no longer asked about. Returns how many there were."""
    require(by, account, Need.ADMINISTER)
    return _answer(account, numbers, by, {"dismissed_at": timezone.now(), "dismissed_by": by}, "recon.suggestion.dismissed")


def ask_again(account: Account, numbers: Collection[int], *, by: User) -> int:
    """Take back that suggestions were dismissed."""
    require(by, account, Need.ADMINISTER)
    return _answer(account, numbers, by, {"dismissed_at": None, "dismissed_by": None}, "recon.suggestion.asked_again")


def _answer(account: Account, numbers: Collection[int], by: User, fields: dict[str, Any], action: str) -> int:
    with transaction.atomic():
        open_before = fields["dismissed_at"] is not None
        asked = SkuSuggestion.objects.filter(upload__account=account, pk__in=numbers, dismissed_at__isnull=open_before)
        skus = list(asked.values_list("sku", flat=True))
        if not skus:
            raise Refused("None of those waits for that. Tick some first.")
        asked.update(**fields)
        subject = skus[0] if len(skus) == 1 else f"{skus[0]} and {len(skus) - 1} more"
        audit.record(action, subject, account=account, actor=by, after={"skus": skus})
    return len(skus)


def _read(content: bytes, reader: Callable[[bytes, Limits], tuple[Sequence[Any], list[Issue]]]) -> tuple[Sequence[Any], list[Issue]]:
    if not content.strip():
        raise Refused("There is nothing in it. Choose the file.")
    if len(content) > MOST_BYTES:
        raise Refused(f"That is more than {MOST_BYTES // 10**6} MB, and not the file that is meant.")
    try:
        found, issues = reader(content, guards.limits())
    except Unreadable as refusal:
        raise Refused(str(refusal)) from refusal
    if not found:
        raise Refused("No row of it can be used." + "".join(f" Line {one.line:,}: {one.message}" for one in issues[:3] if one.line))
    return found, issues


def _replace(account: Account, what: str, content: bytes, name: str, rows: int, issues: list[Issue], by: User) -> SkuUpload:
    """The record of an upload. The rows of those before go; their records stay."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    stored = storage.store(io.BytesIO(content))
    before = SkuUpload.objects.filter(account=account, what=what)
    (SkuName if what == What.NAMES else SkuSuggestion).objects.filter(upload__in=before).delete()
    said = [[one.line, one.level, one.message] for one in issues]
    upload = SkuUpload.objects.create(account=account, what=what, name=name[-255:], sha256=stored.sha256, by=by, rows=rows, issues=said)
    audit.record(
        f"recon.sku_{what}.uploaded",
        f"{upload.name} ({rows:,} SKUs)",
        account=account,
        actor=by,
        after={"sha256": stored.sha256, "rows": rows},
    )
    return upload
