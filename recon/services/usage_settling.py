"""The reseller's invoices and their usage lines: kept line by line with what does not add up, and cut into each account's own document."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, Final

from django.db import transaction

from accounts.templatetags.recon_ui import plural
from ingest import bulk, jobs
from ingest.models import ResellerAccount, ResellerInvoice, ResellerSubscription, ResellerUsage
from ingest.sources.answers import Entry
from ingest.sources.usage_lines import ACCOUNTS, BY_ORGANIZATION, ORGANIZATIONS
from recon.engine.usage_sums import Used, oddities, pooled
from recon.services.came import Came, Record, day_in, identity, inner, text, time_in, whole
from recon.services.found_accounts import owners_of
from recon.services.usage_documents import Cut, cut_documents, state_cycle_days
from recon.usage_tiers import Agreed, agreed_of

_AT_ONCE: Final = 500
_OF_INVOICE: Final = re.compile(r"reseller/invoices/([^/?]+)/")
_COLUMNS: Final = (
    "invoice_id", "owner_id", "external_id", "period_start", "period_end", "product", "subscription_start", "subscription_end", "minimum",
    "billable", "non_billable", "actual", "organizations", "organizations_actual", "stated_amount", "interval", "tier", "odd",
)  # fmt: skip
Row = tuple[Any, ...]
Key = tuple[int, str, date, date]


@dataclass
class Lines:
    """One invoice's records by account, as they came; what could not be read of them; and the account's lines beside its Organizations'."""

    cuts: dict[int, list[Cut]] = field(default_factory=lambda: defaultdict(list))
    own: list[tuple[int, Record, datetime, datetime, str]] = field(default_factory=list)
    sums: dict[Key, tuple[int, int | None]] = field(default_factory=dict)
    periods: dict[Key, tuple[datetime, datetime]] = field(default_factory=dict)
    unread: int = 0

    def add_up(self, key: Key, count: int | None, period: tuple[datetime, datetime]) -> None:
        """One Organization more, and its units; a count that cannot be read makes the sum unknown."""
        organizations, before = self.sums.get(key, (0, 0))
        self.sums[key] = (organizations + 1, None if count is None or before is None else before + count)
        self.periods[key] = period


def settle_usage(came: Came, progress: jobs.Progress) -> None:
    """Invoice by invoice: an invoice whose lines came with a later pull keeps those."""
    invoices = _keep_invoices(came)
    entries = _by_invoice(came.entries)
    touched: set[int] = set()
    for done, number in enumerate(sorted(entries, key=lambda one: (len(one), one)), start=1):
        progress(done - 1, len(entries), f"Sorting the lines of invoice {number}")
        invoice = invoices.get(number) or _invoice_without_a_list(came, number)
        if not _is_for_this(came, invoice):
            continue
        lines = _sorted(came, entries[number])
        touched |= _keep_lines(came, invoice, lines)
        state_cycle_days(came, set(lines.cuts))
        cut_documents(came, invoice, entries[number], lines.cuts)
    progress(len(entries), len(entries))


# --- invoices ---------------------------------------------------------------------------------------------------------------------


def _keep_invoices(came: Came) -> dict[str, ResellerInvoice]:
    told = {number: record for record in came.of("reseller_invoices") if (number := identity(record))}
    with transaction.atomic():
        known = {one.external_id: one for one in ResellerInvoice.objects.select_for_update().filter(reseller=came.reseller)}
        old: list[ResellerInvoice] = []
        new: list[ResellerInvoice] = []
        for number, record in told.items():
            found = known.setdefault(number, ResellerInvoice(reseller=came.reseller, external_id=number, seen_at=came.at))
            if found.seen_at <= came.at:
                _tell(found, record, came)
                (old if found.pk else new).append(found)
        fields = ["issued_at", "status", "quantity", "stated_amount", "currency", "seen_at"]
        ResellerInvoice.objects.bulk_update(old, fields, batch_size=_AT_ONCE)
        ResellerInvoice.objects.bulk_create(new, batch_size=_AT_ONCE)
    return known


