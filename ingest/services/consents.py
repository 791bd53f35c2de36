"""Consent of a customer's administrator: a link is made, somebody comes back with it, and a worker finds out which tenant it was.

What comes back is a browser's word. Its state is signed here, is good for seven days and for one return; the tenant that it names is only
asked: a token is taken for it, and it says itself who it is. Whose Organization that is, a person of the MSP confirms.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from django.core import signing
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, ConsentLink, Organization, Tenant, User
from accounts.services import Refused
from ingest import graph, jobs
from ingest.graph import CLOUDS, Returned, consent_link, returned
from ingest.models import Job
from ingest.services.microsoft_app import app_of, login_of, microsoft_of
from ingest.services.tenant_tests import PATIENCE, Outcome, look, write_down

PROVE: Final = "consent"
LIFETIME: Final = timedelta(days=7)
_SALT: Final = "ingest.consent"


class Came(StrEnum):
    """How a return ended, for the page that the customer's administrator sees."""

    GRANTED = "granted"
    DECLINED = "declined"
    FORGED = "forged"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Return:
    """``sentence`` says why there was no consent, in Microsoft's case; "" else."""

    came: Came
    sentence: str = ""


# --- making links ---


@transaction.atomic
def make_link(account: Account, *, organization: Organization | None, cloud: str, by: User) -> ConsentLink:
    """A link for one Organization, or for whoever gets it. Raises Refused where there is no app to consent to."""
    require(by, account, Need.ADMINISTER)
    app = app_of(account)
    if app is None:
        raise Refused("State the app for Microsoft first: consent is given to it.")
    if cloud not in CLOUDS:
        raise Refused("Choose one of Microsoft’s clouds.", field="cloud")
    if organization is not None and organization.account_id != account.pk:
        raise Refused("There is no such Organization in this account.", field="organization")
    made = ConsentLink.objects.create(
        account=account, organization=organization, cloud=cloud, app=app.hint, nonce=secrets.token_urlsafe(32), made_by=by,
        expires_at=timezone.now() + LIFETIME,
    )  # fmt: skip
    _record("made", made, by)
    return made


def address_of(link: ConsentLink, redirect_uri: str) -> str:
    """The address to send. Raises Refused where the app is another one by now, or the link is no longer good."""
    app = app_of(link.account)
    if app is None or app.hint != link.app:
        raise Refused("The app was replaced or removed since. Make a new link.")
    if not is_open(link):
        raise Refused("This link is no longer good. Make a new one.")
    state = signing.dumps(link.nonce, salt=_SALT)
    return consent_link(CLOUDS[link.cloud], link.app, redirect_uri, state, login=login_of(app))


def is_open(link: ConsentLink) -> bool:
    return link.returned_at is None and link.withdrawn_at is None and link.expires_at > timezone.now()


def links_of(account: Account) -> QuerySet[ConsentLink]:
    """Those that somebody still has to do something about, newest first: not the withdrawn ones, nor those that a tenant came of."""
    rows = ConsentLink.objects.filter(account=account, withdrawn_at__isnull=True).filter(Q(tenant__isnull=True) | ~Q(said=""))
    return rows.select_related("organization", "made_by", "tenant").order_by("-made_at", "-pk")


@transaction.atomic
def withdraw(link: ConsentLink, *, by: User) -> None:
    """Nobody comes back with it any more; one that came of something is put out of the list."""
    require(by, link.account, Need.ADMINISTER)
    if not ConsentLink.objects.filter(pk=link.pk, withdrawn_at__isnull=True).update(withdrawn_at=timezone.now(), withdrawn_by=by):
        raise Refused("This link was withdrawn already.")
    _record("withdrawn", link, by)


# --- coming back ---


def take_return(query: Mapping[str, str]) -> Return:
    """Take in what a browser brings back. Nothing is believed of it but the state, which is ours; a worker asks the rest."""
    said = returned(query)
    try:
        nonce = signing.loads(said.state, salt=_SALT, max_age=LIFETIME)
    except signing.SignatureExpired:
        return Return(Came.EXPIRED)
    except signing.BadSignature:
        return Return(Came.FORGED)
    link = ConsentLink.objects.select_related("account", "organization").filter(nonce=str(nonce)).first()
    if link is None:
        return Return(Came.FORGED)
    if link.returned_at:
        return Return(Came.USED)
    if not is_open(link):
        return Return(Came.EXPIRED)
    return _granted(link, said) if said.is_granted else _declined(link, said)


@transaction.atomic
def _granted(link: ConsentLink, said: Returned) -> Return:
    rows = ConsentLink.objects.filter(pk=link.pk, returned_at__isnull=True, withdrawn_at__isnull=True)
    if not rows.update(returned_at=timezone.now(), claimed=said.tenant, said=""):
        return Return(Came.USED)
    _record("granted", link, None, claimed=said.tenant)
    _enqueue(link, None)
    return Return(Came.GRANTED)


