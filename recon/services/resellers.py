"""Which account here is which of the reseller's at Huntress: mapped, made anew, or none of ours. Only the reseller's admins say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from accounts import audit
from accounts.access import Need
from accounts.guard import require_in_reseller
from accounts.models import Account, Reseller, User
from accounts.names import normalise
from accounts.services import Refused, change_account, kept_by_cycles
from accounts.templatetags.recon_ui import plural
from ingest.models import Connection, ResellerAccount, ResellerDocument
from recon.context import ordinal
from recon.services.settling import settle_again

#: How many are done at once: each is an act of its own in the audit trail.
MOST_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Done:
    """``left`` says why of those that were left as they were."""

    count: int
    left: list[str]


@transaction.atomic
def map_to(found: ResellerAccount, account: Account, *, by: User) -> ResellerAccount:
    """Say that they are one and the same. Raises Refused for an account of somebody else, and for one that is mapped already."""
    require_in_reseller(by, found.reseller, Need.ADMINISTER)
    held = _waiting(found)
    _map(held, account, "recon.reseller.mapped", by)
    settle_again(held.reseller, by=by)
    return held


@transaction.atomic
def make(found: ResellerAccount, *, name: str, slug: str, anniversary_day: int, by: User) -> Account:
    """A new account of the reseller, mapped at once. Raises Refused, naming the field that cannot be."""
    require_in_reseller(by, found.reseller, Need.ADMINISTER)
    held = _waiting(found)
    account = _make(held, name=name, slug=slug, anniversary_day=anniversary_day, by=by)
    settle_again(held.reseller, by=by)
    return account


@transaction.atomic
def make_several(reseller: Reseller, found: Iterable[int], *, by: User) -> Done:
    """A new account of each, with the name it has at Huntress and the day on which its lines begin; one without lines is left."""
    require_in_reseller(by, reseller, Need.ADMINISTER)
    made, left = 0, []
    taken = _names_here(reseller)
    for one in _several(reseller, found):
        if one.cycle_day is None:
            left.append(f"{one.name}: no usage line tells on which day its cycles begin, so it is made on its own.")
        elif normalise(one.name) in taken:
            left.append(f"{one.name}: an account of that name is here. Say whether it is the same.")
        else:
            _make(one, name=one.name, slug=free_slug(one), anniversary_day=one.cycle_day, by=by)
            taken.add(normalise(one.name))
            made += 1
    if made:
        settle_again(reseller, by=by)
    return Done(made, left)


@transaction.atomic
def map_by_name(reseller: Reseller, found: Iterable[int], *, by: User) -> Done:
    """Map each to the one account here that has exactly its name. One name on two accounts, here or there, is never guessed."""
    require_in_reseller(by, reseller, Need.ADMINISTER)
    here: dict[str, list[Account]] = {}
    for account in free_accounts(reseller):
        here.setdefault(normalise(account.name), []).append(account)
    there: dict[str, int] = {}
    for name in _open(reseller).values_list("name", flat=True):
        there[normalise(name)] = there.get(normalise(name), 0) + 1
    mapped, left = 0, []
    for one in _several(reseller, found):
        fitting = here.get(normalise(one.name), [])
        if len(fitting) == 1 and there.get(normalise(one.name)) == 1:
            _map(one, fitting[0], "recon.reseller.mapped", by)
            mapped += 1
        else:
            left.append(f"{one.name}: {'no account here has that name' if not fitting else 'the name is not of one account alone'}.")
    if mapped:
        settle_again(reseller, by=by)
    return Done(mapped, left)


@transaction.atomic
def ignore(reseller: Reseller, found: Iterable[int], because: str, *, by: User) -> Done:
    """None of ours: nothing of them waits any more. Raises Refused without a reason."""
    require_in_reseller(by, reseller, Need.ADMINISTER)
    because = " ".join(because.split())[:500]
    if not because:
        raise Refused("Say why these accounts are not ours: trials, closed, billed elsewhere, or whatever it is.", field="because")
    several = _several(reseller, found)
    for one in several:
        ResellerAccount.objects.filter(pk=one.pk).update(ignored_because=because)
        _record("recon.reseller.ignored", one, _audited(one), by, reason=because)
    return Done(len(several), [])


@transaction.atomic
def undo(found: ResellerAccount, *, by: User) -> ResellerAccount:
    """Let it wait again. What was imported while it was mapped stays. Raises Refused where nothing was said of it."""
    require_in_reseller(by, found.reseller, Need.ADMINISTER)
    held = _held(found)
    if held.account_id is None and not held.ignored_because:
        raise Refused(f"Nothing was said of {held.name} yet.")
    account = held.account or _audited(held)
    ResellerDocument.objects.filter(owner=held, source_file__isnull=True).delete()
    ResellerAccount.objects.filter(pk=held.pk).update(account=None, ignored_because="")
    _record("recon.reseller.undone", held, account, by)
    return _held(held)


@transaction.atomic
def adopt_day(found: ResellerAccount, *, by: User) -> Account:
    """Begin the account's cycles on the day on which its lines do. Raises Refused once months rest on another day."""
    require_in_reseller(by, found.reseller, Need.ADMINISTER)
    held = _held(found)
    account = held.account
    if account is None or held.cycle_day is None:
        raise Refused(f"On which day the cycles of {held.name} begin is not known.")
    changed = change_account(
        account, name=account.name, anniversary_day=held.cycle_day, time_zone=account.time_zone, currency=account.currency, by=by
    )
    settle_again(held.reseller, by=by)
    return changed


