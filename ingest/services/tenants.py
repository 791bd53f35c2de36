"""An account's tenants, and what people say of them: whose they are, in which cloud, and that they are no longer ours.

Nothing here speaks to Microsoft. Contract for who reads tenants: ``pullable`` are those that may be read and whose Organization a person
confirmed; ``ingest.services.microsoft_app.graph_for`` opens one.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, Organization, Tenant, User
from accounts.roots import roots_of
from accounts.services import Refused
from accounts.templatetags.recon_ui import plural
from ingest import jobs
from ingest.graph import CLOUDS

#: The job that counts months anew because a customer's tenants are others; the rooms above do it.
WHOSE: Final = "whose_tenants"
#: Standing → its number; people see the first that holds, and lists are sorted by it.
TROUBLE, CONFIRM, UNTESTED, GOOD = 0, 1, 2, 3
_STANDING: Final = Case(
    When(~Q(trouble=""), then=Value(TROUBLE)),
    When(organization__isnull=True, then=Value(CONFIRM)),
    When(Q(kind="microsoft", tested_at__isnull=True), then=Value(UNTESTED)),
    default=Value(GOOD),
    output_field=IntegerField(),
)


def tenants_of(account: Account) -> QuerySet[Tenant, Tenant]:
    """Those that are there now, with ``standing``."""
    rows = Tenant.objects.filter(account=account, removed_at__isnull=True).select_related("organization", "confirmed_by")
    return rows.annotate(standing=_STANDING)


def pullable(account: Account) -> QuerySet[Tenant, Tenant]:
    """Microsoft's tenants whose Organization a person confirmed. Nothing of the others is read: nobody knows whose it would be."""
    return Tenant.objects.filter(
        account=account, kind=Tenant.Kind.MICROSOFT, removed_at__isnull=True, organization__isnull=False
    ).select_related("account", "organization")


@transaction.atomic
def confirm(tenant: Tenant, organization: Organization, *, by: User) -> None:
    """Say whose tenant it is. One that was confirmed may be confirmed as another's; a member of a merged customer counts as its root."""
    row = _locked(tenant, by)
    if organization.account_id != row.account_id:
        raise Refused("There is no such Organization in this account.", field="organization")
    root = roots_of(row.account_id).get(organization.pk, organization.pk)
    if row.kind == Tenant.Kind.MICROSOFT and not row.proved_at:
        raise Refused("Nobody has proved yet which tenant this is. Test it first: its name has to be known before somebody confirms it.")
    if row.organization_id == root:
        return
    before = {"organization": row.organization_id} if row.organization_id else None
    Tenant.objects.filter(pk=row.pk).update(organization_id=root, confirmed_by=by, confirmed_at=timezone.now())
    count_anew(row.account, by=by)
    said = f"{row} is {Organization.objects.get(pk=root)}"
    _record("confirmed", row, by, subject=said, before=before, after={"tenant": row.guid or row.pk, "organization": root})


@transaction.atomic
def move(tenant: Tenant, cloud: str, *, by: User) -> None:
    """Say in which of Microsoft's clouds it is. What was found in another one is forgotten."""
    row = _locked(tenant, by)
    if cloud not in CLOUDS or row.kind != Tenant.Kind.MICROSOFT:
        raise Refused("Choose one of Microsoft’s clouds.", field="cloud")
    if row.cloud == cloud:
        return
    Tenant.objects.filter(pk=row.pk).update(cloud=cloud, tested_at=None, reach=[], trouble="")
    _record("moved", row, by, before={"cloud": row.cloud}, after={"cloud": cloud, "tenant": row.guid})


@transaction.atomic
def add_google(account: Account, *, name: str, organization: Organization, by: User) -> Tenant:
    """A tenant of Google's, whose identities are counted by hand. Raises Refused where there is one of that name."""
    require(by, account, Need.ADMINISTER)
    name = " ".join(name.split())[:256]
    if not name:
        raise Refused("Name the tenant, such as by its domain.", field="name")
    if organization.account_id != account.pk:
        raise Refused("There is no such Organization in this account.", field="organization")
    if tenants_of(account).filter(kind=Tenant.Kind.GOOGLE, name__iexact=name).exists():
        raise Refused(f"There is a Google tenant called {name} already.", field="name")
    root = roots_of(account).get(organization.pk, organization.pk)
    made = Tenant.objects.create(
        account=account, kind=Tenant.Kind.GOOGLE, name=name, how=Tenant.How.LIST, organization_id=root, confirmed_by=by,
        confirmed_at=timezone.now(), added_by=by,
    )  # fmt: skip
    count_anew(account, by=by)
    _record("added", made, by, after={"tenant": made.pk, "organization": root})
    return made