def _tell(found: ResellerInvoice, record: Record, came: Came) -> None:
    found.issued_at, found.status = time_in(record, "created_at"), text(record, "status", 20)
    found.quantity, found.stated_amount = whole(record, "quantity"), text(record, "amount", 40)
    found.currency, found.seen_at = text(record, "currency_type", 10).upper(), came.at


def _invoice_without_a_list(came: Came, number: str) -> ResellerInvoice:
    """Its lines came, and the list of invoices does not name it."""
    return ResellerInvoice.objects.get_or_create(reseller=came.reseller, external_id=number, defaults={"seen_at": came.at})[0]


def _is_for_this(came: Came, invoice: ResellerInvoice) -> bool:
    """An archive that lacks something does not take the place of one that is whole; nor an older one of a newer."""
    before = invoice.part
    if before is None or before.pk == came.part.pk:
        return True
    is_newer = not (before.ended_at and came.part.ended_at and before.ended_at > came.part.ended_at)
    return is_newer and (came.is_whole or bool(invoice.said))


def _by_invoice(entries: list[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.endpoint in (ACCOUNTS, ORGANIZATIONS) and (of := _OF_INVOICE.search(entry.address)):
            found[of.group(1)[:64]].append(entry)
    return found


# --- lines ------------------------------------------------------------------------------------------------------------------------


def _sorted(came: Came, entries: list[Entry]) -> Lines:
    """Every record to its account; the same record on two pages is one."""
    lines, seen = Lines(), set()
    owners = owners_of(came, came.records(entries))
    for entry in entries:
        for record in came.records([entry]):
            number = identity(record)
            if number and (entry.endpoint, number) in seen:
                continue
            seen.add((entry.endpoint, number))
            owner = owners.get(identity(inner(record, "account")))
            start, end = time_in(record, "period_start"), time_in(record, "period_end")
            if owner is None or start is None or end is None or end <= start:
                lines.unread += 1
                continue
            _take(lines, owner, entry.endpoint, record, (start, end))
    return lines


def _take(lines: Lines, owner: ResellerAccount, endpoint: str, record: Record, period: tuple[datetime, datetime]) -> None:
    lines.cuts[owner.pk].append(Cut(endpoint, identity(record), *period, json.dumps(record, ensure_ascii=False)))
    if endpoint == ACCOUNTS:
        lines.own.append((owner.pk, record, *period, text(record, "product", 40)))
        if not text(record, "product", 40):
            lines.unread += 1
        return
    usage = inner(record, "actual_usage")
    for product in usage:
        lines.add_up((owner.pk, str(product)[:40], *_days(period)), whole(usage, product), period)


def _days(period: tuple[datetime, datetime]) -> tuple[date, date]:
    """By which the two lists are joined: they write the same moments in two forms."""
    return period[0].astimezone(UTC).date(), period[1].astimezone(UTC).date()


def _keep_lines(came: Came, invoice: ResellerInvoice, lines: Lines) -> set[int]:
    """Replace an invoice's lines, unless they are the ones that are there. Returns whose they are."""
    agreed = agreed_of(ResellerSubscription.objects.filter(owner__reseller=came.reseller))
    support = dict(ResellerAccount.objects.filter(pk__in=list(lines.cuts)).values_list("pk", "support_type"))
    rows = list(_rows(invoice, lines, agreed, support))
    said = _said(came, lines)
    digest = hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()
    if (invoice.digest, invoice.said, invoice.part_id) != (digest, said, came.part.pk):
        with transaction.atomic():
            held = ResellerInvoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
            if held.digest != digest:
                bulk.remove(ResellerUsage.objects.filter(invoice=held))
                bulk.load(ResellerUsage, _COLUMNS, rows)
            ResellerInvoice.objects.filter(pk=held.pk).update(digest=digest, said=said, part=came.part)
    return set(lines.cuts)


def _said(came: Came, lines: Lines) -> str:
    said = []
    if not came.is_whole:
        said.append("Its lines are not whole: " + " ".join(came.archive.manifest.lacks))
    if lines.unread:
        said.append(f"{plural(lines.unread, 'line')} cannot be read, and {'is' if lines.unread == 1 else 'are'} in no sum.")
    return " ".join(said)[:500]


@dataclass(frozen=True)
class _Line:
    """One row to be kept, before its tier has spoken."""

    key: Key
    record: Record | None
    period: tuple[datetime, datetime]
    agreed: Agreed
    used: Used
    organizations: int | None
    support: str
    differs_together: bool = False

    @property
    def tier(self) -> tuple[str, ...] | None:
        """Accounts are added together by product, support and step of the price; None where the step is not known."""
        return (self.key[1], self.support, self.agreed.interval, self.agreed.tier) if self.agreed.tier else None


def _rows(invoice: ResellerInvoice, lines: Lines, agreed: dict[tuple[int, str], list[Agreed]], support: dict[int, str]) -> Iterator[Row]:
    found = sorted(_lines(lines, agreed, support), key=attrgetter("key"))
    together = pooled([(line.tier or (place,), line.used) for place, line in enumerate(found)])
    for place, line in enumerate(found):
        odd = ["pooled" if one == "differs" and place in together else one for one in oddities(line.used)]
        odd += ["organizations"] if line.differs_together else []
        yield _row(invoice, line, ",".join(odd))


def _lines(lines: Lines, agreed: dict[tuple[int, str], list[Agreed]], support: dict[int, str]) -> Iterator[_Line]:
    stated: dict[Key, list[int | None]] = defaultdict(list)
    for owner, record, start, end, product in lines.own:
        stated[owner, product, *_days((start, end))].append(whole(inner(record, "usage"), "actual"))
    for owner, record, start, end, product in lines.own:
        if not product:
            continue
        key: Key = (owner, product, *_days((start, end)))
        organizations, actual = lines.sums.get(key, (None, None))
        terms = _agreed_on(agreed.get((owner, product), []), key[3])
        usage, subscription = inner(record, "usage"), inner(record, "subscription")
        used = Used(
            minimum=whole(subscription, "minimum"),
            billable=whole(usage, "billable"),
            non_billable=whole(usage, "non_billable"),
            actual=whole(usage, "actual"),
            organizations_actual=actual,
            is_broken_down=product in BY_ORGANIZATION and len(stated[key]) == 1,  # of two lines nobody can say whose units are whose
            interval=terms.interval,
        )
        is_apart = len(stated[key]) > 1 and (None in stated[key] or sum(one or 0 for one in stated[key]) != actual)
        yield _Line(key, record, (start, end), terms, used, organizations, support.get(owner, ""), is_apart)
    for key, (organizations, actual) in lines.sums.items():
        if key not in stated:
            used = Used(None, None, None, None, actual, has_line=False)
            terms = _agreed_on(agreed.get(key[:2], []), key[3])
            yield _Line(key, None, lines.periods[key], terms, used, organizations, support.get(key[0], ""))


def _agreed_on(found: list[Agreed], when: date) -> Agreed:
    """The subscription that began last by then, and was not over."""
    holding = [one for one in found if one.start <= when and (one.end is None or when <= one.end)]
    return max(holding, key=attrgetter("start"), default=Agreed("", "", date.min, None))


def _row(invoice: ResellerInvoice, line: _Line, odd: str) -> Row:
    record = line.record or {}
    subscription, used = inner(record, "subscription"), line.used
    return (
        invoice.pk, line.key[0], identity(record), line.period[0], line.period[1], line.key[1], day_in(subscription, "start_date"),
        day_in(subscription, "end_date"), used.minimum, used.billable, used.non_billable, used.actual, line.organizations,
        used.organizations_actual, text(record, "amount", 40), line.agreed.interval, line.agreed.tier, odd,
    )  # fmt: skip
