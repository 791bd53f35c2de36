"""Rows whose name fits several Organizations: they count nowhere until a person says whose they are, and that is remembered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Account, Alias, Organization, User
from accounts.names import normalise
from ingest.models import FileOwner, LegInput, RejectedLine, SourceFile, UsageLine

Undo = dict[str, Any]
_NAMED: Final = (UsageLine, RejectedLine, FileOwner)
_AT_ONCE: Final = 400


def waiting_lines(account: Account) -> QuerySet[UsageLine]:
    """Rows of the files that serve a month now. Those of a replaced or withdrawn file wait again when it is used again."""
    served = LegInput.objects.filter(cycle__account=account, ended_at__isnull=True).values("source_file")
    return UsageLine.objects.filter(organization__isnull=True, source_file__in=served)


def waiting_names(files: Iterable[int]) -> set[str]:
    """The normalised names that wait in some files."""
    names = UsageLine.objects.filter(source_file__in=list(files), organization__isnull=True).values_list("name", flat=True)
    return set(map(normalise, names.distinct().order_by()))


def spellings_of(account: Account, name_key: str) -> list[str]:
    """How the rows that wait spell a name."""
    names = waiting_lines(account).values_list("name", flat=True).distinct().order_by()
    return sorted(name for name in names if normalise(name)[:500] == name_key)


def give(account: Account, name_key: str, organization: Organization) -> Undo:
    """Let the waiting rows of a name be an Organization's, in every file that was imported; not those of signed months."""
    spellings = spellings_of(account, name_key)
    once_imported = SourceFile.objects.filter(account=account, state=SourceFile.State.IMPORTED, signed_inputs__isnull=True)
    rows: dict[str, list[list[int]]] = {}
    for model in _NAMED:
        named = model._default_manager.filter(organization__isnull=True, source_file__in=once_imported, name__in=spellings)
        rows[model.__name__] = _ranges(named.order_by("pk").values_list("pk", flat=True))
        named.update(organization=organization)
    return {"organization": organization.pk, "spellings": spellings, "rows": rows}


def take_back(account: Account, name_key: str, done: Undo, *, since: Any = None) -> None:
    """Let the rows wait again, and those of files imported ``since`` that followed the answer; not those of signed months."""
    for model in _NAMED:
        mine = model._default_manager.filter(organization=done["organization"]).exclude(source_file__signed_inputs__isnull=False)
        for places in _in_parts(done["rows"].get(model.__name__, [])):
            which = Q()
            for first, last in places:
                which |= Q(pk__range=(first, last))
            mine.filter(which).update(organization=None)
        if since is not None:
            later = mine.filter(source_file__imported_at__gt=since, huntress_id="", key="")
            names = later.values_list("name", flat=True).distinct().order_by()
            later.filter(name__in=[name for name in names if normalise(name)[:500] == name_key]).update(organization=None)


def confirm(account: Account, name: str, organization: Organization, *, by: User) -> Undo:
    """Confirm an alias, dated now. What the name meant before, if it was settled otherwise, ends with it."""
    current = Alias.objects.filter(account=account, name_key=normalise(name)[:500], revoked_at__isnull=True)
    if current.filter(organization=organization).exists():
        return {}
    revoked = list(current.values_list("pk", flat=True))
    current.update(revoked_at=timezone.now())
    alias = Alias.objects.create(account=account, organization=organization, name=name, confirmed_by=by)
    return {"alias": alias.pk, "revoked": revoked}


def revoke(done: Undo) -> None:
    """Take an alias back; what it had put an end to holds again, unless the name means something else by now."""
    if not done.get("alias"):
        return
    alias = Alias.objects.get(pk=done["alias"])
    Alias.objects.filter(pk=alias.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    current = Alias.objects.filter(account=alias.account_id, name_key=alias.name_key, revoked_at__isnull=True)
    if not current.exists():
        Alias.objects.filter(pk__in=done["revoked"][-1:]).update(revoked_at=None)


def _ranges(keys: Iterable[int]) -> list[list[int]]:
    """Ascending numbers as ranges, so that a name of many rows is few words.

    >>> _ranges([1, 2, 3, 7])
    [[1, 3], [7, 7]]
    """
    found: list[list[int]] = []
    for key in keys:
        if found and found[-1][1] == key - 1:
            found[-1][1] = key
        else:
            found.append([key, key])
    return found


def _in_parts(ranges: list[list[int]]) -> Iterable[list[list[int]]]:
    for start in range(0, len(ranges), _AT_ONCE):
        yield ranges[start : start + _AT_ONCE]
