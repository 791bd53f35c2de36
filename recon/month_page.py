"""The head of a month: what was received, what is missing, the figures, and where the work is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from accounts.models import Account, BillingCycle
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import day, money, person, plural, signed, signed_money, units
from ingest.models import Job, LegInput
from recon.checks import BY_CODE as BY_CHECK
from recon.checks import CHECKS, NOTHING, asked_in, figures_of
from recon.forms import InvoiceForm
from recon.listing import Listing
from recon.live import Snapshot
from recon.live_words import stat as live_stat
from recon.missing import HINDERING, Missing, missing_of
from recon.models import Drift, Export, Reconciliation, Severity
from recon.progress import Progress
from recon.pull_line import PullLine, pull_line
from recon.services.review import Blocker, blockers
from recon.shown import Shown
from recon.states import today_in
from recon.store import inputs_of
from recon.sweep_counts import Counted, counted
from recon.sweep_page import month_figures
from recon.tie_out import TieOut, tie_out_of
from recon.words import LEG_WORDS

LEGS: Final = ("billed", "expected", "rebilled")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the routine. ``tone`` is done, todo, blind (cannot be checked) or blocked."""

    name: str
    tone: str
    bold: str
    rest: str
    url: str
    is_current: bool = False


@dataclass(frozen=True)
class MonthPage:
    account: Account
    cycle: BillingCycle
    reconciliation: Reconciliation
    inputs: dict[str, LegInput] | dict[str, Shown]
    recount: Job | None
    exports: list[Export]
    listing: Listing
    blockers: list[Blocker]
    drift: Drift | None
    newest: int
    sweep: Counted

    @property
    def state(self) -> str:
        """The month's state as a page shows it: running, preparation, review, signed, or changed since it was signed."""
        if self.reconciliation.is_working:
            return "running" if self.is_running and "billed" not in self.inputs else "preparation"
        if self.reconciliation.state == Reconciliation.State.IN_REVIEW:
            return "review"
        return "changed" if self.changes else "signed"

    @cached_property
    def is_running(self) -> bool:
        """Whether the cycle is not over yet, where the account is."""
        return self.cycle.end > today_in(self.account)

    @property
    def changes(self) -> list[str]:
        """What would be otherwise by now, of a signed month that is not superseded."""
        return list(self.drift.changes) if self.drift and not self.is_superseded else []

    @property
    def is_superseded(self) -> bool:
        return self.reconciliation.revision < self.newest

    @property
    def progress(self) -> Progress:
        return self.listing.progress

    @property
    def blocking(self) -> int:
        return sum(one.count for one in self.blockers)

    def blocked_by(self, code: str) -> int:
        """How many of one kind of blocker there are."""
        return next((one.count for one in self.blockers if one.code == code), 0)

    @property
    def waiting(self) -> int:
        return self.blocked_by("waiting")

    @property
    def questions(self) -> int:
        return self.blocked_by("questions")

    @property
    def totals(self) -> dict[str, Any]:
        found: dict[str, Any] = self.reconciliation.totals
        return found

    @property
    def currency(self) -> str:
        return self.account.currency

    @property
    def products(self) -> list[dict[str, Any]]:
        """Totals by product, as the page's table shows them."""
        return [
            {
                "label": BY_CODE[p["product"]].label,
                **{leg: p[leg] for leg in (*LEGS, "previous")},
                **{f"{check}gap": self._gap_of(p, check) for check in CHECKS},
                "microsoft": p.get("microsoft"),
                "live": self._live_of(p["product"]),
            }
            for p in self.totals.get("products", [])
        ]

    def _live_of(self, product: str) -> dict[str, int | None] | None:
        """A product's live count, and billed − live of what could be compared; None where no pull was counted with the rows."""
        given = (self.listing.live_figures or {}).get("products", {}).get(product)
        if given is None:
            return None
        return {
            "units": given["live"] if given["known"] else None,
            "difference": given["difference"] if given["compared"] else None,
            "untold": given["unknown"],
        }

    def _gap_of(self, product: dict[str, Any], check: str) -> dict[str, Any]:
        """A product's figures of one check, with what of it is explained, left, and left under tolerance."""
        given = product.get(f"{check}_figures") or NOTHING
        explained = self.progress.explained.get(product["product"], {}).get(check, 0)
        small = product.get("within", {}).get(check, {}).get("difference", 0)
        small -= self.progress.within.get(product["product"], {}).get(check, 0)
        return {**given, "net": net(given), "explained": explained, "left": given["difference"] - explained, "within": small}

    @property
    def checks(self) -> tuple[str, ...]:
        """What the month is held against."""
        return asked_in(self.totals)

    @property
    def legs(self) -> list[dict[str, Any]]:
        return [{"leg": leg, "words": LEG_WORDS[leg], "input": self.inputs.get(leg)} for leg in LEGS]

    @property
    def stats(self) -> list[dict[str, Any]]:
        """The figures of the head: label, figure, note, tone."""
        if not self.totals:
            return []
        legs, figures = self.totals["legs"], self.totals["all"]
        stats: list[dict[str, Any]] = [self._leg_stat("Billed", legs.get("billed"), self._cost_note())]
        for check in ("expected", "rebilled"):
            given = figures[check]
            note = f"of {units(given['compared'])} billed that could be compared" if given["checked"] else "nothing could be compared"
            stats.append(self._leg_stat(check.capitalize(), legs.get(check), note))
        if live := live_stat(self.listing.snapshot, self.listing.live_figures):
            stats.append(live)
        stats += [self._gap_stat("Gap to expected", figures["expected"], "at cost"), self._rebill_stat(figures["rebilled"])]
        if "microsoft" in self.checks:
            stats.append(self._gap_stat("Gap to Microsoft", figures["microsoft"], "at cost"))
        return [*stats, self._explained_stat(), self._work_stat()]

    def _leg_stat(self, label: str, value: int | None, note: str) -> dict[str, str]:
        return {
            "label": label,
            "figure": units(value),
            "note": note if value is not None else "not provided",
            "tone": "unchecked" if value is None else "",
        }

    def _cost_note(self) -> str:
        return f"{plural(self.totals['rows'], 'row')}, {plural(len(self.totals['products']), 'product')}"

    def _gap_stat(self, label: str, given: dict[str, Any], at: str) -> dict[str, str]:
        if not given["checked"]:
            return {"label": label, "figure": "–", "note": "cannot be checked", "tone": "unchecked"}
        if not given["priced"]:
            return {"label": label, "figure": signed(given["difference"]), "note": "units; no price is known", "tone": ""}
        worth = signed_money(net(given), self.currency)
        return {"label": label, "figure": worth, "note": f"{signed(given['difference'])} units, {at}{_unpriced(given)}", "tone": ""}

    def _rebill_stat(self, given: dict[str, Any]) -> dict[str, str]:
        stat = self._gap_stat("Gap to rebilled", given, "at sell price")
        if given["priced"]:
            leaking, over = signed_money(given["over"], self.currency).lstrip("+"), signed_money(-given["under"], self.currency).lstrip("+")
            stat["note"] = f"leaking {leaking}, overcharged {over}{_unpriced(given)}"
        return stat

    def _explained_stat(self) -> dict[str, Any]:
        progress = self.progress
        if not any(figures_of(self.totals["all"], check)["checked"] for check in self.checks):
            return {"label": "Explained", "figure": "–", "note": "cannot be checked", "tone": "unchecked"}
        note = f"{units(progress.flagged - progress.unexplained)} of {plural(progress.flagged, 'unit')} flagged"
        percent = progress.percent
        return {"label": "Explained", "figure": f"{percent}%", "percent": percent, "note": note, "tone": "" if percent < 100 else "done"}

    def _work_stat(self) -> dict[str, Any]:
        stat = {"label": "Blocks the signature", "url": self.listing.sign_url}
        if self.state in {"signed", "changed"}:
            return stat | {
                "label": "Signed",
                "figure": day(self.reconciliation.signed_at),
                "note": _by(self.reconciliation),
                "tone": "signed",
            }
        if self.state == "review":
            return stat | {"label": "In review", "figure": "Waits", "note": "for a different person", "tone": "review"}
        if not self.blockers:
            return stat | {"figure": "Nothing", "note": "ready to submit", "tone": "done"}
        words = ", ".join(self._blocker_words(one) for one in self.blockers)
        return stat | {"figure": plural(self.blocking, "item"), "note": words, "tone": "blocked"}

    def _blocker_words(self, one: Blocker) -> str:
        worth = f" ({self.left_by_check})" if one.code == "unexplained" and self.left_by_check else ""
        return f"{units(one.count)} {SHORT[one.code]}{worth}"

    def _count(self, severity: Severity) -> int:
        return int(self.totals.get("severities", {}).get(str(severity.value), 0))

    @property
    def snapshot(self) -> Snapshot:
        """The pull that speaks for the month."""
        return self.listing.snapshot

    @cached_property
    def pull(self) -> PullLine | None:
        """Where the account's last pull stands: of a month that somebody still works on."""
        is_open = self.reconciliation.is_working and not self.listing.is_past
        return pull_line(self.account, self.listing.roles) if is_open else None

    @property
    def is_comparable(self) -> bool:
        """Whether the month has a bill and at least one list to hold it against."""
        return "billed" in self.inputs and any(leg in self.inputs for leg in CHECKS)

    @cached_property
    def tie(self) -> TieOut:
        """The report against the invoice, as it was counted last."""
        given = self.inputs.get("billed")
        return tie_out_of(self.reconciliation, given.source_file.rejected if given else 0)

    @property
    def tie_url(self) -> str:
        """Its own page, which is of the newest revision; of a past one, the place on this page."""
        if self.listing.is_past:
            return f"{self.listing.month_url}#tie"
        return reverse("recon:tie_out", args=[self.account.slug, self.cycle.start.isoformat()])

    @property
    def invoice_form(self) -> InvoiceForm:
        return InvoiceForm(currency=self.currency)

    @property
    def flagged(self) -> int:
        return self._count(Severity.INVESTIGATE) + self._count(Severity.ESCALATE)

    @property
    def steps(self) -> list[Step]:
        month = self.listing.month_url
        checks = [self._check_step(check, month) for check in self.checks]
        return [self._report_step(), self._sweep_step(), self._organizations_step(), *checks, self._sign_step()]

    def _sign_step(self) -> Step:
        url, signed_on = self.listing.sign_url, self.reconciliation.signed_at
        match self.state:
            case "signed":
                return Step("Sign", "signed", "Signed", day(signed_on), url)
            case "changed":
                return Step("Sign", "changed", "Changed", "since it was signed", url)
            case "review":
                return Step("Sign", "review", "In review", f"from {person(self.reconciliation.preparer)}", url)
        if self.blockers:
            return Step("Sign", "blocked", "Blocked", f"by {plural(self.blocking, 'item')}", url)
        return Step("Sign", "todo", "Ready", "to be submitted", url)

    def _report_step(self) -> Step:
        url = reverse("ingest:files", args=[self.account.slug])
        missing = [LEG_WORDS[leg] for leg in LEGS if leg not in self.inputs]
        if missing:
            return Step("Report", "todo", f"{len(missing)} of 3 missing", f"no {missing[0]}", url)
        if rejected := self.blocked_by("rejected"):
            return Step("Report", "todo", plural(rejected, "rejected row"), "left out", url)
        if to_decide := self.blocked_by("products"):
            words = plural(to_decide, "product name") + " to decide"
            return Step("Report", "todo", f"{to_decide} to do", words, reverse("recon:products", args=[self.account.slug]))
        if not self.tie.is_tied:
            return Step("Report", self.tie.tone, "Not tied out", self.tie.short, self.tie_url)
        return Step("Report", "done", "Done", "ties to the invoice", self.tie_url)

    def _sweep_step(self) -> Step:
        url = f"{reverse('recon:sweep', args=[self.account.slug])}?month={self.cycle.start.isoformat()}"
        return Step(name="Sweep", **month_figures(self.sweep, url))

    def _organizations_step(self) -> Step:
        url = reverse("recon:matches", args=[self.account.slug])
        if not self.inputs:
            return Step("Organizations", "blind", "Cannot be checked", "nothing is imported", url)
        if self.waiting or self.questions:
            return Step("Organizations", "todo", f"{units(self.waiting + self.questions)} to do", self._undecided_worth(), url)
        return Step("Organizations", "done", "Done", "every name is known", url)

    def _undecided_worth(self) -> str:
        """What the Organizations to decide are worth a month, as far as prices are known; else which they are."""
        money = next((one.money for one in self.blockers if one.code == "questions"), None)
        if money:
            return f"{signed_money(money, self.currency).lstrip('+')} a month"
        return plural(self.questions, "Organization") + " to decide" if self.questions else plural(self.waiting, "name") + " to match"

    def _check_step(self, check: str, month: str) -> Step:
        name = BY_CHECK[check].step
        url = f"{month}?view={ {'rebilled': 'rebill', 'microsoft': 'microsoft'}.get(check, 'open') }"
        figures = self.totals.get("all", {}).get(check)
        if not figures or not figures["checked"]:
            missing = [LEG_WORDS[leg] for leg in ("billed", check) if leg in LEGS and leg not in self.inputs]
            return Step(name, "blind", "Cannot be checked", f"no {missing[0]}" if missing else "nothing to compare", url)
        if count := self.progress.to_do[check]:
            return Step(name, "todo", f"{units(count)} to do", f"{self.left_words(check)} left", url)
        left = (figures["asked"] if check == "microsoft" else self.totals["rows"]) - figures["checked"]
        if left:
            return Step(name, "blind", plural(left, "row"), "could not be checked", url)
        explained = int(self.totals.get("flagged", {}).get(check, 0))
        return Step(name, "done", "Done", "every gap explained" if explained else "all within tolerance", url)

    def left_words(self, check: str, at: str = "") -> str:
        """What is unexplained of a check: money, and the units that have no price."""
        left = self.progress.left[check]
        if not left.priced:
            return plural(left.units, "unit")
        unpriced = f" and {plural(left.unpriced, 'unit')} without a price" if left.unpriced else ""
        return f"{money(left.money, self.currency)}{at}{unpriced}"

    @property
    def left_by_check(self) -> str:
        """The same of each check of which something is left."""
        said = [(BY_CHECK[check], self.progress.left[check]) for check in self.checks]
        return ", ".join(f"to {check.to} {self.left_words(check.code, f' {check.at}')}" for check, left in said if left.units)

    @property
    def missing(self) -> list[Missing]:
        """What is missing, each with what follows from it."""
        uncovered = [p["label"] for p in self.products if p["expected"] is None] if "expected" in self.inputs else []
        absent = [leg for leg in LEGS if leg not in self.inputs]
        return missing_of(self.account, absent, {code: self.blocked_by(code) for code in HINDERING}, uncovered)


