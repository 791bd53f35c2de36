"""Settings, Exclusion list, as people meet it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Role
from ingest.models import ExcludedSku, LegInput, SkuSuggestion, SourceFile
from recon.services import sku_files
from tests.exclusions.conftest import Give, Propose
from tests.exclusions.test_versions import NAMES, SUGGESTED
from tests.recon.making import AFTER, BEFORE, CYCLE, new_person, signed_in

LIST_QUERIES, VERSION_QUERIES = 18, 24
FROM = f"{CYCLE.start}:{CYCLE.end}"


def url(name: str, *more: int) -> str:
    return reverse(f"recon:{name}", args=["quillmere-it", *more])


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_a_list_is_pasted_looked_at_and_put_in_force(admin: Client, give: Give) -> None:
    give("INVENTED_A", "INVENTED_GONE", cycle=BEFORE)
    pasted = "List of 28 May 2026\n• INVENTED_A – Invented\n• INVENTED_NEW\n• invented_new\nAsk before you query.\n"
    response = admin.post(url("exclusions"), {"act": "paste", "text": pasted, "dated": "2026-05-28"})
    draft = SourceFile.objects.get(state="ready")
    assert response.headers["Location"] == url("exclusion_draft", draft.pk)
    page = text(admin.get(url("exclusion_draft", draft.pk), {"cycle": FROM}))
    assert "Against version 1" in page
    assert "1 added, 1 removed, 1 in both" in page
    assert "INVENTED_GONE" in page
    assert "stands on line 3 already" in page
    assert "Ask before you query." in page
    assert "dated 28 May 2026" in page
    response = admin.post(url("exclusion_draft", draft.pk), {"act": "save", "cycle": FROM})
    version = LegInput.objects.get(source_file=draft)
    assert response.headers["Location"] == url("exclusion_version", version.pk)
    page = text(admin.get(url("exclusion_version", version.pk)))
    assert "Exclusion list, version 2" in page
    assert "pasted" in page


def test_the_cycle_that_is_chosen_decides_what_it_is_held_against(admin: Client, give: Give, propose: Propose) -> None:
    give("INVENTED_A", cycle=BEFORE)
    give("INVENTED_B", cycle=AFTER)
    draft = propose("INVENTED_A", "INVENTED_B")
    assert "Against version 1" in text(admin.get(url("exclusion_draft", draft.pk), {"cycle": FROM}))
    later = f"{AFTER.start}:{AFTER.end}"
    assert "Against version 2" in text(admin.get(url("exclusion_draft", draft.pk), {"cycle": later}))
    assert admin.get(url("exclusion_draft", draft.pk), {"cycle": "nonsense"}).status_code == 200


def test_a_file_is_uploaded_and_what_cannot_be_read_is_said(admin: Client) -> None:
    upload = io.BytesIO(b"SKU,Name\nINVENTED_A,Invented\n")
    upload.name = "list.csv"
    response = admin.post(url("exclusions"), {"act": "file", "file": upload}, follow=True)
    assert "All of it is new" in text(response)
    upload = io.BytesIO(b"Organization,EDR\nGarrowby Dental,3\n")
    upload.name = "billed.csv"
    response = admin.post(url("exclusions"), {"act": "file", "file": upload}, follow=True)
    assert "This cannot be read as an exclusion list." in text(response)
    assert admin.post(url("exclusions"), {"act": "file"}).status_code == 422


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Paste the list, choose a file, or start with the ten."),
        ({"act": "paste", "text": " "}, "There is nothing in it."),
        ({"act": "paste", "text": "INVENTED_A", "dated": "28 May"}, "Write the list’s own date as 2026-05-28"),
    ],
)
def test_what_is_refused_is_said_and_keeps_what_was_typed(admin: Client, form: dict[str, str], said: str) -> None:
    response = admin.post(url("exclusions"), form)
    assert response.status_code == 422
    assert said in text(response)
    assert form.get("text", "").strip() in text(response)
    assert not SourceFile.objects.exists()


def test_rejected_rows_have_to_be_agreed_to(admin: Client) -> None:
    rows = f"SKU\tName\nINVENTED_A\tOne\n{'X_' * 120}\tToo long\n"
    admin.post(url("exclusions"), {"act": "paste", "text": rows})
    draft = SourceFile.objects.get()
    response = admin.post(url("exclusion_draft", draft.pk), {"act": "save", "cycle": FROM})
    assert (response.status_code, "1 rows are rejected" in text(response)) == (422, True)
    assert admin.post(url("exclusion_draft", draft.pk), {"act": "save", "cycle": FROM, "without_rejected": "on"}).status_code == 302
    assert ExcludedSku.objects.get().sku == "INVENTED_A"


def test_a_draft_is_discarded(admin: Client, propose: Propose) -> None:
    draft = propose("INVENTED_A")
    assert "To be looked at" in text(admin.get(url("exclusions")))
    admin.post(url("exclusion_draft", draft.pk), {"act": "drop"})
    assert admin.get(url("exclusion_draft", draft.pk)).status_code == 404
    assert "To be looked at" not in text(admin.get(url("exclusions")))


def test_a_cycle_that_was_not_offered_is_refused(admin: Client, propose: Propose) -> None:
    draft = propose("INVENTED_A")
    for cycle in ("", "2026-10-15:2026-11-15", "never"):
        assert admin.post(url("exclusion_draft", draft.pk), {"act": "save", "cycle": cycle}).status_code == 422
    assert not LegInput.objects.exists()


def test_single_skus_are_changed_by_hand(admin: Client, give: Give) -> None:
    version = give("INVENTED_A", "INVENTED_B")
    response = admin.post(url("exclusion_version", version.pk), {"add": "INVENTED_C - See\n", "remove": ["INVENTED_A"]}, follow=True)
    assert "1 added, 1 removed, 1 in both" in text(response)
    response = admin.post(url("exclusion_version", version.pk), {"add": "what is this"})
    assert (response.status_code, "is no part number" in text(response), "what is this" in text(response)) == (422, True, True)


def test_two_versions_are_held_against_each_other(admin: Client, give: Give) -> None:
    first, _, third = give("INVENTED_A", cycle=BEFORE), give("INVENTED_B"), give("INVENTED_C", "INVENTED_A", cycle=AFTER)
    assert "Against version 2" in text(admin.get(url("exclusion_version", third.pk)))
    page = text(admin.get(url("exclusion_version", third.pk), {"with": first.pk}))
    assert "Against version 1" in page
    assert "1 added, 0 removed, 1 in both" in page
    assert "Against" not in text(admin.get(url("exclusion_version", first.pk)))


def test_names_appear_beside_part_numbers(admin: Client, account: Account, give: Give) -> None:
    version = give("invented_a", "INVENTED_UNHEARD_OF")
    assert "Nobody has uploaded Microsoft’s table" in text(admin.get(url("exclusion_version", version.pk)))
    upload = io.BytesIO(NAMES + b"Invented A,INVENTED_A,nonsense\n")
    upload.name = "names.csv"
    page = text(admin.post(url("sku_names"), {"file": upload}, follow=True))
    assert "Invented A" in page
    assert "Line 3" in page
    assert "“nonsense” is no GUID" in page
    page = text(admin.get(url("exclusion_version", version.pk)))
    assert "Invented A" in page
    assert "Not there" in page
    assert "INVENTED_UNHEARD_OF" not in text(admin.get(url("exclusion_version", version.pk), {"q": "invented a"}))
    assert admin.post(url("sku_names"), {}).status_code == 422


def test_suggestions_are_decided_on_and_never_applied_by_themselves(admin: Client, account: Account, give: Give) -> None:
    give("INVENTED_A")
    upload = io.BytesIO(SUGGESTED)
    upload.name = "maybe.csv"
    page = text(admin.post(url("sku_suggestions"), {"act": "upload", "file": upload}, follow=True))
    assert "An article" in page
    assert ExcludedSku.objects.count() == 1
    one, other = SkuSuggestion.objects.order_by("line")
    assert admin.post(url("sku_suggestions"), {"act": "add"}).status_code == 422
    page = text(admin.post(url("sku_suggestions"), {"act": "add", "chosen": [one.pk]}, follow=True))
    assert "from suggestions, confirmed" in page
    assert ExcludedSku.objects.count() == 1
    admin.post(url("sku_suggestions"), {"act": "dismiss", "chosen": [other.pk, "x"]})
    assert "Another" not in text(admin.get(url("sku_suggestions")))
    assert "Another" in text(admin.get(url("sku_suggestions"), {"show": "dismissed"}))
    admin.post(url("sku_suggestions"), {"act": "again", "chosen": [other.pk]})
    assert "2 of 2 to decide on" in text(admin.get(url("exclusions")))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PREPARER, Role.REVIEWER])
def test_who_is_no_admin_looks_and_changes_nothing(account: Account, ines: Any, give: Give, propose: Propose, role: str) -> None:
    version, draft = give("INVENTED_A"), propose("INVENTED_B")
    sku_files.take_suggestions(account, SUGGESTED, name="s.csv", by=ines)
    client = signed_in(new_person(account, "tom@quillmere.example", role))
    for address in (
        url("exclusions"),
        url("exclusion_version", version.pk),
        url("exclusion_draft", draft.pk),
        url("sku_names"),
        url("sku_suggestions"),
    ):
        main = text(client.get(address)).split("<main")[1]
        assert 'method="post"' not in main
        assert 'type="checkbox"' not in main
        assert client.post(address, {"act": "save", "cycle": FROM}).status_code == 403


def test_pages_ask_the_database_a_fixed_number_of_times(admin: Client, give: Give, django_assert_num_queries: Any) -> None:
    give(*(f"INVENTED_{n}" for n in range(200)), cycle=BEFORE)
    for turn in range(12):
        version = give(*(f"INVENTED_{turn}_{n}" for n in range(60)))
    with django_assert_num_queries(LIST_QUERIES):
        admin.get(url("exclusions"))
    with django_assert_num_queries(VERSION_QUERIES):
        admin.get(url("exclusion_version", version.pk))
