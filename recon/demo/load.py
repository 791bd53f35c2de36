"""The demonstration, put in as people would: through the same services as the pages, and safe to start again half-way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Account, BillingCycle, Contract, Membership, Organization, Reseller, Tenant, User
from accounts.services import Refused
from ingest import jobs
from ingest.models import Connection, Job, SourceFile
from ingest.services import connecting, microsoft_app, tenants
from ingest.services.intake import receive
from recon import tasks  # noqa: F401  registers what jobs do
from recon.demo.cast import PASSWORD, PEOPLE, RESELLER, Person
from recon.demo.contracts import ACCOUNT as CONTRACTS_OF
from recon.demo.contracts import contracts
from recon.demo.files import DemoAccount, DemoFile, DemoMonth, accounts
from recon.demo.huntress.keys import ACCOUNT_KEY, RESELLER_KEY
from recon.demo.microsoft.keys import CLIENT_ID, SECRET
from recon.demo.microsoft.story import SECOND_TENANT, tenant_of
from recon.demo.stories import BUNDLE, NORTH, REMARKS, SOUTH
from recon.engine import Holding
from recon.models import Note, Reconciliation, Severity, Variance
from recon.services import contracts as contract_service
from recon.services import months, products, review, shares
from recon.services.contracts import Said, Step
from recon.services.decisions import add_notes, explain, mark_reviewed
from recon.services.imports import start_import

TIME_ZONE: Final = "Europe/London"
#: The list that waits for a newcomer: in the newest month of the first account, with its rejected lines.
_LEFT_TO_PEOPLE: Final = ("quillmere-it", "rebilled")
#: The account that the invented Huntress knows as its own.
_CONNECTED: Final = "quillmere-it"
#: The account to which the reseller's key was added, which opens all of them.
_RESELLERS_KEY_IN: Final = "brightfen-support"
#: Tenants that its app knows to begin with: two that consented, one of them not to all, a customer's second one, and one that did not.
_TENANTS: Final = (41030, 41048, SECOND_TENANT[0], 41159)
_WAIT_SECONDS: Final = 60.0
#: The first people of the cast: who prepares the past months, and who signs them.
_SIGNERS: Final = 2


class DemoFailed(Exception):
    """The demonstration could not be loaded; the message says at which file."""


def is_loaded() -> bool:
    """Memberships are given last, so whoever can look sees everything."""
    return all(Membership.objects.filter(user__email=person.email).count() >= len(person.where) for person in PEOPLE)


def connect() -> bool:
    """Give the first account the key of the invented Huntress, and its reseller one for all accounts. Returns whether it gave any.

    Also where the demonstration was loaded before there were connections. They are not tested: that is for a newcomer to press.
    """
    own = _connected(_CONNECTED, "Huntress", ACCOUNT_KEY)
    through = _connected(_RESELLERS_KEY_IN, "Huntress, all accounts", RESELLER_KEY)
    if through:
        Connection.objects.filter(pk=through.pk).update(reseller=through.account.reseller)
    app = _app()
    return bool(own or through or app)


def _app() -> Connection | None:
    """The invented Microsoft's app, and some tenants that nobody has tested yet, unless the account has or had an app."""
    account = Account.objects.filter(slug=_CONNECTED).first()
    admin = User.objects.filter(email=next(person.email for person in PEOPLE if person.role == "admin")).first()
    if account is None or admin is None or Connection.objects.filter(account=account, provider=Connection.Provider.MICROSOFT).exists():
        return None
    try:
        made = microsoft_app.state_app(account, microsoft_app.Stated(CLIENT_ID, SECRET), by=admin, is_demo=True)
        tenants.connect(account, dict.fromkeys(map(tenant_of, _TENANTS), (0, "global")), how=Tenant.How.CSV, by=admin)
    except Refused:
        return None
    return made