@transaction.atomic
def _declined(link: ConsentLink, said: Returned) -> Return:
    """The link stays good: who was signed in as somebody else, or pressed the wrong button, opens it again."""
    is_first = link.declined_at is None
    rows = ConsentLink.objects.filter(pk=link.pk, returned_at__isnull=True)
    rows.update(declined_at=timezone.now(), said=said.sentence[:1000])
    if is_first:
        _record("declined", link, None)
    return Return(Came.DECLINED, said.sentence)


# --- who it was ---


@transaction.atomic
def prove_again(link: ConsentLink, *, by: User) -> Job:
    """Ask Microsoft once more: what was consented to a moment ago is not known everywhere at once."""
    require(by, link.account, Need.ADMINISTER)
    row = ConsentLink.objects.select_for_update(of=("self",)).select_related("account", "organization").get(pk=link.pk)
    if not row.returned_at or row.tenant_id or row.withdrawn_at:
        raise Refused("There is nothing to ask for this link.")
    _record("asked_again", row, by, claimed=row.claimed)
    return _enqueue(row, by)


def _enqueue(link: ConsentLink, by: User | None) -> Job:
    return jobs.enqueue(PROVE, link.pk, label=f"Which tenant consented, for {_whom(link)}", account=link.account, by=by)


@jobs.handles(PROVE, give_up=lambda pk, why: note(pk, why))
def run_prove(link_id: int, progress: jobs.Progress) -> None:
    prove_link(link_id, tell=lambda: progress(0, 1, "Asking Microsoft which tenant it is"))


def prove_link(link_id: int, *, tell: Any, patience: Any = PATIENCE) -> None:
    """Take a token for the tenant that was named, and believe what it says of itself. Safe to run twice."""
    link = ConsentLink.objects.select_related("account", "organization", "made_by").filter(pk=link_id).first()
    if link is None or not link.claimed or link.tenant_id or link.withdrawn_at:
        return
    app = app_of(link.account)
    if app is None or app.hint != link.app:
        note(link_id, "The app was replaced or removed after the link was made. Make a new link.")
        return
    try:
        microsoft = microsoft_of(app, link.cloud, patience=patience)
    except Refused as refusal:
        note(link_id, str(refusal))
        return
    outcome = look(microsoft, link.claimed, while_waiting=tell)
    if outcome.tenant is None:
        note(link_id, outcome.trouble)
        return
    _connect(link, outcome.tenant, outcome)


def note(link_id: int, said: str) -> None:
    ConsentLink.objects.filter(pk=link_id, tenant__isnull=True).update(said=said[:1000])


@transaction.atomic
def _connect(link: ConsentLink, found: graph.Tenant, outcome: Outcome) -> None:
    """The tenant of its own word. One that is here already stays whose it is, whoever's link it came by."""
    fields: dict[str, Any] = {"cloud": link.cloud, "how": Tenant.How.CONSENT, "added_by": link.made_by, "name": found.name[:256]}
    known, is_new = Tenant.objects.get_or_create(
        account=link.account, guid=found.id, removed_at=None, defaults={"kind": Tenant.Kind.MICROSOFT, **fields}
    )
    Tenant.objects.filter(pk=known.pk).update(consented_at=link.returned_at, cloud=link.cloud)
    write_down(known, outcome)
    said = ""
    if not is_new and known.organization_id and link.organization_id and known.organization_id != link.organization_id:
        said = (
            f"The tenant that came back was here already, as {known.organization}, and stays so. If the link for {link.organization} went "
            "to the wrong administrator, send it again; if not, look at that tenant."
        )
    ConsentLink.objects.filter(pk=link.pk).update(tenant=known, said=said)
    after = {"tenant": found.id, "link": link.pk, "new": is_new}
    audit.record("ingest.tenant.proved", found.name or found.id, account=link.account, actor=None, after=after)


def suggested_by_links(tenant: Tenant) -> list[Organization]:
    """For whom the links were made with which this tenant came back, newest first."""
    rows = ConsentLink.objects.filter(tenant=tenant, organization__isnull=False).order_by(F("returned_at").desc())
    return [link.organization for link in rows.select_related("organization") if link.organization]


def _whom(link: ConsentLink) -> str:
    return str(link.organization) if link.organization else "whoever gets it"


def _record(act: str, link: ConsentLink, by: User | None, *, claimed: str = "") -> None:
    after = {"link": link.pk, "cloud": link.cloud} | ({"claimed": claimed} if claimed else {})
    audit.record(f"ingest.consent.{act}", _whom(link), account=link.account, actor=by, after=after)
