"""A new version of an account's tolerances, and what it would flag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Max

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, BillingCycle, User
from accounts.products import CODES
from accounts.services import Refused
from recon import store
from recon.engine import Tolerance
from recon.engine.tolerance import LEVELS
from recon.models import Severity, TolerancePolicy, ToleranceRow
from recon.policies import FIELDS, Scope, policy_of, scopes_of
from recon.services.months import changed

#: As many as a form can hold, and more than anybody can keep an eye on.
MOST_SCOPES: Final = 100


def save_policy(account: Account, scopes: Sequence[Scope], *, by: User, why: str = "", seen: int | None = None) -> TolerancePolicy:
    """Put a new version in force. ``seen`` is the version that was edited: Raises Refused when there is a newer one by now."""
    require(by, account, Need.ADMINISTER)
    _refuse_scopes(account, scopes)
    with transaction.atomic():
        # Without the key: an event of somebody who holds a month, and for whom this waits, refers to the account.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        before = policy_of(account)
        if seen is not None and seen != (before.version if before else 0):
            raise Refused("Somebody changed the tolerances while you did. Look at the newest version, and change that.")
        if before and _stated(scopes) == _stated(scopes_of(before)):
            raise Refused("These tolerances are in force already: nothing is changed.")
        newest = TolerancePolicy.objects.filter(account=account).aggregate(newest=Max("version"))["newest"] or 0
        policy = TolerancePolicy.objects.create(account=account, version=newest + 1, by=by, why=why[:500])
        ToleranceRow.objects.bulk_create(
            ToleranceRow(policy=policy, organization=s.organization, product=s.product, **{name: getattr(s, name) for name in FIELDS})
            for s in scopes
        )
        audit.record(
            "recon.tolerance.changed", f"version {policy.version}", account=account, actor=by,
            before={s.words: s.to_json() for s in scopes_of(before)}, after={s.words: s.to_json() for s in scopes},
        )  # fmt: skip
        _recount_open_months(account, by)
    return policy


def _stated(scopes: Sequence[Scope]) -> set[tuple[object, ...]]:
    return {(s.organization.pk if s.organization else None, s.product, *(getattr(s, name) for name in FIELDS)) for s in scopes}


def _refuse_scopes(account: Account, scopes: Sequence[Scope]) -> None:
    if len(scopes) > MOST_SCOPES:
        raise Refused(f"At most {MOST_SCOPES} scopes: an account’s tolerances are a rule with exceptions, not a list.")
    stated = [(s.organization.pk if s.organization else None, s.product) for s in scopes]
    if (None, "") not in stated:
        raise Refused("State the tolerance of the whole account: narrower scopes are exceptions to it.")
    for scope, key in zip(scopes, stated, strict=True):
        if stated.count(key) > 1:
            raise Refused(f"{scope.words} is stated twice.")
        if scope.escalate_percent < scope.investigate_percent or scope.escalate_units < scope.investigate_units:
            raise Refused(f"{scope.words}: escalate stands above investigate, in percent and in units.")
        if scope.organization and scope.organization.account_id != account.pk:
            raise Refused(f"{scope.words} is not an Organization of {account}.")
        _refuse_values(scope)


def _refuse_values(scope: Scope) -> None:
    """What the engine cannot count with is refused here, and not by every comparison afterwards."""
    try:
        for level in LEVELS:
            Tolerance(level, getattr(scope, f"{level}_percent"), getattr(scope, f"{level}_units"))
    except ValueError as wrong:
        raise Refused(f"{scope.words}: {wrong}.") from wrong
    if not 0 <= scope.floor < 2**63:
        raise Refused(f"{scope.words}: the money floor is not negative.")
    if scope.product and scope.product not in CODES:
        raise Refused(f"{scope.product} is not a product.")


def _recount_open_months(account: Account, by: User) -> None:
    """In the order in which an import holds them, too: a month, then the one after it."""
    cycles = BillingCycle.objects.filter(account=account, reconciliations__isnull=False).select_related("account")
    for cycle in cycles.distinct().order_by("start"):
        changed(cycle, by=by, leg="tolerance")


@dataclass(frozen=True)
class Preview:
    """What a version would flag in a month that was compared: rows at *investigate* or above, now and then."""

    cycle: BillingCycle
    now: int
    then: int
    escalated_now: int
    escalated_then: int

    @property
    def change(self) -> int:
        return self.then - self.now

    @property
    def change_words(self) -> str:
        return _fewer_or_more(self.change)

    @property
    def escalated_change(self) -> int:
        return self.escalated_then - self.escalated_now

    @property
    def escalated_change_words(self) -> str:
        return _fewer_or_more(self.escalated_change)


def _fewer_or_more(change: int) -> str:
    return f"{abs(change):,} {'fewer' if change < 0 else 'more'}"


def preview(account: Account, scopes: Sequence[Scope]) -> Preview | None:
    """Judge the last compared month by other tolerances, without changing anything. None while no month was compared."""
    _refuse_scopes(account, scopes)
    month = store.last_compared(account)
    if month is None:
        return None
    rows = store.judged_by(month.cycle, scopes)
    now = {int(level): int(count) for level, count in month.totals["severities"].items()}
    return Preview(
        cycle=month.cycle,
        now=now.get(Severity.INVESTIGATE, 0) + now.get(Severity.ESCALATE, 0),
        then=int((rows["severity"] >= Severity.INVESTIGATE).sum()),
        escalated_now=now.get(Severity.ESCALATE, 0),
        escalated_then=int((rows["severity"] == Severity.ESCALATE).sum()),
    )
