"""Explaining, assigning, reviewing, rebilling, undoing: in any order, ``difference = Σ accepted items + unexplained``, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule, run_state_machine_as_test

from accounts.services import Refused
from recon.models import Cause, Note, ReconcilingItem, RowDecision, SettledRow, Variance
from recon.models.decision import NEED_A_NOTE, Decision
from recon.services import decisions, imports
from tests.review.boards import wrong_boards
from tests.review.making import BILLED, EXPECTED, NOVEMBER, REBILLED, World, content, key, keys_of, new_world, refusal, row, rows_of, work

#: Rows whose difference is not its accepted items and what is left, by the database's own arithmetic.
_BROKEN = """
SELECT v.name, v.product FROM recon_variance v JOIN recon_reconciliation r ON r.id = v.reconciliation_id AND r.run = v.run
WHERE v.{check}_difference IS NOT NULL AND v.{check}_difference <> v.{check}_left + COALESCE((
    SELECT SUM(i.quantity) FROM recon_reconcilingitem i
    WHERE i.reconciliation_id = v.reconciliation_id AND i.organization_id = v.organization_id AND i.product = v.product
      AND i.check_name = '{check}' AND i.state = 'accepted'), 0)
   OR (v.{check}_difference IS NULL) <> (v.{check}_left IS NULL)
"""
#: Rows that do not show the decision that is made of them.
_UNSHOWN = """
SELECT v.name, v.product FROM recon_variance v JOIN recon_reconciliation r ON r.id = v.reconciliation_id AND r.run = v.run
LEFT JOIN recon_rowdecision d
  ON d.reconciliation_id = v.reconciliation_id AND d.organization_id = v.organization_id AND d.product = v.product
WHERE COALESCE(v.owner_id, 0) <> COALESCE(d.owner_id, 0)
   OR v.is_reviewed <> (d.reviewed_by_id IS NOT NULL)
   OR COALESCE(v.rebill_quantity, -1) <> (CASE WHEN v.billed IS NULL THEN -1 ELSE COALESCE(d.rebill_quantity, -1) END)
