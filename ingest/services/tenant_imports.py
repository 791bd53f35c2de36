"""Many tenants at once: a list that somebody pastes, and what Huntress' live counts name. All of a list counts, or nothing of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Alias, Organization, Tenant, User
from accounts.names import normalise
from accounts.roots import roots_of
from accounts.services import Refused
from ingest.graph import CLOUDS, tenant_id
from ingest.models import FileOwner, Kind, LiveCount, SourceFile
from ingest.services.tenant_tests import start_tests
from ingest.services.tenants import connect, tenants_of
from ingest.sources.tenant_list import Entry, Odd, read

MOST_BYTES: Final = 2_000_000
_MICROSOFT: Final = frozenset({"", "microsoft", "microsoft_365", "m365", "azure"})
_CLOUD_WORDS: Final = {
    "": "", "worldwide": "global", "commercial": "global", "gcc": "global", "gcc high": "us_gov", "gcchigh": "us_gov", "usgov": "us_gov",
    "dod": "us_dod", "21vianet": "china",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """How many were new, and how many were there and are confirmed now; ``odd``: nothing was imported, and why, by line."""

    new: int = 0
    confirmed: int = 0
    unchanged: int = 0
    odd: tuple[Odd, ...] = ()


# --- a list ---


def import_list(account: Account, text: str, *, cloud: str, by: User) -> Imported:
    """Read, check every line, and take in all of it or nothing. ``cloud`` is that of lines that state none. Raises Refused."""
    require(by, account, Need.ADMINISTER)
    if not text.strip():
        raise Refused("There is nothing in it. Paste the list, or choose a file.", field="text")
    if len(text) > MOST_BYTES:
        raise Refused("That is too long for a list of tenants.", field="text")
    if cloud not in CLOUDS:
        raise Refused("Choose one of Microsoft’s clouds.", field="cloud")
    listed = read(text)
    finder, odd = Finder(account), list(listed.odd)
    pairs: dict[str, tuple[int, str]] = {}
    for entry in listed.entries:
        pair = _pair(entry, finder, cloud)
        if isinstance(pair, Odd):
            odd.append(pair)
        else:
            pairs[entry.guid] = pair
    odd += _taken(account, listed.entries, pairs, finder)
    if odd:
        return Imported(odd=tuple(sorted(odd, key=lambda one: one.line)))
    if not pairs:
        raise Refused("There is no line under the header.", field="text")
    return take_in(account, pairs, how=Tenant.How.CSV, by=by)


@transaction.atomic
def take_in(account: Account, pairs: dict[str, tuple[int, str]], *, how: str, by: User) -> Imported:
    """All of these, or none. What is new is tested by a worker, where there is an app. Raises Refused."""
    new, confirmed = connect(account, pairs, how=how, by=by)
    if new:
        with suppress(Refused):  # there is no app yet: its page says so, and each tenant that it is not tested
            start_tests(account, by=by, only_new=True)
    return Imported(len(new), len(confirmed), len(pairs) - len(new) - len(confirmed))


def _pair(entry: Entry, finder: Finder, usual: str) -> tuple[int, str] | Odd:
    written = entry.cloud.casefold().replace("_", " ").strip()
    cloud = entry.cloud.lower() if entry.cloud.lower() in CLOUDS else _CLOUD_WORDS.get(written)
    if cloud is None:
        return Odd(entry.line, f"“{entry.cloud[:40]}” is none of Microsoft’s clouds: {', '.join(CLOUDS)}.")
    if not entry.organization:
        return 0, cloud or usual
    found = finder.find(entry.organization)
    return Odd(entry.line, found) if isinstance(found, str) else (found, cloud or usual)


def _taken(account: Account, entries: Iterable[Entry], pairs: dict[str, tuple[int, str]], finder: Finder) -> list[Odd]:
    """Lines whose tenant is another Organization's already."""
    known = {one.guid: one for one in tenants_of(account).filter(organization__isnull=False, guid__in=list(pairs))}
    return [
        Odd(entry.line, f"This tenant is {known[entry.guid].organization}’s already. Change it on its own page, if that is wrong.")
        for entry in entries
        if entry.guid in known and pairs[entry.guid][0] and known[entry.guid].organization_id != finder.root(pairs[entry.guid][0])
    ]


