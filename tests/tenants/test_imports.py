"""Many tenants at once: lists, line by line, and what Huntress names."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Alias, AuditEvent, Organization, Tenant, User
from accounts.services import Refused
from ingest.models import Connection, FileOwner, Job, LiveCount, SourceFile
from ingest.services import tenant_imports
from ingest.services.tenant_tests import TEST_NEW
from ingest.sources.tenant_list import read
from tests.tenants.conftest import FIRST, SECOND, THIRD

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(garrowby: Organization, dunfell: Organization, ines: User) -> None:
    Alias.objects.create(account=dunfell.account, organization=dunfell, name="Dunfell", confirmed_by=ines)


def take(account: Account, by: User, text: str, cloud: str = "global") -> tenant_imports.Imported:
    return tenant_imports.import_list(account, text, cloud=cloud, by=by)


@pytest.mark.parametrize(
    "text",
    [
        f"Tenant ID,Organization\n{FIRST},Garrowby Dental\n{SECOND},Dunfell\n",
        f"{FIRST};101\n{SECOND};102",
        f"\ufeffCustomer\tMicrosoft ID\tDomain\nGARROWBY  dental\t{{{FIRST.upper()}}}\tg.example\n\nDunfell Farms\t{SECOND}\td.example",
    ],
)
def test_a_list_is_read_with_or_without_a_header(account: Account, ines: User, known: None, text: str) -> None:
    assert take(account, ines, text) == tenant_imports.Imported(new=2)
    assert dict(Tenant.objects.values_list("guid", "organization__name")) == {FIRST: "Garrowby Dental", SECOND: "Dunfell Farms"}
    assert set(Tenant.objects.values_list("how", "confirmed_by")) == {("csv", ines.pk)}
    assert AuditEvent.objects.get(action="ingest.tenant.imported").after["new"] == [FIRST, SECOND]


def test_each_bad_line_is_named_and_nothing_is_written(account: Account, ines: User, known: None) -> None:
    lines = [
        f"{FIRST},Garrowby Dental,",
        "nonsense,Dunfell,",
        f"{SECOND},Nobody,",
        f"{FIRST},Dunfell,",
        f"{THIRD},Dunfell,mars",
        ",Dunfell,",
    ]
    text = "\n".join(["Tenant ID,Organization,Cloud", *lines])
    odd = take(account, ines, text).odd
    assert [one.line for one in odd] == [3, 4, 5, 6, 7]
    assert [one.message.split(".")[0] for one in odd] == [
        "“nonsense” is no tenant id",
        "No Organization of this account is called “Nobody”, and none has that id",
        "This tenant stands on line 2 already",
        "“mars” is none of Microsoft’s clouds: global, us_gov, us_dod, china",
        "The tenant id is missing",
    ]
    assert not Tenant.objects.exists()


def test_two_organizations_of_one_name_are_not_guessed_between(account: Account, ines: User, known: None) -> None:
    Organization.objects.create(account=account, name="GARROWBY DENTAL", huntress_id="103")
    assert "2 Organizations are called" in take(account, ines, f"{FIRST},Garrowby Dental").odd[0].message
    assert take(account, ines, f"{FIRST},103").new == 1


def test_what_is_another_organizations_already_is_refused(account: Account, ines: User, known: None) -> None:
    take(account, ines, f"{FIRST},101")
    assert take(account, ines, f"{FIRST},101") == tenant_imports.Imported(unchanged=1)
    odd = take(account, ines, f"{FIRST},102\n{SECOND},102").odd
    assert "Garrowby Dental’s already" in odd[0].message
    assert Tenant.objects.count() == 1


def test_a_line_without_an_organization_waits_to_be_confirmed(account: Account, ines: User, known: None) -> None:
    assert take(account, ines, FIRST).new == 1
    assert Tenant.objects.get().organization is None
    assert take(account, ines, f"{FIRST},101").confirmed == 1


def test_a_cloud_is_that_of_the_line_else_of_the_form(account: Account, ines: User, known: None) -> None:
    take(account, ines, f"Tenant,Customer,Cloud\n{FIRST},101,GCC High\n{SECOND},102,", cloud="us_dod")
    assert dict(Tenant.objects.values_list("guid", "cloud")) == {FIRST: "us_gov", SECOND: "us_dod"}


def test_new_ones_are_tested_where_there_is_an_app(account: Account, ines: User, known: None, app: Connection) -> None:
    take(account, ines, f"{FIRST},101")
    assert TEST_NEW in Job.objects.values_list("kind", flat=True)


@pytest.mark.parametrize("text", ["", "  \n", "Tenant ID,Organization\n"])
def test_an_empty_list_is_said_to_be_empty(account: Account, ines: User, text: str) -> None:
    with pytest.raises(Refused):
        take(account, ines, text)


@pytest.mark.parametrize("text", ['"' * 99, "\x00\x01,\x02", ",,,,\n;;;;", "\n".join(["x"] * 50), f'"{FIRST}","unclosed'])
def test_nonsense_is_read_without_falling_over(text: str) -> None:
    read(text)


def test_a_list_of_a_thousand_takes_few_queries(account: Account, ines: User, django_assert_max_num_queries: Any) -> None:
    Organization.objects.bulk_create(Organization(account=account, name=f"Customer {n}", name_key=f"customer {n}") for n in range(1_000))
    text = "\n".join(f"10000000-0000-4000-8000-{n:012},Customer {n}" for n in range(1_000))
    with django_assert_max_num_queries(45):
        assert take(account, ines, text).new == 1_000


# --- Huntress ---


def live(account: Account, by: User, *told: tuple[int, Organization | None, list[dict[str, Any]]]) -> SourceFile:
    """A pull's live counts: by owner, whose they are and which tenants."""
    file = SourceFile.objects.create(
        account=account, name="live.zip", sha256="ab" * 32, size=1, kind="live", state="imported", received_by=by, imported_by=by,
        imported_at=timezone.now(), cycle=account.cycles.create(start="2026-10-14", end="2026-11-14"),
    )  # fmt: skip
    for number, organization, some in told:
        FileOwner.objects.create(source_file=file, number=number, name="n", organization=organization)
        LiveCount.objects.create(source_file=file, line=number, owner=number, tenants=some)
    return file


