"""The page of an archive: what it is, who brought it, its records, and no columns to map."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from accounts.models import Account, User
from recon.demo.huntress.story import Story
from recon.services.imports import Refused, use_again
from tests.answers.making import ENDED, agent, agents, archive, asked, identities, organization, organizations
from tests.answers.test_taking import bring, current, file_of
from tests.recon.making import BEFORE, arrive, signed_in

pytestmark = pytest.mark.django_db


def shown(account: Account, by: User, pk: int | None, more: str = "") -> str:
    response = signed_in(by).get(f"/a/{account.slug}/files/{pk}/{more}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("kind", ["agents", "live", "identities"])
def test_it_offers_no_columns_and_only_what_it_is(account: Account, mara: User, kind: str) -> None:
    file = arrive(account, mara, asked(Story(now=ENDED), kind), kind="")
    page = shown(account, mara, file.pk)
    assert 'name="column_' not in page
    assert 'name="header_line"' not in page
    assert 'name="delimiter"' not in page
    assert f'<option value="{kind}" selected>' in page
    assert '<option value="billed"' not in page
    assert "has no columns to map" in page
    assert "for Quillmere IT (7001)" in page
    assert "uploaded by Mara" in page


def test_a_list_is_never_offered_to_be_answers(account: Account, mara: User) -> None:
    file = arrive(account, mara, b"Organization,EDR\nTarn,3\n", kind="billed")
    page = shown(account, mara, file.pk)
    assert '<option value="live"' not in page
    assert '<option value="invoices"' not in page


def test_reading_it_again_keeps_it_what_it_is(account: Account, mara: User) -> None:
    file = arrive(account, mara, archive("agents", agents(agent(1))), kind="")
    said = {"kind": "agents", "account": account.slug, "cycle": file.preview["cycle"], "sheet": ""}
    response = signed_in(mara).post(f"/a/{account.slug}/files/{file.pk}/mapping", said)
    assert response.status_code == 302
    file.refresh_from_db()
    assert (file.state, file.mapping_stated) == ("received", False)


def test_a_pulled_file_leads_to_its_pull_and_to_its_records(account: Account, mara: User, django_assert_max_num_queries: Any) -> None:
    part = bring(account, mara, "live", asked(Story(now=ENDED), "live"), is_nightly=True)
    page = shown(account, mara, part.source_file_id, "?bucket=loaded")
    assert "brought by" in page
    assert "(nightly)" in page
    assert f"/a/{account.slug}/pulls/{part.pull_id}/" in page
    assert f"/files/{part.source_file_id}/record?number=1" in page
    assert "Read the same bytes as another kind" not in page
    assert "Use it for another cycle too" not in page
    client = signed_in(mara)
    with django_assert_max_num_queries(32):
        client.get(f"/a/{account.slug}/files/{part.source_file_id}/?bucket=loaded")


def test_what_was_kept_aside_says_why_and_waits_for_nobody(account: Account, mara: User) -> None:
    bring(account, mara, "agents", archive("agents", agents(agent(1)), ended=ENDED))
    part = bring(account, mara, "agents", archive("agents", agents(agent(1), agent(2, hostname="")), lacks=["It broke."]))
    page = shown(account, mara, part.source_file_id)
    assert "It was not imported by itself." in page
    assert "Import 1 record" in page
    assert "1 rejected record" in page
    files = signed_in(mara).get(f"/a/{account.slug}/files/").content.decode()
    assert "kept, not imported" in files
    assert file_of(part).name not in signed_in(mara).get("/").content.decode()


def test_a_person_may_import_what_was_kept_aside(account: Account, mara: User) -> None:
    bring(account, mara, "agents", archive("agents", agents(agent(1))))
    part = bring(account, mara, "agents", archive("agents", agents(agent(2)), lacks=["It broke."]))
    file = file_of(part)
    said = {"kind": "agents", "account": account.slug, "cycle": file.preview["cycle"], "sheet": ""}
    assert signed_in(mara).post(f"/a/{account.slug}/files/{file.pk}/import", said).status_code == 302
    file.refresh_from_db()
    assert file.state == "importing"
    assert "kept_aside" not in file.preview


def test_counts_of_a_moment_are_not_used_again(account: Account, mara: User) -> None:
    part = bring(account, mara, "live", archive("live", organizations(organization(5))))
    with pytest.raises(Refused, match="says nothing about"):
        use_again(file_of(part), by=mara, cycle=BEFORE, partial=False)
    assert current(account, "live").source_file_id == part.source_file_id


# --- records ---


def record(account: Account, by: User, pk: int | None, number: str) -> Any:
    return signed_in(by).get(f"/a/{account.slug}/files/{pk}/record?number={number}")


def test_a_record_is_shown_as_it_came(account: Account, mara: User) -> None:
    content = archive("agents", agents(agent(1), agent(2)), agents("odd", agent(4, note="<b>&")))
    file = arrive(account, mara, content, kind="")
    page = record(account, mara, file.pk, "4").content.decode()
    assert "&quot;hostname&quot;: &quot;WS-4&quot;" in page
    assert "&lt;b&gt;&amp;" in page
    assert "in answer 2" in page
    assert "&quot;odd&quot;" in record(account, mara, file.pk, "3").content.decode()


@pytest.mark.parametrize("number", ["0", "5", "999999999"])
def test_a_record_that_is_not_there_is_not_found(account: Account, mara: User, number: str) -> None:
    file = arrive(account, mara, archive("agents", agents(*map(agent, range(4)))), kind="")
    response = record(account, mara, file.pk, number)
    assert response.status_code == 404
    assert "No such record" in response.content.decode()


@pytest.mark.parametrize("number", ["", "x", "-1", "1" * 12])
def test_what_is_no_number_leads_back_to_the_file(account: Account, mara: User, number: str) -> None:
    file = arrive(account, mara, archive("agents", agents(agent(1))), kind="")
    assert record(account, mara, file.pk, number).status_code == 302


def test_every_record_of_a_detail_is_found_by_its_number(account: Account, mara: User) -> None:
    file = arrive(account, mara, asked(Story(now=ENDED), "live"), kind="")
    page = record(account, mara, file.pk, "124").content.decode()
    assert "actual_usages" in page
    assert record(account, mara, file.pk, "125").status_code == 404


# --- as CSV ---


def rows(account: Account, by: User, pk: int | None, bucket: str) -> list[list[str]]:
    response: Any = signed_in(by).get(f"/a/{account.slug}/files/{pk}/rows.csv?bucket={bucket}")
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_what_was_loaded_comes_as_csv(account: Account, mara: User) -> None:
    part = bring(account, mara, "live", archive("live", organizations(organization(5, "=Tarn"))))
    header, row = rows(account, mara, part.source_file_id, "loaded")
    assert dict(zip(header, row, strict=True)) | {"organization": "'=Tarn", "agents": "12", "billable_agents": "", "products": ""} == dict(
        zip(header, row, strict=True)
    )
    record = {"id": 3, "organization": {"id": 5}, "username": "ada@tarn.example", "billable": True, "enabled_products": ["itdr"]}
    part = bring(account, mara, "identities", archive("identities", identities(record)))
    header, row = rows(account, mara, part.source_file_id, "loaded")
    found = dict(zip(header, row, strict=True))
    assert (found["user_name"], found["organization_id"], found["is_billable"], found["is_enabled"]) == ("ada@tarn.example", "5", "yes", "")


def test_a_rejected_record_comes_with_its_json(account: Account, mara: User) -> None:
    odd = agent(2, hostname=None)
    file = arrive(account, mara, archive("agents", agents(agent(1), odd)), kind="")
    header, row = rows(account, mara, file.pk, "rejected")
    assert row[:4] == ["2", "rejected", "no_hostname", "There is an agent and no hostname."]
    assert json.loads(row[header.index("record")]) == odd
