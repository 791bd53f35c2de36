"""A reseller's pages: its accounts and how they stand, one account, and its usage by tier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import Count, F, Max, Q, Sum

from accounts.models import Account, Reseller
from ingest.models import Connection, PullPart, ResellerAccount, ResellerInvoice, ResellerSubscription, ResellerUsage
from recon.reseller_tables import ODD, SHORTFALL, WAITING
from recon.services.resellers import day_words, free_accounts, free_slug, why_day_stays
from recon.services.usage_documents import NOT_FINAL, waiting_documents
from recon.usage_words import look_of, product_label, sentences, tier_words

SUBJECTS: Final = {"accounts": "Accounts", "subscriptions": "Subscriptions", "usage": "Usage lines"}
#: Tiers on one page, the largest first.
MOST_TIERS: Final = 40
_INVOICES_OFFERED: Final = 36
_LINES_SHOWN: Final = 24


@dataclass(frozen=True)
class Overview:
    """How many accounts stand how, the key, and what it brought last."""

    reseller: Reseller

    @cached_property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = ResellerAccount.objects.filter(reseller=self.reseller).aggregate(
            every=Count("pk"),
            waiting=Count("pk", filter=WAITING),
            mapped=Count("pk", filter=Q(account__isnull=False)),
            ignored=Count("pk", filter=~Q(ignored_because="")),
            gone=Count("pk", filter=Q(gone_at__isnull=False)),
            day=Count("pk", filter=Q(account__isnull=False, cycle_day__isnull=False) & ~Q(cycle_day=F("account__anniversary_day"))),
        )
        return found

    @cached_property
    def connection(self) -> Connection | None:
        return Connection.objects.filter(reseller=self.reseller, removed_at__isnull=True).select_related("account").first()

    @cached_property
    def parts(self) -> list[tuple[str, PullPart | None]]:
        """The newest part of each subject that has ended, and its words."""
        parts = PullPart.objects.filter(pull__connection__reseller=self.reseller, account__isnull=True, ended_at__isnull=False)
        newest = parts.filter(subject__in=SUBJECTS).values("subject").annotate(newest=Max("pk")).values("newest")
        found = {one.subject: one for one in PullPart.objects.filter(pk__in=newest).select_related("pull__connection__account")}
        return [(label, found.get(subject)) for subject, label in SUBJECTS.items()]

    @cached_property
    def here_alone(self) -> list[Account]:
        """Accounts here that are none of those at Huntress, as far as anybody said."""
        return free_accounts(self.reseller)


@dataclass(frozen=True)
class Line:
    """A usage line with what there is to say of it."""

    row: ResellerUsage
    short: int | None
    look: tuple[str, str, str]
    said: list[str]

    @property
    def product(self) -> str:
        return product_label(self.row.product)


@dataclass(frozen=True)
class AccountPage:
    """One account at Huntress: which one here it is, what was agreed, and what it was billed."""

    found: ResellerAccount

    @cached_property
    def subscriptions(self) -> list[ResellerSubscription]:
        return list(ResellerSubscription.objects.filter(owner=self.found).select_related("contract").order_by("product", "-status", "pk"))

    @cached_property
    def lines(self) -> list[Line]:
        rows = ResellerUsage.objects.filter(owner=self.found).select_related("invoice", "owner").annotate(short=SHORTFALL)
        newest = rows.order_by("-period_end", "product", "pk")[:_LINES_SHOWN]
        return [Line(row, row.short, look_of(row), sentences(row)) for row in newest]

    @cached_property
    def documents(self) -> list[Any]:
        return waiting_documents([self.found.pk])[self.found.pk]

    @property
    def day_words(self) -> str:
        return day_words(self.found)

    @cached_property
    def may_adopt_day(self) -> bool:
        account = self.found.account
        return bool(account and self.found.cycle_day and self.day_words and not self.why_day_stays)

    @cached_property
    def why_day_stays(self) -> str:
        return why_day_stays(self.found.account) if self.found.account else ""

    @cached_property
    def choices(self) -> list[Account]:
        return free_accounts(self.found.reseller)

    @cached_property
    def proposed(self) -> dict[str, Any]:
        """What a new account of it would be called."""
        return {"name": self.found.name, "slug": free_slug(self.found), "anniversary_day": self.found.cycle_day or ""}


@dataclass(frozen=True, slots=True)
class Tier:
    """The accounts of one product, support, interval and step of the price, added together."""

    product: str
    words: str
    accounts: int
    actual: int | None
    short: int | None
    non_billable: int | None
    billable: int | None
    odd: int
    unknown: int

    @property
    def label(self) -> str:
        return product_label(self.product)

    @property
    def difference(self) -> int | None:
        """Billable less the sum; None where a line of it has no readable figure."""
        if self.unknown or None in (self.actual, self.short, self.non_billable, self.billable):
            return None
        return (self.billable or 0) - ((self.actual or 0) + (self.short or 0) - (self.non_billable or 0))


@dataclass(frozen=True)
class UsagePage:
    """One invoice's lines. ``invoice`` is None where none is known."""

    reseller: Reseller
    invoices: list[ResellerInvoice]
    invoice: ResellerInvoice | None

    @property
    def is_final(self) -> bool:
        return self.invoice is not None and self.invoice.status.casefold() not in NOT_FINAL

    @cached_property
    def products(self) -> list[str]:
        lines = ResellerUsage.objects.filter(invoice=self.invoice).order_by("product")
        return list(lines.values_list("product", flat=True).distinct())

    @cached_property
    def tiers(self) -> list[Tier]:
        lines = ResellerUsage.objects.filter(invoice=self.invoice).annotate(short=SHORTFALL).order_by()
        sums = {f"all_{name}": Sum(name) for name in ("actual", "short", "non_billable", "billable")}
        found: Any = lines.values("product", "tier", "interval", "owner__support_type").annotate(
            accounts=Count("owner", distinct=True),
            odd_lines=Count("pk", filter=ODD),
            unknown=Count("pk", filter=Q(short__isnull=True) | Q(billable__isnull=True)),
            **sums,
        )
        largest = sorted(found, key=lambda one: (one["product"], -(one["all_billable"] or 0), one["tier"]))[:MOST_TIERS]
        return [
            Tier(
                one["product"], tier_words(one["tier"], one["interval"], one["owner__support_type"]), one["accounts"], one["all_actual"],
                one["all_short"], one["all_non_billable"], one["all_billable"], one["odd_lines"], one["unknown"],
            )
            for one in largest
        ]  # fmt: skip


def usage_page(reseller: Reseller, number: str) -> UsagePage:
    """``number`` is Huntress' id of an invoice; the newest one with lines where it is none."""
    known = ResellerInvoice.objects.filter(reseller=reseller).exclude(digest="").order_by(F("issued_at").desc(nulls_last=True), "-pk")
    invoices = list(known[:_INVOICES_OFFERED])
    chosen = next((one for one in invoices if one.external_id == number), None) or (
        known.filter(external_id=number).first() if number else None
    )
    return UsagePage(reseller, invoices, chosen or (invoices[0] if invoices else None))
