"""The billed leg of each account: its own records, cut out of a reseller's invoice, as a document for the ordinary river.

A document is made of an account and a period, again only where its records are others than before. It waits, and says why, where nobody
has said which account it is, where the account's cycles begin on another day, where its lines do not add up, and where a person's own
report serves the cycle already. A signed month takes it as it takes any other list: *changed since sign-off*.
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import audit
from accounts.calendar import Cycle, cycle_containing, day_of_cycles
from accounts.models import Account, BillingCycle
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, day, plural
from ingest import jobs, storage
from ingest.models import LegInput, ResellerAccount, ResellerDocument, ResellerInvoice, ResellerUsage, SourceFile
from ingest.services.intake import read_into_preview
from ingest.sources.answers import Entry, Manifest, write
from ingest.sources.usage_lines import ACCOUNTS, KEYS, ORGANIZATIONS
from recon.context import ordinal
from recon.models import Reconciliation
from recon.services.came import Came
from recon.services.imports import start_import

KIND: Final = "bill"
State = SourceFile.State
_WAITING: Final = (State.RECEIVED, State.READY)
#: Invoices whose lines make no document: not final, or none any more.
NOT_FINAL: Final = frozenset({"draft", "void", "voided"})
_AT_ONCE: Final = 500
_LONGEST: Final = 500
#: Of a file's preview: the account at Huntress whose lines it was cut out of.
_MARK: Final = "usage_of"


@dataclass(frozen=True, slots=True)
class Cut:
    """One record as it came, in JSON, and where it belongs."""

    endpoint: str
    external_id: str
    start: datetime
    end: datetime
    record: str

    @property
    def order(self) -> tuple[Any, ...]:
        return (self.endpoint != ORGANIZATIONS, len(self.external_id), self.external_id, self.record)


# --- on which day the cycles begin ------------------------------------------------------------------------------------------------


def state_cycle_days(came: Came, owners: set[int]) -> None:
    """Note of accounts on which day of the month their periods begin: all periods known, where one day explains them all."""
    found = list(ResellerAccount.objects.filter(pk__in=owners).select_related("account"))
    starts: dict[int, set[date]] = defaultdict(set)
    zones = {one.pk: _zone(one, came) for one in found}
    periods = ResellerUsage.objects.filter(owner__in=owners).order_by().values_list("owner", "period_start").distinct()
    for owner, start in periods:
        starts[owner].add(start.astimezone(zones[owner]).date())
    changed = []
    for one in found:
        day_found = day_of_cycles(starts[one.pk])
        said = "" if day_found or not starts[one.pk] else "Its lines begin on different days of the month: which is its own cannot be told."
        if (one.cycle_day, one.cycle_said) != (day_found, said):
            one.cycle_day, one.cycle_said = day_found, said
            changed.append(one)
    ResellerAccount.objects.bulk_update(changed, ["cycle_day", "cycle_said"], batch_size=_AT_ONCE)


def _zone(owner: ResellerAccount, came: Came) -> ZoneInfo:
    """The account's own; of one that is not ours yet, that of the account to which the connection was added."""
    account = owner.account or came.connection.account
    return ZoneInfo(account.time_zone)


# --- cutting ----------------------------------------------------------------------------------------------------------------------


def cut_documents(came: Came, invoice: ResellerInvoice, entries: list[Entry], cuts: dict[int, list[Cut]]) -> None:
    """A document for each mapped account and period of an invoice, where its records are new; then a worker reads and imports them."""
    if invoice.status.casefold() in NOT_FINAL:
        return
    mapped = ResellerAccount.objects.filter(pk__in=list(cuts), account__isnull=False).select_related("account")
    before = {(one.owner_id, one.start, one.end): one for one in _documents(owner__in=mapped)}
    for owner in mapped:
        account = cast(Account, owner.account)
        zone = ZoneInfo(account.time_zone)
        periods: dict[tuple[date, date], list[Cut]] = defaultdict(list)
        for one in cuts[owner.pk]:
            periods[one.start.astimezone(zone).date(), one.end.astimezone(zone).date()].append(one)
        made = [_cut(came, invoice, entries, owner, *period, found, before) for period, found in sorted(periods.items())]
        if any(made):
            jobs.enqueue(KIND, owner.pk, label="Taking over Huntress’ usage lines", account=account, by=came.by)


def _documents(**of: Any) -> Any:
    return ResellerDocument.objects.filter(**of).select_related("source_file", "invoice")


