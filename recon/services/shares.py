"""One Organization that is rebilled to several customers, by a fixed split: stated by a person, dated, audited, and taken back.

The customers' names in the rebilled list are the Organization's: they become aliases, rows that wait by such a name are given to it, and an
Organization that only a list of names made counts under it. Nothing of a bill is ever moved that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, BillingCycle, CustomerShare, Organization, User
from accounts.names import normalise
from accounts.roots import families_of
from accounts.services import Refused
from ingest.models import LegInput, UsageLine
from recon.services import merging, naming
from recon.services.months import changed, newest

MOST_PARTS: Final = 1_000_000
MOST_CUSTOMERS: Final = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """One customer as a person states it. ``psa_id`` is what the PSA calls it, where that is known."""

    customer: str
    parts: int
    psa_id: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    words: str
    cycles: tuple[BillingCycle, ...]


def shares_in_force(organization: Organization) -> list[CustomerShare]:
    return list(
        CustomerShare.objects.filter(organization=organization, ended_at__isnull=True).select_related("by").order_by("customer_key")
    )


def has_history(organization: Organization) -> bool:
    """Whether anything was ever stated: then the last act can be undone."""
    return CustomerShare.objects.filter(organization=organization).exists()


@transaction.atomic
def share_out(organization: Organization, wanted: Sequence[Wanted], *, by: User) -> Outcome:
    """State the whole split anew; what was stated before ends. Raises Refused."""
    held = _held(organization, by)
    wanted = _readable(wanted)
    _put(held, wanted, by)
    said = ", ".join(f"{one.customer} {one.parts}" for one in wanted)
    words = f"{held} is rebilled to {len(wanted)} customers from now on."
    return _told(held, "recon.share.changed", f"{held}: {said}", by, words)


@transaction.atomic
def end(organization: Organization, *, by: User) -> Outcome:
    """Rebill it to one customer again, and take back what was made of the others' names."""
    held = _held(organization, by)
    if not CustomerShare.objects.filter(organization=held, ended_at__isnull=True).exists():
        raise Refused(f"{held} is not shared out between customers (any more).")
    _put(held, [], by)
    return _told(held, "recon.share.ended", held.name, by, f"{held} is rebilled as one customer again.")


@transaction.atomic
def undo(organization: Organization, *, by: User) -> Outcome:
    """Put back the split that was in force before the last act. Undoing that undoes the undoing."""
    held = _held(organization, by)
    known = list(CustomerShare.objects.filter(organization=held))
    if not known:
        raise Refused(f"Nothing was ever said of how {held} is shared out.")
    last = max(moment for share in known for moment in (share.at, share.ended_at) if moment)
    before = [Wanted(share.customer, share.parts, share.psa_id) for share in known if share.ended_at == last]
    _put(held, before, by)
    words = f"{held} is shared out as before." if before else f"{held} is rebilled as one customer again."
    return _told(held, "recon.share.undone", held.name, by, words)


def _held(organization: Organization, by: User) -> Organization:
    account = organization.account
    require(by, account, Need.WORK)
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    held = Organization.objects.select_related("account", "merged_into").get(pk=organization.pk)
    if held.merged_into:
        raise Refused(f"{held} counts under {held.merged_into}: share that one out.")
    return held


def _readable(wanted: Sequence[Wanted]) -> list[Wanted]:
    found = [Wanted(" ".join(one.customer.split())[:500], one.parts, one.psa_id.strip()[:100]) for one in wanted]
    if len(found) < 2:
        raise Refused("Name two customers at least: one alone is the Organization itself.")
    if len(found) > MOST_CUSTOMERS:
        raise Refused(f"At most {MOST_CUSTOMERS} customers share one Organization.")
    keys: dict[str, str] = {}
    for one in found:
        if not (key := normalise(one.customer)):
            raise Refused("Each part needs the customer’s name as the PSA has it.")
        if key in keys:
            raise Refused(f"“{one.customer}” and “{keys[key]}” are one name: give it all its parts at once.")
        keys[key] = one.customer
        if not 1 <= one.parts <= MOST_PARTS:
            raise Refused(f"The parts of {one.customer} are a whole number from 1 to {MOST_PARTS:,}.")
    return found


def _put(held: Organization, wanted: Sequence[Wanted], by: User) -> None:
    """End the split in force and put this one in its place, all at one moment. A customer that stays keeps what was made of its name."""
    now = timezone.now()
    current = {share.customer_key: share for share in CustomerShare.objects.filter(organization=held, ended_at__isnull=True)}
    CustomerShare.objects.filter(pk__in=[share.pk for share in current.values()]).update(ended_at=now)
    staying = {normalise(one.customer)[:500] for one in wanted}
    for key, share in sorted(current.items(), reverse=True):
        if key not in staying:
            _let_go(held.account, share)
    for one in wanted:
        key = normalise(one.customer)[:500]
        undo = current[key].undo if key in current else _take_name(held, one.customer, key, by)
        made = CustomerShare.objects.create(organization=held, customer=one.customer, psa_id=one.psa_id, parts=one.parts, by=by, undo=undo)
        CustomerShare.objects.filter(pk=made.pk).update(at=now)


def _take_name(held: Organization, customer: str, key: str, by: User) -> dict[str, Any]:
    """Let a customer's name mean the Organization. Raises Refused where it is another one of the bill."""
    if key == held.name_key:
        return {}
    family = families_of(held.account, [held.pk])[held.pk]
    others = list(Organization.objects.filter(account=held.account, name_key=key, merged_into__isnull=True).exclude(pk__in=family))
    for other in others:
        if other.huntress_id or other.key or _is_billed(other):
            raise Refused(f"{other} is an Organization of the bill itself, not a customer that shares {held}.")
    done: dict[str, Any] = {"alias": naming.confirm(held.account, customer, held, by=by)}
    if others:
        done["merge"] = merging.merge(held, others)
    given = naming.give(held.account, key, held)
    return done | ({"named": given} if given["spellings"] else {})


def _let_go(account: Account, share: CustomerShare) -> None:
    done = share.undo
    if done.get("alias"):
        naming.revoke(done["alias"])
    if done.get("merge"):
        merging.take_apart(done["merge"])
    if done.get("named"):
        naming.take_back(account, share.customer_key, done["named"], since=share.at)


def _is_billed(organization: Organization) -> bool:
    bills = LegInput.objects.filter(cycle__account=organization.account_id, leg="billed").values("source_file")
    return UsageLine.objects.filter(organization=organization, source_file__in=bills).exists()


def _told(held: Organization, action: str, subject: str, by: User, words: str) -> Outcome:
    """Count the months anew that name it, and write the act down in each; in none of them, where no list names it."""
    cycles = merging.cycles_that_name(held.account, families_of(held.account, [held.pk])[held.pk])
    for cycle in cycles:
        changed(cycle, by=by)
    after: dict[str, Any] = {
        "organization": held.pk,
        "shares": [[share.customer, share.parts, share.psa_id] for share in shares_in_force(held)],
    }
    for cycle in cycles:
        audit.record(action, subject, account=held.account, actor=by, cycle=cycle, revision=newest(cycle).revision, after=after)
    if not cycles:
        audit.record(action, subject, account=held.account, actor=by, after=after)
    return Outcome(words, tuple(cycles))
