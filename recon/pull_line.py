"""Where an account's last pull stands, in a line: when, whole or not, missed, or that nothing is connected. One query for any accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils import timezone

from accounts.access import Need, may
from accounts.models import Account
from accounts.templatetags.recon_ui import moment, plural
from ingest.models import Connection, PullPart

#: What is pulled of an account; older than so many days it is not looked for.
_SUBJECTS: Final = ("live", "agents", "identities", "invoices")
_LOOKED_AT: Final = timedelta(days=62)
#: A nightly pull may take this long before it counts as missed; a reseller's many accounts share their nights.
_PATIENCE: Final = timedelta(hours=4)
_OF_RESELLERS: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class PullLine:
    """``tone`` and ``symbol`` are those of an alert or an item; ``more`` says what follows, "" where nothing does.

    ``url`` and ``action`` are "" for who can do nothing about it.
    """

    tone: str
    symbol: str
    words: str
    more: str
    url: str
    action: str
    is_connected: bool


@dataclass(frozen=True, slots=True)
class _Part:
    pull: int
    ended_at: datetime
    parts: int
    lacking: int


def pull_line(account: Account, roles: Collection[str], now: datetime | None = None) -> PullLine:
    return pull_lines([account], {account.pk: roles}, now)[account.pk]


def pull_lines(accounts: Iterable[Account], roles: Mapping[int, Collection[str]], now: datetime | None = None) -> dict[int, PullLine]:
    """By account. ``roles`` are the person's in each: who may do something about it is told what."""
    now, of_account = now or timezone.now(), {one.pk: one for one in accounts}
    rows = _standing(of_account, now).values_list("pk", "its_connection", "its_part", "is_pulling")
    return {pk: _line(of_account[pk], connection, _part(part), busy, roles.get(pk, ()), now) for pk, connection, part, busy in rows}


def _standing(accounts: Iterable[int], now: datetime) -> QuerySet[Any]:
    own, resellers = Q(account=OuterRef("pk"), reseller__isnull=True), Q(reseller=OuterRef("reseller"))
    keys = Connection.objects.filter(own | resellers, provider=Connection.Provider.HUNTRESS, removed_at__isnull=True)
    keys = keys.order_by(F("reseller").asc(nulls_first=True), "pk")
    said = JSONObject(
        pk="pk", reseller="reseller", is_scheduled="is_scheduled", nightly_at="nightly_at", zone="account__time_zone", added_at="added_at",
        kind="key_kind", trouble="trouble",
    )  # fmt: skip
    parts = PullPart.objects.filter(account=OuterRef("pk"), subject__in=_SUBJECTS)
    beside = PullPart.objects.filter(pull=OuterRef("pull"), account=OuterRef("account")).order_by().values("pull")
    ended = parts.filter(ended_at__gte=now - _LOOKED_AT).exclude(state__in=PullPart.OPEN).order_by("-ended_at")
    ended = ended.annotate(
        of=Subquery(beside.annotate(count=Count("pk")).values("count")),
        lacking=Subquery(beside.annotate(count=Count("pk", filter=~Q(state="whole"))).values("count")),
    )
    told = JSONObject(pull="pull", ended_at="ended_at", parts="of", lacking="lacking")
    return Account.objects.filter(pk__in=list(accounts)).annotate(
        its_connection=Subquery(keys.values(packed=said)[:1]),
        its_part=Subquery(ended.values(packed=told)[:1]),
        is_pulling=Exists(parts.filter(state__in=PullPart.OPEN)),
    )


def _part(given: dict[str, Any] | None) -> _Part | None:
    return given and _Part(given["pull"], _moment(given["ended_at"]), given["parts"], given["lacking"])  # type: ignore[return-value]


def _moment(text: str) -> datetime:
    """A moment as a database packs it into JSON: SQLite leaves out that it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _line(
    account: Account, connection: dict[str, Any] | None, part: _Part | None, busy: bool, roles: Collection[str], now: datetime
) -> PullLine:
    if connection is None:
        return _unconnected(account, part, set(roles))
    pulls = reverse("ingest:pulls", args=[account.slug])
    settings = reverse("ingest:connection", args=[account.slug, connection["pk"]])
    when = _when(account, part) if part else ""
    if connection["trouble"]:
        more = f"{connection['trouble']}{f' The last pull was {when}.' if part else ''}"
        return PullLine("rejected", "escalate", "Huntress cannot be asked", more, settings, "See the connection", True)
    if busy:
        more = f"The one before ended {when}." if part else "The first one."
        return PullLine("running", "running", "Being pulled from Huntress now", more, pulls, "See the pull", True)
    if part is None:
        if not connection["kind"]:
            return PullLine("todo", "todo", "Connected to Huntress, and not tested yet", "", settings, "See the connection", True)
        return PullLine("todo", "todo", "Nothing pulled from Huntress yet", "", pulls, "See pulls", True)
    url = reverse("ingest:pull", args=[account.slug, part.pull])
    missed = _is_missed(connection, part.ended_at, now)
    if part.lacking:
        words = f"Pulled from Huntress {when}, {plural(part.lacking, 'part')} of {part.parts} not whole"
        return PullLine("todo", "todo", words, _MISSED if missed else "", url, "What it lacks", True)
    words = f"Pulled from Huntress {when}, whole"
    if missed:
        return PullLine("todo", "todo", words, _MISSED, pulls, "See pulls", True)
    return PullLine("done", "match", words, "", url, "See the pull", True)


_MISSED: Final = "The nightly pull since then did not come: these are older counts than there should be."


def _when(account: Account, part: _Part) -> str:
    return moment(part.ended_at.astimezone(ZoneInfo(account.time_zone)).replace(tzinfo=None))


def _unconnected(account: Account, part: _Part | None, roles: set[str]) -> PullLine:
    last = f" What was pulled last is of {_when(account, part)}." if part else ""
    words, by_admin = "Huntress is not connected", "An admin of this account can connect it."
    if may(roles, Need.ADMINISTER):
        more, url = "Live counts, agents and invoices then come by themselves.", reverse("ingest:add_connection", args=[account.slug])
        return PullLine("missing", "info", words, more + last, url, "Connect", False)
    if may(roles, Need.WORK):
        more, url = f"{by_admin} Until then, upload an agent list.", reverse("ingest:files", args=[account.slug])
        return PullLine("missing", "info", words, more + last, url, "Add files", False)
    return PullLine("missing", "info", words, by_admin + last, "", "", False)


def _is_missed(connection: dict[str, Any], ended_at: datetime, now: datetime) -> bool:
    """Whether a nightly pull should have come since, and long enough ago."""
    if not connection["is_scheduled"]:
        return False
    if connection["reseller"]:
        return now - ended_at > _OF_RESELLERS
    zone = ZoneInfo(connection["zone"])
    ready = (now - _PATIENCE).astimezone(zone)
    slot = datetime.combine(ready.date(), time.fromisoformat(connection["nightly_at"]), zone)
    return ended_at < (slot if slot <= ready else slot - timedelta(days=1))