def _cut(
    came: Came,
    invoice: ResellerInvoice,
    entries: list[Entry],
    owner: ResellerAccount,
    start: date,
    end: date,
    cuts: list[Cut],
    before: dict[tuple[int, date, date], ResellerDocument],
) -> bool:
    """Whether there is something for a worker to take over."""
    if end <= start:
        return False
    cuts = sorted(cuts, key=lambda one: one.order)
    digest = hashlib.sha256("\n".join(one.record for one in cuts).encode()).hexdigest()
    found = before.get((owner.pk, start, end)) or ResellerDocument(owner=owner, start=start, end=end)
    if found.pk and _is_older(invoice, found):
        return False
    if found.digest == digest and found.source_file_id:
        return found.cycle_id is None and found.source_file is not None and found.source_file.state in _WAITING
    found.digest, found.invoice, found.at = digest, invoice, came.at
    found.source_file, found.cycle = None, None
    found.said = _why_not(came, owner, start, end, cuts)
    if not found.said:
        found.source_file = _received(came, invoice, entries, owner, start, end, cuts)
    found.save()
    return found.source_file is not None


def _is_older(invoice: ResellerInvoice, found: ResellerDocument) -> bool:
    """A period that stands on two invoices is taken from the newer one."""
    other = found.invoice
    if other is None or other.pk == invoice.pk:
        return False
    return (other.issued_at or other.seen_at) > (invoice.issued_at or invoice.seen_at)


def _why_not(came: Came, owner: ResellerAccount, start: date, end: date, cuts: list[Cut]) -> str:
    account = cast(Account, owner.account)
    if not came.is_whole:
        return "Its lines are not whole: " + " ".join(came.archive.manifest.lacks)[: _LONGEST - 40]
    if not any(one.endpoint == ORGANIZATIONS for one in cuts):
        return "Only the account has lines in this period, and none of its Organizations: nothing can be billed on."
    return why_no_cycle(account, start, end)


def why_no_cycle(account: Account, start: date, end: date) -> str:
    """Why a period is none of the account's cycles; blank where it is one. Its end may be the last day or the day after."""
    cycle = cycle_containing(start, account.anniversary_day)
    if cycle.start != start:
        return (
            f"Its lines begin on the {ordinal(start.day)} of the month, and the cycles of {account} on the "
            f"{ordinal(account.anniversary_day)}: they cannot be compared."
        )
    if end not in (cycle.end, cycle.last_day):
        return f"Its lines run from {day(start)} to {day(end)}, which is no cycle of {account} ({cycle_range(cycle)})."
    return ""


def _received(
    came: Came, invoice: ResellerInvoice, entries: list[Entry], owner: ResellerAccount, start: date, end: date, cuts: list[Cut]
) -> SourceFile:
    """The document in the storage and as a file of the account, waiting to be read."""
    account = cast(Account, owner.account)
    cycle = cycle_containing(start, account.anniversary_day)
    stored = storage.store(io.BytesIO(_archive(came, invoice, entries, owner, cycle, cuts)))
    name = f"Usage lines from Huntress {cycle.start} to {cycle.end}.zip"
    fields = {"account": account, "kind": "billed", "sha256": stored.sha256}
    here = SourceFile.objects.filter(**fields).exclude(state=State.DISCARDED)
    if found := here.first():
        return found
    try:
        with transaction.atomic():
            said = {_MARK: owner.external_id}
            new = SourceFile.objects.create(**fields, name=name, size=stored.size, received_by=came.by, preview=said)
            after = {"file": new.pk, "sha256": new.sha256, "size": new.size, "cut_from": came.part.sha256}
            audit.record("ingest.usage.received", name, account=account, actor=None, after=after)
            return new
    except IntegrityError:  # the same bytes, a moment earlier
        return here.latest("pk")


