"""One row opened: its legs with the file and line each came from, what explains its differences, earlier cycles, notes, history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.http import Http404

from accounts.models import Account, FormerName, Organization, User
from accounts.products import BY_CODE, Product
from accounts.roots import families
from accounts.templatetags.recon_ui import cycle_range, signed, units
from ingest.models import RejectedLine, UsageLine
from recon.checks import BY_CODE as BY_CHECK
from recon.engine import CHECKS, NOBODY_REBILLED
from recon.listing import Key, Listing, covered, histories
from recon.live import Had, Snapshot, had_by, why_nothing
from recon.live_words import tenant_words
from recon.models import Cause, Decision, Note, RebillReason, Reconciliation, ReconcilingItem, RowDecision, Severity, Variance
from recon.policies import Scope, scope_for, scopes_of
from recon.price_words import Price, prices_of_row
from recon.product_rules import held_lines
from recon.seal import rules_shown
from recon.services import questions
from recon.shown import Shown
from recon.tables import row_state
from recon.words import FLAG_WORDS, LEG_WORDS, blank_reason, why

_LINES_SHOWN: Final = 5
_EVENTS_SHOWN: Final = 12
_QUESTIONS_SHOWN: Final = 3
_LARGEST_ID: Final = 2**63 - 1  # SQLite refuses to be asked for more


@dataclass(frozen=True)
class LegRow:
    """A leg of the row: ``lines`` are the file's lines that make it up, ``more`` how many are not listed."""

    leg: str
    words: str
    units: int | None
    gap: int | None
    blank: str
    source: Shown | None
    lines: list[UsageLine]
    more: int


@dataclass(frozen=True)
class LiveRow:
    """What was there when it was pulled, beside the legs: it judges nothing. ``lines`` are its records' numbers in the file."""

    had: Had
    units: int | None
    gap: int | None
    blank: str
    beside: str
    tenants: list[str]

    @property
    def snapshot(self) -> Snapshot:
        return self.had.snapshot

    @property
    def lines(self) -> tuple[int, ...]:
        return self.had.lines[:_LINES_SHOWN]

    @property
    def more(self) -> int:
        return max(0, len(self.had.lines) - _LINES_SHOWN)

    @property
    def timing(self) -> str:
        """That the days between may be all there is to a difference."""
        if not self.gap or not self.snapshot.timing:
            return ""
        return f"Billed counts its last day, and this was pulled {self.snapshot.timing}: that alone may make the difference."