def _connected(slug: str, name: str, of: tuple[str, str]) -> Connection | None:
    """A key of the invented Huntress, unless the account has or had one."""
    account = Account.objects.filter(slug=slug).first()
    admin = next(person for person in PEOPLE if person.role == "admin")
    if account is None or Connection.objects.filter(account=account, provider=Connection.Provider.HUNTRESS).exists():
        return None
    key, secret = of
    try:
        return connecting.add(account, name=name, key=key, secret=secret, by=User.objects.get(email=admin.email), is_demo=True)
    except Refused:  # somebody else is the admin now
        return None


def load(today: date | None = None) -> bool:
    """Load what is missing of the demonstration. Returns whether there was anything to do; raises DemoFailed."""
    if is_loaded():
        return connect()
    users = {person.email: _user(person) for person in PEOPLE}
    preparer = users[PEOPLE[0].email]
    reseller, _ = Reseller.objects.get_or_create(name=RESELLER)
    invented = list(accounts(today or timezone.now().astimezone(ZoneInfo(TIME_ZONE)).date()))
    for given in invented:
        account = _account(given, reseller)
        for month in given.months:
            _load_month(account, month, by=preparer, leave=_LEFT_TO_PEOPLE[1] if _is_left(given, month) else "")
        _recount(account)
    for person in PEOPLE[:_SIGNERS]:
        _give_roles(person, users[person.email])
    for given in invented:
        if given.slug == _LEFT_TO_PEOPLE[0]:
            _note(Account.objects.get(slug=given.slug), given, users)
    _decide(Account.objects.get(slug=_LEFT_TO_PEOPLE[0]), preparer)
    for account in Account.objects.filter(reseller=reseller):
        _sign_past_months(account, *(users[person.email] for person in PEOPLE[:_SIGNERS]))
    for person in PEOPLE[_SIGNERS:]:
        _give_roles(person, users[person.email])
        if person.role == "admin":
            _agree(invented, users[person.email])
    connect()
    return True


def _agree(invented: list[DemoAccount], by: User) -> None:
    """Type in the contracts. The admin's role comes before the last of the people's, which say that everything is there."""
    given = next(one for one in invented if one.slug == CONTRACTS_OF)
    account = Account.objects.get(slug=given.slug)
    for one in contracts(given.months[-1].cycle):
        if not Contract.objects.filter(account=account, product=one.product).exists():
            steps = (Step(*one.step),) if one.step else ()
            names = ("minimum", "interval", "support_type", "start", "renewal", "auto_renew", "unit_cost")
            said = Said(**{name: getattr(one, name) for name in names}, steps=steps)
            contract_service.add(account, one.product, said, by=by, external_id=one.number)


def _is_left(given: DemoAccount, month: DemoMonth) -> bool:
    return given.slug == _LEFT_TO_PEOPLE[0] and month is given.months[-1]


def _user(person: Person) -> User:
    return User.objects.filter(email=person.email).first() or User.objects.create_user(person.email, PASSWORD, name=person.name)


def _account(given: DemoAccount, reseller: Reseller) -> Account:
    fields = {
        "name": given.name,
        "reseller": reseller,
        "anniversary_day": given.anniversary_day,
        "time_zone": given.time_zone,
        "currency": given.currency,
    }
    return Account.objects.get_or_create(slug=given.slug, defaults=fields)[0]


def _load_month(account: Account, month: DemoMonth, *, by: User, leave: str) -> None:
    for file in (*month.files, *month.agent_lists):
        source_file = _received(account, file, by)
        if file.leg != leave and source_file.state == SourceFile.State.READY:
            _ended(start_import(source_file, by=by, cycle=month.cycle), f"importing {file.name}")
        for job in Job.objects.filter(account=account, kind="sweep", state__in=["queued", "running"]).order_by("pk"):
            _ended(job, job.label)