def tenant_of(guid: str, kind: str = "microsoft", billable: int | None = 7) -> dict[str, Any]:
    return {"product": "itdr", "type": kind, "tenant": guid, "billable": billable, "total": 9}


def test_huntress_names_candidates_and_a_person_confirms_them(
    account: Account, ines: User, garrowby: Organization, dunfell: Organization
) -> None:
    live(
        account, ines, (1, garrowby, [tenant_of(FIRST)]), (2, dunfell, [tenant_of(SECOND, "google"), tenant_of("C0abc", "google")]),
        (3, None, [tenant_of(THIRD)]),
    )  # fmt: skip
    found, _ = tenant_imports.candidates_of(account)
    assert [(one.guid, one.name, one.billable) for one in found] == [(FIRST, "Garrowby Dental", 7)]
    assert not Tenant.objects.exists()
    assert tenant_imports.accept(account, [FIRST], cloud="global", by=ines).new == 1
    tenant = Tenant.objects.get()
    assert (tenant.how, tenant.organization, tenant.confirmed_by) == ("huntress", garrowby, ines)
    assert tenant_imports.candidates_of(account)[0] == []
    with pytest.raises(Refused, match="has changed"):
        tenant_imports.accept(account, [FIRST], cloud="global", by=ines)


def test_a_tenant_that_huntress_has_for_two_is_nobodys_candidate(
    account: Account, ines: User, garrowby: Organization, dunfell: Organization
) -> None:
    live(account, ines, (1, garrowby, [tenant_of(FIRST)]), (2, dunfell, [tenant_of(FIRST)]))
    assert tenant_imports.candidates_of(account)[0] == []


def test_what_huntress_does_not_name_is_not_taken(account: Account, ines: User, garrowby: Organization) -> None:
    live(account, ines, (1, garrowby, [tenant_of(FIRST)]))
    with pytest.raises(Refused):
        tenant_imports.accept(account, [FIRST, SECOND], cloud="global", by=ines)
    assert not Tenant.objects.exists()
