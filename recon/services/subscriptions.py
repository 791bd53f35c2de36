"""The reseller's subscriptions as contracts of its accounts: a version for what changed, and none over what a person typed in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from accounts import audit
from accounts.models import Account, Contract, ContractStep, ContractVersion, Reseller
from accounts.templatetags.recon_ui import day
from ingest import jobs
from ingest.models import ResellerSubscription
from recon.services.came import Came, Record, identity, inner, text
from recon.services.contracts import Said, said_by, told_of
from recon.services.found_accounts import is_outdone, owners_of
from recon.states import today_in
from recon.subscription_terms import COMPLETED, NoContract, differences, ended, label, product_of, terms_of

_AT_ONCE: Final = 500
_LONGEST: Final = 500


def settle_subscriptions(came: Came, progress: jobs.Progress) -> None:
    """Keep what is listed, then make contracts of it. An older list than one that was settled says nothing any more."""
    if not is_outdone(came):
        _keep(came)
    make_contracts(came.reseller, came.where_from, progress)


def _keep(came: Came) -> None:
    records = [record for record in came.of("subscriptions") if identity(record) and identity(inner(record, "account"))]
    with transaction.atomic():
        owners = owners_of(came, records)
        known = {
            (one.owner_id, one.external_id): one
            for one in ResellerSubscription.objects.select_for_update(of=("self",)).filter(owner__reseller=came.reseller)
        }
        listed: dict[tuple[int, str], ResellerSubscription] = {}
        for record in records:
            owner = owners[identity(inner(record, "account"))]
            key = (owner.pk, identity(record))
            listed[key] = _told(known.get(key) or ResellerSubscription(owner=owner, external_id=key[1]), record, came)
        old, new = [one for one in listed.values() if one.pk], [one for one in listed.values() if not one.pk]
        fields = ["product", "status", "record", "part", "seen_at", "gone_at"]
        ResellerSubscription.objects.bulk_update(old, fields, batch_size=_AT_ONCE)
        ResellerSubscription.objects.bulk_create(new, batch_size=_AT_ONCE)
        if came.is_whole:
            missing = ResellerSubscription.objects.filter(owner__reseller=came.reseller, gone_at__isnull=True, seen_at__lt=came.at)
            missing.update(gone_at=came.at)


def _told(one: ResellerSubscription, record: Record, came: Came) -> ResellerSubscription:
    one.product, one.status, one.record = product_of(record)[:40], text(record, "status", 20), record
    one.part, one.seen_at, one.gone_at = came.part, came.at, None
    return one


# --- contracts --------------------------------------------------------------------------------------------------------------------


@dataclass
class _Here:
    """One account's contracts, by subscription, and those that people typed in, by product. Each with what it says now."""

    by_number: dict[str, Contract] = field(default_factory=dict)
    typed: dict[str, list[Contract]] = field(default_factory=lambda: defaultdict(list))


def make_contracts(reseller: Reseller, where_from: str, progress: jobs.Progress) -> int:
    """Bring the contracts of every mapped account to what its subscriptions say. Returns how many versions were written.

    Set by set: a constant number of queries, and one short transaction for each contract that changes.
    """
    subscriptions = ResellerSubscription.objects.filter(owner__reseller=reseller, owner__account__isnull=False)
    listed = sorted(subscriptions.select_related("owner__account").iterator(), key=_order)
    here = _contracts_of({cast(int, one.owner.account_id) for one in listed})
    unit = _unit_of(reseller)
    written, changed = 0, []
    for done, one in enumerate(listed, start=1):
        contract, said, is_new = _settle(one, here[cast(int, one.owner.account_id)], unit, where_from)
        written += is_new
        if (contract.pk if contract else None, said) != (one.contract_id, one.said):
            one.contract, one.said = contract, said
            changed.append(one)
        progress(done, len(listed), "Comparing contracts")
    ResellerSubscription.objects.bulk_update(changed, ["contract", "said"], batch_size=_AT_ONCE)
    return written


def _order(one: ResellerSubscription) -> tuple[Any, ...]:
    """What is over comes before what took its place, so that of two from one day the later one holds."""
    begins = str(one.record.get("effective_date") or "")
    number = one.external_id
    return (one.owner_id, one.product, begins, one.status != COMPLETED, len(number), number)


def _unit_of(reseller: Reseller) -> str:
    found = reseller.connections.filter(removed_at__isnull=True).values_list("amount_unit", flat=True).first()
    return found or ""


