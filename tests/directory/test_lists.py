"""The list of users that the admin centre exports: the same rows as a pull, for the tenant that a person names."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Tenant
from accounts.services import Refused
from ingest.models import DirectorySnapshot, SkuName, SkuUpload, SourceFile, SourceRow
from ingest.services import intake
from ingest.sources import Unreadable, read, recognise
from recon.services import directories, imports
from tests.directory.making import add_tenant, held_by, snapshot_of, users_of, work
from tests.review.making import NOVEMBER, World

GUID = "10000000-0000-4000-8000-000000000001"
HEADER = "Block credential,Display name,First name,Licenses,Mobile Phone,Object Id,Title,User principal name,When created"
ANN = "False,Ann Ash,Ann,Microsoft 365 Business Premium+Power BI Standard,+44 7700 900123,0A,RN,Ann@Garrowby.example,2024-03-01 18:54:02Z"
BOB = "True,Bob Bay,Bob,Microsoft 365 Business Premium,,0B,,bob@garrowby.example,2024-03-02 10:00:00Z"
CAT = "False,Cat Cove,Cat,Unlicensed,,0C,,cat@garrowby.example,2024-03-03 10:00:00Z"


def csv(*rows: str, header: str = HEADER) -> bytes:
    return ("\ufeff" + "\r\n".join([header, *rows]) + "\r\n").encode()


def seen(data: bytes, **given: Any) -> Any:
    return read(data, name="Users.csv", kind="directory", **given)


def rows(reading: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reading.lines.to_dict("records")
    return found


def test_it_is_recognised_and_read() -> None:
    guess = recognise(csv(ANN, BOB, CAT), name="export.csv")
    assert guess
    assert guess.value == "directory"
    ann, bob = rows(seen(csv(ANN, BOB, CAT)))
    assert (ann["upn"], ann["user_id"], ann["is_enabled"], bob["is_enabled"]) == ("ann@garrowby.example", "0A", True, False)
    assert [name for _, name, *_ in json.loads(ann["licences"])] == ["Microsoft 365 Business Premium", "Power BI Standard"]
    assert ann["created_at"].isoformat() == "2024-03-01T18:54:02+00:00"


def test_who_has_no_licence_is_set_aside() -> None:
    reading = seen(csv(ANN, CAT))
    assert (reading.counts.loaded, reading.counts.set_aside) == (1, 2)
    assert [row.reason for row in reading.odd_rows if row.bucket == "set_aside"] == ["header", "no licence"]


@pytest.mark.parametrize(
    ("header", "row", "is_enabled"),
    [
        ("User name,Product licenses,Sign-in status", "ann@garrowby.example,Business Premium,Allowed", True),
        ("UserPrincipalName;Licenses;AccountEnabled", "ann@garrowby.example;Business Premium;False", False),
        ("UPN\tAssigned licenses\tBlock sign-in", "ann@garrowby.example\tBusiness Premium\tYes", False),
        ("Username,Licences", "ann@garrowby.example,Business Premium", None),
    ],
)
def test_headers_vary(header: str, row: str, is_enabled: bool | None) -> None:
    one = rows(seen(csv(row, header=header)))[0]
    assert one["upn"] == "ann@garrowby.example"
    assert (None if one["is_enabled"] != one["is_enabled"] or str(one["is_enabled"]) == "<NA>" else one["is_enabled"]) == is_enabled


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ANN.replace("Ann@Garrowby.example", "Ann Ash"), "unreadable_upn"),
        (ANN.replace("False,", "perhaps,"), "unreadable_truth"),
        (ANN.replace("2024-03-01 18:54:02Z", "soon"), "unreadable_date"),
        (ANN.replace("Microsoft 365 Business Premium+Power BI Standard", "+"), "unreadable_licences"),
    ],
)
def test_what_cannot_be_read_is_rejected_and_never_guessed(row: str, code: str) -> None:
    reading = seen(csv(row, BOB))
    assert (reading.counts.loaded, reading.counts.rejected) == (1, 1)
    assert code in {issue.code for issue in reading.issues}


def test_the_same_person_twice_is_one_and_with_other_licences_rejected() -> None:
    reading = seen(csv(BOB, BOB, BOB.replace("Microsoft 365 Business Premium", "Power BI Standard")))
    assert (reading.counts.loaded, reading.counts.merged, reading.counts.rejected) == (1, 1, 1)


def test_what_is_not_read_of_people_is_not_kept_beside_the_file() -> None:
    reading = seen(csv(ANN, BOB, CAT))
    kept = " ".join(" ".join(row.cells) for row in [*reading.first_rows, *reading.odd_rows] if row.reason != "header")
    assert "ann@garrowby.example" in kept.lower()
    assert not any(word in kept for word in ("Ann Ash", "+44 7700", "RN", "Cat Cove"))


def test_a_list_without_licences_is_refused_in_words() -> None:
    with pytest.raises(Unreadable):
        seen(csv("ann@garrowby.example,Ann", header="User principal name,Display name"))


# --- in the database


@pytest.fixture
def tenant(world: World) -> Tenant:
    return add_tenant(world.account, GUID, "Garrowby Dental")


def brought(world: World, data: bytes) -> SourceFile:
    received = intake.receive(world.account, name="Users.csv", content=BytesIO(data), by=world.mara)
    work()
    return SourceFile.objects.get(pk=received.source_file.pk)


@pytest.mark.django_db(transaction=True)
def test_it_counts_for_the_tenant_that_a_person_names(world: World, tenant: Tenant) -> None:
    names = SkuUpload.objects.create(account=world.account, what="names", name="n.csv", sha256="0" * 64, by=world.ines, rows=1)
    said = {"sku_id": "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "sku": "SPB", "sku_key": "spb", "name": "Microsoft 365 Business Premium"}
    SkuName.objects.create(upload=names, line=2, **said)
    file = brought(world, csv(ANN, BOB, CAT))
    assert (file.kind, file.state) == ("directory", "ready")
    with pytest.raises(Refused, match="of which tenant"):
        imports.start_import(file, by=world.mara, cycle=NOVEMBER)
    directories.name_tenant(file, tenant, by=world.mara)
    imports.start_import(file, by=world.mara, cycle=NOVEMBER)
    work()
    snapshot = snapshot_of(tenant)
    assert (snapshot.cycle.dates, snapshot.is_whole, snapshot.lacks) == (NOVEMBER, True, ["mailboxes", "trials"])
    assert sorted(users_of(tenant)) == ["ann@garrowby.example", "bob@garrowby.example"]
    assert held_by(tenant, "ann@garrowby.example") == [("Power BI Standard", "", ""), ("SPB", "", "")]
    assert not any("RN" in str(row.cells) for row in SourceRow.objects.filter(source_file=file) if row.reason != "header")


@pytest.mark.django_db(transaction=True)
def test_rejected_rows_are_agreed_to_and_then_it_is_not_whole(world: World, tenant: Tenant) -> None:
    file = brought(world, csv(BOB, ANN.replace("Ann@Garrowby.example", "Ann Ash")))
    directories.name_tenant(file, tenant, by=world.mara)
    with pytest.raises(Refused, match="rejected"):
        imports.start_import(file, by=world.mara, cycle=NOVEMBER)
    imports.start_import(file, by=world.mara, cycle=NOVEMBER, without_rejected=True)
    work()
    snapshot = snapshot_of(tenant)
    assert not snapshot.is_whole
    assert "users" in snapshot.lacks


@pytest.mark.django_db(transaction=True)
def test_a_page_names_the_tenant_and_imports(world: World, tenant: Tenant) -> None:
    file, client = brought(world, csv(ANN, BOB)), Client()
    client.force_login(world.mara)
    shown = client.get(reverse("ingest:file", args=[world.account.slug, file.pk]))
    assert f'<option value="{tenant.pk}"' in shown.content.decode()
    address = reverse("recon:start_import", args=[world.account.slug, file.pk])
    form = {name: value for name, value in _form(shown).items() if name != "tenant"}
    refused = client.post(address, form)
    assert refused.status_code == 422
    assert "Say first of which tenant" in refused.content.decode()
    assert client.post(address, form | {"tenant": str(tenant.pk)}).status_code == 302
    work()
    assert DirectorySnapshot.objects.get().tenant == tenant
    page = client.get(reverse("ingest:file", args=[world.account.slug, file.pk]) + "?bucket=loaded").content.decode()
    assert "Garrowby Dental" in page
    assert "ann@garrowby.example" in page
    assert "Power BI Standard" in page
    assert "Use it for another cycle" not in page
    assert "no longer counts" not in page
    csv_of = client.get(reverse("ingest:rows_csv", args=[world.account.slug, file.pk]) + "?bucket=loaded")
    assert b"Power BI Standard" in b"".join(_content(csv_of))


@pytest.mark.django_db(transaction=True)
def test_another_accounts_tenant_cannot_be_named(world: World, tenant: Tenant) -> None:
    file = brought(world, csv(ANN))
    Tenant.objects.filter(pk=tenant.pk).update(removed_at=tenant.added_at)
    tenant.refresh_from_db()
    with pytest.raises(Refused, match="no tenant of this account"):
        directories.name_tenant(file, tenant, by=world.mara)
    with pytest.raises(Refused):
        directories.name_tenant(file, tenant, by=world.tom)


def _form(response: Any) -> dict[str, str]:
    form = response.context["page"].form
    return {name: str(form[name].value() or "") for name in form.fields if form[name].value() not in (None, False)}


def _content(response: Any) -> Any:
    return response.streaming_content
