"""Live counts of a cycle: which pull speaks for it, what it is called (*now*, or *as of*), and what each customer had in it.

A pull serves the cycle in which its answers came, and no other: what was counted after a cycle ended says nothing about that cycle. A month
that is worked on shows its cycle's newest pull; one in review or signed, the pull that its totals were counted with, by its SHA-256.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone

from accounts.models import Account, BillingCycle
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import moment, plural
from ingest.models import Connection, FileOwner, LegInput, LiveCount, PullPart
from recon.engine.live import NOTHING, UNITS, LiveCounts, together
from recon.models import Reconciliation

LEG: Final = "live"
Key = tuple[int, str]
_A_DAY: Final = timedelta(days=1)
FIGURES: Final = ("agents", "billable_agents", "unresponsive_agents", "identities", "all_identities", "learners", "sources")
_READ: Final = (*FIGURES, "products", "tenants")


@dataclass(frozen=True)
class Snapshot:
    """The pull that speaks for a cycle. ``given`` is None where there is none; ``taken_at`` is when its last answer came.

    ``has_strangers``: it has Organizations that nobody is known for here, so who is not named in it may be one of them. ``is_persons``: its
    key was a user's, and brings what that person may see.
    """

    cycle: BillingCycle
    looked_at: datetime
    given: LegInput | None = None
    taken_at: datetime | None = None
    pull: int | None = None
    has_strangers: bool = False
    is_persons: bool = False

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.cycle.account.time_zone)

    @cached_property
    def _end(self) -> datetime:
        return datetime.combine(self.cycle.end, time(), self.zone)

    @property
    def is_of_cycle(self) -> bool:
        """Whether it was taken in its cycle: a past month is never compared with today's counts."""
        start = datetime.combine(self.cycle.start, time(), self.zone)
        return self.taken_at is not None and start <= self.taken_at < self._end

    @property
    def is_known(self) -> bool:
        return self.given is not None and self.is_of_cycle

    @property
    def file(self) -> int:
        """The file that has its rows; 0 where there is none."""
        return self.given.source_file_id if self.given else 0

    @property
    def is_whole(self) -> bool:
        return self.given is not None and not self.given.partial and not self.given.source_file.rejected

    @property
    def absent_is_zero(self) -> bool:
        """A whole pull that does not name a customer found nothing of it, unless something else may be why it does not."""
        return self.is_known and not self.why_absent

    @property
    def why_absent(self) -> str:
        """Why who is not named in it may be there all the same; "" where that cannot be."""
        if not self.is_whole:
            return "is not complete"
        if self.given is None or not self.given.source_file.loaded:
            return "has nobody at all"
        if self.has_strangers:
            return "has Organizations not matched yet"
        return "" if not self.is_persons else "was made with a person’s own key, which may not see everybody"

    @property
    def is_now(self) -> bool:
        if self.taken_at is None or self.looked_at >= self._end:
            return False
        return self.taken_at.astimezone(self.zone).date() == self.looked_at.astimezone(self.zone).date()

    @property
    def days_before_end(self) -> int:
        """How many whole days before its cycle's end it was taken, of a cycle that is over; 0 where that is one day or less."""
        if self.taken_at is None or self.looked_at < self._end:
            return 0
        before = self._end.astimezone(UTC) - self.taken_at.astimezone(UTC)
        return before.days if before > _A_DAY else 0

    @property
    def label(self) -> str:
        """``now``, ``as of 13 Nov 2026, 20:00`` in the account's time zone, or that nothing is known."""
        if not self.is_known or self.taken_at is None:
            return "not known"
        return "now" if self.is_now else f"as of {self.taken_words}"

    @property
    def taken_words(self) -> str:
        return moment(self.taken_at.astimezone(self.zone).replace(tzinfo=None)) if self.taken_at else ""

    @property
    def timing(self) -> str:
        """How far from the cycle's end it was taken, where that alone may make counts differ; "" where it was near enough."""
        days = self.days_before_end
        return f"{plural(days, 'day')} before the end" if days else ""

    @property
    def words(self) -> str:
        """Its label with all that limits it."""
        return ", ".join(part for part in (self.label, self.timing, "" if self.is_whole or not self.is_known else "incomplete") if part)

    @property
    def why_not(self) -> str:
        """Why nothing is known; "" where something is."""
        if self.is_known:
            return ""
        if self.given is None:
            return "No live counts were pulled in this cycle"
        return f"Its counts are of {self.taken_words}, outside this cycle, and say nothing about it"


def snapshot_of(reconciliation: Reconciliation, looked_at: datetime | None = None) -> Snapshot:
    """In one query. A revision that nobody works on keeps the one that its totals name, also after a later pull took its place."""
    given = LegInput.objects.filter(cycle=reconciliation.cycle_id, leg=LEG)
    if reconciliation.is_working:
        given = given.filter(ended_at__isnull=True)
    else:
        given = given.filter(source_file__sha256=reconciliation.totals.get(LEG, {}).get("sha256", ""))
    return _snapshot(reconciliation.cycle, given, looked_at)