def _archive(came: Came, invoice: ResellerInvoice, entries: list[Entry], owner: ResellerAccount, cycle: Cycle, cuts: list[Cut]) -> bytes:
    """An archive with this account's records alone, as they came. ``about`` names the whole one, which only the reseller's people see."""
    answers: list[Entry] = []
    bodies: list[bytes] = []
    for endpoint in (ORGANIZATIONS, ACCOUNTS):
        records = [one.record for one in cuts if one.endpoint == endpoint]
        source = next((one for one in entries if one.endpoint == endpoint), None)
        if not records or source is None:
            continue
        body = f'{{"{KEYS[endpoint]}": [{", ".join(records)}]}}'.encode()
        digest, address = hashlib.sha256(body).hexdigest(), source.address.partition("?")[0]
        entry = Entry(len(answers) + 1, endpoint, address, source.status, {}, source.asked_at, digest, len(body), len(records))
        answers.append(entry)
        bodies.append(body)
    whole = came.archive.manifest
    manifest = Manifest(
        source=whole.source,
        subject="usage",
        kind="billed",
        whose={"id": owner.external_id, "name": owner.name},
        began_at=whole.began_at,
        ended_at=whole.ended_at,
        answers=tuple(answers),
        about={
            "cut_from": came.part.sha256,
            "invoice": invoice.external_id,
            "cycle": f"{cycle.start}:{cycle.end}",
            "said": "The records of this account, as they came, out of the answers with the SHA-256 “cut_from”.",
        },
    )
    into = io.BytesIO()
    write(into, manifest, bodies)
    return into.getvalue()


# --- taking over ------------------------------------------------------------------------------------------------------------------


@jobs.handles(KIND)
def take_over(subject: int, progress: jobs.Progress) -> None:
    """Read and import what waits of one account, oldest first. What stands in the way is said on the document, and the file waits."""
    owner = ResellerAccount.objects.select_related("account").get(pk=subject)
    waiting = _documents(owner=owner, source_file__state__in=_WAITING, cycle__isnull=True).order_by("start")
    documents = [one for one in waiting if owner.account_id == one.source_file.account_id]
    for done, one in enumerate(documents):
        progress(done, len(documents), f"Reading {one.source_file.name}")
        said = _take(one, progress)
        if said:
            _set_aside(one.source_file, said)
        ResellerDocument.objects.filter(pk=one.pk).update(said=said[:_LONGEST], cycle=one.cycle)
    progress(len(documents), len(documents))


def _set_aside(file: SourceFile, said: str) -> None:
    """What waits here is said on its page and on the reseller's, and is no file that somebody forgot to check."""
    with transaction.atomic():
        held = SourceFile.objects.select_for_update().get(pk=file.pk)
        if held.state == State.READY:
            SourceFile.objects.filter(pk=held.pk).update(preview=held.preview | {"kept_aside": said[:_LONGEST]})


def _take(document: ResellerDocument, progress: jobs.Progress) -> str:
    """Why it waits, or nothing."""
    file = cast(SourceFile, document.source_file)
    read_into_preview(file.pk, progress)
    file.refresh_from_db()
    account = file.account
    if file.state == State.REFUSED:
        return "The document cannot be read: its page says why."
    if file.state != State.READY:
        return ""
    if said := why_no_cycle(account, document.start, document.end):
        return said
    cycle = cycle_containing(document.start, account.anniversary_day)
    if file.rejected:
        return (
            f"{plural(file.rejected, 'line')} cannot be read or {'does' if file.rejected == 1 else 'do'} not add up: look at the document."
        )
    if other := _somebodys_report(account, cycle):
        return f"“{other}”, which somebody added, serves this cycle. It stays: import this document on its page to take its place."
    if said := _before_what_is_signed(account, cycle):
        return said
    try:
        start_import(file, by=file.received_by, cycle=cycle)
    except Refused as refusal:
        return str(refusal)
    document.cycle = BillingCycle.objects.get(account=account, start=cycle.start)
    return ""


def _somebodys_report(account: Account, cycle: Cycle) -> str:
    """The billed report that serves a cycle now and is none of these documents."""
    served = LegInput.objects.filter(cycle__account=account, cycle__start=cycle.start, leg="billed", ended_at__isnull=True)
    found = served.select_related("source_file").first()
    return found.source_file.name if found and _MARK not in found.source_file.preview else ""


def _before_what_is_signed(account: Account, cycle: Cycle) -> str:
    """No month is put by itself before the first on record where that is signed: it would be compared with another one before it."""
    first = BillingCycle.objects.filter(account=account).order_by("start").first()
    if first is None or cycle.start >= first.start or not first.reconciliations.filter(state=Reconciliation.State.SIGNED).exists():
        return ""
    return f"It is from before the first month on record, {cycle_range(first)}, which is signed: import it on its page to have it."


def waiting_documents(owners: Iterable[int]) -> dict[int, list[ResellerDocument]]:
    """What waits for something, by account, newest first."""
    found: dict[int, list[ResellerDocument]] = defaultdict(list)
    held = Q(source_file__isnull=True) | Q(source_file__state__in=[*_WAITING, State.REFUSED])
    for one in _documents(owner__in=list(owners)).filter(held).exclude(said="").order_by("-start"):
        found[one.owner_id].append(one)
    return found
