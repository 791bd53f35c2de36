"""Closing a month: submitting, who may sign, what sends it back, and what a signature refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEvent, Membership, Role
from ingest.models import LegInput
from recon.models import Note, Reconciliation, ReconcilingItem, SignedInput
from recon.models.decision import Decision
from recon.services import counting, decisions, imports, months, policies, questions, review
from tests.review.making import (
    BILLED,
    OCTOBER,
    World,
    content,
    key,
    keys_of,
    new_person,
    refusal,
    rows_of,
    stricter,
    unheard,
    waiting_in,
    work,
)  # fmt: skip

State = Reconciliation.State


def test_submitting_needs_a_role_and_an_account_in_use(world: World) -> None:
    month = world.quiet()
    stranger = new_person(world.account, "owen", Role.PREPARER)
    Membership.objects.filter(user=stranger).delete()
    assert "role" in refusal(lambda: review.submit(month, by=world.tom))
    assert "role" in refusal(lambda: review.submit(month, by=stranger))
    world.mara.is_active = False
    assert "role" in refusal(lambda: review.submit(month, by=world.mara))


def test_what_was_not_seen_is_not_submitted_or_signed(world: World) -> None:
    month = world.quiet()
    seen = month.run
    months.ask_for_recount(month.cycle, by=world.mara)
    work()
    assert "compared anew" in refusal(lambda: review.submit(month, by=world.mara, seen_run=seen))
    month.refresh_from_db()
    review.submit(month, by=world.mara, seen_run=month.run)
    assert "compared anew" in refusal(lambda: review.sign(month, by=world.jonah, seen_run=seen))
    assert review.sign(month, by=world.jonah, seen_run=month.run).state == State.SIGNED


# --- who may sign -----------------------------------------------------------------------------------------------------------------


def _explains(world: World, month: Reconciliation) -> None:
    at = key(month, "Ellermoor Farms")
    decisions.explain(month, [at], check="rebilled", cause="timing", quantity=None, by=world.jonah)


def _withdraws(world: World, month: Reconciliation) -> None:
    at = key(month, "Ellermoor Farms")
    decisions.explain(month, [at], check="rebilled", cause="timing", quantity=None, by=world.mara)
    decisions.withdraw_item(ReconcilingItem.objects.get(), by=world.jonah)


def _reviews(world: World, month: Reconciliation) -> None:
    decisions.mark_reviewed(month, [key(month, "Dunfell Bakery")], by=world.jonah)


def _rebills(world: World, month: Reconciliation) -> None:
    decisions.decide_rebill(month, [key(month, "Dunfell Bakery")], quantity=6, reason="dispute", by=world.jonah)


def _settles(world: World, month: Reconciliation) -> None:
    decisions.settle_rejected(month, decisions.rejected_rows(month), note="Seen.", by=world.jonah)


def _matches(world: World, month: Reconciliation) -> None:
    questions.answer(waiting_in(world), "different", by=world.jonah)


def _undoes(world: World, month: Reconciliation) -> None:
    decisions.undo(decisions.mark_reviewed(month, [key(month, "Dunfell Bakery")], by=world.mara), by=world.jonah)


def _resolves(world: World, month: Reconciliation) -> None:
    decisions.add_notes(month, [key(month, "Dunfell Bakery")], text="Sure?", is_open=True, by=world.mara)
    decisions.resolve_note(Note.objects.get(), month, by=world.jonah)


@pytest.mark.parametrize("decide", [_explains, _withdraws, _reviews, _rebills, _settles, _matches, _undoes, _resolves])
def test_whoever_decided_anything_does_not_sign(world: World, decide: Callable[[World, Reconciliation], None]) -> None:
    agreed = {**BILLED, ("Ellermoor Farms", "edr"): 20}
    world.put("billed", agreed)
    world.put("expected", agreed)
    world.put("rebilled", {**agreed, ("Ellermoor Farms", "edr"): 15}, rejected=1)
    work()
    month = world.of()
    decide(world, month)
    work()
    world.explained()
    if waits := decisions.rejected_rows(month):
        decisions.settle_rejected(month, waits, note="Seen.", by=world.mara)
    month = review.submit(month, by=world.mara)
    assert "You made decisions" in review.reviewer_objection(month, world.jonah)
    assert "You made decisions" in refusal(lambda: review.sign(month, by=world.jonah))
    month.refresh_from_db()
    assert month.state == State.IN_REVIEW
    other = new_person(world.account, "nora", Role.REVIEWER)
    assert review.sign(month, by=other).reviewer == other


def test_whoever_submitted_does_not_sign_whatever_the_role(world: World) -> None:
    world.quiet()
    month = review.submit(world.of(), by=world.ines)
    assert "You submitted" in refusal(lambda: review.sign(month, by=world.ines))


def test_a_decision_of_an_earlier_revision_still_counts(world: World) -> None:
    world.month()
    month = world.of()
    nora = new_person(world.account, "nora", Role.REVIEWER)
    decisions.decide_rebill(month, [key(month, "Dunfell Bakery")], quantity=6, reason="dispute", by=nora)
    signed = world.signed()
    review.reopen(signed, by=world.ines, reason="other", words="Once more.")
    work()
    again = review.submit(world.of(), by=world.mara)
    assert "You made decisions" in refusal(lambda: review.sign(again, by=nora))
    assert review.sign(again, by=world.jonah).state == State.SIGNED


def test_only_a_reviewer_or_an_admin_in_use_signs(world: World) -> None:
    world.quiet()
    month = world.submitted()
    for person in (world.tom, new_person(world.account, "pia", Role.PREPARER)):
        assert refusal(lambda: review.sign(month, by=person)) == "Reviewers and admins sign."  # noqa: B023
    world.jonah.is_active = False
    world.jonah.save()
    assert refusal(lambda: review.sign(month, by=world.jonah)) == "Reviewers and admins sign."
    assert refusal(lambda: review.send_back(month, by=world.tom, reason="No.")).startswith("Your role")


def test_solo_is_the_accounts_rule_and_is_frozen(world: World) -> None:
    world.quiet()
    month = review.submit(world.of(), by=world.ines)
    assert "different person" in refusal(lambda: review.sign(month, by=world.ines))
    world.account.solo_rule = True
    world.account.save()
    signed = review.sign(month, by=world.ines)
    assert signed.solo_rule
    world.account.solo_rule = False
    world.account.save()
    signed.refresh_from_db()
    assert (signed.solo_rule, signed.preparer, signed.reviewer) == (True, world.ines, world.ines)
    assert "solo_rule" in AuditEvent.objects.get(action="recon.reconciliation.signed_off").after


@pytest.mark.parametrize("missing", [{"reviewer_id": None}, {"preparer_id": None}, {"signed_at": None}, {"digest": ""}, {"same": True}])
def test_the_database_wants_two_people(world: World, missing: dict[str, Any]) -> None:
    world.quiet()
    month = world.submitted()
    values: dict[str, Any] = {
        "preparer_id": world.mara.pk,
        "reviewer_id": world.jonah.pk,
        "signed_at": "2026-11-16 12:00:00+00:00",
        "digest": "ab" * 32,
    }
    values |= {"reviewer_id": world.mara.pk} if missing.get("same") else missing
    sets = ", ".join(f"{name} = %s" for name in values)
    with pytest.raises(IntegrityError, match="reconciliation_signed_by_two"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE recon_reconciliation SET state = 'signed', {sets} WHERE id = %s", [*values.values(), month.pk])


# --- back and forth ---------------------------------------------------------------------------------------------------------------


def test_a_reviewer_returns_it_with_a_reason_and_its_preparer_takes_it_back(world: World) -> None:
    world.quiet()
    month = world.submitted()
    assert "why" in refusal(lambda: review.send_back(month, by=world.jonah, reason=" "))
    assert review.send_back(month, by=world.jonah, reason="Look at Dunfell.").state == State.WORKING
    assert AuditEvent.objects.get(action="recon.reconciliation.returned").after == {"reason": "Look at Dunfell."}
    review.submit(month, by=world.mara)
    assert review.send_back(month, by=world.mara, reason="I forgot something.").state == State.WORKING
    assert "nothing to return" in refusal(lambda: review.send_back(month, by=world.jonah, reason="Late."))


def _new_file(world: World) -> None:
    world.put("expected", {**BILLED, ("Dunfell Bakery", "edr"): 9})


def _withdrawn(world: World) -> None:
    imports.withdraw(LegInput.objects.get(leg="expected", ended_at__isnull=True), by=world.mara)


def _tolerance(world: World) -> None:
    policies.save_policy(world.account, [stricter()], by=world.ines)


@pytest.mark.parametrize("change", [_new_file, _withdrawn, _tolerance])
def test_what_changes_an_input_in_review_sends_it_back(world: World, change: Callable[[World], None]) -> None:
    world.quiet()
    month = world.submitted()
    change(world)
    month.refresh_from_db()
    assert (month.state, month.stale) == (State.WORKING, True)
    assert "only what was submitted" in refusal(lambda: review.sign(month, by=world.jonah))
    returned = AuditEvent.objects.get(action="recon.reconciliation.returned")
    assert returned.after == {"reason": "input_changed"}


def test_in_review_nothing_is_decided(world: World) -> None:
    world.month()
    month = world.submitted()
    _everything_refused(world, month, "in review")


# --- signed -----------------------------------------------------------------------------------------------------------------------


def test_signed_refuses_every_act(world: World) -> None:
    world.month()
    month = world.of()
    decisions.add_notes(month, [key(month, "Dunfell Bakery")], text="Looked at twice.", by=world.mara)
    month = world.signed()
    before = content(month)
    _everything_refused(world, month, "signed")
    assert "signed already" in refusal(lambda: review.submit(month, by=world.mara))
    assert "only what was submitted" in refusal(lambda: review.sign(month, by=world.jonah))
    assert "nothing to return" in refusal(lambda: review.send_back(month, by=world.jonah, reason="Late."))
    assert content(month) == before


def _everything_refused(world: World, month: Reconciliation, word: str) -> None:
    at = keys_of(rows_of(month))
    acts: list[Callable[[], Any]] = [
        lambda: decisions.explain(month, at, check="expected", cause="timing", quantity=1, by=world.mara),
        lambda: decisions.withdraw_item(ReconcilingItem.objects.filter(reconciliation=month)[0], by=world.mara),
        lambda: decisions.assign(month, at, owner=world.mara, by=world.mara),
        lambda: decisions.mark_reviewed(month, at, by=world.mara),
        lambda: decisions.decide_rebill(month, at, quantity=1, reason="dispute", by=world.mara),
        lambda: decisions.settle_rejected(month, [(1, 1)], note="Seen.", by=world.mara),
        lambda: decisions.add_notes(month, at, text="Late.", by=world.mara),
        lambda: decisions.undo(Decision.objects.filter(reconciliation=month)[0], by=world.mara),
        lambda: decisions.resolve_note(Note(pk=0), month, by=world.mara),
    ]
    for act in acts:
        assert f"This month is {word}" in refusal(act)


def test_signed_rows_survive_a_recount_that_was_asked_for_before(world: World) -> None:
    month = world.signed() if world.month() else None
    assert month
    before, run = content(month), month.run
    counting.recount(month.cycle_id, cast(Any, unheard))  # a job that comes late
    months.ask_for_recount(month.cycle, by=world.mara)
    work()
    month.refresh_from_db()
    assert (content(month), month.run, month.stale) == (before, run, False)


def test_what_is_signed_names_its_files(world: World) -> None:
    world.quiet(OCTOBER)
    world.signed(OCTOBER)
    world.quiet()
    month = world.signed()
    kept = dict(SignedInput.objects.filter(reconciliation=month).values_list("leg", "sha256"))
    assert kept == {leg: given["sha256"] for leg, given in month.inputs.items()}
    assert set(kept) == {"billed", "expected", "rebilled", "previous"}
