"""What an admin does to an account's exclusion list: propose one, look at what it changes, put it in force from a cycle on.

Every way of making a list ends in bytes: what was pasted, the file, or a list of our own writing. They are received, read and imported as
any file is, so that a month can be replayed from them. Nothing is in force before an admin says so, and nothing is put there by itself.

Contract for pages: ``propose``, ``propose_change``, ``propose_start``, ``put_in_force``, ``drop``, and ``effect_of``. All that change
something raise Refused, in words.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from accounts.access import Need
from accounts.calendar import Cycle
from accounts.guard import require
from accounts.models import Account, User
from accounts.services import Refused
from accounts.skus import sku_key
from ingest import jobs
from ingest.models import Kind, SourceFile
from ingest.services import intake
from recon.engine.identities import Effect
from recon.exclusion_lists import Entry
from recon.services import imports

State = SourceFile.State
#: What is read while a person waits. The published list has some hundreds of entries.
MOST_BYTES: Final = 2_000_000
#: The head of Huntress's published list that anybody can read, as last seen dated 28 May 2026 (docs/exclusions.md). Offered, never assumed.
START_DATED: Final = date(2026, 5, 28)
START: Final = (
    ("10_ALR_ADDON", "10-Year Audit Log Retention Add On"),
    ("MESH_AVATARS_ADDITIONAL_FOR_TEAMS", "Avatars for Teams (additional)"),
    ("MESH_AVATARS_FOR_TEAMS", "Avatars for Teams"),
    ("SMB_APPS", "Business Apps (free)"),
    ("MCOPSTNC", "Communications Credits"),
    ("DYN365_FINANCIALS_ACCOUNTANT_SKU", "Dynamics 365 Business Central External Accountant"),
    ("DYN365_AI_SERVICE_INSIGHTS", "Dynamics 365 Customer Service Insights Trial"),
    ("FORMS_PRO", "Dynamics 365 Customer Voice Trial"),
    ("DYN365_SCM", "Dynamics 365 for Supply Chain Management"),
    ("Dynamics_365_for_Operations_OnPrem", "Dynamics 365 for Operations, on premises"),
)


def drafts_of(account: Account) -> QuerySet[SourceFile, SourceFile]:
    """Lists that were proposed and are not in force, newest first."""
    waiting = (State.RECEIVED, State.READY, State.REFUSED, State.IMPORTING)
    return SourceFile.objects.filter(account=account, kind=Kind.EXCLUSIONS, state__in=waiting).select_related("received_by")


def propose(account: Account, content: bytes, *, name: str, came: str, by: User, dated: date | None = None) -> SourceFile:
    """A list to look at; nothing of it counts. The same bytes once more are the list that is here already. Raises Refused."""
    require(by, account, Need.ADMINISTER)
    if not content.strip():
        raise Refused("There is nothing in it. Paste the list, or choose a file.")
    if len(content) > MOST_BYTES:
        raise Refused(f"That is more than {MOST_BYTES // 10**6} MB, and no exclusion list. A long list goes to Files.")
    with transaction.atomic():
        received = intake.receive(account, name=name, content=io.BytesIO(content), by=by, kind=Kind.EXCLUSIONS)
        if not received.again:
            said = {"came": came} | ({"dated": dated.isoformat()} if dated else {})
            SourceFile.objects.filter(pk=received.source_file.pk).update(preview=said)
    if received.job:
        jobs.run_now(received.job)
    return SourceFile.objects.get(pk=received.source_file.pk)


def propose_change(
    account: Account, base: Mapping[str, Entry], *, add: Iterable[tuple[str, str]], remove: Collection[str], by: User, came: str = "hand"
) -> SourceFile:
    """A list with single SKUs (part number and name) more or less than another one. Raises Refused where that changes nothing."""
    require(by, account, Need.ADMINISTER)
    taken = {sku_key(sku) for sku in remove}
    entries: dict[str, tuple[str, str]] = {key: (one.sku, one.name) for key, one in base.items() if key not in taken}
    for sku, name in add:
        entries.setdefault(sku_key(sku), (sku, name))
    if entries.keys() == base.keys():
        raise Refused("That changes nothing: what is added is in the list already, and nothing in it is removed.")
    if not entries:
        raise Refused("A list without any SKU is no list. Withdraw the version instead, on the page of its file.")
    return propose(account, as_csv(entries.values()), name="Exclusion list, by hand.csv", came=came, by=by)


def propose_start(account: Account, *, by: User) -> SourceFile:
    """The ten SKUs that are known to be on the list, to look at and to confirm."""
    return propose(account, as_csv(START), name="Exclusion list, the ten to start with.csv", came="start", by=by, dated=START_DATED)


def as_csv(entries: Iterable[tuple[str, str]]) -> bytes:
    """The same entries in any order give the same bytes."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["SKU", "Name"])
    in_order = sorted(entries, key=lambda one: sku_key(one[0]))
    rows.writerows(in_order)
    return out.getvalue().encode()


def put_in_force(source_file: SourceFile, *, cycle: Cycle, by: User, without_rejected: bool = False) -> None:
    """From a cycle on, until the version of a later one. A list that is in force, or was, can be so from another cycle as well."""
    require(by, source_file.account, Need.ADMINISTER)
    if source_file.state == State.IMPORTED:
        imports.use_again(source_file, by=by, cycle=cycle, partial=False)
        return
    job = jobs.run_now(imports.start_import(source_file, by=by, cycle=cycle, without_rejected=without_rejected))
    if job.state == job.State.FAILED:
        raise Refused(job.error)


def drop(source_file: SourceFile, *, by: User) -> None:
    """Put a draft aside; its bytes stay."""
    require(by, source_file.account, Need.ADMINISTER)
    intake.discard(source_file, by=by)


def effect_of(before: Collection[str], after: Collection[str], account: Account) -> Effect | None:
    """What going from one list of part numbers to another changes for the identities that are known; None where none are.

    Identities come with the pull of a tenant. Until it hands them on here, the pages show no effect, rather than one of nothing.
    """
    return None
