"""A reseller with a key, and what a pull brought for it as a whole: archives made of records, settled as a worker would."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Account, Membership, Reseller, Role, User
from ingest import jobs, storage
from ingest.huntress.endpoints import ENDPOINTS
from ingest.models import Connection, Job, Pull, PullPart, ResellerAccount, SourceFile
from ingest.sources.answers import Entry, Manifest, write
from recon import tasks  # noqa: F401  registers what jobs do
from recon.demo.huntress import records
from recon.services.settling import ask_to_settle

Record = Mapping[str, Any]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
#: The cycle of 14 September to 14 October, as both lists of an invoice write it.
PERIOD = (datetime(2026, 9, 14, 6, tzinfo=UTC), datetime(2026, 10, 14, 6, tzinfo=UTC))
QUILLMERE, BRIGHTFEN = records.account(7001, "Quillmere IT"), records.account(7002, "Brightfen Support")
INVOICE = records.invoice(70_000, datetime(2026, 11, 1, 6, tzinfo=UTC), 1_750, 507_500)
#: What the jobs of this river are called, in the order in which they wait for each other.
KINDS = ("settle", "bill", "read", "import", "recount", "drift", "ask")


@dataclass
class World:
    reseller: Reseller
    account: Account
    connection: Connection
    ruth: User  # admin of the reseller
    vera: User  # looks, in the reseller
    ines: User  # admin of the account alone
    pulls: list[Pull] = field(default_factory=list)

    def bring(self, subject: str, *answers: tuple[str, str, Sequence[Record]], lacks: Sequence[str] = (), work: bool = True) -> PullPart:
        """A part of a pull with these answers (endpoint, address, records), settled. Each is two hours after the one before it."""
        at = NOON + timedelta(hours=2 * len(self.pulls))
        pull = Pull.objects.create(connection=self.connection, by=self.ruth, ended_at=at)
        self.pulls.append(pull)
        stored = storage.store(io.BytesIO(archive(subject, answers, lacks, at)))
        part = PullPart.objects.create(
            pull=pull, number=1, subject=subject, state="partial" if lacks else "whole", ended_at=at, sha256=stored.sha256, size=stored.size
        )
        ask_to_settle(part, by=self.ruth)
        if work:
            settle_all()
        return part

    def accounts(self, *given: Record, lacks: Sequence[str] = ()) -> PullPart:
        return self.bring("accounts", ("accounts", "accounts?limit=500", given), lacks=lacks)

    def subscriptions(self, *given: Record, lacks: Sequence[str] = ()) -> PullPart:
        return self.bring("subscriptions", ("subscriptions", "reseller/subscriptions?limit=500", given), lacks=lacks)

    def usage(
        self, own: Sequence[Record], by_organization: Sequence[Record], invoice: Record = INVOICE, *, lacks: Sequence[str] = ()
    ) -> PullPart:
        where = f"reseller/invoices/{invoice['id']}"
        return self.bring(
            "usage",
            ("reseller_invoices", "reseller/invoices?limit=500", [invoice]),
            ("account_usage", f"{where}/account_usage_line_items?limit=500", own),
            ("organization_usage", f"{where}/organization_usage_line_items?limit=500", by_organization),
            lacks=lacks,
        )

    def found(self, number: int = 7001) -> ResellerAccount:
        return ResellerAccount.objects.select_related("account", "reseller").get(reseller=self.reseller, external_id=str(number))

    def mapped(self, number: int = 7001) -> ResellerAccount:
        """As it is when somebody said which account it is, straight through the models."""
        ResellerAccount.objects.filter(reseller=self.reseller, external_id=str(number)).update(account=self.account)
        return self.found(number)

    def document(self) -> SourceFile:
        return SourceFile.objects.get(account=self.account, kind="billed")


def archive(subject: str, answers: Iterable[tuple[str, str, Sequence[Record]]], lacks: Sequence[str], at: datetime) -> bytes:
    entries, bodies = [], []
    for number, (endpoint, address, given) in enumerate(answers, start=1):
        body = json.dumps({ENDPOINTS[endpoint].key: list(given)}).encode()
        said: tuple[Any, ...] = (endpoint, address, 200, {}, at.isoformat(), hashlib.sha256(body).hexdigest(), len(body), len(given))
        entries.append(Entry(number, *said))
        bodies.append(body)
    into = io.BytesIO()
    whose = {"id": "300", "name": "Cobbleside Group"}
    write(into, Manifest("huntress", subject, "", whose, at.isoformat(), at.isoformat(), tuple(lacks), tuple(entries)), bodies)
    return into.getvalue()


def new_world(day: int = 14) -> World:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    account = Account.objects.create(
        name="Quillmere IT", slug="quillmere-it", anniversary_day=day, time_zone="Europe/London", reseller=reseller
    )
    ruth, vera = (User.objects.create_user(f"{name}@cobbleside.example", None, name=name.title()) for name in ("ruth", "vera"))
    Membership.objects.create(user=ruth, reseller=reseller, role=Role.ADMIN)
    Membership.objects.create(user=vera, reseller=reseller, role=Role.VIEWER)
    ines = User.objects.create_user("ines@quillmere.example", None, name="Ines")
    Membership.objects.create(user=ines, account=account, role=Role.ADMIN)
    connection = Connection.objects.create(
        account=account,
        reseller=reseller,
        name="Huntress, reseller",
        sealed="x",
        key_kind="reseller",
        added_by=ruth,
        actor="Cobbleside Group",
    )
    return World(reseller, account, connection, ruth, vera, ines)


def settle_all() -> None:
    """Do what waits, until nothing does."""
    while job := Job.objects.filter(kind__in=KINDS, state=Job.State.QUEUED).order_by("pk").first():
        done = jobs.run_now(job)
        assert done.state == Job.State.DONE, (done.kind, done.error)


def own_line(number: int, product: str, actual: int, minimum: int = 0, of: Record = QUILLMERE, period: Any = PERIOD, **usage: Any) -> Any:
    made = records.account_usage(number, of, product, period, minimum, actual)
    made["usage"] |= usage
    return made


def organization_line(number: int, owner: int, counts: Mapping[str, Any], of: Record = QUILLMERE, period: Any = PERIOD) -> Any:
    made = records.organization_usage(number, of, _counts(owner, {}), period)
    made["actual_usage"] = dict(counts)
    return made


def _counts(owner: int, counts: Mapping[str, int]) -> Any:
    return records.organization(owner, 7001, f"Customer {owner} Ltd", f"customer-{owner}", counts, NOON)
