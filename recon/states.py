"""What state a month is in, as people say it: from its newest revision, its bill and what moved under its signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.calendar import Cycle, cycle_containing
from accounts.models import Account, BillingCycle
from ingest.models import LegInput
from recon.models import Reconciliation

#: A code of the states in ``recon_ui`` → how a list says it.
WORDS: Final[dict[str, str]] = {
    "preparation": "in preparation",
    "review": "in review",
    "signed": "signed",
    "changed": "changed since sign-off",
    "missing": "missing",
    "running": "running",
}
_OF_STATE: Final = {"working": "preparation", "in_review": "review", "signed": "signed"}


@dataclass(frozen=True, slots=True)
class MonthState:
    """A cycle on record. The revision's own fields are empty while nothing was ever compared."""

    cycle: BillingCycle
    is_billed: bool
    revision: int = 0
    pk: int | None = None
    state: str = ""
    run: int = 0
    preparer: int | None = None
    preparer_name: str = ""
    submitted_at: datetime | None = None
    drifted_rows: int = 0
    has_drifted: bool = False

    def code(self, running_from: date) -> str:
        """``running_from`` is where the account's running cycle begins: what is older and has no bill is a hole."""
        if self.state == "signed":
            return "changed" if self.has_drifted else "signed"
        if self.state == "in_review" or self.is_billed:
            return _OF_STATE.get(self.state, "preparation")
        return "missing" if self.cycle.start < running_from else "running"


def today_in(account: Account) -> date:
    return timezone.now().astimezone(ZoneInfo(account.time_zone)).date()


def running_cycle(account: Account) -> Cycle:
    """The cycle that is not over yet where the account is."""
    return cycle_containing(today_in(account), account.anniversary_day)


def month_to_open(months: list[MonthState], running_from: date) -> MonthState | None:
    """Of months, newest first, the one that work is in: over, or with its bill. A pull alone makes the running one a month."""
    return next((one for one in months if one.code(running_from) != "running"), months[0] if months else None)


def states_of(cycles: QuerySet[BillingCycle], most: int | None = None) -> list[MonthState]:
    """The state of each of some cycles, or of the first of them, in their order; two queries, however many there are."""
    billed = Exists(LegInput.objects.filter(cycle=OuterRef("pk"), leg="billed", ended_at__isnull=True))
    found = list(cycles.annotate(is_billed=billed)[:most])
    newest = _newest(cycles.order_by().values("pk") if most is None else [one.pk for one in found])
    return [MonthState(one, one.is_billed, **newest.get(one.pk, {})) for one in found]


def _newest(cycles: Any) -> dict[int, dict[str, Any]]:
    """The newest revision of each cycle: the later ones overwrite. Totals and inputs are large, and stay where they are."""
    fields = {
        "cycle": "", "pk": "pk", "revision": "revision", "state": "state", "run": "run", "preparer": "preparer",
        "submitted_at": "submitted_at", "preparer__name": "", "preparer__email": "", "drift__rows": "", "drift__changes": "",
    }  # fmt: skip
    rows = Reconciliation.objects.filter(cycle__in=cycles).order_by("revision").values(*fields)
    return {
        row["cycle"]: {field: row[field] for field, kept in fields.items() if kept}
        | {
            "preparer_name": row["preparer__name"] or row["preparer__email"] or "",
            "drifted_rows": row["drift__rows"] or 0,
            "has_drifted": bool(row["drift__changes"]),
        }
        for row in rows
    }
