"""Invoices as Huntress lists them: each is kept once, in the cycle that it closes, and follows what later answers say of it.

Rests on ``domain/huntress.md`` §1.4 (in arrears, by anniversary cycles) and §3 (``/invoices``, once ``/billing_reports``: both read alike).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import pandas as pd
from django.db.models import Max, Min
from django.utils import timezone

from accounts.calendar import Cycle, previous_cycle
from accounts.models import Account, BillingCycle, User
from accounts.templatetags.recon_ui import day as day_words
from accounts.templatetags.recon_ui import plural
from ingest import jobs
from ingest.huntress.answers import moment
from ingest.models import Invoice, InvoiceChange, RowIssue, SourceFile
from ingest.services.connections import huntress_of
from ingest.sources.reading import Reading
from recon.engine.tie_out import cycle_closed_on, micros_of
from recon.loads.loader import Loader, Taught, nothing, read_file
from recon.services.months import check_signature

_OLDER: Final = "invoices_before_the_first_month"
_FOLLOWED: Final = ("status", "stated_amount", "quantity")
_SAID: Final = ("source_file", "line", "plan", "description", "stated_amount", "amount", "currency", "quantity", "status")
_AT_ONCE: Final = 500
Record = dict[str, Any]


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    """Nothing is written before the file counts: then all of it is, in one transaction."""
    records = [_record(row) for row in reading.lines.to_dict("records")]
    said_at = moment(reading.manifest.ended_at) if reading.manifest else None
    return lambda: _Taking(source_file, said_at or timezone.now()).take(records)


def _record(row: dict[Any, Any]) -> Record:
    created: pd.Timestamp = row["created_at"]
    quantity = row["quantity"]
    return {
        "line": int(row["line"]),
        "external_id": row["external_id"],
        "created_at": created.to_pydatetime(),
        "plan": row["plan"],
        "stated_amount": row["amount"][:40],
        "quantity": None if pd.isna(quantity) else int(quantity),
        "currency": row["currency"],
        "status": row["status"],
    }


@dataclass
class _Taking:
    """One list of invoices on its way into an account. ``said_at`` is when Huntress said it."""

    source_file: SourceFile
    said_at: datetime
    older: list[date] = field(default_factory=list)
    changed: list[Invoice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account: Account = self.source_file.account
        self.zone = ZoneInfo(self.account.time_zone)
        connection = huntress_of(self.account)
        self.unit = connection.amount_unit if connection else ""
        self.cycles = {one.start: one for one in BillingCycle.objects.filter(account=self.account)}
        self.oldest = self._first_month()

    def _first_month(self) -> date:
        """The first that is on record here; and always the one that closed last."""
        own = cast(BillingCycle, self.source_file.cycle).dates
        first = BillingCycle.objects.filter(account=self.account, inputs__isnull=False).aggregate(first=Min("start"))["first"]
        closed = previous_cycle(own, self.account.anniversary_day).start
        return min(first, closed) if first else closed

    def take(self, records: Sequence[Record]) -> None:
        known = self._known(records)
        made = [one for record in records if record["external_id"] not in known for one in self._new(record)]
        Invoice.objects.bulk_create(made, _AT_ONCE)
        changes = [self._change(one, None) for one in made]
        for record in records:
            if (invoice := known.get(record["external_id"])) is not None:
                changes += self._follow(invoice, record)
        Invoice.objects.bulk_update(self.changed, _SAID, _AT_ONCE)
        InvoiceChange.objects.bulk_create(changes, _AT_ONCE, ignore_conflicts=True)
        self._tell_older()
        touched = {one.cycle_id for one in (*made, *self.changed)}
        for cycle in BillingCycle.objects.filter(pk__in=touched).select_related("account"):
            check_signature(cycle, by=self._by)

    @property
    def _by(self) -> User:
        return cast(User, self.source_file.imported_by)

    def _known(self, records: Sequence[Record]) -> dict[str, Invoice]:
        """Those that are here already, each with the moment of what was last said of it (``said_at``)."""
        found: dict[str, Invoice] = {}
        numbers = [record["external_id"] for record in records]
        for start in range(0, len(numbers), _AT_ONCE):
            some = Invoice.objects.filter(account=self.account, external_id__in=numbers[start : start + _AT_ONCE])
            for one in some.annotate(said_at=Max("changes__seen_at")):
                found[cast(str, one.external_id)] = one
        return found

    def _new(self, record: Record) -> list[Invoice]:
        """One, or none where it is older than the account's first month here."""
        issued = record["created_at"].astimezone(self.zone).date()
        cycle = self._cycle_closed_on(issued)
        if cycle is None:
            self.older.append(issued)
            return []
        return [
            Invoice(
                account=self.account,
                cycle=cycle,
                number=record["external_id"],
                external_id=record["external_id"],
                issued_on=issued,
                by=self._by,
                **self._said(record),
            )
        ]

    def _said(self, record: Record) -> dict[str, Any]:
        """What an answer says of an invoice, and where."""
        return {
            "source_file": self.source_file,
            "line": record["line"],
            "plan": record["plan"],
            "description": record["plan"],
            "stated_amount": record["stated_amount"],
            "amount": micros_of(record["stated_amount"], self.unit),
            "currency": record["currency"] or self.account.currency,
            "quantity": record["quantity"],
            "status": record["status"],
        }

    def _follow(self, invoice: Invoice, record: Record) -> list[InvoiceChange]:
        """The row says what this answer says; nothing where it says the same, or is older than what was said last."""
        said_before: datetime | None = invoice.said_at  # type: ignore[attr-defined]
        before = {name: getattr(invoice, name) for name in _FOLLOWED}
        if before == {name: record[name] for name in _FOLLOWED} or (said_before and said_before >= self.said_at):
            return []
        said = self._said(record)
        for name, value in said.items():
            setattr(invoice, name, value)
        self.changed.append(invoice)
        return [self._change(invoice, before)]

    def _change(self, invoice: Invoice, before: dict[str, Any] | None) -> InvoiceChange:
        was = before or {"status": "", "stated_amount": "", "quantity": None}
        return InvoiceChange(
            invoice=invoice,
            source_file=self.source_file,
            seen_at=self.said_at,
            **{name: getattr(invoice, name) for name in _FOLLOWED},
            **{f"{name}_before": value for name, value in was.items()},
        )

    def _cycle_closed_on(self, issued: date) -> BillingCycle | None:
        """The account's row for the cycle that an invoice of a day closes, made where there is none; None for one that is too old."""
        wanted = cycle_closed_on(issued, self.account.anniversary_day)
        if wanted.start < self.oldest:
            return None
        alike = [one for one in self.cycles.values() if one.start < wanted.end and one.end > wanted.start]
        if alike:  # as it was laid when the anniversary was another one, if need be
            return min(alike, key=lambda one: (one.dates != wanted, abs((one.end - wanted.end).days)))
        return self._laid(wanted)

    def _laid(self, wanted: Cycle) -> BillingCycle:
        made, _ = BillingCycle.objects.get_or_create(account=self.account, start=wanted.start, defaults={"end": wanted.end})
        self.cycles[made.start] = made
        return made

    def _tell_older(self) -> None:
        RowIssue.objects.filter(source_file=self.source_file, code=_OLDER).delete()
        if self.older:
            last = f" to {day_words(max(self.older))}" if len(self.older) > 1 else ""
            count, first = plural(len(self.older), "invoice"), day_words(min(self.older))
            closed = "closes a cycle" if len(self.older) == 1 else "close cycles"
            oldest = f"the first month on record here, which begins {day_words(self.oldest)}"
            words = f"{count}, of {first}{last}, {closed} from before {oldest}: not kept."
            RowIssue.objects.create(source_file=self.source_file, level="info", code=_OLDER, message=words)


#: Nothing is left of an attempt that did not end. A file that is withdrawn takes nothing along: Huntress said it, and would say it again.
LOADER = Loader(_load, nothing, read_file)