@dataclass(frozen=True)
class Check:
    name: str
    words: str
    difference: int | None
    money: int | None
    severity: str
    why: str
    explained: int
    left: int | None
    items: list[ReconcilingItem]

    @property
    def rest(self) -> str:
        """The tone of what is left."""
        if not self.left:
            return "match"
        return "todo" if self.severity in {"investigate", "escalate"} else "within"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided of the row."""

    at: datetime
    by: User
    words: str


@dataclass(frozen=True)
class Panel:
    row: Variance
    key: str
    state: dict[str, str]
    decision: RowDecision
    people: list[User]
    causes: list[tuple[str, str]]
    reasons: list[tuple[str, str]]
    events: list[Event]
    organization: Organization
    members: list[Organization]
    former_names: list[str]
    questions: list[questions.Entry]
    product: Product
    severity: str
    flags: list[str]
    legs: list[LegRow]
    live: LiveRow
    prices: list[Price]
    checks: list[Check]
    history: list[int | None]
    cycles: list[dict[str, Any]]
    notes: list[Note]
    position: int | None
    before: str
    after: str
    close: str

    @property
    def rebilled(self) -> int | None:
        """What will be on the rebill sheet: what was decided, else what was billed."""
        usual = self.row.billed if NOBODY_REBILLED not in self.row.flags.split(",") or self.row.billed is None else 0
        return usual if self.decision.rebill_quantity is None else self.decision.rebill_quantity

    @property
    def rebill_change(self) -> int | None:
        return None if self.rebilled is None or self.row.rebilled is None else self.rebilled - self.row.rebilled


def row_panel(listing: Listing, organization: int, product: str) -> Panel:
    """Raises Http404 for a row that the month does not have."""
    reconciliation = listing.reconciliation
    if organization > _LARGEST_ID:
        raise Http404("No such row in this month.")
    row = (
        Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run, organization=organization, product=product)
        .select_related("organization")
        .first()
    )
    if row is None:
        raise Http404("No such row in this month.")
    past_cycles = _past(listing, row)
    items, decision = _items(listing, row), _decision(listing, row)
    family = families(listing.roots, [row.organization_id])[row.organization_id]
    notes = list(_notes(row, listing, family))
    scope = scope_for(scopes_of(reconciliation.policy), row.organization_id, row.product)
    inputs = listing.inputs
    lines = _lines(reconciliation, row, family, inputs)
    return Panel(
        row=row,
        key=f"{row.organization_id}-{row.product}",
        state=dict(zip(("tone", "icon", "word"), row_state(row), strict=True)),
        decision=decision,
        people=listing.people,
        causes=[("", "Choose a cause"), *Cause.choices],
        reasons=[("", "Choose a reason"), *RebillReason.choices],
        events=_events(listing, row, items, notes),
        organization=row.organization,
        members=list(Organization.objects.filter(pk__in=[pk for pk in family if pk != row.organization_id])) if len(family) > 1 else [],
        former_names=former_names(family),
        questions=_questions(listing.account, family),
        product=BY_CODE[product],
        severity=Severity(row.severity).code,
        flags=[FLAG_WORDS[code] for code in row.flags.split(",") if code],
        legs=_legs(listing, row, family, inputs, lines),
        live=_live(listing, row, family),
        prices=prices_of_row(reconciliation, row, family, inputs, lines),
        checks=[
            _check(row, check, items, scope, listing.account.currency) for check in CHECKS if getattr(row, f"{check}_severity") is not None
        ],
        history=[past["billed"] for past in reversed(past_cycles)],
        cycles=past_cycles,
        notes=notes,
        **_neighbours(listing, (organization, product)),
    )


def former_names(family: list[int]) -> list[str]:
    """What a customer was called before, newest first, each name once."""
    names = FormerName.objects.filter(organization__in=family).order_by("-until", "name").values_list("name", flat=True)
    return list(dict.fromkeys(names))


def _questions(account: Account, family: list[int]) -> list[questions.Entry]:
    """What is to be decided of the row's customer."""
    of_it = Q(subject__in=family) | Q(candidate__in=family)
    return [questions.entry(one) for one in questions.waiting(account).filter(of_it).defer("undo")[:_QUESTIONS_SHOWN]]


def _lines(reconciliation: Reconciliation, row: Variance, family: list[int], inputs: dict[str, Shown]) -> list[UsageLine]:
    """The lines that make the row up, those of names that rules count as its product with the units and price that they come to."""
    files = {given.source_file_id for given in inputs.values()}
    lines = UsageLine.objects.filter(source_file__in=files, organization__in=family, product__in=[row.product, ""]).order_by("line")
    found = list(lines)
    is_ruled = any(not line.product for line in found)
    return held_lines(found, row.product, rules_shown(reconciliation)) if is_ruled else found


def _legs(listing: Listing, row: Variance, family: list[int], inputs: dict[str, Shown], lines: list[UsageLine]) -> list[LegRow]:
    files = {given.source_file_id for given in inputs.values()}
    rejected = set(RejectedLine.objects.filter(source_file__in=files, organization__in=family).values_list("source_file", flat=True))
    return [_leg(leg, listing, row, inputs.get(leg), lines, rejected) for leg in LEG_WORDS]


def _leg(leg: str, listing: Listing, row: Variance, given: Shown | None, lines: list[UsageLine], rejected: set[int]) -> LegRow:
    units = getattr(row, leg)
    its_lines = [line for line in lines if given and line.source_file_id == given.source_file_id]
    reason = blank_reason(leg, row.product, listing.reconciliation.inputs, covered(listing.reconciliation)) if units is None else ""
    return LegRow(
        leg=leg,
        words=LEG_WORDS[leg],
        units=units,
        gap=None if leg == "billed" else getattr(row, f"{leg}_difference"),
        blank=reason,
        source=given,
        lines=its_lines[:_LINES_SHOWN],
        more=max(0, len(its_lines) - _LINES_SHOWN),
    )


def _live(listing: Listing, row: Variance, family: list[int]) -> LiveRow:
    """Of a row on the page beside it, as that has it."""
    had = listing.had.get(row.organization_id) or had_by(listing.snapshot, {row.organization_id: family})[row.organization_id]
    units = had.units(row.product)
    return LiveRow(
        had=had,
        units=units,
        gap=had.difference(row.product, row.billed),
        blank="" if units is not None else had.why_blank(row.product) if listing.snapshot.is_known else why_nothing(listing.snapshot),
        beside=had.beside(row.product),
        tenants=tenant_words(had, row.product),
    )