def current_snapshot(cycle: BillingCycle, looked_at: datetime | None = None) -> Snapshot:
    """Of a cycle, whatever became of its month."""
    return _snapshot(cycle, LegInput.objects.filter(cycle=cycle, leg=LEG, ended_at__isnull=True), looked_at)


def snapshots_of(account: Account, most: int, looked_at: datetime | None = None) -> list[Snapshot]:
    """Those of the newest cycles that have one, oldest first; in one query."""
    current = _described(LegInput.objects.filter(cycle__account=account, leg=LEG, ended_at__isnull=True))
    rows = current.select_related("source_file", "cycle__account").order_by("-cycle__start")[:most]
    return [one for given in reversed(rows) if (one := _with(given.cycle, given, looked_at)).is_known]


def _snapshot(cycle: BillingCycle, inputs: QuerySet[LegInput], looked_at: datetime | None) -> Snapshot:
    return _with(cycle, _described(inputs).order_by("-since", "-pk").first(), looked_at)


def _described(inputs: QuerySet[LegInput]) -> QuerySet[LegInput]:
    parts = PullPart.objects.filter(source_file=OuterRef("source_file")).order_by("-ended_at")
    strangers = FileOwner.objects.filter(source_file=OuterRef("source_file"), organization__isnull=True)
    return inputs.select_related("source_file").annotate(
        pulled_at=Subquery(parts.values("ended_at")[:1]), pull=Subquery(parts.values("pull")[:1]), has_strangers=Exists(strangers),
        is_persons=Exists(parts.filter(pull__connection__key_kind=Connection.KeyKind.USER)),
    )  # fmt: skip


def _with(cycle: BillingCycle, given: LegInput | None, looked_at: datetime | None) -> Snapshot:
    known: Any = given
    if known is None:
        return Snapshot(cycle, looked_at or timezone.now())
    return Snapshot(cycle, looked_at or timezone.now(), given, _taken_at(known), known.pull, known.has_strangers, known.is_persons)


def _taken_at(given: Any) -> datetime:
    """When the last answer came, as the archive itself says; else when its pull ended, or it came here."""
    said = given.source_file.preview.get("answered_at")
    if said:
        return datetime.fromisoformat(said)
    found: datetime = given.pulled_at or given.source_file.received_at
    return found


def why_nothing(snapshot: Snapshot) -> str:
    """Why a cycle has no live counts, with what became of the last attempt in it; in one query."""
    if snapshot.given is not None:
        return snapshot.why_not
    start, end = (datetime.combine(day, time(), snapshot.zone) for day in (snapshot.cycle.start, snapshot.cycle.end))
    tried = PullPart.objects.filter(account=snapshot.cycle.account_id, subject=LEG, ended_at__gte=start, ended_at__lt=end)
    last = tried.order_by("-ended_at").first()
    if last is None:
        return snapshot.why_not
    became = {"refused": "was refused", "failed": "failed", "cancelled": "was cancelled", "partial": "was incomplete"}.get(last.state)
    told = f": {last.said}" if last.said else ""
    return f"{snapshot.why_not}: the pull {became}{told}" if became else f"{snapshot.why_not} that could be taken in"


# --- counts -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Had:
    """What one customer had. ``is_named``: the pull has it; ``lines`` are its records, by their number in the file."""

    snapshot: Snapshot
    counts: LiveCounts = NOTHING
    is_named: bool = False
    lines: tuple[int, ...] = ()
    tenants: tuple[Any, ...] = ()

    def units(self, product: str) -> int | None:
        if not self.is_named:
            return 0 if self.snapshot.absent_is_zero else None
        return self.counts.of(product)

    def difference(self, product: str, billed: int | None) -> int | None:
        """Billed − live."""
        live = self.units(product)
        return None if live is None or billed is None else billed - live

    def why_blank(self, product: str) -> str:
        """Why there is no figure of a product."""
        if not self.snapshot.is_known:
            return self.snapshot.why_not
        if not self.is_named:
            return f"Not in the pull, which {self.snapshot.why_absent}"
        if self.counts.is_off(product):
            return f"{BY_CODE[product].label} was not active there"
        if product == "edr" and self.counts.agents is not None:
            return "Huntress did not tell how many of its agents are billable"
        return f"Huntress did not tell its {BY_CODE[product].units}"

    def beside(self, product: str) -> str:
        """What else is known of the units: all agents where they are not the billable ones, unresponsive ones, identities in all."""
        given, said = self.counts, []
        if product == "edr" and self.is_named:
            if given.agents is not None and given.agents != given.billable_agents:
                said.append(f"{plural(given.agents, 'agent')} in all")
            if given.unresponsive_agents:
                said.append(f"{plural(given.unresponsive_agents, 'agent')} unresponsive")
        if product in {"itdr", "ispm"} and given.all_identities is not None and given.all_identities != given.identities:
            said.append(f"{plural(given.all_identities, 'identity,identities')} in all")
        return ", ".join(said)


