"""What the frame of every page is given: the account, its cycles, the person's role, and what runs in the background."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Account, BillingCycle, Role
from accounts.templatetags.recon_ui import cycle_range
from ingest.models import Job
from recon.states import WORDS, MonthState, running_cycle, states_of

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
    return context | {
        "role": Role(highest).label if highest else "",
        "cycles": [_cycle_choice(account, one, running_from) for one in months],
        "jobs_running": Job.objects.filter(account=account, state__in=[Job.State.QUEUED, Job.State.RUNNING]).count(),
        "jobs_url": reverse("ingest:jobs", args=[account.slug]),
    }


def _account_choice(account: Account) -> AccountChoice:
    return AccountChoice(account.name, ordinal(account.anniversary_day), reverse("recon:account", args=[account.slug]))


def _cycle_choice(account: Account, month: MonthState, running_from: date) -> CycleChoice:
    url = reverse("recon:month", args=[account.slug, month.cycle.start.isoformat()])
    return CycleChoice(cycle_range(month.cycle), WORDS[month.code(running_from)], url)


def ordinal(day: int) -> str:
    """
    >>> ordinal(1), ordinal(12), ordinal(23)
    ('1st', '12th', '23rd')
    """
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