"""


def broken() -> list[Any]:
    found: list[Any] = []
    with connection.cursor() as cursor:
        for sql in (_BROKEN.format(check="expected"), _BROKEN.format(check="rebilled"), _UNSHOWN):
            cursor.execute(sql)
            found += cursor.fetchall()
    return found + wrong_boards()


class Deciding(RuleBasedStateMachine):
    """Two people decide at random while lists come and go; nothing is ever out of balance, and undoing is exact."""

    acts = Bundle("acts")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    @initialize()
    def begin(self) -> None:
        self.world = new_world()
        self.month = self.world.month()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def _keys(self, places: set[int]) -> list[tuple[int, str]]:
        there = keys_of(rows_of(self.month))
        return sorted({there[place % len(there)] for place in places})

    def _act(self, act: Callable[[], Decision]) -> Any:
        try:
            return act()
        except Refused:
            return multiple()

    places = st.sets(st.integers(0, 4), min_size=1, max_size=3)

    @rule(target=acts, places=places, check=st.sampled_from(["expected", "rebilled"]), quantity=st.none() | st.integers(-8, 8))
    def explain(self, places: set[int], check: str, quantity: int | None) -> Any:
        keys = self._keys(places)
        return self._act(lambda: decisions.explain(self.month, keys, check=check, cause="timing", quantity=quantity, by=self.world.mara))

    @rule(target=acts, place=st.integers(0, 20))
    def withdraw(self, place: int) -> Any:
        items = list(ReconcilingItem.objects.filter(reconciliation=self.month, state="accepted").order_by("pk"))
        return self._act(lambda: decisions.withdraw_item(items[place % len(items)], by=self.world.jonah)) if items else multiple()

    @rule(target=acts, places=places, is_owned=st.booleans())
    def assign(self, places: set[int], is_owned: bool) -> Any:
        owner = self.world.tom if is_owned else None
        return self._act(lambda: decisions.assign(self.month, self._keys(places), owner=owner, by=self.world.mara))

    @rule(target=acts, places=places, reviewed=st.booleans())
    def review(self, places: set[int], reviewed: bool) -> Any:
        return self._act(lambda: decisions.mark_reviewed(self.month, self._keys(places), by=self.world.jonah, reviewed=reviewed))

    @rule(target=acts, places=places, quantity=st.none() | st.integers(0, 40))
    def rebill(self, places: set[int], quantity: int | None) -> Any:
        keys = self._keys(places)
        return self._act(lambda: decisions.decide_rebill(self.month, keys, quantity=quantity, reason="dispute", by=self.world.mara))

    @rule(decision=acts)
    def undo(self, decision: Decision) -> None:
        with suppress(Refused):
            decisions.undo(decision, by=self.world.mara)

    @rule(places=places, quantity=st.integers(1, 9))
    def undo_at_once(self, places: set[int], quantity: int) -> None:
        """An act and its undoing leave every row as it was."""
        before = content(self.month)
        for act in (
            lambda: decisions.explain(
                self.month, self._keys(places), check="expected", cause="timing", quantity=quantity, by=self.world.mara
            ),
            lambda: decisions.decide_rebill(self.month, self._keys(places), quantity=quantity, reason="contract", by=self.world.mara),
            lambda: decisions.mark_reviewed(self.month, self._keys(places), by=self.world.mara),
            lambda: decisions.assign(self.month, self._keys(places), owner=self.world.ines, by=self.world.mara),
        ):
            try:
                decision = act()
            except Refused:
                continue
            decisions.undo(decision, by=self.world.jonah)
            assert content(self.month) == before

    @rule(units=st.integers(0, 30), without=st.booleans(), leg=st.sampled_from(["billed", "expected", "rebilled"]))
    def recount(self, units: int, without: bool, leg: str) -> None:
        rows = dict({"billed": BILLED, "expected": EXPECTED, "rebilled": REBILLED}[leg])
        if without:
            rows.pop(("Tarn Vale Dental", "edr"))
        else:
            rows["Tarn Vale Dental", "edr"] = units
        self.world.put(leg, rows)
        work()

    @rule()
    def recount_by_itself_changes_nothing(self) -> None:
        before = content(self.month)
        decisions_before = list(RowDecision.objects.order_by("pk").values_list())
        self.world.put("rebilled", {("Garrowby Farms", "edr"): 1}, partial=True)
        imports.withdraw(self.month.cycle.inputs.get(leg="rebilled", ended_at__isnull=True), by=self.world.mara)
        last = self.month.cycle.inputs.filter(leg="rebilled").order_by("-pk")[1]
        imports.use_again(last.source_file, by=self.world.mara, cycle=NOVEMBER, partial=last.partial)
        work()
        assert content(self.month) == before
        assert list(RowDecision.objects.order_by("pk").values_list()) == decisions_before

    @invariant()
    def is_in_balance(self) -> None:
        assert broken() == []


def test_nothing_that_people_do_unbalances_a_row(db: None) -> None:
    run_state_machine_as_test(Deciding, settings=settings(max_examples=10, stateful_step_count=12, deadline=None))


def test_what_is_left_of_many_rows_is_each_rows_own(world: World) -> None:
    month = world.month()
    loud = keys_of(rows_of(month).exclude(expected_left=0))
    decision = decisions.explain(month, keys_of(rows_of(month)), check="expected", cause="timing", quantity=None, by=world.mara)
    assert set(loud) == set(decision.items.values_list("organization", "product"))
    assert not rows_of(month).exclude(expected_left=0).exists()
    assert row(month, "Tarn Vale Dental").expected_explained == 2
    assert row(month, "Garrowby Farms", "siem").expected_explained == -4
    assert row(month, "Garrowby Farms").rebilled_left == 6
    assert broken() == []
    again = refusal(lambda: decisions.explain(month, loud, check="expected", cause="timing", quantity=None, by=world.jonah))
    assert again == "Nothing is left to explain on these rows."


def test_items_may_overshoot_and_meet_again(world: World) -> None:
    month = world.month()
    at = [key(month, "Garrowby Farms")]
    decisions.explain(month, at, check="rebilled", cause="new_agents", quantity=9, by=world.mara)
    decisions.explain(month, at, check="rebilled", cause="removed_agents", quantity=-3, by=world.mara)
    assert row(month, "Garrowby Farms").rebilled_left == 0
    assert "nothing is left" in refusal(lambda: decisions.explain(month, at, check="rebilled", cause="timing", quantity=1, by=world.jonah))


@pytest.mark.parametrize("cause", sorted(NEED_A_NOTE))
def test_a_cause_that_says_nothing_needs_words(world: World, cause: str) -> None:
    month = world.month()
    said: dict[str, Any] = {"check": "expected", "cause": cause, "quantity": 1, "by": world.mara}
    at = [key(month, "Tarn Vale Dental")]
    assert "write a note" in refusal(lambda: decisions.explain(month, at, note="  ", **said))
    decisions.explain(month, at, note="They said so on the phone.", **said)
    assert ReconcilingItem.objects.get().note == "They said so on the phone."


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"check": "live"}, "which difference"),
        ({"cause": "bad luck"}, "from the list"),
        ({"quantity": 0}, "at least one unit"),
        ({"quantity": 10**12}, "at least one unit"),
        ({"note": "x" * 2001}, "2,000 characters"),
        ({"keys": []}, "at least one row"),
        ({"keys": [(0, "edr")]}, "no longer in the month"),
    ],
)
def test_an_item_is_refused_in_words(world: World, said: dict[str, Any], words: str) -> None:
    month = world.month()
    given: dict[str, Any] = {
        "keys": [key(month, "Tarn Vale Dental")],
        "check": "expected",
        "cause": "timing",
        "quantity": 1,
        "by": world.mara,
    } | said
    assert words in refusal(lambda: decisions.explain(month, given.pop("keys"), **given))
    assert not Decision.objects.exists()


def test_every_cause_can_be_chosen(world: World) -> None:
    month = world.month()
    for cause in Cause.values:
        decision = decisions.explain(
            month, [key(month, "Tarn Vale Dental")], check="expected", cause=cause, quantity=1, note="Seen.", by=world.mara
        )
        decisions.undo(decision, by=world.mara)
    assert ReconcilingItem.objects.filter(state="withdrawn").count() == len(Cause)


def test_a_difference_that_could_not_be_checked_takes_no_item(world: World) -> None:
    month = world.month(rebilled={})
    at = [key(month, "Tarn Vale Dental")]
    assert "could not be checked" in refusal(
        lambda: decisions.explain(month, at, check="rebilled", cause="timing", quantity=1, by=world.mara)
    )
    assert "Nothing is left" in refusal(
        lambda: decisions.explain(month, at, check="rebilled", cause="timing", quantity=None, by=world.mara)
    )


def test_undo_is_refused_while_somebody_has_decided_the_same_since(world: World) -> None:
    """Also where the newest such act was on other rows."""
    month = world.month()
    tarn, garrowby, dunfell = (key(month, name) for name in ("Tarn Vale Dental", "Garrowby Farms", "Dunfell Bakery"))
    first = decisions.assign(month, [tarn, garrowby], owner=world.tom, by=world.mara)
    second = decisions.assign(month, [tarn], owner=world.ines, by=world.jonah)
    decisions.assign(month, [dunfell], owner=world.ines, by=world.jonah)
    assert "Undo that first" in refusal(lambda: decisions.undo(first, by=world.mara))
    assert row(month, "Tarn Vale Dental").owner == world.ines
    decisions.undo(second, by=world.mara)
    assert row(month, "Tarn Vale Dental").owner == world.tom
    decisions.undo(first, by=world.mara)
    assert row(month, "Tarn Vale Dental").owner is None
    assert "undone already" in refusal(lambda: decisions.undo(first, by=world.mara))


def test_undo_puts_back_who_reviewed_and_when(world: World) -> None:
    month = world.month()
    at = [key(month, "Tarn Vale Dental")]
    decisions.mark_reviewed(month, at, by=world.mara)
    decisions.decide_rebill(month, at, quantity=3, reason="dispute", note="Case 12.", by=world.jonah)
    before = RowDecision.objects.values().get()
    decisions.undo(decisions.mark_reviewed(month, at, by=world.jonah, reviewed=False), by=world.mara)
    decisions.undo(decisions.decide_rebill(month, at, quantity=None, by=world.mara), by=world.mara)
    assert RowDecision.objects.values().get() == before


def test_an_item_withdrawn_alone_comes_back_only_while_its_act_stands(world: World) -> None:
    month = world.month()
    at = [key(month, "Tarn Vale Dental")]
    added = decisions.explain(month, at, check="expected", cause="timing", quantity=2, by=world.mara)
    item = ReconcilingItem.objects.get()
    withdrawn = decisions.withdraw_item(item, by=world.jonah)
    assert "withdrawn already" in refusal(lambda: decisions.withdraw_item(item, by=world.jonah))
    decisions.undo(withdrawn, by=world.jonah)
    assert row(month, "Tarn Vale Dental").expected_left == 0
    withdrawn = decisions.withdraw_item(item, by=world.jonah)
    decisions.undo(added, by=world.mara)
    decisions.undo(withdrawn, by=world.mara)
    assert row(month, "Tarn Vale Dental").expected_left == 2
    assert broken() == []


def test_rows_that_vanish_keep_their_decisions_and_get_them_back(world: World) -> None:
    month = world.month(rebilled={})
    at = [key(month, "Garrowby Farms", "siem")]
    decisions.explain(month, at, check="expected", cause="removed_agents", quantity=-4, by=world.mara)
    decisions.assign(month, at, owner=world.tom, by=world.mara)
    decisions.mark_reviewed(month, at, by=world.mara)
    decisions.decide_rebill(month, at, quantity=9, reason="contract", by=world.mara)
    before = content(month)
    without = {place: units for place, units in BILLED.items() if place[1] != "siem"}
    world.put("billed", without)
    world.put("expected", {place: units for place, units in EXPECTED.items() if place[1] != "siem"})
    work()
    assert not rows_of(month).filter(product="siem").exists()
    assert "no longer in the month" in refusal(lambda: decisions.mark_reviewed(month, at, by=world.mara))
    world.put("billed", BILLED)
    world.put("expected", EXPECTED)
    work()
    assert content(month) == before
    back = row(month, "Garrowby Farms", "siem")
    assert (back.expected_left, back.owner, back.is_reviewed, back.rebill_quantity) == (0, world.tom, True, 9)


def test_no_rebill_quantity_where_billed_was_not_provided(world: World) -> None:
    month = world.month(billed={})
    assert "no rebill line" in refusal(
        lambda: decisions.decide_rebill(month, keys_of(rows_of(month)), quantity=1, reason="dispute", by=world.mara)
    )
    assert not RowDecision.objects.exists()


def test_a_rebill_quantity_hides_while_billed_is_away(world: World) -> None:
    month = world.month()
    at = [key(month, "Dunfell Bakery")]
    decisions.decide_rebill(month, at, quantity=6, reason="dispute", by=world.mara)
    imports.withdraw(month.cycle.inputs.get(leg="billed", ended_at__isnull=True), by=world.mara)
    work()
    assert row(month, "Dunfell Bakery").rebill_quantity is None
    world.put("billed", BILLED)
    work()
    assert row(month, "Dunfell Bakery").rebill_quantity == 6


@pytest.mark.parametrize(("quantity", "reason", "words"), [(1, "", "Say why"), (1, "mood", "Say why"), (-1, "dispute", "not negative")])
def test_a_rebill_quantity_has_a_reason_and_is_not_negative(world: World, quantity: int, reason: str, words: str) -> None:
    month = world.month()
    at = keys_of(rows_of(month))
    assert words in refusal(lambda: decisions.decide_rebill(month, at, quantity=quantity, reason=reason, by=world.mara))


def test_notes_are_undone_and_rejected_rows_unsettled(world: World) -> None:
    month = world.month()
    world.put("billed", BILLED, rejected=2)
    work()
    noted = decisions.add_notes(month, keys_of(rows_of(month)), text="Ask Tarn Vale.", is_open=True, by=world.mara)
    decisions.undo(noted, by=world.mara)
    assert Note.objects.filter(withdrawn_at__isnull=True).count() == 0
    waits = decisions.rejected_rows(month)
    settled = decisions.settle_rejected(month, waits, note="Seen.", by=world.mara)
    assert "settled already" in refusal(lambda: decisions.settle_rejected(month, waits, note="Seen.", by=world.jonah))
    assert decisions.rejected_rows(month) == []
    decisions.undo(settled, by=world.mara)
    assert decisions.rejected_rows(month) == waits
    assert not SettledRow.objects.exists()


def test_many_rows_at_once_even_more_than_a_statement_takes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.store._AT_ONCE", 7)
    lists = {(f"Customer {number} Ltd", "edr"): number + 1 for number in range(40)}
    month = world.month(billed=lists, expected={place: units + 9 for place, units in lists.items()}, rebilled={})
    decision = decisions.explain(month, keys_of(rows_of(month)), check="expected", cause="timing", quantity=None, by=world.mara)
    assigned = decisions.assign(month, keys_of(rows_of(month)), owner=world.tom, by=world.mara)
    assert Variance.objects.filter(reconciliation=month, run=month.run, expected_left=0, owner=world.tom).count() == 40
    decisions.undo(assigned, by=world.mara)
    decisions.undo(decision, by=world.mara)
    assert rows_of(month).filter(expected_left=-9, owner__isnull=True).count() == 40
    assert broken() == []
