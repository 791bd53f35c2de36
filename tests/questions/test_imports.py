"""Merged Organizations and files that come afterwards: whatever name, id or key a list uses, it counts for the one customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account, Organization, User
from ingest.models import SourceFile, UsageLine
from recon.exports.lines import rebill_lines
from recon.models import Question
from recon.services import questions
from tests.exports.months import row as sheet_row
from tests.exports.months import rows_frame
from tests.recon import making
from tests.recon.making import AFTER, BEFORE, CYCLE, asked, compare, units_of

pytestmark = pytest.mark.django_db
WITH_IDS: list[making.Cell] = ["Organization", "Organization ID", "EDR"]
NAMES: list[making.Cell] = ["Organization", "EDR"]
Put = Callable[..., SourceFile]


@pytest.fixture
def account(db: None) -> Account:
    return making.new_account()


@pytest.fixture
def mara(account: Account) -> User:
    return making.new_person(account)


@pytest.fixture
def put(account: Account, mara: User) -> Put:
    def put(kind: str, *rows: list[making.Cell], cycle: Any = CYCLE) -> SourceFile:
        return making.put(account, mara, kind, making.csv_bytes(*rows), cycle)

    return put


@pytest.fixture
def made_anew(account: Account, put: Put) -> Question:
    """Somebody deleted Oakmere Print Works at Huntress and made it anew as Oakmere Printworks: another id."""
    put("billed", WITH_IDS, ["Oakmere Print Works", "54", 9], ["Tarn Vale", "55", 2], cycle=BEFORE)
    put("billed", WITH_IDS, ["Oakmere Printworks", "78", 9], ["Tarn Vale", "55", 2])
    compare()
    return asked(account, "renamed")[0]


@pytest.mark.parametrize("called", ["Oakmere Printworks", "OAKMERE PRINTWORKS", "Oakmere Print Works"])
def test_a_list_with_either_name_counts_for_the_one_customer(
    account: Account, mara: User, put: Put, made_anew: Question, called: str
) -> None:
    questions.answer(made_anew, "same", by=mara)
    put("rebilled", NAMES, [called, 9], ["Tarn Vale", 2])
    put("billed", WITH_IDS, ["Oakmere Printworks", "78", 10], ["Tarn Vale", "55", 2], cycle=AFTER)
    compare()
    assert asked(account) == []
    assert units_of(account)["Oakmere Printworks", "edr"] == (9, None, 9, 9)
    assert units_of(account, AFTER)["Oakmere Printworks", "edr"] == (10, None, None, 9)
    assert Organization.objects.filter(account=account).count() == 3


def test_what_came_after_a_merge_stands_where_it_belongs_when_it_is_undone(
    account: Account, mara: User, put: Put, made_anew: Question
) -> None:
    questions.answer(made_anew, "same", by=mara)
    put("rebilled", NAMES, ["Oakmere Printworks", 9], ["Tarn Vale", 2])
    put("expected", NAMES, ["Oakmere Print Works", 9], ["Tarn Vale", 2])
    questions.undo(questions.question(account, made_anew.pk), by=mara)
    compare()
    assert units_of(account)["Oakmere Printworks", "edr"] == (9, 0, 9, 0)
    assert units_of(account)["Oakmere Print Works", "edr"] == (0, 9, 0, 9)


def test_a_member_that_is_renamed_renames_the_customer(account: Account, mara: User, put: Put, made_anew: Question) -> None:
    questions.answer(made_anew, "same", by=mara)
    put("billed", WITH_IDS, ["Oakmere Press", "78", 9], ["Tarn Vale", "55", 2], cycle=AFTER)
    compare()
    assert ("Oakmere Press", "edr") in units_of(account, AFTER)
    root = Organization.objects.get(account=account, huntress_id="54")
    assert (root.name, set(root.former_names.values_list("name", flat=True))) == (
        "Oakmere Press", {"Oakmere Print Works", "Oakmere Printworks"},
    )  # fmt: skip


def test_two_of_one_name_made_one_share_it(account: Account, mara: User, put: Put) -> None:
    put("billed", WITH_IDS, ["Harbour Lane Joinery", "72", 5], ["Harbour Lane Joinery", "195", 6])
    compare()
    questions.answer(asked(account, "same_name")[0], "same", by=mara)
    put("expected", NAMES, ["HARBOUR LANE, Joinery", 11])
    compare()
    assert units_of(account) == {("Harbour Lane Joinery", "edr"): (11, 11, None, None)}
    assert not UsageLine.objects.filter(organization=None).exists()


def test_an_unmatched_name_made_the_same_stays_so_next_month(account: Account, mara: User, put: Put) -> None:
    for cycle, units in ((CYCLE, 11), (AFTER, 12)):
        put("billed", WITH_IDS, ["Quernby Motors", "7", units], cycle=cycle)
        put("rebilled", NAMES, ["Quernby Motor Company", units], cycle=cycle)
        compare()
        for one in asked(account, "unmatched"):
            assert cycle == CYCLE
            questions.answer(one, "same", by=mara)
    compare()
    assert units_of(account, CYCLE)["Quernby Motors", "edr"] == (11, None, 11, None)
    assert units_of(account, AFTER)["Quernby Motors", "edr"] == (12, None, 12, 11)


def test_who_is_not_rebilled_has_no_line_but_to_end_what_is_charged() -> None:
    rows = [
        sheet_row("Our Own Office", billed=6, rebilled=0, flags="nobody_rebilled"),
        sheet_row("The Owner's House", billed=2, rebilled=2, flags="nobody_rebilled,charged_anyway"),
        sheet_row("Tarn Vale", billed=3, rebilled=3),
    ]
    lines = rebill_lines(rows_frame(rows))
    assert dict(zip(lines["organization"], lines["new_quantity"], strict=True)) == {"Tarn Vale": 3, "The Owner's House": 0}