def _contracts_of(accounts: set[int]) -> dict[int, _Here]:
    versions = ContractVersion.objects.filter(ended_at__isnull=True).select_related("by").prefetch_related("steps")
    contracts = Contract.objects.filter(account__in=accounts).prefetch_related(Prefetch("versions", versions, to_attr="in_force"))
    found: dict[int, _Here] = defaultdict(_Here)
    for one in contracts:
        if one.external_id:
            found[one.account_id].by_number[one.external_id] = one
        if one.source == Contract.Source.TYPED and one.ended_at is None:
            found[one.account_id].typed[one.product].append(one)
    return found


def _settle(one: ResellerSubscription, here: _Here, unit: str, where_from: str) -> tuple[Contract | None, str, bool]:
    """The contract that it is, what there is to say of it, and whether a version was written."""
    account = cast(Account, one.owner.account)
    today = today_in(account)
    contract = here.by_number.get(one.external_id)
    before = _now(contract)
    try:
        terms = terms_of(one.record, status=one.status, support_type=one.owner.support_type, unit=unit, today=today)
        said = ended(terms.said, before, today) if one.status == COMPLETED else terms.said
    except NoContract as why:
        return contract, _words([str(why)]), False
    if contract is not None and (kept := _kept(contract, said, before)):
        return contract, _words([kept, *terms.notes]), False
    if contract is None and (typed := _typed_over(here.typed[product_of(one.record)], said)):
        return None, _words([_beside(typed, one, said), *terms.notes]), False
    if before == said:
        return contract, _words(terms.notes), False
    written = _write(account, one, contract, said, where_from)
    here.by_number[one.external_id] = written
    return written, _words(terms.notes), True


def _words(sentences: Any) -> str:
    return " ".join(sentences)[:_LONGEST]


def _version(contract: Contract | None) -> ContractVersion | None:
    found: list[ContractVersion] = getattr(contract, "in_force", []) if contract is not None else []
    return found[0] if found else None


def _now(contract: Contract | None) -> Said | None:
    version = _version(contract)
    return said_by(version) if version else None


def _kept(contract: Contract, said: Said, before: Said | None) -> str:
    """Why a contract stays as it is: a person took it away, typed it in, or changed it. Blank: it is the pull's to keep."""
    if contract.ended_at is not None:
        return f"The contract was taken away here on {day(contract.ended_at)}: {contract.ended_because} It is not brought back."
    version = _version(contract)
    if before is None or version is None or version.by_id is None:
        return ""
    who = "It was typed in here" if contract.source == Contract.Source.TYPED else "A person changed it here"
    differing = differences(before, said)
    if not differing:
        return f"{who}, and says the same."
    return f"{who}, and stays as it is: {'; '.join(differing)}."


def _typed_over(typed: list[Contract], said: Said) -> Contract | None:
    """A contract without this subscription's number that a person typed in for the same product and some of the same time."""
    for one in typed:
        other = _now(one)
        if other is not None and other.start < said.renewal and said.start < other.renewal:
            return one
    return None


def _beside(typed: Contract, one: ResellerSubscription, said: Said) -> str:
    """A contract that was typed in is not overwritten, and two for one time would replace each other."""
    other = cast(Said, _now(typed))
    differing = "; ".join(differences(other, said)) or "both say the same"
    number = f" as {typed.external_id}" if typed.external_id else ""
    return (
        f"A contract for {label(typed.product)} from {day(other.start)} was typed in here{number}, and holds: {differing}. "
        f"Take it away, and subscription {one.external_id} takes its place with the next pull."
    )


@transaction.atomic
def _write(account: Account, one: ResellerSubscription, contract: Contract | None, said: Said, where_from: str) -> Contract:
    """A new version, by nobody: ``why`` says from where. The one in force is ended and stays readable."""
    Account.objects.select_for_update().get(pk=account.pk)
    if contract is None:
        contract = Contract.objects.create(
            account=account, product=product_of(one.record), source=Contract.Source.PULLED, external_id=one.external_id
        )
    before = _version(contract)
    if before:
        ContractVersion.objects.filter(pk=before.pk).update(ended_at=timezone.now())
    version = ContractVersion.objects.create(
        contract=contract, number=before.number + 1 if before else 1, by=None, why=where_from[:_LONGEST], **said.columns
    )
    ContractStep.objects.bulk_create(
        [ContractStep(version=version, starts=s.starts, minimum=s.minimum, unit_cost=s.unit_cost) for s in said.steps]
    )
    contract.in_force = [version]  # type: ignore[attr-defined]
    subject = f"{label(contract.product)}, from {day(said.start)} to {day(said.renewal)}"
    audit.record(
        "recon.contract.pulled", subject, account=account, actor=None,
        before=told_of(before) if before else {}, after=told_of(version) | {"contract": contract.pk, "subscription": one.external_id},
    )  # fmt: skip
    return contract
