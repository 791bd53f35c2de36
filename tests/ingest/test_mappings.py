"""A mapping that was stated once is found again by its header, said, and changed or forgotten without touching what was read with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile

from accounts.models import Account, AuditEvent, Membership, Role, User
from accounts.services import Refused
from ingest import jobs
from ingest.models import MappingProfile, SourceFile, UsageLine
from ingest.services import mappings
from ingest.services.intake import discard, read_again, receive
from ingest.sources import Mapping
from recon.services import imports
from tests.recon.making import BEFORE, CYCLE, csv_bytes, new_account, new_person

HEADER = ["Klant", "Sort", "Stuks", "Remarks"]
COLUMNS = {0: "organization", 1: "product", 2: "quantity"}
OCTOBER = csv_bytes(HEADER, ["Tarn Vale Dental", "EDR", 3, "x"], ["Marrick Town Trust", "EDR", 8, "y"])
NOVEMBER = csv_bytes(HEADER, ["Tarn Vale Dental", "EDR", 4, "x"])

pytestmark = pytest.mark.django_db


def came(account: Account, by: User, content: bytes, name: str = "list.csv", kind: str = "") -> SourceFile:
    received = receive(account, name=name, content=ContentFile(content), by=by, kind=kind)
    assert received.job
    jobs.run_now(received.job)
    received.source_file.refresh_from_db()
    return received.source_file


def stated(source_file: SourceFile, by: User, columns: dict[int, str], kind: str = "expected", **more: Any) -> SourceFile:
    mapping = Mapping(columns, **more)
    jobs.run_now(read_again(source_file, by=by, kind=kind, cycle=CYCLE, mapping=mapping))
    source_file.refresh_from_db()
    return source_file


@pytest.fixture
def ines(account: Account) -> User:
    return new_person(account, "ines@quillmere.example", Role.ADMIN)


@pytest.fixture
def october(account: Account, mara: User) -> SourceFile:
    """A list that nobody could guess, mapped by Mara."""
    file = came(account, mara, OCTOBER, "october.csv", "expected")
    assert file.state == "refused"
    return stated(file, mara, COLUMNS)


def test_what_was_stated_is_remembered_once_it_reads(account: Account, mara: User, october: SourceFile) -> None:
    profile = MappingProfile.objects.get()
    assert (profile.account, profile.kind, profile.header, profile.stated_by) == (account, "expected", HEADER, mara)
    assert Mapping.from_json(profile.mapping).columns == COLUMNS
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.subject) == ("ingest.mapping.stated", "Klant, Sort, Stuks, Remarks (expected list)")


def test_what_does_not_read_is_not_remembered(account: Account, mara: User) -> None:
    file = stated(came(account, mara, OCTOBER, kind="expected"), mara, {0: "organization"})
    assert file.state == "refused"
    assert not MappingProfile.objects.exists()


def test_the_next_list_with_the_same_header_is_read_so(account: Account, mara: User, october: SourceFile) -> None:
    file = came(account, mara, NOVEMBER.replace(b"Klant,Sort", b"KLANT, sort "), "november.csv", "expected")
    assert (file.state, file.loaded, file.preview["totals"]) == ("ready", 1, {"edr": 4})
    said = file.preview["profile"]
    assert (said["by"], said["changes"]) == ("Mara", [])
    profile = MappingProfile.objects.get()
    assert (said["id"], said["name"]) == (profile.pk, "Klant, Sort, Stuks, Remarks")
    assert profile.used_at


def test_its_kind_is_remembered_too(account: Account, mara: User, october: SourceFile) -> None:
    file = came(account, mara, NOVEMBER, "anything.csv")
    assert (file.kind, file.preview["kind_because"]) == ("expected", "a list with these columns was read so before")


def test_a_kind_that_a_person_says_is_not_overruled(account: Account, mara: User, october: SourceFile) -> None:
    file = came(account, mara, NOVEMBER, kind="rebilled")
    assert (file.kind, file.state) == ("rebilled", "refused")
    assert "profile" not in file.preview


def test_another_account_is_untouched(mara: User, october: SourceFile) -> None:
    elsewhere = new_account("Brightfen Support", "brightfen")
    assert came(elsewhere, mara, NOVEMBER, kind="expected").state == "refused"


def test_it_is_imported_as_it_was_shown(account: Account, mara: User, october: SourceFile) -> None:
    file = came(account, mara, NOVEMBER, "november.csv", "expected")
    MappingProfile.objects.all().delete()  # what is shown is what counts, whatever became of the mapping since
    jobs.run_now(imports.start_import(file, by=mara, cycle=CYCLE))
    assert list(UsageLine.objects.values_list("name", "quantity")) == [("Tarn Vale Dental", 4)]


def test_a_decimal_sign_and_a_delimiter_are_remembered(account: Account, mara: User) -> None:
    first = came(account, mara, b"Organization;EDR\nTarn Vale Dental;1.000\n", kind="expected")
    assert first.rejected == 1
    stated(first, mara, {0: "organization", 1: "quantity:edr"}, delimiter=";", decimal=",")
    again = came(account, mara, b"Organization;EDR\nTarn Vale Dental;2.000\n", kind="expected")
    assert (again.preview["totals"], again.rejected) == ({"edr": 2000}, 0)


def test_reading_it_as_guessed_leaves_what_was_remembered_alone(account: Account, mara: User, october: SourceFile) -> None:
    file = came(account, mara, NOVEMBER, kind="expected")
    job = read_again(file, by=mara, kind="expected", cycle=CYCLE, mapping=None, as_guessed=True)
    jobs.run_now(job)
    file.refresh_from_db()
    assert file.state == "refused"
    assert "profile" not in file.preview
    jobs.run_now(read_again(file, by=mara, kind="expected", cycle=CYCLE, mapping=None))
    file.refresh_from_db()
    assert (file.state, "as_guessed" in file.preview) == ("ready", False)


def test_discarding_a_file_forgets_nothing(account: Account, mara: User, october: SourceFile) -> None:
    discard(october, by=mara)
    assert came(account, mara, NOVEMBER, kind="expected").state == "ready"


def test_stating_it_otherwise_replaces_it(account: Account, mara: User, preparer: Any, october: SourceFile) -> None:
    file = stated(came(account, mara, NOVEMBER, kind="expected"), mara, {0: "organization", 2: "quantity:edr"})
    assert file.state == "ready"
    assert Mapping.from_json(MappingProfile.objects.get().mapping).columns == {0: "organization", 2: "quantity:edr"}
    assert AuditEvent.objects.latest("pk").action == "ingest.mapping.changed"


class TestChangedHeader:
    CHANGED = csv_bytes(["Region", "Klant", "Stuks", "Sort"], ["North", "Tarn Vale Dental", 4, "EDR"])

    def test_what_changed_is_said_and_the_new_mapping_proposed(self, account: Account, mara: User, october: SourceFile) -> None:
        file = came(account, mara, self.CHANGED, kind="expected")
        assert (file.state, file.preview["totals"]) == ("ready", {"edr": 4})
        assert {change["what"] for change in file.preview["profile"]["changes"]} == {"added", "moved", "gone"}

    def test_it_does_not_count_before_somebody_confirms_it(self, account: Account, mara: User, october: SourceFile) -> None:
        file = came(account, mara, self.CHANGED, kind="expected")
        with pytest.raises(Refused, match="Its columns are no longer those that were mapped"):
            imports.start_import(file, by=mara, cycle=CYCLE)

    def test_confirming_remembers_it_beside_the_old_one(self, account: Account, mara: User, october: SourceFile) -> None:
        file = came(account, mara, self.CHANGED, kind="expected")
        stated(file, mara, {int(index): name for index, name in file.mapping["columns"].items()})  # type: ignore[index]
        imports.start_import(file, by=mara, cycle=CYCLE)
        assert MappingProfile.objects.count() == 2
        assert came(account, mara, self.CHANGED + b"South,Marrick Town Trust,2,EDR\n", kind="expected").preview["profile"]["changes"] == []
        assert came(account, mara, NOVEMBER, kind="expected").preview["profile"]["changes"] == []

    def test_a_needed_column_that_is_gone_is_asked_for(self, account: Account, mara: User, october: SourceFile) -> None:
        file = came(account, mara, csv_bytes(["Klant", "Sort", "Remarks"], ["Tarn Vale Dental", "EDR", "4"]), kind="expected")
        assert file.state == "refused"
        assert file.mapping["columns"] == {"0": "organization", "1": "product"}  # type: ignore[index]
        messages = [change["message"] for change in file.preview["profile"]["changes"]]
        assert messages == ["Column C “Stuks”, which was the quantity, is gone."]


class TestManaging:
    def test_it_is_restated_and_files_read_before_stay(self, account: Account, mara: User, ines: User, october: SourceFile) -> None:
        jobs.run_now(imports.start_import(october, by=mara, cycle=BEFORE))
        profile = MappingProfile.objects.get()
        mappings.restate(profile, name="RMM export", columns={0: "organization", 2: "quantity:itdr"}, by=ines)
        october.refresh_from_db()
        assert october.mapping["columns"] == {str(index): name for index, name in COLUMNS.items()}  # type: ignore[index]
        file = came(account, mara, NOVEMBER, kind="expected")
        assert file.preview["totals"] == {"itdr": 4}
        assert file.preview["profile"]["name"] == "RMM export"

    @pytest.mark.parametrize(
        ("columns", "why"),
        [
            ({1: "product", 2: "quantity"}, "Say which column is “Organization” or"),
            ({0: "organization"}, "Say which column is “Quantity"),
            ({0: "organization", 1: "quantity", 2: "quantity"}, "is given to 2 columns"),
        ],
    )
    def test_what_could_not_read_is_refused(self, ines: User, october: SourceFile, columns: dict[int, str], why: str) -> None:
        with pytest.raises(Refused, match=why):
            mappings.restate(MappingProfile.objects.get(), name="x", columns=columns, by=ines)

    def test_it_is_forgotten_once(self, account: Account, mara: User, ines: User, october: SourceFile) -> None:
        profile = MappingProfile.objects.get()
        mappings.forget(profile, by=ines)
        assert AuditEvent.objects.latest("pk").action == "ingest.mapping.deleted"
        with pytest.raises(Refused, match="deleted already"):
            mappings.forget(profile, by=ines)
        assert came(account, mara, NOVEMBER, kind="expected").state == "refused"

    def test_an_export_is_taken_in_elsewhere(self, mara: User, ines: User, october: SourceFile) -> None:
        elsewhere = new_account("Brightfen Support", "brightfen")
        Membership.objects.create(user=ines, account=elsewhere, role=Role.ADMIN)
        exported = mappings.as_file(MappingProfile.objects.all()).encode()
        assert mappings.take_in(elsewhere, exported, by=ines) == 1
        assert mappings.take_in(elsewhere, exported, by=ines) == 1
        assert MappingProfile.objects.filter(account=elsewhere).count() == 1
        assert came(elsewhere, mara, NOVEMBER, kind="expected").preview["totals"] == {"edr": 4}

    def test_of_a_bad_export_nothing_is_taken_in(self, account: Account, ines: User, october: SourceFile) -> None:
        exported = mappings.as_file([MappingProfile.objects.get()])
        MappingProfile.objects.all().delete()
        with pytest.raises(Refused, match="without it an expected list is not read"):
            mappings.take_in(account, exported.replace('"C": "quantity"', '"D": "unit_price"').encode(), by=ines)
        with pytest.raises(Refused, match=r"Mapping 1 .*no field of this kind"):
            mappings.take_in(account, exported.replace('"quantity"', '"colour"').encode(), by=ines)
        assert not MappingProfile.objects.exists()


def test_a_mapping_asks_a_constant_number_of_questions(
    account: Account, mara: User, october: SourceFile, django_assert_num_queries: Any
) -> None:
    profile = MappingProfile.objects.get()
    with django_assert_num_queries(1):
        assert mappings.applied_to(NOVEMBER, account, "expected", None)
    for number in range(20):
        header = [f"Column {number}", "Sort", "Stuks"]
        mappings.remember(account, "expected", header, Mapping.from_json(profile.mapping), by=mara)
    with django_assert_num_queries(1):
        assert mappings.applied_to(NOVEMBER, account, "expected", None)
