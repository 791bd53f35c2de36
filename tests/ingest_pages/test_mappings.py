"""What is said of a file's columns, on its page and in settings: who reads it, who changes it, and what a page says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, AuditEvent, Role, User
from ingest.models import MappingProfile, SourceFile
from tests.ingest_pages.conftest import BILLED, REJECTING, Receive, person, signed_in
from tests.ingest_pages.test_file import as_shown, done, shown, url

State = SourceFile.State
HOME = "/a/quillmere-it/settings/mappings/"
DUTCH = b"Klant,Sort,Stuks\nAldermere Surveying,EDR,14\n"
CHANGED = b"Regio,Klant,Stuks,Sort\nNoord,Aldermere Surveying,15,EDR\n"
SAID = {"column_0": "organization", "column_1": "product", "column_2": "quantity"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(account: Account) -> Client:
    return signed_in(person("ada@quillmere.example", account, Role.ADMIN))


@pytest.fixture
def mapped(preparer: Client, mara: User, arrive: Receive) -> SourceFile:
    """A list whose columns Mara said, on its page."""
    came = arrive(DUTCH, "rebilled.csv")
    preparer.post(url(came, "mapping"), as_shown(came, mara, **SAID))
    return done(came)


@pytest.fixture
def profile(mapped: SourceFile) -> MappingProfile:
    return MappingProfile.objects.get()


class TestOnTheFilesPage:
    def test_each_guessed_column_says_how_sure_it_is_and_why(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive(b"Customer,Service,Qty\nThornby Vets,Backup,3\nThornby Vets,Cloud,3\n", "psa.csv"))
        heads = page[page.index('class="map"') : page.index('<tbody id="rows">')]
        assert heads.count('<details class="guess">') == 3
        assert "its header is “Customer”" in heads
        assert 'class="is-unsure"' in heads
        assert "1 column is unsure." in page

    def test_the_kind_says_how_sure_it_is(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive())
        hint = page[page.index('id="file-kind_hint"') :]
        assert any(f"<span>{word}:</span>" in hint[:400] for word in ("certain", "likely", "unsure"))

    def test_of_stated_columns_there_is_nothing_to_be_unsure_of(self, preparer: Client, mapped: SourceFile) -> None:
        assert '<details class="guess">' not in shown(preparer, mapped)

    def test_the_next_list_is_read_as_the_last_one_and_says_so(self, preparer: Client, profile: MappingProfile, arrive: Receive) -> None:
        page = shown(preparer, arrive(DUTCH.replace(b"14", b"15"), "november.csv"))
        assert f'by Mara: <a href="{HOME}{profile.pk}/">Klant, Sort, Stuks</a>.' in page
        assert "Import 1 row" in page

    def test_one_click_reads_it_as_guessed_and_one_more_as_before(
        self, preparer: Client, mara: User, profile: MappingProfile, arrive: Receive
    ) -> None:
        came = arrive(DUTCH.replace(b"14", b"15"), "rebilled-november.csv")
        preparer.post(url(came, "mapping"), as_shown(came, mara, remembered="no"))
        assert done(came).state == State.REFUSED
        assert "Read as guessed, not as such a list was read before." in shown(preparer, came)
        preparer.post(url(came, "mapping"), as_shown(came, mara, remembered="yes"))
        assert done(came).state == State.READY
        assert MappingProfile.objects.get() == profile

    def test_what_changed_is_shown_and_confirmed(self, preparer: Client, mara: User, profile: MappingProfile, arrive: Receive) -> None:
        came = arrive(CHANGED, "rebilled-november.csv")
        page = shown(preparer, came)
        assert "Its columns are not those of" in page
        assert "Column A “Regio” is new. Nothing is read from it." in page
        assert "Import 1 row" not in page
        response = preparer.post(url(came, "import"), as_shown(came, mara))
        assert response.status_code == 422
        assert "confirm it first" in response.content.decode()
        preparer.post(url(came, "mapping"), as_shown(came, mara))
        assert "Import 1 row" in shown(preparer, done(came))
        assert MappingProfile.objects.count() == 2

    def test_a_mapping_that_was_deleted_is_named_without_a_link(self, preparer: Client, profile: MappingProfile, arrive: Receive) -> None:
        came = arrive(DUTCH.replace(b"14", b"15"), "november.csv")
        profile.delete()
        assert "Klant, Sort, Stuks (deleted since)" in shown(preparer, came)

    def test_a_stated_delimiter_and_encoding_are_read_with(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive("Organization;EDR\nŁąka;3\n".encode("cp1250"), "expected.csv")
        assert came.preview["first_rows"][1]["cells"][0] != "Łąka"
        preparer.post(url(came, "mapping"), as_shown(came, mara, encoding="cp1250"))
        assert done(came).preview["first_rows"][1]["cells"] == ["Łąka", "3"]
        preparer.post(url(came, "mapping"), as_shown(came, mara, delimiter=","))
        assert done(came).state == State.REFUSED
        preparer.post(url(came, "mapping"), as_shown(came, mara, delimiter=";"))
        assert done(came).state == State.READY

    def test_a_file_s_page_asks_a_constant_number_of_questions(
        self, preparer: Client, profile: MappingProfile, arrive: Receive, django_assert_max_num_queries: Any
    ) -> None:
        came = arrive(DUTCH.replace(b"14", b"15"), "november.csv")
        with django_assert_max_num_queries(24):
            shown(preparer, came)


class TestSettings:
    def test_the_list_says_what_who_and_when(self, preparer: Client, profile: MappingProfile) -> None:
        page = preparer.get(HOME).content.decode()
        assert f'<a href="{HOME}{profile.pk}/">Klant, Sort, Stuks</a>' in page
        assert "Klant → Organization, Sort → Product, Stuks → Quantity" in page
        assert "Rebilled list" in page
        assert "Mara" in page

    def test_an_empty_list_says_how_one_comes_to_be(self, preparer: Client, account: Account) -> None:
        assert "Correct a column on a file’s page" in preparer.get(HOME).content.decode()

    def test_an_admin_changes_a_column(self, admin: Client, profile: MappingProfile) -> None:
        data = {"name": "PSA", "column_0": "organization", "column_1": "", "column_2": "quantity:sat"}
        response = admin.post(f"{HOME}{profile.pk}/", data)
        assert response["Location"] == HOME
        profile.refresh_from_db()
        assert (profile.name, profile.mapping["columns"]) == ("PSA", {"0": "organization", "2": "quantity:sat"})
        assert profile.stated_by.email == "ada@quillmere.example"

    def test_what_could_not_read_keeps_what_was_typed(self, admin: Client, profile: MappingProfile) -> None:
        response = admin.post(f"{HOME}{profile.pk}/", {"name": "PSA", "column_0": "organization", "column_1": "", "column_2": ""})
        assert response.status_code == 422
        page = response.content.decode()
        assert "Say which column is “Quantity" in page
        assert 'value="PSA"' in page

    def test_deleting_asks_and_is_kept_in_the_trail(self, admin: Client, profile: MappingProfile) -> None:
        assert "Delete Klant, Sort, Stuks?" in admin.get(f"{HOME}{profile.pk}/delete").content.decode()
        assert MappingProfile.objects.exists()
        assert admin.post(f"{HOME}{profile.pk}/delete")["Location"] == HOME
        assert not MappingProfile.objects.exists()
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.before["columns"]) == ("ingest.mapping.deleted", profile.mapping["columns"])

    def test_an_export_is_a_file_that_can_be_taken_in(self, admin: Client, profile: MappingProfile) -> None:
        response = admin.get(f"{HOME}export")
        assert response["Content-Disposition"] == 'attachment; filename="quillmere-it column mappings.json"'
        assert json.loads(response.content)["mappings"][0]["columns"] == {"A": "organization", "B": "product", "C": "quantity"}
        assert admin.get(f"{HOME}{profile.pk}/export").json() == response.json()
        profile.delete()
        assert admin.post(HOME, {"file": io.BytesIO(response.content)})["Location"] == HOME
        assert MappingProfile.objects.get().header == ["Klant", "Sort", "Stuks"]

    @pytest.mark.parametrize(
        ("content", "why"),
        [(b"{\n  oops", "Line 2, column 3: this is no JSON"), (b"", "empty"), (b"[]", "This is no export of column mappings")],
    )
    def test_a_bad_file_says_what_is_wrong(self, admin: Client, account: Account, content: bytes, why: str) -> None:
        response = admin.post(HOME, {"file": io.BytesIO(content)})
        assert response.status_code == 422
        assert why in response.content.decode()

    @pytest.mark.parametrize("rest", ["", "delete"])
    def test_a_preparer_looks_and_does_not_change(self, preparer: Client, profile: MappingProfile, rest: str) -> None:
        assert preparer.post(f"{HOME}{profile.pk}/{rest}", {"name": "x"}).status_code == 403
        assert preparer.post(HOME).status_code == 403
        page = preparer.get(f"{HOME}{profile.pk}/").content.decode()
        assert "Admins change a mapping here." in page
        assert ">Save<" not in page

    def test_another_account_s_mapping_does_not_exist(self, mara: User, profile: MappingProfile) -> None:
        elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
        ada = signed_in(person("ada@brightfen.example", elsewhere, Role.ADMIN))
        assert ada.get(f"/a/brightfen/settings/mappings/{profile.pk}/").status_code == 404
        assert ada.get(f"{HOME}{profile.pk}/").status_code == 404

    def test_the_list_asks_as_much_of_many_as_of_one(
        self, preparer: Client, profile: MappingProfile, django_assert_num_queries: Any, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(12) as one:
            preparer.get(HOME)
        for number in range(30):
            MappingProfile.objects.create(
                account=profile.account, kind="billed", name=f"List {number}", fingerprint=f"{number:064x}", header=["A", "B"],
                mapping=profile.mapping | {"columns": {"0": "organization", "1": "quantity:edr"}}, stated_by=profile.stated_by,
            )  # fmt: skip
        with django_assert_num_queries(len(one)):
            assert "List 29" in preparer.get(HOME).content.decode()


def test_the_usual_lists_are_still_guessed(preparer: Client, profile: MappingProfile, arrive: Receive) -> None:
    for content, name in ((BILLED, "billing-detail.csv"), (REJECTING, "psa.csv")):
        assert "profile" not in arrive(content, name).preview