class Finder:
    """Organizations as people write them: by id, key, confirmed alias, or exact name. Nothing is guessed."""

    def __init__(self, account: Account) -> None:
        self._roots = roots_of(account)
        self._by_id: dict[str, int] = {}
        self._by_name: dict[str, set[int]] = defaultdict(set)
        for pk, name_key, huntress_id, key in Organization.objects.filter(account=account).values_list(
            "pk", "name_key", "huntress_id", "key"
        ):
            self._by_name[name_key].add(self.root(pk))
            self._by_id |= {text: self.root(pk) for text in (huntress_id, key) if text}
        aliases = Alias.objects.filter(account=account, revoked_at__isnull=True)
        self._aliases = {name_key: self.root(pk) for name_key, pk in aliases.values_list("name_key", "organization")}

    def root(self, pk: int) -> int:
        return self._roots.get(pk, pk)

    def find(self, text: str) -> int | str:
        """The Organization, or why there is none, in words."""
        text = " ".join(text.split())
        name_key = normalise(text)[:500]
        if text in self._by_id:
            return self._by_id[text]
        if name_key in self._aliases:
            return self._aliases[name_key]
        found = self._by_name.get(name_key, set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            return f"{len(found)} Organizations are called “{text[:80]}”. Write the id that Huntress has for it."
        return f"No Organization of this account is called “{text[:80]}”, and none has that id."


# --- Huntress ---


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tenant that Huntress' newest live counts name for an Organization of ours, and that is not connected or not confirmed."""

    guid: str
    organization: int
    name: str
    billable: int | None


def candidates_of(account: Account) -> tuple[list[Candidate], SourceFile | None]:
    """Candidates by name, and the pull that names them. A tenant that Huntress has for two Organizations is nobody's candidate."""
    newest = SourceFile.objects.filter(account=account, kind=Kind.LIVE, state="imported").order_by("-imported_at", "-pk").first()
    if newest is None:
        return [], None
    finder_roots = roots_of(account)
    owners = dict(FileOwner.objects.filter(source_file=newest, organization__isnull=False).values_list("number", "organization"))
    told: dict[str, dict[int, int | None]] = defaultdict(dict)
    for owner, tenants in LiveCount.objects.filter(source_file=newest).exclude(tenants=[]).values_list("owner", "tenants"):
        if owner in owners and owners[owner] is not None:
            root = finder_roots.get(int(owners[owner] or 0), int(owners[owner] or 0))
            for one in tenants:
                guid = tenant_id(str(one.get("tenant") or ""))
                if guid and str(one.get("type") or "").lower() in _MICROSOFT:
                    billable = one.get("billable") if one.get("product") == "itdr" else told[guid].get(root)
                    told[guid][root] = billable
    known = set(tenants_of(account).filter(organization__isnull=False, guid__in=list(told)).values_list("guid", flat=True))
    names = dict(
        Organization.objects.filter(account=account, pk__in={pk for some in told.values() for pk in some}).values_list("pk", "name")
    )
    made = [
        Candidate(guid, pk, names[pk], billable)
        for guid, some in told.items()
        if guid not in known and len(some) == 1
        for pk, billable in some.items()
    ]
    return sorted(made, key=lambda one: (one.name.casefold(), one.guid)), newest


def accept(account: Account, guids: Iterable[str], *, cloud: str, by: User) -> Imported:
    """Say that these candidates are right. Raises Refused for one that is none any more."""
    require(by, account, Need.ADMINISTER)
    offered = {one.guid: one.organization for one in candidates_of(account)[0]}
    wanted = list(dict.fromkeys(guids))
    if not wanted:
        raise Refused("Tick the tenants that are right.")
    if cloud not in CLOUDS:
        raise Refused("Choose one of Microsoft’s clouds.", field="cloud")
    gone = [guid for guid in wanted if guid not in offered]
    if gone:
        raise Refused("The list has changed since it was shown: look at it again.")
    return take_in(account, {guid: (offered[guid], cloud) for guid in wanted}, how=Tenant.How.HUNTRESS, by=by)
