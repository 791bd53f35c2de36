"""Several people at once on PostgreSQL, each on a connection of their own: one wins, the other is told, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.db import connection, transaction

from accounts.models import AuditEvent
from accounts.services import Refused
from recon import store
from recon.board import board_of
from recon.models import Board, Decision, Drift, Reconciliation, ReconcilingItem, SignedInput, TolerancePolicy, Variance
from recon.services import counting, decisions, imports, months, policies, review
from tests.review.boards import wrong_boards
from tests.review.making import (
    BILLED,
    NOVEMBER,
    OCTOBER,
    World,
    at_once,
    key,
    keys_of,
    new_person,
    new_world,
    row,
    rows_of,
    stricter,
    unheard,
    work,
)
from tests.review.test_decisions import broken

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
State = Reconciliation.State
TIMES = 5


@pytest.fixture
def world(transactional_db: None) -> World:
    return new_world()


def told(results: list[Any]) -> list[str]:
    """What the losers were told. Anything but a sentence for people is an error."""
    raised = [one for one in results if isinstance(one, Exception)]
    for one in raised:
        if not isinstance(one, Refused):
            raise one
    return [str(one) for one in raised]


def after(seconds: float, call: Callable[[], Any]) -> Callable[[], Any]:
    def later() -> Any:
        time.sleep(seconds)
        return call()

    return later


def test_two_reviewers_sign_at_once(world: World) -> None:
    world.month()
    month = world.submitted()
    nora = new_person(world.account, "nora", "reviewer")
    results = at_once(lambda: review.sign(month, by=world.jonah), lambda: review.sign(month, by=nora))
    assert told(results) == ["This month is signed: only what was submitted is signed."]
    month.refresh_from_db()
    assert month.state == State.SIGNED
    assert AuditEvent.objects.get(action="recon.reconciliation.signed_off").actor == month.reviewer
    assert SignedInput.objects.filter(reconciliation=month).count() == 3


def test_submitting_twice_at_once(world: World) -> None:
    world.quiet()
    month = world.of()
    results = at_once(*[lambda: review.submit(month, by=world.mara)] * 3)
    assert told(results) == ["This month is in review already."] * 2
    assert AuditEvent.objects.filter(action="recon.reconciliation.submitted").count() == 1


def test_signing_and_returning_at_once(world: World) -> None:
    world.quiet()
    month = world.submitted()
    results = at_once(lambda: review.sign(month, by=world.jonah), lambda: review.send_back(month, by=world.ines, reason="Wait."))
    assert len(told(results)) == 1
    month.refresh_from_db()
    assert (month.state == State.SIGNED) == AuditEvent.objects.filter(action="recon.reconciliation.signed_off").exists()


@pytest.mark.parametrize("delays", [(0, 0), (0.02, 0), (0, 0.02)] * 2)
def test_a_signature_races_a_new_file(world: World, delays: tuple[float, float]) -> None:
    """Signed and then drifted, or sent back and not signed: never signed over rows that nobody saw."""
    world.quiet()
    month = world.submitted()
    seen = month.run
    late = world.file("rebilled", {**BILLED, ("Dunfell Bakery", "edr"): 1})
    results = at_once(
        after(delays[0], lambda: review.sign(month, by=world.jonah, seen_run=seen)),
        after(delays[1], lambda: imports.use_again(late, by=world.mara, cycle=NOVEMBER, partial=False)),
    )
    told(results)
    work()
    month.refresh_from_db()
    if month.state == State.SIGNED:
        assert month.run == seen
        assert row(month, "Dunfell Bakery").rebilled == 7
        assert Drift.objects.get(reconciliation=month).rows == 1
    else:
        assert month.state == State.WORKING
        assert row(month, "Dunfell Bakery").rebilled == 1
        assert {one.code for one in review.blockers(month)} == {"unexplained"}
        assert not SignedInput.objects.exists()


@pytest.mark.parametrize("again", range(TIMES))
def test_a_signature_races_new_tolerances(world: World, again: int) -> None:
    world.quiet()
    month = world.submitted()
    results = at_once(lambda: review.sign(month, by=world.jonah), lambda: policies.save_policy(world.account, [stricter()], by=world.ines))
    told(results)
    assert TolerancePolicy.objects.count() == 1
    work()
    month.refresh_from_db()
    assert month.policy is None if month.state == State.SIGNED else month.policy is not None


@pytest.mark.parametrize("again", range(TIMES))
def test_nobody_waits_for_each_other_for_ever(world: World, again: int) -> None:
    """Tolerances lock the account and then the months; decisions and imports lock months and write of the account."""
    world.quiet(OCTOBER)
    world.month()
    october, month = world.of(OCTOBER), world.of()
    at = keys_of(rows_of(month))
    late = world.file("billed", BILLED, OCTOBER)
    results = at_once(
        lambda: policies.save_policy(world.account, [stricter()], by=world.ines),
        lambda: decisions.explain(month, at, check="expected", cause="timing", quantity=None, by=world.mara),
        lambda: decisions.mark_reviewed(october, keys_of(rows_of(october)), by=world.mara),
        lambda: imports.use_again(late, by=world.mara, cycle=OCTOBER, partial=False),
        lambda: decisions.assign(month, at, owner=world.tom, by=world.jonah),
    )
    assert told(results) == []
    work()
    assert broken() == []


def test_a_page_that_is_stale(world: World) -> None:
    world.quiet()
    month = world.of()
    seen = month.run

    def anew() -> None:
        months.ask_for_recount(month.cycle, by=world.jonah)
        work()

    results = at_once(
        anew,
        after(0.5, lambda: review.submit(month, by=world.mara, seen_run=seen)),
    )
    (said,) = told(results)
    assert "Look again" in said or said.startswith("Not yet: 1 × comparison")


@pytest.mark.parametrize("again", range(TIMES))
def test_two_people_explain_the_same_difference_at_once(world: World, again: int) -> None:
    world.month()
    month = world.of()
    tarn = [key(month, "Tarn Vale Dental")]
    results = at_once(
        lambda: decisions.explain(month, tarn, check="expected", cause="new_agents", quantity=2, by=world.mara),
        lambda: decisions.explain(month, tarn, check="expected", cause="timing", quantity=None, by=world.jonah),
    )
    (said,) = told(results)
    assert "othing is left to explain" in said
    assert ReconcilingItem.objects.get().quantity == 2
    assert row(month, "Tarn Vale Dental").expected_left == 0
    assert broken() == []


@pytest.mark.parametrize("again", range(TIMES))
def test_different_decisions_of_one_row_at_once_all_count(world: World, again: int) -> None:
    world.month()
    month = world.of()
    at = keys_of(rows_of(month))
    results = at_once(
        lambda: decisions.assign(month, at, owner=world.tom, by=world.mara),
        lambda: decisions.mark_reviewed(month, at, by=world.jonah),
        lambda: decisions.decide_rebill(month, at, quantity=3, reason="dispute", by=world.ines),
        lambda: decisions.explain(month, at, check="expected", cause="timing", quantity=None, by=world.mara),
    )
    assert told(results) == []
    assert rows_of(month).filter(owner=world.tom, is_reviewed=True, rebill_quantity=3, expected_left=0).count() == len(at)
    assert broken() == []


def test_one_act_is_undone_once(world: World) -> None:
    world.month()
    month = world.of()
    decision = decisions.assign(month, keys_of(rows_of(month)), owner=world.tom, by=world.mara)
    results = at_once(lambda: decisions.undo(decision, by=world.mara), lambda: decisions.undo(decision, by=world.jonah))
    assert told(results) == ["That was undone already."]
    assert Decision.objects.get().undone_by is not None


def test_tolerances_are_saved_once_from_one_version(world: World) -> None:
    world.quiet()
    results = at_once(*[lambda: policies.save_policy(world.account, [stricter()], by=world.ines, seen=0)] * 2)
    (said,) = told(results)
    assert "Somebody changed the tolerances" in said
    assert TolerancePolicy.objects.get().version == 1


def test_reopened_once(world: World) -> None:
    world.quiet()
    month = world.signed()
    said = {"reason": "other", "words": "Once more."}
    results = at_once(lambda: review.reopen(month, by=world.ines, **said), lambda: review.reopen(month, by=world.jonah, **said))
    assert told(results) == ["Only the newest signed revision is reopened."]
    assert sorted(Reconciliation.objects.values_list("revision", flat=True)) == [1, 2]


@pytest.mark.parametrize("delay", [0, 0.01, 0.03])
def test_a_file_that_comes_while_a_month_is_reopened_reaches_the_new_revision(world: World, delay: float) -> None:
    world.quiet()
    month = world.signed()
    late = world.file("rebilled", {**BILLED, ("Dunfell Bakery", "edr"): 1})
    results = at_once(
        lambda: review.reopen(month, by=world.ines, reason="late_file", words="A list came."),
        after(delay, lambda: imports.use_again(late, by=world.mara, cycle=NOVEMBER, partial=False)),
    )
    assert told(results) == []
    work()
    assert row(world.of(), "Dunfell Bakery").rebilled == 1
    assert row(month, "Dunfell Bakery").rebilled == 7


def test_an_import_waits_for_who_reopens_and_finds_the_new_revision(world: World) -> None:
    """It waited for the lock of the signed revision; the newest is another by then, and that one is counted anew."""
    world.quiet()
    month = world.signed()
    asked: list[Any] = []

    def ask() -> None:
        try:
            months.ask_for_recount(month.cycle, by=world.mara)
        finally:
            asked.append(Reconciliation.objects.get(revision=2).stale)
            connection.close()

    with transaction.atomic():
        following = review.reopen(month, by=world.ines, reason="other", words="Once more.")
        Reconciliation.objects.filter(pk=following.pk).update(stale=False)
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.3)
        assert not asked
    thread.join(10)
    assert asked == [True]


def test_a_decision_made_while_the_page_is_turned_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison has read what was decided, and somebody decides before it shows that."""
    world.month()
    month = world.of()
    at = [key(month, "Tarn Vale Dental")]
    turning, show = threading.Event(), store._show_decisions

    def slowly(*said: Any) -> None:
        show(*said)
        if threading.current_thread() is not threading.main_thread() and not turning.is_set():
            turning.set()
            time.sleep(0.5)

    monkeypatch.setattr(store, "_show_decisions", slowly)

    def explained() -> Any:
        assert turning.wait(10)
        return decisions.explain(month, at, check="expected", cause="timing", quantity=2, by=world.mara)

    results = at_once(lambda: counting.recount(month.cycle_id, cast(Any, unheard)), explained)
    assert told(results) == []
    assert row(month, "Tarn Vale Dental").expected_left == 0
    assert Variance.objects.filter(reconciliation=month).count() == 4
    assert broken() == []


@pytest.mark.parametrize("again", range(TIMES))
def test_whoever_looks_first_counts_while_others_decide(world: World, again: int) -> None:
    """A board that is counted from rows of before a decision is never kept after it."""
    world.month()
    month = world.of()
    at = keys_of(rows_of(month))
    Board.objects.all().delete()
    results = at_once(
        lambda: board_of(month),
        after(again / 1000, lambda: decisions.assign(month, at, owner=world.tom, by=world.mara)),
        lambda: decisions.mark_reviewed(month, at[:2], by=world.jonah),
        lambda: board_of(month),
    )
    assert told(results) == []
    board_of(month)
    assert wrong_boards() == []