def _received(account: Account, file: DemoFile, by: User) -> SourceFile:
    """The file as it is after reading, guessed rightly or else the demonstration is broken."""
    source_file = receive(account, name=file.name, content=BytesIO(file.data), by=by).source_file
    for job in Job.objects.filter(kind="read", subject=source_file.pk):
        _ended(job, f"reading {file.name}")
    source_file.refresh_from_db()
    if source_file.kind != file.leg or source_file.state not in {SourceFile.State.READY, SourceFile.State.IMPORTED}:
        raise DemoFailed(f"{file.name} was read as “{source_file.kind}” and is {source_file.get_state_display().lower()}.")
    return source_file


def _recount(account: Account) -> None:
    for job in _open_recounts(account):
        _ended(job, job.label)


def _decide(account: Account, by: User) -> None:
    """What the bundle holds, and who shares an Organization: said once, before anything is signed."""
    if products.count_undecided(account):
        products.count_as(account, BUNDLE, [Holding("edr"), Holding("itdr")], by=by)
    shared = Organization.objects.get(account=account, huntress_id="41069")
    if not shares.shares_in_force(shared):
        shares.share_out(shared, [shares.Wanted(NORTH, 3), shares.Wanted(SOUTH, 2)], by=by)
    _recount(account)


def _open_recounts(account: Account) -> Iterator[Job]:
    yield from Job.objects.filter(account=account, kind="recount", state__in=["queued", "running"]).order_by("pk")


def _ended(job: Job, doing: str) -> None:
    """Do a job here, or wait for the worker that was quicker. Raises DemoFailed where it did not succeed."""
    until = time.monotonic() + _WAIT_SECONDS
    while (job := jobs.run_now(job)).is_open and time.monotonic() < until:
        time.sleep(0.1)
    if job.state != Job.State.DONE:
        raise DemoFailed(f"{doing}: {job.error or job.get_state_display()}")


def _note(account: Account, given: DemoAccount, users: dict[str, User]) -> None:
    for remark in REMARKS:
        id_, product = remark.line
        organization = Organization.objects.get(account=account, huntress_id=id_)
        cycle = BillingCycle.objects.get(account=account, start=given.months[remark.month].cycle.start)
        if not Note.objects.filter(cycle=cycle, organization=organization, product=product, text=remark.text).exists():
            month = months.newest(cycle)
            if month.is_working:
                add_notes(month, [(organization.pk, product)], text=remark.text, by=users[remark.author])


def _sign_past_months(account: Account, preparer: User, reviewer: User) -> None:
    """Close every month but the newest, as two people would have."""
    for cycle in BillingCycle.objects.filter(account=account).select_related("account").order_by("start"):
        month = months.newest(cycle)
        if month.state == Reconciliation.State.SIGNED:
            continue
        if not BillingCycle.objects.filter(account=account, start__gt=cycle.start).exists():
            return
        if month.state == Reconciliation.State.WORKING:
            _explain_all(month, preparer)
            month = review.submit(month, by=preparer)
        review.sign(month, by=reviewer)


def _explain_all(month: Reconciliation, preparer: User) -> None:
    rows = Variance.objects.filter(reconciliation=month, run=month.run)
    for check, cause in (("expected", "new_agents"), ("rebilled", "psa_last_month")):
        loud = rows.filter(**{f"{check}_severity__gte": Severity.INVESTIGATE}).exclude(**{f"{check}_left": 0})
        if keys := list(loud.values_list("organization", "product")):
            explain(month, keys, check=check, cause=cause, quantity=None, note="Confirmed with the customer.", by=preparer)
    if keys := list(rows.filter(severity__gte=Severity.INVESTIGATE).values_list("organization", "product")):
        mark_reviewed(month, keys, by=preparer)


def _give_roles(person: Person, user: User) -> None:
    for where in person.where:
        if where == RESELLER:
            place: dict[str, object] = {"reseller": Reseller.objects.get(name=where)}
        else:
            place = {"account": Account.objects.get(slug=where)}
        Membership.objects.get_or_create(user=user, **place, defaults={"role": person.role})
