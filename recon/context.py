"""What the frame of every page is given: the account, its cycles, the person's role, and what runs in the background."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Account, BillingCycle, Role
from accounts.templatetags.recon_ui import cycle_range
from ingest.models import Job
from recon.models import Question
from recon.states import WORDS, MonthState, month_to_open, running_cycle, states_of

_CYCLES_OFFERED = 24
_ACCOUNTS_OFFERED = 30


@dataclass(frozen=True, slots=True)
class AccountChoice:
    name: str
    anniversary: str
    url: str


@dataclass(frozen=True, slots=True)
class CycleChoice:
    label: str
    state: str
    url: str


def shell(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Signed out, and on error pages, there is nothing to give."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    account: Account | None = getattr(request, "account", None)
    visible = Account.objects.visible_to(user)[:_ACCOUNTS_OFFERED]
    context: dict[str, Any] = {"accounts": [_account_choice(one) for one in visible], "account": account}
    if account is None:
        return context
    roles: set[str] = getattr(request, "roles", set())
    highest = max(roles, key=list(Role.values).index, default="")
    months = states_of(BillingCycle.objects.filter(account=account), _CYCLES_OFFERED)
    running_from = running_cycle(account).start
    opened = month_to_open(months, running_from)
    return context | {
        "month_to_open": _month_url(account, opened) if opened else "",
        "role": Role(highest).label if highest else "",
        "cycles": [_cycle_choice(account, one, running_from) for one in months],
        **_waiting(account),
        "jobs_url": reverse("ingest:jobs", args=[account.slug]),
    }


def _waiting(account: Account) -> dict[str, int]:
    """How much runs in the background, and how many Organizations are to be decided: one query, on every page."""
    jobs = Job.objects.filter(account=OuterRef("pk"), state__in=[Job.State.QUEUED, Job.State.RUNNING])
    asked = Question.objects.filter(account=OuterRef("pk"), state=Question.State.OPEN)
    counts = {"jobs_running": _count(jobs), "questions_open": _count(asked)}
    found: dict[str, int] = Account.objects.filter(pk=account.pk).values(
        **{name: Coalesce(Subquery(count), 0) for name, count in counts.items()}
    )[0]  # type: ignore[assignment]
    return found


def _count(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by().values("account").annotate(count=Count("pk")).values("count")


def _account_choice(account: Account) -> AccountChoice:
    return AccountChoice(account.name, ordinal(account.anniversary_day), reverse("recon:account", args=[account.slug]))


def _cycle_choice(account: Account, month: MonthState, running_from: date) -> CycleChoice:
    return CycleChoice(cycle_range(month.cycle), WORDS[month.code(running_from)], _month_url(account, month))


def _month_url(account: Account, month: MonthState) -> str:
    return reverse("recon:month", args=[account.slug, month.cycle.start.isoformat()])


def ordinal(day: int) -> str:
    """
    >>> ordinal(1), ordinal(12), ordinal(23)
    ('1st', '12th', '23rd')
    """
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
