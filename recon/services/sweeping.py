"""When an agent list is looked through for machines to remove, and what people settle of it: thresholds, its day, what is kept."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Organization, User
from accounts.models.account import ACCOUNT_STALE_DAYS
from accounts.models.organization import ORGANIZATION_STALE_DAYS
from accounts.services import Refused
from accounts.templatetags.recon_ui import day, plural
from ingest import jobs
from ingest.models import Job, LegInput
from recon.agent_lists import newest_list
from recon.models import Sweep, SweepFinding, SweepKeep
from recon.states import today_in
from recon.sweeping import look_through

KIND: Final = "sweep"
_LONGEST: Final = 500
_KEPT_AT_MOST: Final = timedelta(days=366)


def ask_for_sweep(given: LegInput, *, by: User | None) -> Job:
    """Have a list looked through, soon, by a worker."""
    account = given.cycle.account
    sweep, _ = Sweep.objects.get_or_create(given=given, defaults={"account": account})
    return jobs.enqueue(KIND, sweep.pk, label=f"Looking through {given.source_file}", account=account, by=by)


def ask_again(account: Account, *, by: User | None) -> Job | None:
    """The same of the newest list, because what it is looked at by has changed. None where there is no list."""
    given = newest_list(account)
    return ask_for_sweep(given, by=by) if given else None


@jobs.handles(KIND)
def sweep_list(subject: int, progress: jobs.Progress) -> None:
    sweep = Sweep.objects.select_related("given__source_file", "given__cycle__account", "account").filter(pk=subject).first()
    if sweep is not None and sweep.given.source_file.state == "imported":
        look_through(sweep, progress)


# --- what people settle


@transaction.atomic
def state_account_threshold(account: Account, days: int | None, *, by: User) -> None:
    """After how many days without a check-in an agent counts as unresponsive, where its Organization says nothing else."""
    require(by, account, Need.ADMINISTER)
    if days not in ACCOUNT_STALE_DAYS:
        raise Refused(f"Choose {', '.join(map(str, ACCOUNT_STALE_DAYS[:-1]))} or {ACCOUNT_STALE_DAYS[-1]} days.")
    held = Account.objects.select_for_update().get(pk=account.pk)
    if held.stale_days == days:
        raise Refused(f"It is {days} days already.")
    before, held.stale_days = held.stale_days, days
    held.save(update_fields=["stale_days"])
    audit.record(
        "recon.sweep.threshold", held.name, account=held, actor=by, before={"stale_days": before}, after={"stale_days": days}
    )  # fmt: skip
    ask_again(held, by=by)


@transaction.atomic
def state_threshold(organization: Organization, days: int | None, *, by: User) -> None:
    """After how many days without a check-in an agent of this Organization counts as unresponsive; None: as the account's do."""
    _require(by, organization.account)
    if days is not None and days not in ORGANIZATION_STALE_DAYS:
        offered = ", ".join(map(str, ORGANIZATION_STALE_DAYS))
        raise Refused(f"Choose one of {offered} days, or the account's own.")
    held = Organization.objects.select_for_update(of=("self",)).select_related("account").get(pk=organization.pk)
    if held.stale_days == days:
        raise Refused(f"That is so already: {days_in_words(held)}.")
    before, held.stale_days = held.stale_days, days
    held.save(update_fields=["stale_days"])
    audit.record(
        "recon.sweep.threshold", str(held), account=held.account, actor=by,
        before={"stale_days": before}, after={"stale_days": days, "organization": held.pk},
    )  # fmt: skip
    ask_again(held.account, by=by)


def days_in_words(organization: Organization) -> str:
    if organization.stale_days is None:
        return f"{plural(organization.account.stale_days, 'day')}, as the account's"
    return f"{plural(organization.stale_days, 'day')}, its own"


@transaction.atomic
def state_day(given: LegInput, said: date | None, *, by: User) -> None:
    """Of which day a list is; None: its newest check-in tells."""
    account = given.cycle.account
    _require(by, account)
    if said is not None and said > today_in(account):
        raise Refused(f"{day(said)} is not over yet: a list is of a day that has been.")
    held = LegInput.objects.select_for_update().get(pk=given.pk)
    if held.as_of == said:
        raise Refused("That is the day already.")
    before, held.as_of = held.as_of, said
    held.save(update_fields=["as_of"])
    audit.record(
        "recon.sweep.day", str(given.source_file), account=account, actor=by,
        before={"as_of": _iso(before)}, after={"as_of": _iso(said), "input": given.pk},
    )  # fmt: skip
    ask_for_sweep(given, by=by)


@transaction.atomic
def keep(finding: SweepFinding, *, reason: str, until: date, by: User) -> SweepKeep:
    """Leave a machine where it is, for a reason, until a day: until then it is on no list and in no sum."""
    account = finding.sweep.account
    _require(by, account)
    reason = " ".join(reason.split())
    today = today_in(account)
    if finding.organization is None:
        raise Refused(f"Nobody has said yet whose machine {finding.hostname} is. Match its Organization first.")
    if not reason:
        raise Refused("Say why it is kept.")
    if len(reason) > _LONGEST:
        raise Refused(f"The reason has at most {_LONGEST} characters; this one has {len(reason):,}.")
    if not today < until <= today + _KEPT_AT_MOST:
        raise Refused(f"Keep it until a day after today, and by {day(today + _KEPT_AT_MOST)}.")
    machine = {"organization": finding.organization, "host_key": finding.host_key, "serial": finding.serial}
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    current = SweepKeep.objects.filter(**machine, ended_at__isnull=True)
    if current.filter(until__gte=today).exists():
        raise Refused(f"{finding.hostname} is kept already.")
    current.update(ended_at=timezone.now(), ended_by=by)  # one that ran out makes room
    made = SweepKeep.objects.create(account=account, hostname=finding.hostname, reason=reason, until=until, by=by, **machine)
    _same_machine(made).update(keep=made, kept_until=until)
    after = {"reason": reason, "until": until.isoformat(), "organization": finding.organization_id}
    audit.record("recon.sweep.kept", _named(made), account=account, actor=by, after=after)
    return made


@transaction.atomic
def no_longer_keep(kept: SweepKeep, *, by: User) -> None:
    """Let it be on the list again."""
    _require(by, kept.account)
    if not SweepKeep.objects.filter(pk=kept.pk, ended_at__isnull=True).update(ended_at=timezone.now(), ended_by=by):
        raise Refused(f"{kept.hostname} is not kept any more.")
    _same_machine(kept).filter(keep=kept).update(keep=None, kept_until=None)
    audit.record(
        "recon.sweep.no_longer_kept", _named(kept), account=kept.account, actor=by,
        before={"reason": kept.reason, "until": kept.until.isoformat()}, after={"organization": kept.organization_id},
    )  # fmt: skip


def _same_machine(kept: SweepKeep) -> Any:
    of_account = SweepFinding.objects.filter(sweep__in=Sweep.objects.filter(account=kept.account_id), organization=kept.organization_id)
    return of_account.filter(host_key=kept.host_key, serial=kept.serial)


def _named(kept: SweepKeep) -> str:
    return f"{kept.hostname} of {kept.organization}"


def _iso(said: date | None) -> str:
    return said.isoformat() if said else ""


def _require(by: User, account: Account) -> None:
    require(by, account, Need.WORK)
