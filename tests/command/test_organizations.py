"""Who is who across the lists, how they are spelt, and what the command will not guess."""

import pytest

from tests.command.making import Reconcile

BY_ID = ("Organization ID", "Organization", "EDR")
BY_KEY = ("Organization Key", "Organization", "EDR")
BY_NAME = ("Organization", "EDR")


def test_organizations_meet_by_id_whatever_their_names(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (7, "Contoso", 5)], expected=[BY_ID, (7, "Contoso Ltd", 5)], rebilled=[BY_ID, (7, "", 5)])
    assert done.rows("organization", "organization_id", "severity") == [("Contoso", "7", "match")]


def test_different_ids_never_meet_by_name(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (7, "Contoso", 5)], expected=[BY_ID, (8, "Contoso", 5)])
    assert done.rows("organization_id", "billed", "expected") == [("7", 5, 0), ("8", 0, 5)]


def test_organizations_meet_by_key(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_KEY, ("c-1", "Contoso", 5)], rebilled=[BY_KEY, ("c-1", "CTS", 5)])
    assert (done.rows("organization"), done.status) == (["Contoso"], 0)


def test_a_list_of_names_meets_one_of_ids(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (7, "Contoso-Dental", 5)], rebilled=[BY_NAME, ("CONTOSO  DENTAL", 5)])
    assert done.rows("organization", "organization_id") == [("Contoso-Dental", "7")]


def test_lists_of_ids_alone_and_of_keys_alone_do_not_meet(reconcile: Reconcile) -> None:
    done = reconcile(billed=[("Organization ID", "EDR"), (7, 5)], rebilled=[("Organization Key", "EDR"), ("c-1", 5)])
    assert done.rows("organization", "billed", "rebilled") == [("7", 5, 0), ("c-1", 0, 5)]


@pytest.mark.parametrize(
    ("lists", "name"),
    [
        ({"billed": "Contoso", "expected": "CONTOSO", "rebilled": "contoso"}, "Contoso"),
        ({"expected": "CONTOSO", "rebilled": "contoso"}, "CONTOSO"),
        ({"rebilled": "contoso"}, "contoso"),
        ({"rebilled": "contoso", "previous": "Contoso"}, "contoso"),
        ({"previous": "Contoso."}, "Contoso."),
    ],
)
def test_the_spelling_is_the_billed_files_else_the_expected_else_the_rebilled(
    reconcile: Reconcile, lists: dict[str, str], name: str
) -> None:
    given = {leg: [BY_NAME, (spelling, 1)] for leg, spelling in lists.items()}
    assert reconcile(**{"billed": [BY_NAME, ("Other", 1)]} | given).row(name)


def test_of_several_spellings_for_one_id_it_is_the_smallest_by_code_point(reconcile: Reconcile) -> None:
    rows = [BY_ID, (7, "contoso", 1), (7, "Ünited", 1), (7, "Zebra", 1), (7, "", 1)]
    assert reconcile(billed=rows).rows("organization", "billed") == [("Zebra", 4)]
    assert reconcile(billed=[BY_ID, (7, "Zebra", 1)], expected=[BY_ID, (7, "Alpha", 1)]).rows("organization") == ["Zebra"]


def test_where_the_bill_has_no_name_the_next_list_spells_it(reconcile: Reconcile) -> None:
    done = reconcile(billed=[("Organization ID", "EDR"), (7, 5), (8, 5)], rebilled=[BY_ID, (7, "Contoso", 5)])
    assert done.rows("organization", "organization_id") == [("8", "8"), ("Contoso", "7")]


def test_two_spellings_that_come_out_alike_are_refused_both_named(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_NAME, ("Contoso Dental", 5), ("Fabrikam", 1), ("CONTOSO-DENTAL", 5)])
    assert (done.status, done.found) == (2, None)
    assert "billed.csv, line 2: “Contoso Dental” could be more than one Organization: “CONTOSO-DENTAL” on line 4 of billed.csv." in done.err
    assert "billed.csv, line 4: “CONTOSO-DENTAL”" in done.err


def test_two_spellings_with_ids_to_tell_them_apart_are_two(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (1, "Contoso", 5), (2, "CONTOSO", 6)])
    assert done.rows("organization", "billed") == [("CONTOSO", 6), ("Contoso", 5)]


def test_a_name_that_fits_two_is_refused_with_both(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (1, "Contoso", 5), (2, "Contoso", 6)], rebilled=[BY_NAME, ("contoso", 5)])
    assert done.status == 2
    assert "rebilled.csv, line 2: “contoso” could be more than one Organization: " in done.err
    assert "“Contoso” (1) on line 2 of billed.csv; “Contoso” (2) on line 3 of billed.csv" in done.err


def test_a_key_that_fits_two_is_refused_with_both(reconcile: Reconcile) -> None:
    head = ("Organization ID", "Organization Key", "Organization", "EDR")
    done = reconcile(billed=[head, (1, "k", "A", 5), (2, "k", "B", 6)], rebilled=[("Organization Key", "EDR"), ("k", 5)])
    assert done.status == 2
    assert "rebilled.csv, line 2: “k” could be more than one Organization: “A” (1) on line 2 of billed.csv; “B” (2)" in done.err


def test_a_spelling_that_only_a_rejected_row_has_is_named_too(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_NAME, ("Contoso", 5), ("CONTOSO", "x")], allow_rejected=True)
    assert done.status == 2
    assert "could be more than one Organization: “CONTOSO” on line 3 of billed.csv." in done.err


def test_last_months_namesake_does_not_stand_in_the_way(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (1, "Contoso", 5)], expected=[BY_NAME, ("Contoso", 5)], previous=[BY_ID, (9, "Contoso", 4)])
    assert done.rows("organization_id", "billed", "expected", "previous") == [("1", 5, 5, 0), ("9", 0, 0, 4)]


def test_names_meet_with_case_accents_and_punctuation_as_written_and_never_by_likeness(reconcile: Reconcile) -> None:
    billed = [BY_NAME, ("ABC", 1), ("Müller", 1), ("Contoso Ltd", 1), ("STRASSE", 1)]
    rebilled = [BY_NAME, ("ABC Holdings (NZ)", 1), ("Muller", 1), ("Contoso", 1), ("straße", 1)]
    done = reconcile(billed=billed, rebilled=rebilled)
    assert [name for name, flags in done.rows("organization", "flags") if not flags] == ["STRASSE"]
    assert len(done.json["variances"]) == 7


def test_names_of_punctuation_alone_are_names(reconcile: Reconcile) -> None:
    assert reconcile(billed=[BY_NAME, ("***", 1), ("--", 2)], expected=[BY_NAME, ("--", 2), ("***", 1)]).status == 0


def test_the_same_id_and_product_twice_is_added_up_with_a_warning(reconcile: Reconcile) -> None:
    done = reconcile(billed=[BY_ID, (7, "Contoso", 5), (7, "CTS", 2)])
    assert done.rows("organization", "billed") == [("CTS", 7)]
    assert done.codes() == ["merged"]
