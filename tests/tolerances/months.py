"""A small month through the real services: two Organizations, three lists with prices, compared."""

from __future__ import annotations

import io
from datetime import date

from accounts.calendar import Cycle
from accounts.models import Account, BillingCycle, Membership, Role, User
from ingest import jobs
from ingest.models import Job
from ingest.services.intake import receive
from recon import tasks  # noqa: F401  registers what jobs do
from recon.services import imports, months

CYCLE = Cycle(date(2026, 9, 14), date(2026, 10, 14))
BILLED = "Organization,EDR,EDR price\nGarrowby Dental,110,2.00\nDunfell Farms,103,2.00\nTarn Vale,50,2.00\n"
EXPECTED = "Organization,EDR\nGarrowby Dental,100\nDunfell Farms,100\nTarn Vale,50\n"


def account_with_people() -> tuple[Account, dict[str, User]]:
    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14, time_zone="Europe/London")
    people = {role: User.objects.create_user(f"{role}@quillmere.example", None, name=f"{role.title()} Kestle") for role in Role.values}
    for role, user in people.items():
        Membership.objects.create(user=user, account=account, role=role)
    return account, people


def work_off() -> None:
    """Do every job that waits, and those that they bring about."""
    while job := Job.objects.filter(state="queued").order_by("pk").first():
        done = jobs.run_now(job)
        assert done.state == "done", done.error


def imported(account: Account, name: str, text: str, by: User, cycle: Cycle = CYCLE, kind: str = "") -> None:
    file = receive(account, name=name, content=io.BytesIO(text.encode()), by=by, kind=kind).source_file
    work_off()
    file.refresh_from_db()
    assert file.state == "ready", [issue.message for issue in file.issues.all()]
    imports.start_import(file, by=by, cycle=cycle)
    work_off()


def compared(account: Account, by: User) -> BillingCycle:
    imported(account, "billed.csv", BILLED, by, kind="billed")
    imported(account, "expected.csv", EXPECTED, by, kind="expected")
    cycle = BillingCycle.objects.get(account=account)
    assert months.newest(cycle).run
    return cycle
