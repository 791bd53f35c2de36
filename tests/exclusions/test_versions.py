"""A list is bytes, looked at first, in force from a cycle on; every version stays and can be held against another."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account, AuditEvent, BillingCycle, Role, User
from accounts.services import Refused
from ingest.models import ExcludedSku, LegInput, SkuName, SkuSuggestion, SkuUpload, SourceFile
from recon.exclusion_lists import Entry, diff, excluded_in, listed_in, names_of, versions_of
from recon.services import exclusions, imports, sku_files
from tests.exclusions.conftest import Give, Propose
from tests.recon.making import AFTER, BEFORE, CYCLE, new_account, new_person

GUID = "5c000001-2222-4000-8000-000000000000"
NAMES = f"Product_Display_Name,String_Id,GUID\nInvented A,INVENTED_A,{GUID}\n".encode()
SUGGESTED = b"string_id,evidence\nINVENTED_D,An article\nINVENTED_E,Another\n"


def cycle_of(account: Account, cycle=CYCLE) -> BillingCycle:
    return imports.cycle_row(account, cycle)


def test_nothing_is_in_force_until_an_admin_says_so(account: Account, ines: User, propose: Propose) -> None:
    proposed = propose("INVENTED_A", "INVENTED_B")
    assert proposed.state == "ready"
    assert not ExcludedSku.objects.exists()
    assert excluded_in(cycle_of(account)) == (None, frozenset())
    exclusions.put_in_force(proposed, cycle=CYCLE, by=ines)
    version, keys = excluded_in(cycle_of(account))
    assert version is not None
    assert version.source_file == proposed
    assert keys == {"invented_a", "invented_b"}
    assert AuditEvent.objects.filter(action="recon.input.imported", actor=ines).count() == 1


def test_a_version_is_in_force_until_that_of_a_later_cycle(account: Account, give: Give) -> None:
    give("INVENTED_A", cycle=BEFORE)
    give("INVENTED_A", "INVENTED_B", cycle=AFTER)
    found = [excluded_in(cycle_of(account, cycle))[1] for cycle in (BEFORE, CYCLE, AFTER)]
    assert [len(keys) for keys in found] == [1, 1, 2]


def test_one_of_the_same_cycle_takes_its_place_and_both_stay(account: Account, give: Give) -> None:
    first, second = give("INVENTED_A"), give("INVENTED_B")
    first.refresh_from_db()
    assert first.superseded_by == second
    numbered: list[Any] = list(versions_of(account))
    assert [(one.number, one.pk) for one in numbered] == [(2, second.pk), (1, first.pk)]
    assert excluded_in(cycle_of(account))[1] == {"invented_b"}


def test_the_same_bytes_are_the_list_that_is_here_and_can_be_used_from_another_cycle(account, ines, give: Give, propose: Propose) -> None:
    first = give("INVENTED_A", cycle=BEFORE)
    give("INVENTED_B", cycle=CYCLE)
    again = propose("INVENTED_A")
    assert again == first.source_file
    exclusions.put_in_force(again, cycle=AFTER, by=ines)
    assert excluded_in(cycle_of(account, AFTER))[1] == {"invented_a"}
    with pytest.raises(Refused, match="already serves that cycle"):
        exclusions.put_in_force(again, cycle=AFTER, by=ines)


def test_by_hand_makes_a_list_of_its_own_and_the_same_one_for_the_same_skus(account: Account, ines: User, give: Give) -> None:
    base = listed_in(give("INVENTED_A", "INVENTED_B").source_file_id, None)
    changed = exclusions.propose_change(account, base, add=[("INVENTED_C", "See")], remove=["invented_a "], by=ines)
    exclusions.put_in_force(changed, cycle=AFTER, by=ines)
    assert list(ExcludedSku.objects.filter(source_file=changed).values_list("sku", "name")) == [("INVENTED_B", ""), ("INVENTED_C", "See")]
    other = {"invented_c": Entry("invented_c", "INVENTED_C", "See")}
    assert exclusions.propose_change(account, other, add=[("INVENTED_B", "")], remove=(), by=ines) == changed


@pytest.mark.parametrize(("add", "remove"), [([], []), ([("invented_A ", "")], []), ([], ["INVENTED_X"]), ([], ["INVENTED_A"])])
def test_a_change_that_is_none_is_refused(account: Account, ines: User, add: list[tuple[str, str]], remove: list[str]) -> None:
    base = {"invented_a": Entry("invented_a", "INVENTED_A", "")}
    with pytest.raises(Refused):
        exclusions.propose_change(account, base, add=add, remove=remove, by=ines)
    assert not SourceFile.objects.exists()


def test_the_ten_are_offered_and_never_assumed(account: Account, ines: User) -> None:
    proposed = exclusions.propose_start(account, by=ines)
    assert (proposed.loaded, proposed.preview["came"], proposed.preview["dated"]) == (10, "start", "2026-05-28")
    assert excluded_in(cycle_of(account)) == (None, frozenset())


@pytest.mark.parametrize("content", [b"", b"  \n "])
def test_nothing_is_no_list(account: Account, ines: User, content: bytes) -> None:
    with pytest.raises(Refused, match="nothing in it"):
        exclusions.propose(account, content, name="a.txt", came="pasted", by=ines)


def test_a_preparer_puts_none_in_force_by_whatever_way(account: Account, ines: User, give: Give, propose: Propose) -> None:
    mara = new_person(account)
    given, proposed = give("INVENTED_A"), propose("INVENTED_B")
    for act in (
        lambda: imports.start_import(proposed, by=mara, cycle=CYCLE),
        lambda: imports.use_again(given.source_file, by=mara, cycle=AFTER, partial=False),
        lambda: imports.withdraw(given, by=mara),
    ):
        with pytest.raises(Refused, match="Only an admin of Quillmere IT"):
            act()
    assert LegInput.objects.filter(ended_at__isnull=True).get() == given


def test_a_diff_goes_by_part_number() -> None:
    before = {key: Entry(key, key.upper(), "") for key in ("a", "b")}
    after = {key: Entry(key, key.title(), "") for key in ("b", "c", "d")}
    found = diff(before, after)
    assert ([one.sku for one in found.added], [one.sku for one in found.removed], found.same) == (["C", "D"], ["A"], 1)
    assert diff(before, before).is_empty


def test_no_effect_is_said_while_no_identity_is_known(account: Account) -> None:
    assert exclusions.effect_of({"a"}, {"b"}, account) is None


# --- names and suggestions --------------------------------------------------------------------------------------------------------


def test_names_take_the_place_of_those_before_in_their_own_account(account: Account, ines: User) -> None:
    other = new_account("Brightfen Support", "brightfen")
    sku_files.take_names(other, NAMES, name="n.csv", by=new_person(other, "owen@brightfen.example", Role.ADMIN))
    assert names_of(account) is None
    sku_files.take_names(account, NAMES, name="n.csv", by=ines)
    sku_files.take_names(account, NAMES.replace(b"Invented A", b"Invented Other"), name="n2.csv", by=ines)
    assert (names_of(account), names_of(other)) == ({"invented_a": "Invented Other"}, {"invented_a": "Invented A"})
    assert SkuUpload.objects.filter(account=account).count() == 2
    assert SkuName.objects.count() == 2


def test_a_file_that_cannot_be_read_leaves_the_names_as_they_were(account: Account, ines: User) -> None:
    sku_files.take_names(account, NAMES, name="n.csv", by=ines)
    for content in (b"a,b\n1,2\n", b"", b"Product_Display_Name,String_Id,GUID\nInvented,A,none\n"):
        with pytest.raises(Refused):
            sku_files.take_names(account, content, name="n.csv", by=ines)
    assert names_of(account) == {"invented_a": "Invented A"}


def test_what_was_dismissed_stays_dismissed(account: Account, ines: User) -> None:
    sku_files.take_suggestions(account, SUGGESTED, name="s.csv", by=ines)
    first = SkuSuggestion.objects.get(sku="INVENTED_D")
    assert sku_files.dismiss(account, [first.pk], by=ines) == 1
    sku_files.take_suggestions(account, SUGGESTED + b"INVENTED_F,Third\n", name="s2.csv", by=ines)
    again = SkuSuggestion.objects.filter(dismissed_at__isnull=False)
    assert [(one.sku, one.dismissed_by) for one in again] == [("INVENTED_D", ines)]
    with pytest.raises(Refused):
        sku_files.dismiss(account, [again[0].pk], by=ines)
    assert sku_files.ask_again(account, [again[0].pk], by=ines) == 1
    assert not ExcludedSku.objects.exists()


def test_suggestions_of_another_account_are_out_of_reach(account: Account, ines: User) -> None:
    other = new_account("Brightfen Support", "brightfen")
    sku_files.take_suggestions(other, SUGGESTED, name="s.csv", by=new_person(other, "owen@brightfen.example", Role.ADMIN))
    with pytest.raises(Refused):
        sku_files.dismiss(account, list(SkuSuggestion.objects.values_list("pk", flat=True)), by=ines)
