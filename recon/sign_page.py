"""The last step of a month: what is signed, in sentences and totals, what stands in the way, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts import audit
from accounts.access import Need, may, memberships_in
from accounts.models import AuditEvent, BillingCycle, Role, User
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import day, money, person, plural, signed, signed_money, units
from ingest.models import RowIssue, SourceRow
from recon.checks import BY_CODE as BY_CHECK
from recon.checks import CHECKS, asked_in, figures_of
from recon.filters import open_notes, rows_of
from recon.listing import Listing
from recon.models import Cause, Note, Reconciliation, ReconcilingItem, SettledRow
from recon.month_page import MonthPage, net
from recon.obstacles import Obstacle, obstacle
from recon.policies import Scope, scopes_of
from recon.services import decisions, review
from recon.words import LEG_WORDS

_SHOWN: Final = 100
_CENT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Happened:
    """An act on the month as a whole."""

    event: AuditEvent
    words: str
    reason: str


@dataclass(frozen=True)
class SignPage:
    listing: Listing
    month: MonthPage
    roles: set[str]

    @property
    def reconciliation(self) -> Reconciliation:
        return self.listing.reconciliation

    @property
    def cycle(self) -> BillingCycle:
        return self.reconciliation.cycle

    @property
    def currency(self) -> str:
        return self.listing.account.currency

    @property
    def user(self) -> User:
        return self.listing.user

    @cached_property
    def statements(self) -> list[str]:
        """What is certified, or was: word for word as it was then."""
        return review.statements_of(self.reconciliation)

    @property
    def words_to_certify(self) -> str:
        return "\n".join(self.statements)

    # --- who may do what

    @property
    def is_newest(self) -> bool:
        return not self.month.is_superseded and not self.listing.is_past

    @property
    def is_in_review(self) -> bool:
        return self.reconciliation.state == Reconciliation.State.IN_REVIEW

    @property
    def is_signed(self) -> bool:
        return self.reconciliation.state == Reconciliation.State.SIGNED

    @property
    def is_solo(self) -> bool:
        """Whether one person may prepare and sign: as frozen into a signed revision, else as the account is set now."""
        return self.reconciliation.solo_rule if self.is_signed else self.listing.account.solo_rule

    @property
    def may_work(self) -> bool:
        return self.listing.may_work and self.is_newest

    @property
    def may_sign(self) -> bool:
        return may(self.roles, Need.SIGN) and self.is_newest

    @property
    def is_mine(self) -> bool:
        return self.reconciliation.preparer_id == self.user.pk

    @cached_property
    def objection(self) -> str:
        return review.reviewer_objection(self.reconciliation, self.user)

    @cached_property
    def reviewers(self) -> list[str]:
        """Who could sign this revision now, by name."""
        may_sign = memberships_in(self.listing.account).filter(role__in=[Role.REVIEWER, Role.ADMIN], user__is_active=True)
        found = may_sign.select_related("user")
        barred = [] if self.is_solo else [*audit.deciders(self.cycle, self.reconciliation.revision), self._preparer]
        return sorted({person(one.user) for one in found if one.user_id not in barred})

    @property
    def _preparer(self) -> int | None:
        """Whoever submitted it, or is about to."""
        return self.reconciliation.preparer_id if self.is_in_review else self.user.pk

    # --- what is signed

    @cached_property
    def sentences(self) -> list[SafeString]:
        totals = self.month.totals
        if not totals:
            return []
        billed, rows = totals["legs"].get("billed"), totals["rows"]
        counted = f"{plural(rows, 'row')} of {plural(len(totals['products']), 'product')}"
        said = [
            format_html("Huntress billed <b>{}</b>, counted on {}: {}.", plural(billed, "unit"), day(self.cycle.dates.last_day), counted)
            if billed is not None
            else mark_safe("<b>There is no billed report.</b> Nothing can be compared, and nothing rebilled.")
        ]
        said += [self._gap(check) for check in asked_in(totals) if billed is not None]
        return [
            *said,
            self._tied(),
            self._explained(),
            *self._under_tolerance(),
            *self._carried(),
            *self._not_checked(),
            *self._decided_quantities(),
        ]

    def _gap(self, check: str) -> SafeString:
        given, words = figures_of(self.month.totals["all"], check), BY_CHECK[check]
        if not given["checked"]:
            return format_html("Nothing could be compared with {}.", words.against)
        worth = ""
        if given["priced"] and check != "rebilled":
            worth = f" ({signed_money(net(given), self.currency)} {words.at})"
        elif given["priced"]:
            leaking, over = money(given["over"], self.currency), money(-given["under"], self.currency)
            worth = f" ({signed_money(net(given), self.currency)} at sell price: {leaking} leaking, {over} overcharged)"
        return format_html("That is <b>{} units</b> against {}{}.", signed(given["difference"]), words.against, worth)

    def _tied(self) -> SafeString:
        tie = self.month.tie
        if tie.is_tied:
            return format_html("{}.", tie.words)
        words = f"{tie.words[:1].lower()}{tie.words[1:]}"
        return format_html("<b>{}</b>: {}.", "Not tied to the invoice" if tie.charged else "Not held against an invoice", words)

    def _explained(self) -> SafeString:
        progress = self.month.progress
        if not progress.flagged:
            return mark_safe("No difference is above tolerance.")
        if not progress.unexplained:
            return format_html("All <b>{}</b> in differences above tolerance are explained.", plural(progress.flagged, "unit"))
        return format_html(
            "Of the {} in differences above tolerance, <b>{} are explained</b> and {} are not.",
            plural(progress.flagged, "unit"), units(progress.flagged - progress.unexplained), units(progress.unexplained),
        )  # fmt: skip

    def _under_tolerance(self) -> list[SafeString]:
        within = self.month.totals["within"]
        given = [(BY_CHECK[check].to, figures_of(within, check)) for check in CHECKS]
        sums = [f"{signed(figures['difference'])} units to {to}" for to, figures in given if figures["checked"]]
        return [format_html("Under tolerance, and not asked about: {}.", " and ".join(sums))] if sums else []

    def _carried(self) -> list[SafeString]:
        carried = [row for row in self.causes if row["code"] == Cause.CARRIED]
        amounts = [f"{signed(row[check])} units to {BY_CHECK[check].to}" for row in carried for check in CHECKS if row[check]]
        return [format_html("Carried into the next month, unexplained: <b>{}</b>.", " and ".join(amounts))] if amounts else []

    def _not_checked(self) -> list[SafeString]:
        totals = self.month.totals
        said = [f"no {LEG_WORDS[leg]}" for leg in ("billed", "expected", "rebilled") if leg not in self.month.inputs]
        if unchecked := totals.get("unchecked", 0):
            said.append(f"{plural(unchecked, 'row')} with a leg that is missing or could not be read")
        if settled := len(self.settled):
            said.append(f"{plural(settled, 'rejected row')}, settled by a person")
        return [format_html("Not checked: {}.", "; ".join(said))] if said else []

    def _decided_quantities(self) -> list[SafeString]:
        otherwise = rows_of(self.reconciliation).filter(rebill_quantity__isnull=False).exclude(rebill_quantity=F("billed")).count()
        return [format_html("On {}, another quantity than the billed one is rebilled.", plural(otherwise, "row"))] if otherwise else []

    @cached_property
    def facts(self) -> list[tuple[str, str, bool]]:
        """What customers are charged now, and will be: label, amount, whether it is the one that counts. In whole cents a line."""
        lines = rows_of(self.reconciliation).filter(billed__isnull=False)
        priced, known = Q(sell__isnull=False), Q(sell__isnull=False, rebilled__isnull=False)
        new, old = _cents(Coalesce("rebill_quantity", "billed")), _cents(F("rebilled"))
        found = lines.aggregate(
            now=Sum(old, filter=known), then=Sum(new, filter=priced), change=Sum(new - old, filter=known),
            lines=Count("pk"), priced=Count("pk", filter=priced), known=Count("pk", filter=known),
        )  # fmt: skip
        facts = [("Charged now", self._amount(found["now"]), False), ("To be charged", self._amount(found["then"]), False)]
        facts.append(("Change", self._amount(found["change"], is_change=True), True))
        if found["priced"] > found["known"]:
            facts.append(("Not charged so far, or not known", plural(found["priced"] - found["known"], "line"), False))
        if found["lines"] > found["priced"]:
            facts.append(("Without a price", plural(found["lines"] - found["priced"], "line"), False))
        return facts

    def _amount(self, cents: Any, *, is_change: bool = False) -> str:
        if cents is None:
            return "–"
        return (signed_money if is_change else money)(int(cents) * _CENT, self.currency)

    @cached_property
    def causes(self) -> list[dict[str, Any]]:
        """Accepted items by cause and check, in units; the largest first."""
        items = ReconcilingItem.objects.filter(reconciliation=self.reconciliation.pk, state=ReconcilingItem.State.ACCEPTED)
        sums = {check: Sum("quantity", filter=Q(check_name=check), default=0) for check in CHECKS}
        found: Any = items.values("cause").annotate(items=Count("pk"), **sums).order_by()
        rows = [
            {"code": row["cause"], "label": Cause(row["cause"]).label, "items": row["items"], **{c: int(row[c]) for c in CHECKS}}
            for row in found
        ]
        return sorted(rows, key=lambda row: (-max(abs(row[check]) for check in CHECKS), row["label"]))

    @cached_property
    def tolerances(self) -> list[str]:
        """What the month was judged by."""
        return [self._tolerance(scope) for scope in scopes_of(self.reconciliation.policy)[:_SHOWN]]

    def _tolerance(self, scope: Scope) -> str:
        whose = f"{scope.words[:1].upper()}{scope.words[1:]}"
        investigate = f"{_plain(scope.investigate_percent)}% and {_units(scope.investigate_units)}"
        escalate = f"{_plain(scope.escalate_percent)}% and {_units(scope.escalate_units)}"
        floor = f", nothing below {money(scope.floor, self.currency)}" if scope.floor else ""
        return f"{whose}: investigate above {investigate}, escalate above {escalate}{floor}"

    # --- what stands in the way

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        return [obstacle(one, self.listing, self.month) for one in self.month.blockers]

    @cached_property
    def rejected(self) -> list[tuple[SourceRow, str]]:
        """Rejected rows that nobody has settled, as far as they are listed, each with what is wrong with it."""
        if not self.reconciliation.is_working or not self.reconciliation.pk:
            return []
        places = decisions.rejected_rows(self.reconciliation)
        files = {file for file, _ in places}
        wanted = set(places)
        rows = (
            SourceRow.objects.filter(source_file__in=files, bucket="rejected").select_related("source_file").order_by("source_file", "line")
        )
        return _with_words([row for row in rows[: _SHOWN * 50] if (row.source_file_id, row.line) in wanted][:_SHOWN])

    @property
    def rejected_more(self) -> int:
        return max(0, self.month.blocked_by("rejected") - len(self.rejected))

    @cached_property
    def settled(self) -> list[SettledRow]:
        if not self.reconciliation.pk:
            return []
        known = SettledRow.objects.filter(reconciliation=self.reconciliation.pk)
        return list(known.select_related("source_file", "by").order_by("source_file", "line"))

    @cached_property
    def notes(self) -> list[dict[str, Any]]:
        """Open notes of this cycle, each with the row it is of."""
        found = open_notes().filter(cycle=self.cycle).select_related("organization", "author").order_by("created_at")[:_SHOWN]
        return [{"note": note, "product": BY_CODE[note.product].label, "url": self._row_url(note)} for note in found]

    def _row_url(self, note: Note) -> str:
        return self.listing.url((note.organization_id, note.product))

    @cached_property
    def unchecked(self) -> int:
        return int(self.month.totals.get("unchecked", 0))

    # --- what happened

    @cached_property
    def revisions(self) -> list[Reconciliation]:
        known = Reconciliation.objects.filter(cycle=self.cycle).select_related("preparer", "reviewer")
        return list(known.defer("inputs", "totals").order_by("-revision"))

    @cached_property
    def events(self) -> list[Happened]:
        """Submitted, returned, signed, reopened: the newest first."""
        acts = AuditEvent.objects.filter(cycle=self.cycle, action__startswith="recon.reconciliation.").select_related("actor")[:_SHOWN]
        return [self._happened(event) for event in acts]

    @staticmethod
    def _happened(event: AuditEvent) -> Happened:
        verb = audit.SENTENCES[event.action].partition(" {")[0]
        words = (
            f"{verb} revision {event.revision}"
            if event.action != "recon.reconciliation.reopened"
            else f"reopened as revision {event.revision}"
        )
        reason = str(event.after.get("words") or event.after.get("reason") or "")
        return Happened(event, words, "An input changed." if reason == "input_changed" else reason)

    @property
    def returned(self) -> Happened | None:
        """The return that this revision has to answer, while it is worked on."""
        newest = self.events[0] if self.events else None
        is_back = newest and newest.event.action.endswith(".returned") and newest.event.revision == self.reconciliation.revision
        return newest if is_back and self.reconciliation.is_working else None

    @property
    def digest_groups(self) -> str:
        digest = self.reconciliation.digest
        return " ".join(digest[i : i + 8] for i in range(0, len(digest), 8))

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [("", "Choose a reason"), *review.Reason.choices]

    @property
    def reopened_because(self) -> str:
        code = self.reconciliation.reopened_because
        return str(review.Reason(code).label) if code in review.Reason.values else ""


def _cents(quantity: Any) -> Any:
    """Quantity × sell price in cents, rounded half up a line, without leaving 64 bits (``recon.exports.amounts.line_amount``)."""
    return quantity * (F("sell") / _CENT) + (quantity * (F("sell") % _CENT) + _CENT // 2) / _CENT


def _plain(number: Any) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def _units(number: Any) -> str:
    return f"{_plain(number)} {'unit' if number == 1 else 'units'}"


def _with_words(rows: list[SourceRow]) -> list[tuple[SourceRow, str]]:
    """Each with the first error that was said of it. Past the limit of remarks there is only its code."""
    files, lines = {row.source_file_id for row in rows}, {row.line for row in rows}
    issues = RowIssue.objects.filter(source_file__in=files, line__in=lines, level="error").order_by("-line", "-pk")
    said = {(file, line): message for file, line, message in issues.values_list("source_file", "line", "message")}
    return [(row, said.get((row.source_file_id, row.line)) or row.reason.replace("_", " ")) for row in rows]
