"""The figures beside a question: who each side is, what every list says of it, and what it is worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from accounts.likeness import certainty
from accounts.models import Account, FormerName, Organization
from ingest import bulk
from ingest.models import LegInput, UsageLine
from recon.engine.suspicion import Suspicion
from recon.services.hosts import in_batches
from recon.services.pairs import Side
from recon.services.parties import Gathered

#: A unit is weighed as one of the currency where no list states a price.
UNPRICED: Final = 1_000_000
MOST: Final = 2**62
_FORMER_SHOWN: Final = 5


@dataclass(frozen=True)
class Said:
    """What a question is stored with. ``shown`` is what ``recon.services.pairs`` reads."""

    weight: int
    reasons: list[list[Any]]
    shown: dict[str, Any]


@dataclass(frozen=True)
class Past:
    """What some Organizations were called, and the first and last cycle that a bill named each in, as ISO dates."""

    former: Mapping[int, list[str]]
    billed: Mapping[int, tuple[str, str]]

    @classmethod
    def of(cls, account: Account | int, organizations: Collection[int]) -> Past:
        former: dict[int, list[str]] = defaultdict(list)
        billed: dict[int, tuple[str, str]] = {}
        bills = LegInput.objects.filter(cycle__account=account, leg="billed", ended_at__isnull=True)
        starts = {file: start.isoformat() for file, start in bills.values_list("source_file", "cycle__start")}
        for some in in_batches(sorted(set(organizations))):
            for pk, name in FormerName.objects.filter(organization__in=some).values_list("organization_id", "name"):
                former[pk].append(name)
            named = UsageLine.objects.filter(organization__in=some, source_file__in=starts).order_by()
            for pk, file in named.values_list("organization", "source_file").distinct():
                if pk is not None:
                    first, last = billed.get(pk, ("9999", ""))
                    billed[pk] = (min(first, starts[file]), max(last, starts[file]))
        return cls(former, billed)


class Evidence:
    """What is known of all Organizations that a month's suspicions name, fetched at once."""

    def __init__(self, month: Gathered, suspicions: Sequence[Suspicion]) -> None:
        self.month = month
        named = {pk for one in suspicions for pk in (one.subject, one.candidate, one.runner_up, *one.parts) if pk is not None}
        self.members: dict[int, list[int]] = defaultdict(list)
        for member, root in sorted(month.roots.items()):
            if root in named:
                self.members[root].append(member)
        self.past = Past.of(month.cycle.account_id, [*named, *(pk for some in self.members.values() for pk in some)])
        lines = month.lines[month.lines["pk"].isin(list(named))]
        self.lines: dict[int, list[list[Any]]] = defaultdict(list)
        columns = [bulk.plain(lines[name]) for name in ("pk", "leg", "product", "units", "price", "name")]
        for pk, *rest in zip(*columns, strict=True):
            self.lines[pk].append(rest)
        self.hosts = month.months.hostnames(named) if named else {}

    def suspicion(self, one: Suspicion) -> Said:
        weight, is_priced = self._worth(one.subject)
        shown: dict[str, Any] = {
            "subject": self._side(one.subject),
            "others": [self._side(pk) for pk in one.parts if pk != one.candidate],
            "certainty": certainty(one.score, one.margin) if one.candidate else "",
            "money": weight if is_priced else None,
        }
        if one.candidate is not None:
            shown["candidate"] = self._side(one.candidate, one.score)
        if one.runner_up is not None:
            shown["runner_up"] = self._side(one.runner_up, one.runner_up_score)
        if one.parts:
            shown["parts"] = list(one.parts)
        if one.marks:
            shown["marks"] = [list(stretch) for stretch in one.marks]
        if one.before:
            shown["before"] = one.before
        mine, theirs = self.hosts.get(one.subject), self.hosts.get(one.candidate or 0)
        if mine and theirs:
            shown["shared_hostnames"] = len(mine & theirs)
        return Said(weight, [list(reason) for reason in one.reasons], shown)

    def _side(self, pk: int, score: int | None = None) -> dict[str, Any]:
        known, units, spelt = self.month.known.loc[pk], defaultdict[str, dict[str, int]](dict), defaultdict[str, set[str]](set)
        for leg, product, count, _, name in self.lines.get(pk, ()):
            units[leg][product] = units[leg].get(product, 0) + count
            spelt[leg].add(name)
        family = [pk, *self.members[pk]]
        times = [self.past.billed[one] for one in family if one in self.past.billed]
        hosts = self.hosts.get(pk)
        side = Side(
            name=str(known["name"]),
            pk=pk,
            huntress_id=str(known["huntress_id"]),
            key=str(known["key"]),
            spelt={leg: sorted(names) for leg, names in spelt.items()},
            former=sorted(self.past.former.get(pk, []))[:_FORMER_SHOWN],
            units=dict(units),
            first_billed=min((first for first, _ in times), default=""),
            last_billed=max((last for _, last in times), default=""),
            hostnames=len(hosts) if hosts is not None else None,
            standing=str(known["standing"]),
            members=[self.month.name_of(member) for member in family[1:]],
            score=score,
        )
        return asdict(side)

    def _worth(self, pk: int) -> tuple[int, bool]:
        """What its units cost a month: those billed, else what another list or the bill before has of it."""
        by_leg: dict[str, int] = defaultdict(int)
        unpriced: set[str] = set()
        for leg, product, count, price, _ in self.lines.get(pk, ()):
            micros = self.month.prices.get(product) if price is None else int(price)
            by_leg[leg] += count * (UNPRICED if micros is None else micros)
            unpriced |= {leg} if micros is None and count else set()
        leg = next((leg for leg in ("billed", "rebilled", "expected", "previous") if by_leg.get(leg)), "")
        return min(by_leg.get(leg, 0), MOST), bool(leg) and leg not in unpriced


class Namesakes:
    """Whom each of some names could mean, fetched at once."""

    def __init__(self, account: Account, name_keys: Sequence[str]) -> None:
        self.alike: dict[str, list[Organization]] = defaultdict(list)
        for some in in_batches(name_keys):
            alike = Organization.objects.filter(account=account, name_key__in=some, merged_into__isnull=True)
            for organization in alike.order_by("pk"):
                self.alike[organization.name_key].append(organization)
        self.past = Past.of(account, [one.pk for alike in self.alike.values() for one in alike])

    def said(self, name_key: str, spellings: Sequence[str], rows: Iterable[tuple[str, str, int]]) -> Said:
        """``rows``: leg, product and units of each row that waits."""
        units: dict[str, dict[str, int]] = defaultdict(dict)
        for leg, product, quantity in rows:
            units[leg][product] = units[leg].get(product, 0) + quantity
        subject = Side(name=spellings[0], spelt={"": list(spellings)}, units=dict(units))
        total = max((sum(by_product.values()) for by_product in units.values()), default=0)
        fits = self.alike.get(name_key, [])
        words = f"{len(fits)} Organizations are called so" if len(fits) > 1 else "Spelt in several ways in one list: one customer or two"
        others = [asdict(self._side(one)) for one in fits]
        return Said(min(total * UNPRICED, MOST), [[words, 0]], {"subject": asdict(subject), "others": others, "money": None})

    def _side(self, one: Organization) -> Side:
        first, last = self.past.billed.get(one.pk, ("", ""))
        return Side(one.name, one.pk, one.huntress_id or "", one.key or "", first_billed=first, last_billed=last, standing=one.standing)