def had_by(snapshot: Snapshot, families: Mapping[int, Collection[int]]) -> dict[int, Had]:
    """What each of some customers had, by the ids of its Organizations; in one query, and none where nothing is known."""
    if not snapshot.is_known or not families:
        return {pk: Had(snapshot) for pk in families}
    shown_for: dict[int, list[int]] = defaultdict(list)
    for pk, family in families.items():
        for member in family:
            shown_for[member].append(pk)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for _, member, record in _records([snapshot.file], shown_for):
        for pk in shown_for[member]:
            found[pk].append(record)
    return {pk: _had(snapshot, found.get(pk, [])) for pk in families}


def had_over(snapshots: Sequence[Snapshot], family: Collection[int]) -> list[Had]:
    """What one customer had in each of some pulls; in one query."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for file, _, record in _records([one.file for one in snapshots], family) if snapshots else ():
        found[file].append(record)
    return [_had(one, found.get(one.file, [])) for one in snapshots]


def _records(files: Collection[int], organizations: Collection[int]) -> Iterable[tuple[int, int, dict[str, Any]]]:
    """The records of some Organizations in some files, each with both."""
    record = LiveCount.objects.filter(source_file=OuterRef("source_file"), owner=OuterRef("number")).order_by("line")
    packed = JSONObject(**{name: name for name in ("line", *_READ)})
    owners = FileOwner.objects.filter(source_file__in=list(files), organization__in=list(organizations))
    rows = owners.annotate(record=Subquery(record.values(packed=packed)[:1])).order_by("source_file", "number")
    found = rows.values_list("source_file_id", "organization_id", "record")
    return [(file, pk, one) for file, pk, one in found if pk is not None and one is not None]


def _had(snapshot: Snapshot, records: list[dict[str, Any]]) -> Had:
    if not records:
        return Had(snapshot)
    tenants = tuple(tenant for one in records for tenant in _listed(one["tenants"]))
    return Had(snapshot, together(map(_counts, records)), True, tuple(one["line"] for one in records), tenants)


def _counts(record: Mapping[str, Any]) -> LiveCounts:
    products = record["products"]
    figures = {name: record[name] for name in FIGURES}
    return LiveCounts.read(None if products is None else _listed(products), _listed(record["tenants"]), **figures)


def _listed(given: Any) -> list[Any]:
    """A list as a database packs it: SQLite keeps JSON within JSON as text."""
    found = json.loads(given) if isinstance(given, str) else given
    return found if isinstance(found, list) else []


def every_had(snapshot: Snapshot, roots: Mapping[int, int]) -> dict[int, Had]:
    """What everybody had, by root: for a sheet or a comparison, not for a page."""
    if not snapshot.is_known:
        return {}
    owners = FileOwner.objects.filter(source_file=snapshot.file, organization__isnull=False).order_by()
    whose = {number: roots.get(pk, pk) for number, pk in owners.values_list("number", "organization_id") if pk is not None}
    found: dict[int, list[LiveCounts]] = defaultdict(list)
    rows = LiveCount.objects.filter(source_file=snapshot.file).order_by().values("owner", *_READ)
    for row in rows.iterator(chunk_size=20_000):
        if row["owner"] in whose:
            found[whose[row["owner"]]].append(_counts(row))
    return {root: Had(snapshot, together(counts), True) for root, counts in found.items()}


def totals_of(snapshot: Snapshot, roots: Mapping[int, int], rows: Iterable[tuple[int, str, int | None]]) -> dict[str, Any]:
    """The figures of a month's head, counted once with its rows (Organization, product, billed), and by which pull; {} without one.

    Of each product: ``live`` are the known units of everybody in the pull, ``unknown`` how many customers have it untold, ``difference`` is
    billed − live where both are known (``compared`` rows), ``differs`` how many rows that is another number than zero in.
    """
    if not snapshot.is_known or snapshot.given is None or snapshot.taken_at is None:
        return {}
    every = every_had(snapshot, roots)
    nobody = Had(snapshot)
    products = {code: {"live": 0, "known": 0, "unknown": 0, "compared": 0, "difference": 0, "differs": 0} for code in UNITS}
    for had in every.values():
        for code, figures in products.items():
            units = had.units(code)
            figures["live"] += units or 0
            figures["known"] += units is not None
            figures["unknown"] += units is None and not had.counts.is_off(code)
    for organization, product, billed in rows:
        difference = every.get(organization, nobody).difference(product, billed)
        if difference is not None:
            figures = products[product]
            figures["compared"] += 1
            figures["difference"] += difference
            figures["differs"] += difference != 0
    return {"sha256": snapshot.given.source_file.sha256, "taken_at": snapshot.taken_at.isoformat(), "products": products}
