"""Whose rows are whose: names that wait for a person, renames, and bare names that meet an id later."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import pytest

from accounts.calendar import Cycle
from accounts.models import Alias, FormerName, Organization
from accounts.names import normalise
from accounts.services import Refused
from ingest.models import UsageLine
from recon.loads import usage
from recon.models import Note, ReconcilingItem
from recon.services import decisions, imports, questions, shares
from tests.recon.making import (
    AFTER,
    BEFORE,
    CYCLE,
    NAMES,
    WITH_IDS,
    asked,
    compare,
    current,
    month_of,
    rows_of,
    units_of,
)

# --- names that wait --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_of_a_name(account, put):
    """Two customers called Harbour Lane Joinery, and an expected list that has the bare name."""
    put("billed", WITH_IDS, ["Harbour Lane Joinery", "72", 5], ["Harbour Lane Joinery", "195", 6])
    put("expected", NAMES, ["HARBOUR LANE, Joinery", 5])
    compare()


def test_a_name_that_fits_two_waits_and_leaves_both_unchecked(account, two_of_a_name):
    (waiting,) = asked(account)
    pair = questions.side_by_side(waiting)
    assert (waiting.name, pair.subject.units, len(pair.others)) == ("HARBOUR LANE, Joinery", {"expected": {"edr": 5}}, 2)
    assert sorted((row.billed, row.expected) for row in rows_of(account)) == [(5, None), (6, None)]


def test_settling_a_name_counts_it_where_a_person_said(account, mara, two_of_a_name):
    (waiting,) = asked(account)
    its = Organization.objects.get(huntress_id="72")
    questions.answer(waiting, "same", candidate=its, by=mara)
    compare()
    assert asked(account) == []
    assert sorted((row.billed, row.expected) for row in rows_of(account)) == [(5, 5), (6, 0)]
    with pytest.raises(Refused, match="decided this already"):
        questions.answer(waiting, "same", candidate=its, by=mara)


def test_a_settled_name_is_remembered_next_month(account, mara, put, two_of_a_name):
    (waiting,) = asked(account)
    questions.answer(waiting, "same", candidate=Organization.objects.get(huntress_id="195"), by=mara)
    put("billed", WITH_IDS, ["Harbour Lane Joinery", "72", 5], ["Harbour Lane Joinery", "195", 7], cycle=AFTER)
    put("expected", NAMES, ["harbour lane joinery", 7], cycle=AFTER)
    compare()
    assert asked(account) == []
    assert sorted((row.billed, row.expected) for row in rows_of(account, AFTER)) == [(5, 0), (7, 7)]


def test_a_name_that_is_nobody_elses_becomes_an_organization_of_its_own(account, mara, put, two_of_a_name):
    (waiting,) = asked(account)
    questions.answer(waiting, "different", by=mara)
    new = Alias.objects.get().organization
    compare()
    assert Organization.objects.filter(account=account).count() == 3
    assert {(row.organization_id == new.pk, row.billed, row.expected) for row in rows_of(account)} == {
        (True, 0, 5),
        (False, 5, 0),
        (False, 6, 0),
    }
    put("expected", NAMES, ["Harbour Lane Joinery", 4])
    compare()
    assert next(row.expected for row in rows_of(account) if row.organization_id == new.pk) == 4


def test_one_customer_spelt_two_ways_in_one_list_waits_and_is_made_one(account, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], ["TARN VALE DENTAL", 4])
    compare()
    (waiting,) = asked(account)
    assert questions.side_by_side(waiting).subject.spelt[""] == ["TARN VALE DENTAL", "Tarn Vale Dental"]
    questions.answer(waiting, "different", by=mara)
    compare()
    assert list(units_of(account).values()) == [(7, None, None, None)]


def test_a_name_of_a_replaced_or_withdrawn_list_does_not_wait(account, mara, put, two_of_a_name):
    imports.withdraw(current(account, "expected"), by=mara)
    compare()
    assert asked(account) == []


def test_a_name_settled_while_its_list_was_withdrawn_is_settled_there_too(account, mara, put, two_of_a_name):
    old = current(account, "expected").source_file
    put("expected", NAMES, ["HARBOUR LANE, Joinery", 6])  # replaces it
    compare()
    (waiting,) = asked(account)
    questions.answer(waiting, "same", candidate=Organization.objects.get(huntress_id="72"), by=mara)
    imports.use_again(old, by=mara, cycle=CYCLE, partial=False)
    assert asked(account) == []


def test_a_name_that_waits_again_takes_the_newest_answer(account, mara, put, two_of_a_name):
    (waiting,) = asked(account)
    first, second = Organization.objects.get(huntress_id="72"), Organization.objects.get(huntress_id="195")
    questions.answer(waiting, "same", candidate=first, by=mara)
    UsageLine.objects.filter(source_file=current(account, "expected").source_file).update(organization=None)  # as one imported meanwhile
    compare()
    (waiting,) = asked(account)
    questions.answer(waiting, "same", candidate=second, by=mara)
    assert Alias.objects.get(account=account, revoked_at=None).organization == second
    assert Alias.objects.filter(account=account).count() == 2


# --- renames, and bare names ------------------------------------------------------------------------------------------------------


def test_the_same_id_under_a_new_name_is_the_same_organization(account, put):
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    compare()
    its = Organization.objects.get(account=account)
    assert (its.name, its.name_key) == ("Lowe Ferris Partners", normalise("Lowe Ferris Partners"))
    assert FormerName.objects.get().name == "Fenwick Lowe"
    assert units_of(account) == {("Lowe Ferris Partners", "edr"): (9, None, None, 9)}


def test_a_list_that_has_the_old_name_still_matches(account, put):
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    put("rebilled", NAMES, ["Fenwick Lowe", 8])
    compare()
    assert units_of(account) == {("Lowe Ferris Partners", "edr"): (9, None, 8, 9)}


def test_an_older_report_that_comes_late_does_not_bring_the_old_name_back(account, put):
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    assert Organization.objects.get(account=account).name == "Lowe Ferris Partners"


@pytest.mark.parametrize("order", list(permutations(("billed", "expected", "rebilled"))))
def test_a_bare_name_and_an_id_meet_in_every_order_of_upload(account, put, order):
    rows: dict[str, list[list[Any]]] = {
        "billed": [WITH_IDS, ["Tarn Vale Dental", "153", 9], ["Marrick Town Trust", "93", 2]],
        "expected": [NAMES, ["tarn vale dental", 8], ["Marrick Town Trust", 2]],
        "rebilled": [["Customer", "Service", "Qty"], ["TARN VALE DENTAL", "Managed EDR", 7]],
    }
    for kind in order:
        put(kind, *rows[kind])
    compare()
    assert sorted(row[:3] for row in units_of(account).values()) == [(2, 2, 0), (9, 8, 7)]


def test_a_bare_name_that_turns_out_to_be_a_renamed_one_takes_its_rows_and_notes_along(account, mara, put):
    """The expected list knows the new name a day before the report does; both months are counted again."""
    put("billed", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=BEFORE)
    put("expected", NAMES, ["Lowe Ferris Partners", 9])
    compare()
    bare = Organization.objects.get(name="Lowe Ferris Partners")
    Note.objects.create(cycle=month_of(account).cycle, organization=bare, product="edr", author=mara, text="New name")
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 9])
    compare()
    its = Organization.objects.get(huntress_id="54")
    assert units_of(account) == {("Lowe Ferris Partners", "edr"): (9, 9, None, 9)}
    assert Note.objects.get().organization == its


def test_a_bare_name_that_turns_out_to_be_a_renamed_one_takes_what_was_decided_of_it_along(account, mara, put):
    put("billed", WITH_IDS, ["Tarn Vale Dental", "41053", 12])
    put("expected", NAMES, ["Kestrel Clinic", 5])
    compare()
    bare = Organization.objects.get(name="Kestrel Clinic")
    decisions.explain(month_of(account), [(bare.pk, "edr")], check="expected", cause="timing", quantity=-5, by=mara)
    shares.share_out(bare, [shares.Wanted("Kestrel North", 1), shares.Wanted("Kestrel South", 1)], by=mara)
    put("billed", WITH_IDS, ["Kestrel Clinic", "41053", 12], name="renamed.csv")
    compare()
    its = Organization.objects.get(huntress_id="41053")
    assert ReconcilingItem.objects.get().organization == its
    assert [share.customer for share in shares.shares_in_force(its)] == ["Kestrel North", "Kestrel South"]


def test_an_answer_while_a_list_is_read_makes_no_ring_of_two(account, mara, put, monkeypatch):
    """The list makes the bare name the renamed one; meanwhile a person made the renamed one count under the bare name."""
    put("billed", WITH_IDS, ["Tarn Vale Dental", "41053", 12])
    put("expected", NAMES, ["Kestrel Clinic", 5])
    bare, its = Organization.objects.get(name="Kestrel Clinic"), Organization.objects.get(huntress_id="41053")
    known(bare)
    identified = usage.identify

    def answered_meanwhile(*given: Any) -> Any:
        plan = identified(*given)
        Organization.objects.filter(pk=its.pk).update(merged_into=bare)
        return plan

    monkeypatch.setattr(usage, "identify", answered_meanwhile)
    put("billed", WITH_IDS, ["Kestrel Clinic", "41053", 12], name="renamed.csv")
    assert dict(Organization.objects.values_list("pk", "merged_into")) == {bare.pk: None, its.pk: bare.pk, known(bare).pk: bare.pk}


def known(root: Organization) -> Organization:
    """A member of a bare name, once and for all."""
    return Organization.objects.get_or_create(account=root.account, name="Kestrel Surgery", merged_into=root)[0]


def test_the_month_after_is_compared_anew_when_a_bare_name_of_a_bill_meets_its_organization(account, mara, put):
    put("billed", NAMES, ["Lowe Ferris Partners", 9], cycle=BEFORE)
    put("billed", NAMES, ["Lowe Ferris Partners", 11])
    put("expected", WITH_IDS, ["Fenwick Lowe", "54", 9], cycle=Cycle(date(2026, 8, 14), date(2026, 9, 14)))
    compare()
    put("billed", WITH_IDS, ["Lowe Ferris Partners", "54", 12], cycle=AFTER)
    compare()
    assert [[row[0], row[3]] for row in units_of(account).values()] == [[11, 9]]
    assert [[row[0], row[3]] for row in units_of(account, AFTER).values()] == [[12, 11]]
