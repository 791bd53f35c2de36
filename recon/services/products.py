"""What product names that the registry does not know count as: one queue an account, decided by people, dated, and taken back.

A name *counts as* products, each with a factor (a bundle has several), or it is *ignored* for a reason. What is said is ended rather than
changed, audited as a decision of the months whose lists use the name, and lets those be counted anew. Nothing is ever guessed.

Contract for pages: ``queue``, ``rules``, ``count_undecided``, ``count_as``, ``ignore``, ``end``, ``undo``. All that change something raise
Refused, in words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, BillingCycle, ProductRule, User
from accounts.product_hints import Hint, hints_for
from accounts.products import BY_CODE, CODES
from accounts.services import Refused
from ingest.models import LegInput, SourceFile, UsageLine
from recon.engine import Holding
from recon.product_rules import name_key, rules_in_force, undecided_names, unknown_lines
from recon.services.months import changed, cycles_served, newest

MOST_FACTOR: Final = 10_000
_MOST_REASON: Final = 500
_FILES_SHOWN: Final = 3


@dataclass
class Entry:
    """A name that waits: its spellings, how much of it the lists in use have, and what it probably counts as.

    ``money`` is in micros, null where no line states a price; ``unpriced`` are the units without one; ``decided`` is what was said of
    other names.
    """

    key: str
    names: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    units: int = 0
    money: int | None = None
    unpriced: int = 0
    organizations: int = 0
    files: dict[int, str] = field(default_factory=dict)
    legs: set[str] = field(default_factory=set)
    decided: Sequence[tuple[str, str, tuple[tuple[str, int], ...]]] = ()

    @property
    def name(self) -> str:
        """The spelling that most lines use; the first by code point of several."""
        return min(self.names, key=lambda name: (-self.names[name], name))

    @cached_property
    def hints(self) -> list[Hint]:
        """What it probably counts as, worked out where it is looked at: of a long queue, that is one page."""
        return hints_for(self.name, self.decided)

    @property
    def files_shown(self) -> list[tuple[int, str]]:
        return list(self.files.items())[:_FILES_SHOWN]

    @property
    def more_files(self) -> int:
        return max(0, len(self.files) - _FILES_SHOWN)


@dataclass(frozen=True)
class Stated:
    """What is said of one name, in force. ``reason`` of one that is ignored."""

    key: str
    name: str
    holdings: tuple[Holding, ...]
    reason: str
    by: User
    at: datetime

    @property
    def is_ignored(self) -> bool:
        return not self.holdings

    @property
    def words(self) -> str:
        return words_of(self.holdings)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act did: in words, and the months that are counted anew (or, signed, checked for drift)."""

    words: str
    cycles: tuple[BillingCycle, ...]


def words_of(holdings: Sequence[Holding]) -> str:
    """
    >>> words_of([Holding("edr"), Holding("itdr", 2)])
    'EDR and 2 × ITDR'
    """
    said = [f"{one.factor:,} × {BY_CODE[one.product].label}" if one.factor > 1 else BY_CODE[one.product].label for one in holdings]
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))


# --- looking


def served_files(account: Account) -> QuerySet[Any]:
    """The files that serve a month of the account now."""
    return LegInput.objects.filter(cycle__account=account, ended_at__isnull=True).values("source_file")


def count_undecided(account: Account) -> int:
    return len(undecided_names(account.pk, served_files(account)))


def queue(account: Account) -> list[Entry]:
    """The names that wait, what most money hangs on first. A constant number of queries."""
    served = dict(LegInput.objects.filter(cycle__account=account, ended_at__isnull=True).values_list("source_file", "leg"))
    keys = undecided_names(account.pk, served)
    if not keys:
        return []
    entries = _counted(keys, served)
    decided = [(one.key, one.name, tuple((held.product, held.factor) for held in one.holdings)) for one in rules(account)]
    files = dict(SourceFile.objects.filter(pk__in={pk for one in entries for pk in one.files}).values_list("pk", "name"))
    for one in entries:
        one.decided = decided
        one.files = {pk: files[pk] for pk in sorted(one.files, reverse=True)}
    return sorted(entries, key=lambda one: (-(one.money or 0), -one.units, one.key))