def why_day_stays(account: Account) -> str:
    """Why the day on which an account's cycles begin cannot be changed any more; blank where it can."""
    return kept_by_cycles(account).get("anniversary_day", "")


# --- what there is to choose from -------------------------------------------------------------------------------------------------


def free_accounts(reseller: Reseller) -> list[Account]:
    """The reseller's accounts here that are not mapped yet, by name."""
    return list(Account.objects.filter(reseller=reseller, found_as__isnull=True).order_by("name", "pk"))


def free_slug(found: ResellerAccount) -> str:
    """A name for addresses that nobody has: the account's own at Huntress where that can be."""
    wanted = slugify(found.subdomain or found.name)[:60] or f"account-{found.external_id[:20]}"
    wanted = slugify(wanted) or "account"
    taken = set(Account.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    return next(slug for slug in (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken)


def _names_here(reseller: Reseller) -> set[str]:
    return {normalise(name) for name in Account.objects.filter(reseller=reseller).values_list("name", flat=True)}


# --- one of them ------------------------------------------------------------------------------------------------------------------


def _open(reseller: Reseller) -> Any:
    return ResellerAccount.objects.filter(reseller=reseller, account__isnull=True, ignored_because="")


def _several(reseller: Reseller, found: Iterable[int]) -> Sequence[ResellerAccount]:
    keys = set(found)
    if not keys:
        raise Refused("Choose at least one account.")
    if len(keys) > MOST_AT_ONCE:
        raise Refused(f"At most {plural(MOST_AT_ONCE, 'account')} at once; these are {len(keys):,}.")
    held = list(_open(reseller).select_for_update(of=("self",)).select_related("reseller").filter(pk__in=keys).order_by("name", "pk"))
    if not held:
        raise Refused("Something was said of these accounts meanwhile. Look at them again.")
    return held


def _held(found: ResellerAccount) -> ResellerAccount:
    return ResellerAccount.objects.select_for_update(of=("self",)).select_related("account", "reseller").get(pk=found.pk)


def _waiting(found: ResellerAccount) -> ResellerAccount:
    held = _held(found)
    if held.account:
        raise Refused(f"{held.name} is {held.account} already. Take that back first.")
    if held.ignored_because:
        raise Refused(f"Somebody said that {held.name} is not ours: {held.ignored_because} Take that back first.")
    return held


def _map(found: ResellerAccount, account: Account, action: str, by: User) -> None:
    if account.reseller_id != found.reseller_id:
        raise Refused(f"{account} is not one of the accounts of {found.reseller}.")
    other = ResellerAccount.objects.filter(account=account).first()
    if other is not None:
        raise Refused(f"{account} is {other.name} (account {other.external_id} at Huntress) already.")
    ResellerAccount.objects.filter(pk=found.pk).update(account=account)
    found.account = account
    _record(action, found, account, by)


def _make(found: ResellerAccount, *, name: str, slug: str, anniversary_day: int, by: User) -> Account:
    """In the time zone and currency of the account to which the key was added; both can be changed until months rest on them."""
    like = _audited(found)
    name = " ".join(name.split())
    if Account.objects.filter(slug=slug).exists():
        raise Refused("An account has that address already. Choose another one.", field="slug")
    account = Account(
        name=name, slug=slug, anniversary_day=anniversary_day, time_zone=like.time_zone, currency=like.currency, reseller=found.reseller
    )
    try:
        account.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Refused(" ".join(messages), field=field) from error
    account.save()
    _map(found, account, "recon.reseller.made", by)
    return account


def _audited(found: ResellerAccount) -> Account:
    """Where an act is written down that is on no account here: with the account to which the reseller's key was added."""
    key = Connection.objects.filter(reseller=found.reseller).order_by("-added_at").select_related("account").first()
    account = key.account if key else Account.objects.filter(reseller=found.reseller).order_by("pk").first()
    if account is None:
        raise Refused(f"{found.reseller} has no account here yet. Whoever runs this server adds its first one.")
    return account


def _record(action: str, found: ResellerAccount, account: Account, by: User, **said: Any) -> None:
    """By its id at Huntress alone: the members of the account where it is written down may not see the names of others."""
    subject = f"account {found.external_id} at Huntress"
    audit.record(action, subject, account=account, actor=by, after={"external_id": found.external_id, **said})


def day_words(found: ResellerAccount) -> str:
    """Where the account's cycles begin on another day than its lines; blank where they agree, or nothing is known."""
    account = found.account
    if account is None or found.cycle_day is None or found.cycle_day == account.anniversary_day:
        return found.cycle_said
    return f"Its lines begin on the {ordinal(found.cycle_day)}, and the cycles of {account} on the {ordinal(account.anniversary_day)}."
