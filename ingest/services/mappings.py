"""Mappings that people stated, remembered per account and kind: known again by a header, exported, taken in, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, User
from accounts.services import Refused
from accounts.templatetags.recon_ui import person, plural
from ingest import guards
from ingest.models import MappingProfile, SourceFile
from ingest.sources import READERS, Guess, Mapping
from ingest.sources.profile_file import MAX_BYTES, BadMappings, name_of, parsed, written
from ingest.sources.profiles import Profile, fingerprint, recognise

#: As many as are looked through when a file comes; the ones used last come first.
_LOOKED_THROUGH: Final = 2_000
_REASONS_SAID: Final = 5
_NEEDS_SAID: Final = 3


@dataclass(frozen=True)
class Applied:
    """What a remembered mapping makes of a file: its kind, the mapping in the file's own columns, and what a page says of it."""

    profile: MappingProfile
    mapping: Mapping
    said: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.profile.kind

    @property
    def because(self) -> str:
        return "a list with these columns was read so before"


def profiles_of(account: Account) -> QuerySet[MappingProfile]:
    return MappingProfile.objects.filter(account=account).select_related("stated_by")


def as_value(row: MappingProfile) -> Profile:
    return Profile(row.kind, row.name, tuple(row.header), Mapping.from_json(row.mapping))


# --- known again ---


def applied_to(data: bytes, account: Account, kind: str, guess: Guess | None) -> Applied | None:
    """The remembered mapping that knows a document, or None.

    Where nobody said the kind, the guessed one comes first. A list that was read as another kind before is that again, unless what it
    is guessed to be is certain. A header that is only near is proposed for the kind that it is thought to be, and for no other.
    """
    rows = profiles_of(account).order_by(F("used_at").desc(nulls_last=True), "-stated_at", "-pk")
    rows = rows.filter(kind=kind) if kind else rows
    by_profile = [(as_value(row), row) for row in rows[:_LOOKED_THROUGH] if row.kind in READERS]
    wanted = kind or (guess.value if guess else "")
    likely = [pair for pair in by_profile if not wanted or pair[0].kind == wanted]
    is_certain = bool(kind) or (guess is not None and guess.sureness == "certain")
    others = [] if is_certain else [pair for pair in by_profile if pair not in likely]
    limits = guards.limits(streamed=True)
    found = recognise(data, [profile for profile, _ in likely], limits)
    if (found is None or found.changes) and others:
        elsewhere = recognise(data, [profile for profile, _ in others], limits)
        found = elsewhere if elsewhere and not elsewhere.changes else found
    if found is None:
        return None
    row = next(row for profile, row in by_profile if profile is found.profile)
    said = {
        "id": row.pk, "name": row.name, "by": person(row.stated_by), "at": row.stated_at.isoformat(),
        "changes": [asdict(change) for change in found.changes],
    }  # fmt: skip
    return Applied(row, found.mapping, said)


def is_proposal(source_file: SourceFile) -> bool:
    """Whether a file is shown with a mapping that nobody has confirmed: its columns are no longer those that were mapped."""
    return bool((source_file.preview.get("profile") or {}).get("changes"))


def note_use(applied: Applied) -> None:
    MappingProfile.objects.filter(pk=applied.profile.pk).update(used_at=timezone.now())


# --- stated ---


@transaction.atomic
def remember(account: Account, kind: str, header: Sequence[str], mapping: Mapping, *, by: User) -> MappingProfile:
    """Keep how a person says that a header is read, in place of what was kept for the very same header. Nothing is said of no change."""
    mark, now = fingerprint(kind, header), timezone.now()
    row = MappingProfile.objects.select_for_update().filter(account=account, kind=kind, fingerprint=mark).first()
    if row is None:
        values = {"name": name_of(header), "header": list(header), "mapping": mapping.to_json(), "stated_by": by, "used_at": now}
        row, is_new = MappingProfile.objects.get_or_create(account=account, kind=kind, fingerprint=mark, defaults=values)
        if is_new:
            _record("stated", row, by, after=mapping.to_json())
            return row
    return _restated(row, row.name, list(header), mapping, by)