def _counted(keys: set[str], served: dict[int, str]) -> list[Entry]:
    """Sums by name, whatever its spelling: exactly, so grouped by price rather than multiplied in the database."""
    entries = {key: Entry(key) for key in keys}
    lines = unknown_lines(list(served)).order_by()
    for name, file, price, units in lines.values_list("product_name", "source_file", "unit_price").annotate(units=Sum("quantity")):
        if (one := entries.get(name_key(name))) is not None:
            one.units += units
            one.files[file] = ""
            one.legs.add(served[file])
            if price is None:
                one.unpriced += units
            else:
                one.money = (one.money or 0) + units * price
    whose: dict[str, set[int | str]] = defaultdict(set)
    for name, organization, called, count in lines.values_list("product_name", "organization", "name").annotate(count=Count("pk")):
        if (one := entries.get(name_key(name))) is not None:
            one.lines += count
            one.names[name] += count
            whose[one.key].add(organization or called)
    for key, found in whose.items():
        entries[key].organizations = len(found)
    return list(entries.values())


def rules(account: Account) -> list[Stated]:
    """What is said of each name, in force, by name."""
    by_name: dict[str, list[ProductRule]] = defaultdict(list)
    for rule in rules_in_force(account.pk).select_related("by").order_by("name_key", "product"):
        by_name[rule.name_key].append(rule)
    return [_stated(of_name) for of_name in by_name.values()]


def _stated(of_name: Sequence[ProductRule]) -> Stated:
    first = of_name[0]
    holdings = tuple(Holding(one.product, one.factor) for one in sorted(of_name, key=lambda one: _place(one.product)) if one.product)
    return Stated(first.name_key, first.name, holdings, first.reason, first.by, first.at)


def _place(product: str) -> int:
    return CODES.index(product) if product in CODES else -1


# --- deciding


@transaction.atomic
def count_as(account: Account, name: str, holdings: Sequence[Holding], *, by: User) -> Outcome:
    """Say what one unit of a name holds. What was said of it before ends."""
    _hold(account, by)
    used = _spellings_used(account)
    key = _known_key(account, name, used)
    _refuse_holdings(holdings)
    spelling, said = _spelling(account, key, name, used), words_of(holdings)
    _put(account, key, [(spelling, one.product, one.factor, "") for one in holdings], by)
    return _told(account, "recon.product.counted", [key], f"{spelling} = {said}", by, f"{spelling} counts as {said}.")


@transaction.atomic
def ignore(account: Account, names: Collection[str], reason: str, *, by: User) -> Outcome:
    """Leave names out of every count, for one reason. What was said of them before ends."""
    _hold(account, by)
    reason = reason.strip()
    if not names:
        raise Refused("Choose the names to ignore.")
    if not reason:
        raise Refused("Say why they are ignored.")
    if len(reason) > _MOST_REASON:
        raise Refused(f"The reason has at most {_MOST_REASON} characters; this one has {len(reason):,}.")
    used = _spellings_used(account)
    by_key = {_known_key(account, name, used): name for name in names}
    spellings = {key: _spelling(account, key, name, used) for key, name in sorted(by_key.items())}
    for key, spelling in spellings.items():
        _put(account, key, [(spelling, "", 1, reason)], by)
    listed = ", ".join(spellings.values())
    words = f"{listed} is ignored." if len(spellings) == 1 else f"{len(spellings)} names are ignored."
    return _told(account, "recon.product.ignored", list(spellings), f"{listed}: {reason}", by, words)


@transaction.atomic
def end(account: Account, name: str, *, by: User) -> Outcome:
    """Take back what is said of a name: it waits again."""
    _hold(account, by)
    key = name_key(name)
    if not rules_in_force(account.pk).filter(name_key=key).exists():
        raise Refused("Nothing is said of that name (any more).")
    spelling = _spelling(account, key, name, {})
    _put(account, key, [], by)
    return _told(account, "recon.product.ended", [key], spelling, by, f"{spelling} is to be decided again.")