def _past(listing: Listing, row: Variance) -> list[dict[str, Any]]:
    """Up to twelve cycles with what was billed, newest first."""
    months = listing.months
    billed = histories(months, [row])[row.organization_id, row.product]
    return [{"label": cycle_range(m.cycle), "billed": value} for m, value in zip(reversed(months), reversed(billed), strict=False)]


def _check(row: Variance, check: str, items: list[ReconcilingItem], scope: Scope, currency: str) -> Check:
    return Check(
        name=check,
        words=BY_CHECK[check].label,
        difference=getattr(row, f"{check}_difference"),
        money=getattr(row, f"{check}_money"),
        severity=Severity(getattr(row, f"{check}_severity")).code,
        why=why(check, row, scope, currency),
        explained=getattr(row, f"{check}_explained"),
        left=getattr(row, f"{check}_left"),
        items=[item for item in items if item.check_name == check and item.state == ReconcilingItem.State.ACCEPTED],
    )


def _items(listing: Listing, row: Variance) -> list[ReconcilingItem]:
    """Every item of the row, withdrawn ones too, oldest first."""
    of_row = ReconcilingItem.objects.filter(reconciliation=listing.reconciliation, organization=row.organization_id, product=row.product)
    return list(of_row.select_related("author", "decision"))


def _decision(listing: Listing, row: Variance) -> RowDecision:
    """What was decided of the row; an unsaved one while nothing was."""
    of_row = {"reconciliation": listing.reconciliation, "organization": row.organization, "product": row.product}
    found = RowDecision.objects.filter(**of_row).select_related("owner", "reviewed_by", "rebill_by").first()
    return found or RowDecision(**of_row)


_ACTS: Final = {
    "recon.row.assigned": "gave the row an owner",
    "recon.row.reviewed": "marked the row as reviewed",
    "recon.row.rebill_decided": "decided what to rebill",
    "recon.item.withdrawn": "withdrew an item",
}


def _events(listing: Listing, row: Variance, items: list[ReconcilingItem], notes: list[Note]) -> list[Event]:
    """The newest acts on the row, also those on many rows at once, and what was taken back."""
    said = {item.decision_id: _explained(item) for item in items}
    events = [
        Event(item.created_at, item.author, said[item.decision_id] + ", before it was reopened") for item in items if not item.decision
    ]
    names_it = Q(before_text__contains=f'[{row.organization_id}, "{row.product}", ')
    acts = Decision.objects.filter(reconciliation=listing.reconciliation).annotate(before_text=Cast("before", TextField()))
    acts = acts.filter(names_it | Q(pk__in=[pk for pk in said if pk])).defer("before").select_related("by", "undone_by")
    for act in acts.order_by("-pk")[:_EVENTS_SHOWN]:
        words = said.get(act.pk) or _ACTS.get(act.action, act.action)
        many = f", with {units(act.rows - 1)} other rows" if act.rows > 1 else ""
        events.append(Event(act.at, act.by, words + many))
        if act.undone_at and act.undone_by:
            events.append(Event(act.undone_at, act.undone_by, f"took back: {words}"))
    events += [Event(n.resolved_at, n.resolved_by, "resolved a note") for n in notes if n.resolved_at and n.resolved_by]
    return sorted(events, key=lambda event: event.at, reverse=True)[:_EVENTS_SHOWN]


def _explained(item: ReconcilingItem) -> str:
    return f"explained {signed(item.quantity)} of the gap to {BY_CHECK[item.check_name].to}: {item.get_cause_display()}"


def _notes(row: Variance, listing: Listing, family: list[int]) -> Any:
    """This cycle's notes and those of earlier ones, oldest first."""
    cycle = listing.reconciliation.cycle
    return (
        Note.objects.filter(organization__in=family, product=row.product, cycle__start__lte=cycle.start, withdrawn_at__isnull=True)
        .select_related("author", "cycle", "resolved_by")
        .order_by("created_at", "pk")
    )


def _neighbours(listing: Listing, key: Key) -> dict[str, Any]:
    """The row's place in the list as it is filtered and sorted, when the page beside it shows it."""
    shown = [(row.organization_id, row.product) for row in listing.shown]
    place = shown.index(key) if key in shown else None
    month = f"{listing.month_url}?{listing.query}" if listing.query else listing.month_url
    before = listing.url(shown[place - 1]) if place else ""
    after = listing.url(shown[place + 1]) if place is not None and place + 1 < len(shown) else ""
    position = listing.table.page.start_index() + place if place is not None else None
    return {"position": position, "before": before, "after": after, "close": month}