@transaction.atomic
def restate(profile: MappingProfile, *, name: str, columns: dict[int, str], by: User) -> MappingProfile:
    """Change what a remembered mapping is called and which column means what. Files that were read with it stay as they are."""
    require(by, profile.account, Need.ADMINISTER)
    row = MappingProfile.objects.select_for_update().get(pk=profile.pk)
    mapping = Mapping.from_json({**row.mapping, "columns": columns})
    refuse_unusable(row.kind, columns)
    return _restated(row, name.strip() or name_of(row.header), row.header, mapping, by)


def refuse_unusable(kind: str, columns: dict[int, str]) -> None:
    """Raises Refused where a column is missing without which nothing of the kind is read, or a field is given twice."""
    reader, names = READERS[kind], list(columns.values())
    labels = reader.labels
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            raise Refused(f"“{labels.get(name, name)}” is given to {names.count(name)} columns. Choose the one that counts.")
    for needed in reader.needs:
        if not set(needed) & set(names):
            known = " or ".join(f"“{labels.get(name, name)}”" for name in needed[:_NEEDS_SAID])
            more = " or another like it" if len(needed) > _NEEDS_SAID else ""
            raise Refused(f"Say which column is {known}{more}: without it {reader.one} is not read.")


def _restated(row: MappingProfile, name: str, header: list[str], mapping: Mapping, by: User) -> MappingProfile:
    before, after = (row.name, row.mapping), (name, mapping.to_json())
    if before == after:
        MappingProfile.objects.filter(pk=row.pk).update(used_at=timezone.now())
        return row
    row.name, row.header, row.mapping, row.stated_by = name, header, mapping.to_json(), by
    row.save()
    _record("changed", row, by, before={"name": before[0]} | before[1], after={"name": name} | after[1])
    return row


@transaction.atomic
def forget(profile: MappingProfile, *, by: User) -> None:
    """Delete a remembered mapping. What was read with it stays read so."""
    require(by, profile.account, Need.ADMINISTER)
    row = MappingProfile.objects.select_for_update().filter(pk=profile.pk).first()
    if row is None:
        raise Refused("That mapping is deleted already.")
    _record("deleted", row, by, before={"name": row.name, "header": row.header} | row.mapping)
    row.delete()


# --- as a file ---


def as_file(rows: Iterable[MappingProfile]) -> str:
    return written(as_value(row) for row in rows)


@transaction.atomic
def take_in(account: Account, data: bytes, *, by: User) -> int:
    """Remember every mapping of an export, in place of what was kept for the same kind and header. Raises Refused, and takes none."""
    require(by, account, Need.ADMINISTER)
    try:
        profiles = parsed(data, {code: list(reader.labels) for code, reader in READERS.items() if reader.has_columns})
    except BadMappings as error:
        said = " ".join(error.reasons[:_REASONS_SAID])
        more = len(error.reasons) - _REASONS_SAID
        raise Refused(said + (f" And {plural(more, 'more thing')}." if more > 0 else "")) from error
    for profile in profiles:
        try:
            refuse_unusable(profile.kind, profile.mapping.columns)
        except Refused as refusal:
            raise Refused(f"“{profile.name}”: {refusal}") from refusal
        values = {"name": profile.name, "header": list(profile.header), "mapping": profile.mapping.to_json(), "stated_by": by}
        row, _ = MappingProfile.objects.update_or_create(
            account=account, kind=profile.kind, fingerprint=profile.fingerprint, defaults=values
        )
        _record("imported", row, by, after={"name": row.name} | row.mapping)
    return len(profiles)


def upload_limit() -> int:
    return min(MAX_BYTES, settings.RECON_MAX_UPLOAD_MB * 2**20)


def _record(act: str, row: MappingProfile, by: User, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
    subject = f"{row.name} ({row.get_kind_display().lower()})"
    audit.record(f"ingest.mapping.{act}", subject, account=row.account, actor=by, before=before, after=after)