@transaction.atomic
def undo(account: Account, name: str, *, by: User) -> Outcome:
    """Put back what was in force before the last act on a name. Undoing that undoes the undoing."""
    _hold(account, by)
    key = name_key(name)
    known = list(ProductRule.objects.filter(account=account, name_key=key))
    if not known:
        raise Refused("Nothing was ever said of that name.")
    last = max(moment for rule in known for moment in (rule.at, rule.ended_at) if moment)
    before = [rule for rule in known if rule.ended_at == last]
    _put(account, key, [(rule.name, rule.product, rule.factor, rule.reason) for rule in before], by)
    spelling = known[-1].name
    now = _stated(before) if before else None
    words = "is to be decided again" if now is None else "is ignored again" if now.is_ignored else f"counts as {now.words} again"
    return _told(account, "recon.product.undone", [key], spelling, by, f"{spelling} {words}.")


def _hold(account: Account, by: User) -> None:
    """One act at a time, by somebody who may: two on one name never cross."""
    require(by, account, Need.WORK)
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _known_key(account: Account, name: str, used: Mapping[str, str]) -> str:
    """The key of a name that a list uses, or that something was said of. Raises Refused for any other."""
    key = name_key(name)
    if ProductRule.objects.filter(account=account, name_key=key).exists():
        return key
    if key not in used:
        raise Refused(f"No list has a product called “{name[:80]}” that is not known already.")
    return key


def _names_used(account: Account) -> set[str]:
    imported = SourceFile.objects.filter(account=account, state=SourceFile.State.IMPORTED).values("pk")
    return set(unknown_lines(imported).order_by().values_list("product_name", flat=True).distinct())


def _spellings_used(account: Account) -> dict[str, str]:
    """Each name that the lists use by its key, in the first of its spellings."""
    return {name_key(one): one for one in sorted(_names_used(account), reverse=True)}


def _spelling(account: Account, key: str, name: str, used: Mapping[str, str]) -> str:
    """The name as a rule or a list spells it, whatever the form posted."""
    rule = ProductRule.objects.filter(account=account, name_key=key).order_by("-pk").first()
    return rule.name if rule else used.get(key, name)


def _refuse_holdings(holdings: Sequence[Holding]) -> None:
    if not holdings:
        raise Refused("Choose the product that it counts as.")
    products = [one.product for one in holdings]
    if any(product not in CODES for product in products):
        raise Refused("Choose products of the list.")
    if twice := next((product for product, times in Counter(products).items() if times > 1), None):
        raise Refused(f"{BY_CODE[twice].label} is named twice: give it one factor.")
    for one in holdings:
        if not 1 <= one.factor <= MOST_FACTOR:
            raise Refused(f"One unit holds 1 to {MOST_FACTOR:,} units of {BY_CODE[one.product].label}; {one.factor:,} is not that.")


def _put(account: Account, key: str, wanted: Sequence[tuple[str, str, int, str]], by: User) -> None:
    """End what is in force of a name, and put these in its place: (spelling, product, factor, reason). All at one moment, which tells them
    from what came before."""
    now = timezone.now()
    rules_in_force(account.pk).filter(name_key=key).update(ended_at=now, ended_by=by)
    made = ProductRule.objects.bulk_create(
        ProductRule(account=account, name=name, name_key=key, product=product, factor=factor, reason=reason, by=by)
        for name, product, factor, reason in wanted
    )
    ProductRule.objects.filter(pk__in=[one.pk for one in made]).update(at=now)


def _told(account: Account, action: str, keys: list[str], subject: str, by: User, words: str) -> Outcome:
    """Count the months anew whose lists use the names, and write the act down in each; in none of them, where no list does."""
    cycles = cycles_that_use(account, keys)
    for cycle in cycles:
        changed(cycle, by=by)
    after = {"names": keys}
    for cycle in cycles:
        audit.record(action, subject, account=account, actor=by, cycle=cycle, revision=newest(cycle).revision, after=after)
    if not cycles:
        audit.record(action, subject, account=account, actor=by, after=after)
    return Outcome(words, tuple(cycles))


def cycles_that_use(account: Account, keys: Collection[str]) -> list[BillingCycle]:
    """The cycles with a list in use that has a line of any of these names, oldest first."""
    names = [name for name in _names_used(account) if name_key(name) in set(keys)]
    files = UsageLine.objects.filter(product="", product_name__in=names).values("source_file")
    return cycles_served(account, files)