@transaction.atomic
def remove(tenant: Tenant, *, by: User) -> None:
    """End it: it is read no more, and counts for no cycle from now on. What it brought stays."""
    row = _locked(tenant, by)
    Tenant.objects.filter(pk=row.pk).update(removed_at=timezone.now(), removed_by=by)
    count_anew(row.account, by=by)
    _record("removed", row, by, before={"tenant": row.guid or row.pk, "organization": row.organization_id})


@transaction.atomic
def connect(account: Account, pairs: dict[str, tuple[int, str]], *, how: str, by: User) -> tuple[list[str], list[str]]:
    """Tenants by id, each with its Organization (0: not said) and its cloud, all or none. Returns the new ids, and the newly confirmed.

    Where a person states tenant and Organization together, that is their word; what the tenant is called, a test finds out. Raises Refused
    where one is another Organization's already.
    """
    require(by, account, Need.ADMINISTER)
    roots = roots_of(account)
    known = {one.guid: one for one in tenants_of(account).select_for_update(of=("self",)).filter(guid__in=list(pairs))}
    taken = [f"{one} is {one.organization}" for guid, one in known.items() if one.organization_id and _other(one, pairs[guid][0], roots)]
    if taken:
        raise Refused(f"Connected already, as another Organization’s: {'; '.join(taken[:5])}. Change it on the tenant’s own page.")
    now = timezone.now()
    new: list[Tenant] = []
    changed: list[Tenant] = []
    for guid, (organization, cloud) in pairs.items():
        is_new = guid not in known
        row = known.get(guid) or Tenant(account=account, guid=guid, cloud=cloud, how=how, added_by=by)
        if organization and not row.organization_id:
            row.organization_id, row.confirmed_by, row.confirmed_at = roots.get(organization, organization), by, now
            if not is_new:
                changed.append(row)
        if is_new:
            new.append(row)
    try:
        with transaction.atomic():
            Tenant.objects.bulk_create(new, batch_size=500)
            Tenant.objects.bulk_update(changed, ["organization", "confirmed_by", "confirmed_at"], batch_size=500)
    except IntegrityError:
        raise Refused("Somebody else added one of these tenants a moment ago. Try again.") from None
    if new or changed:
        after = {"how": str(how), "new": [one.guid for one in new][:1000], "confirmed": [one.guid for one in changed][:1000]}
        audit.record("ingest.tenant.imported", plural(len(new) + len(changed), "tenant"), account=account, actor=by, after=after)
    if any(one.organization_id for one in [*new, *changed]):
        count_anew(account, by=by)
    return [one.guid for one in new], [one.guid for one in changed]


def count_anew(account: Account, *, by: User) -> None:
    """Months ask only for tenants whose Organization is known: they are counted anew where that has changed."""
    jobs.enqueue(WHOSE, account.pk, label="Asking which months the tenants concern", account=account, by=by)


def _other(tenant: Tenant, organization: int, roots: dict[int, int]) -> bool:
    return bool(organization) and tenant.organization_id != roots.get(organization, organization)


def _locked(tenant: Tenant, by: User) -> Tenant:
    """The tenant as it is now, held until the transaction ends. Raises Refused for who may not change it, and for a removed one."""
    row = Tenant.objects.select_for_update(of=("self",)).select_related("account").get(pk=tenant.pk)
    require(by, row.account, Need.ADMINISTER)
    if row.removed_at:
        raise Refused(f"{row} was removed already.")
    return row


def _record(
    act: str, row: Tenant, by: User, *, subject: str = "", before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> None:
    audit.record(f"ingest.tenant.{act}", subject or str(row), account=row.account, actor=by, before=before, after=after)
