"""Whose users a file has, and putting it in force: one snapshot a tenant and cycle, and none of a month that is signed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import BillingCycle, Tenant, User
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, moment, plural
from ingest.models import DirectoryFile, DirectorySnapshot, Job, Kind, SourceFile
from ingest.services.pulled import brought_by
from recon.models import Reconciliation
from recon.services.months import ask_for_recount, newest

State = SourceFile.State


def tenant_of(source_file: SourceFile) -> Tenant | None:
    found = DirectoryFile.objects.select_related("tenant").filter(source_file=source_file).first()
    return found.tenant if found else None


@transaction.atomic
def name_tenant(source_file: SourceFile, tenant: Tenant, *, by: User) -> None:
    """Say whose users a list has, which it does not say itself. Raises Refused."""
    require(by, source_file.account, Need.WORK)
    locked = SourceFile.objects.select_for_update(of=("self",), no_key=True).get(pk=source_file.pk)
    if locked.kind != Kind.DIRECTORY or locked.state not in (State.RECEIVED, State.READY):
        raise Refused(f"{locked.name} is no list of users that waits to be imported.")
    if tenant.account_id != locked.account_id or tenant.removed_at or tenant.kind != Tenant.Kind.MICROSOFT:
        raise Refused("That is no tenant of this account.")
    _refuse_other_tenant(locked, tenant)
    DirectoryFile.objects.update_or_create(source_file=locked, defaults={"tenant": tenant})
    after = {"file": locked.pk, "tenant": tenant.pk}
    audit.record("ingest.directory.named", locked.name, account=locked.account, actor=by, after=after)


def _refuse_other_tenant(source_file: SourceFile, tenant: Tenant) -> None:
    """An archive says itself whose it is."""
    said = str(source_file.preview.get("archive", {}).get("whose", {}).get("id", "")).lower()
    if said and said != tenant.guid:
        raise Refused(f"Its answers are of the tenant {said}, and {tenant} is {tenant.guid}.")


def refuse_unplaceable(source_file: SourceFile, cycle: BillingCycle) -> None:
    """Raises Refused where nobody knows whose users they are, and for a month that is signed."""
    tenant = tenant_of(source_file) or _adopted(source_file)
    if tenant is None:
        raise Refused("Say first of which tenant these users are.")
    _refuse_other_tenant(source_file, tenant)
    last = Reconciliation.objects.filter(cycle=cycle).order_by("-revision").first()
    if last is not None and last.state == Reconciliation.State.SIGNED:
        raise Refused(f"{cycle_range(cycle)} is signed, and is not touched.")


def _adopted(source_file: SourceFile) -> Tenant | None:
    """An archive that a person brought says itself whose it is: the tenant of the account with that id."""
    said = str(source_file.preview.get("archive", {}).get("whose", {}).get("id", "")).lower()
    found = Tenant.objects.filter(account=source_file.account_id, guid=said, removed_at__isnull=True).first() if said else None
    if found:
        DirectoryFile.objects.update_or_create(source_file=source_file, defaults={"tenant": found})
    return found


def refuse_lesser(source_file: SourceFile, cycle: BillingCycle) -> None:
    """Raises Refused where what is in force is newer, or whole where this is not, or has somebody where this has nobody."""
    tenant = tenant_of(source_file)
    now = DirectorySnapshot.objects.filter(tenant=tenant, cycle=cycle, superseded_at__isnull=True).select_related("source_file").first()
    if tenant is None or now is None or now.source_file_id == source_file.pk:
        return
    as_of, name = as_of_of(source_file), now.source_file.name
    if now.as_of > as_of:
        raise Refused(f"{name} is newer, and serves its cycle. This one is kept, and not imported by itself.")
    if now.is_whole and not is_whole(source_file):
        raise Refused(f"It is incomplete, and {name}, which serves its cycle, is whole: this one is kept, and does not take its place.")
    if now.source_file.loaded and not source_file.loaded:
        what = f"{plural(now.source_file.loaded, 'user')} on {moment(now.as_of)}"
        raise Refused(f"Microsoft answered with nobody at all, after {what}. This is kept, and does not take the place of {name}.")


def as_of_of(source_file: SourceFile) -> datetime:
    """When the last answer came; of a list, when it came here."""
    said = source_file.preview.get("answered_at")
    return datetime.fromisoformat(said) if said else source_file.received_at


def lacks_of(source_file: SourceFile) -> list[str]:
    """What is not known, by the names of the calls: of a list, what no such list has."""
    archive = source_file.preview.get("archive")
    if archive is None:
        found = {"trials", "mailboxes"}
    else:
        about = archive.get("about", {})
        found = {*about.get("lacks", ()), *about.get("gaps", ())}
        found |= {"users"} if archive.get("lacks") and not about.get("lacks") else set()
    return sorted(found | ({"users"} if source_file.rejected else set()))


def is_whole(source_file: SourceFile) -> bool:
    """Whether everybody who holds a licence is in it."""
    return not source_file.rejected and not source_file.preview.get("archive", {}).get("lacks")


def place(source_file: SourceFile, cycle: BillingCycle, by: User) -> None:
    """Put a file in force for its tenant and cycle, in place of the one before. Within the transaction in which it begins to count."""
    tenant = tenant_of(source_file)
    if tenant is None:
        raise ValueError(f"file {source_file.pk} is of no tenant")
    Tenant.objects.select_for_update(of=("self",), no_key=True).get(pk=tenant.pk)
    before = DirectorySnapshot.objects.filter(tenant=tenant, cycle=cycle, superseded_at__isnull=True)
    before.update(superseded_at=timezone.now())
    made = DirectorySnapshot.objects.create(
        source_file=source_file, tenant=tenant, cycle=cycle, as_of=as_of_of(source_file), is_whole=is_whole(source_file),
        lacks=lacks_of(source_file),
    )  # fmt: skip
    pull = brought_by(source_file)
    after = {"file": source_file.pk, "tenant": tenant.pk, "snapshot": made.pk, "users": source_file.loaded, "whole": made.is_whole}
    after |= {"pull": pull.pk} if pull else {}
    audit.record(
        "ingest.directory.placed", source_file.name, account=cycle.account, actor=pull.by if pull else by, cycle=cycle,
        revision=newest(cycle).revision, after=after,
    )  # fmt: skip


def recount_when_all_are_in(source_file: SourceFile) -> None:
    """Count the month again once for all tenants of a pull, rather than once for each: the last that waits asks for it."""
    waiting = Job.objects.filter(account=source_file.account_id, kind__in=["take", "import"], source_file__kind=Kind.DIRECTORY)
    if waiting.filter(state=Job.State.QUEUED).exists():
        return
    snapshot = DirectorySnapshot.objects.filter(source_file=source_file).select_related("cycle__account").first()
    if snapshot is not None and newest(snapshot.cycle).is_working:
        ask_for_recount(snapshot.cycle, by=source_file.imported_by)