#: What stands in the way, in the few words of the page's head (``recon.services.review.blockers``).
SHORT: Final = {
    "no_bill": "bill missing",
    "stale": "comparison",
    "unexplained": "not explained",
    "not_reviewed": "not reviewed",
    "rejected": "rejected",
    "waiting": "to match",
    "questions": "to decide",
    "products": "product names",
    "notes": "open notes",
    "order": "earlier months",
}


def _by(reconciliation: Reconciliation) -> str:
    return f"by {person(reconciliation.reviewer)}"


def net(figures: Mapping[str, Any]) -> int:
    """Money over and under, together, in micros."""
    return int(figures["over"]) + int(figures["under"])


def _unpriced(given: dict[str, Any]) -> str:
    return f"; {units(given['unpriced'])} without a price" if given["unpriced"] else ""


def month_page(listing: Listing) -> MonthPage:
    """A month in preparation shows the files that are current; in review and signed, those that its rows came from."""
    reconciliation, cycle = listing.reconciliation, listing.reconciliation.cycle
    current = inputs_of(cycle)
    given: Any = current.legs if reconciliation.is_working and not listing.is_past else listing.inputs
    inputs: Any = {leg: one for leg, one in given.items() if leg != "previous"}
    is_draft = reconciliation.pk and reconciliation.is_draft
    found = blockers(reconciliation, inputs=current, board=listing.board) if is_draft else []
    sheets, made = (
        Export.objects.filter(reconciliation__cycle=cycle),
        Job.objects.filter(kind="export", subject=OuterRef("pk")).values("state")[:1],
    )
    newest = reconciliation.revision
    if listing.is_past:
        newest = Reconciliation.objects.filter(cycle=cycle).order_by("-revision").values_list("revision", flat=True)[0]
    return MonthPage(
        account=listing.account,
        cycle=cycle,
        reconciliation=reconciliation,
        inputs=inputs,
        recount=None if listing.is_past else Job.objects.filter(kind="recount", subject=cycle.pk).first(),
        exports=list(sheets.select_related("by", "reconciliation").annotate(job_state=Subquery(made))[:8]),
        listing=listing,
        blockers=found,
        drift=Drift.objects.filter(reconciliation=reconciliation).first() if reconciliation.pk and not reconciliation.is_working else None,
        newest=newest,
        sweep=counted(listing.account, cycle),
    )
