"""What people settle of one Organization by hand: names that mean it, and whether somebody is rebilled for it. Audited and reversible.

Merges are answers to questions, and are taken back there (``recon.services.questions.undo``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Alias, BillingCycle, Organization, User
from accounts.names import normalise
from accounts.roots import families_of
from accounts.services import Refused
from recon.models import Question
from recon.services import merging, naming
from recon.services.months import changed, newest

Standing = Organization.Standing
_ACTS: Final = {
    Standing.CUSTOMER: "recon.match.customer",
    Standing.INTERNAL: "recon.match.internal",
    Standing.NOT_OURS: "recon.match.not_ours",
}
_LONGEST: Final = 500


@transaction.atomic
def add_alias(organization: Organization, name: str, *, by: User) -> Alias:
    """Let a name mean this Organization from now on, where a list gives neither id nor key."""
    held = _held(organization, by)
    name = " ".join(name.split())
    if not any(letter.isalnum() for letter in name):
        raise Refused("Write the name as the list has it.")
    if len(name) > _LONGEST:
        raise Refused(f"A name has at most {_LONGEST} characters; this one has {len(name):,}.")
    _refuse_taken(held, name)
    done = naming.confirm(held.account, name, held, by=by)
    if not done:
        raise Refused(f"{name} means {held} already.")
    alias = Alias.objects.get(pk=done["alias"])
    _tell("recon.name.matched", f"{name} to {held}", held, (), by, {"alias": alias.pk})
    return alias


def _refuse_taken(held: Organization, name: str) -> None:
    """A name that is somebody's, or that rows wait under, is decided in the queue: there both sides are seen."""
    if naming.spellings_of(held.account, normalise(name)[:500]):
        raise Refused(f"Rows called {name} wait to be matched. Say there whose they are.")
    family = families_of(held.account_id, [held.pk])[held.pk]
    other = Organization.objects.filter(account=held.account_id, name_key=normalise(name)[:500]).exclude(pk__in=family).first()
    if other is not None:
        raise Refused(f"{other} is an Organization with rows of its own. If it is the same customer, the queue asks about it.")


@transaction.atomic
def revoke_alias(alias: Alias, *, by: User) -> None:
    """From now on the name means nobody by itself. What was imported with it stays where it is."""
    held = _held(alias.organization, by)
    if not Alias.objects.filter(pk=alias.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        raise Refused("That alias is revoked already.")
    _tell("recon.name.revoked", f"{alias.name} to {held}", held, (), by, {"alias": alias.pk})


@transaction.atomic
def stand(organization: Organization, standing: str, *, by: User, reason: str = "") -> Organization:
    """Say whether somebody is rebilled for it. Internal use and not ours need a reason."""
    held = _held(organization, by)
    reason = reason.strip()
    if standing not in Standing.values:
        raise Refused("Choose customer, internal use or not ours.")
    if held.merged_into_id is not None:
        raise Refused(f"{held} counts under another Organization. Say it there.")
    if standing == Standing.CUSTOMER:
        reason = ""
    elif not reason:
        raise Refused("Say why nobody is rebilled for it.")
    if len(reason) > _LONGEST:
        raise Refused(f"The reason has at most {_LONGEST} characters; this one has {len(reason):,}.")
    if (held.standing, held.standing_reason) == (standing, reason):
        raise Refused(f"{held} is {held.get_standing_display().lower()} already.")
    before = {"standing": held.standing, "reason": held.standing_reason}
    counts_otherwise = held.standing != standing
    held.standing, held.standing_reason = Standing(standing), reason
    held.save(update_fields=["standing", "standing_reason"])
    family = families_of(held.account_id, [held.pk])[held.pk]
    cycles = merging.cycles_that_name(held.account, family) if counts_otherwise else []
    _tell(_ACTS[Standing(standing)], str(held), held, cycles, by, {"standing": standing, "reason": reason}, before)
    return held


def merges_of(account: Account, members: Sequence[Organization]) -> dict[int, Question]:
    """For each member the newest answer that made it one: undoing that takes it out again. One query."""
    pks = {one.pk for one in members}
    family = pks | {one.merged_into_id for one in members if one.merged_into_id}
    said = Question.objects.filter(account=account, state=Question.State.ANSWERED, answer=Question.Answer.SAME)
    touching = said.filter(Q(subject__in=family) | Q(candidate__in=family)).select_related("answered_by").order_by("answered_at", "pk")
    return {pk: one for one in touching for pk in (one.undo.get("merge") or {}).get("members", ()) if pk in pks}


def _held(organization: Organization, by: User) -> Organization:
    """The Organization, with its account held: one decision at a time. Raises Refused where the role does not decide."""
    require(by, organization.account, Need.WORK)
    Account.objects.select_for_update(no_key=True).get(pk=organization.account_id)
    return Organization.objects.select_for_update(of=("self",)).select_related("account").get(pk=organization.pk)


def _tell(
    action: str, subject: str, held: Organization, cycles: Sequence[BillingCycle], by: User, after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Count the touched months anew, and write the act down in each; in the account's trail where it touches none."""
    said = after | {"organization": held.pk}
    for cycle in cycles:
        changed(cycle, by=by)
        revision = newest(cycle).revision
        audit.record(action, subject, account=held.account, actor=by, cycle=cycle, revision=revision, before=before or {}, after=said)
    if not cycles:
        audit.record(action, subject, account=held.account, actor=by, before=before or {}, after=said)
