"""Closing a month: what stands in the way of submitting, who may sign, what a signature refuses, and what reopening keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, cast

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.calendar import Cycle
from accounts.models import AuditEvent, BillingCycle, Membership, Organization, Role
from ingest.models import LegInput
from recon.models import Note, Reconciliation, ReconcilingItem, RowDecision, SettledRow, SignedInput
from recon.models.decision import Decision
from recon.services import decisions, imports, matches, months, policies, review
from tests.review.making import (
    BILLED,
    DECEMBER,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    World,
    content,
    key,
    keys_of,
    new_person,
    refusal,
    row,
    rows_of,
    unheard,
    work,
)  # fmt: skip

State = Reconciliation.State


def blocks(month: Reconciliation) -> dict[str, int]:
    month.refresh_from_db()
    return {one.code: one.count for one in review.blockers(month)}


# --- what stands in the way -------------------------------------------------------------------------------------------------------


def test_nothing_stands_in_the_way_of_lists_that_agree(world: World) -> None:
    month = world.quiet()
    assert blocks(month) == {}
    assert review.submit(month, by=world.mara).state == State.IN_REVIEW


def _no_bill(world: World) -> Reconciliation:
    return world.month(billed={})


def _stale(world: World) -> Reconciliation:
    month = world.quiet()
    months.ask_for_recount(month.cycle, by=world.mara)
    return month


def _unexplained(world: World) -> Reconciliation:
    return world.month()


def _half_explained(world: World) -> Reconciliation:
    month = world.month()
    world.explained()
    item = ReconcilingItem.objects.filter(reconciliation=month).order_by("pk")[0]
    decisions.withdraw_item(item, by=world.mara)
    return month


def _explained_too_far(world: World) -> Reconciliation:
    month = world.quiet(rows={**BILLED, ("Ellermoor Farms", "edr"): 20})
    world.put("rebilled", {**BILLED, ("Ellermoor Farms", "edr"): 15})
    work()
    decisions.explain(month, [key(month, "Ellermoor Farms")], check="rebilled", cause="timing", quantity=6, by=world.mara)
    return month


def _not_reviewed(world: World) -> Reconciliation:
    world.quiet(OCTOBER)
    world.signed(OCTOBER)
    return world.quiet(rows={**BILLED, ("Ellermoor Farms", "edr"): 4})


def _rejected(world: World) -> Reconciliation:
    month = world.quiet()
    world.put("rebilled", BILLED, rejected=2)
    work()
    return month


def _waiting(world: World) -> Reconciliation:
    month = world.quiet()
    world.put("rebilled", BILLED, waiting="Harbour Lane Joinery")
    work()
    return month


def _open_note(world: World) -> Reconciliation:
    month = world.quiet()
    decisions.add_notes(month, [key(month, "Dunfell Bakery")], text="Who ordered these?", is_open=True, by=world.jonah)
    return month


def _not_in_order(world: World) -> Reconciliation:
    world.quiet(OCTOBER)
    return world.quiet()


def _over_a_hole(world: World) -> Reconciliation:
    world.quiet(SEPTEMBER)
    world.signed(SEPTEMBER)
    return world.quiet(NOVEMBER)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (_no_bill, {"no_bill": 1}),
        (_stale, {"stale": 1}),
        (_unexplained, {"unexplained": 4}),
        (_half_explained, {"unexplained": 1}),
        (_explained_too_far, {"unexplained": 1}),
        (_not_reviewed, {"not_reviewed": 1}),
        (_rejected, {"rejected": 2}),
        (_waiting, {"waiting": 1}),
        (_open_note, {"notes": 1}),
        (_not_in_order, {"order": 1}),
        (_over_a_hole, {"order": 1}),
    ],
)
def test_each_thing_that_stands_in_the_way_does_so_alone(
    world: World, make: Callable[[World], Reconciliation], found: dict[str, int]
) -> None:
    month = make(world)
    given = blocks(month)
    assert given == found
    said = refusal(lambda: review.submit(month, by=world.mara))
    assert said.startswith("Not yet: ")
    assert all(f"{count} × " in said for count in found.values())
    month.refresh_from_db()
    assert (month.state, month.preparer) == (State.WORKING, None)


def test_each_can_be_mended(world: World) -> None:
    month = _rejected(world)
    decisions.settle_rejected(month, decisions.rejected_rows(month), note="Both are in the next file.", by=world.mara)
    decisions.add_notes(month, [key(month, "Dunfell Bakery")], text="Sure?", is_open=True, by=world.jonah)
    decisions.resolve_note(Note.objects.get(), month, by=world.mara)
    assert blocks(month) == {}
    waiting = _waiting_in(world)
    matches.settle(world.account, waiting, organization=None, by=world.mara)
    work()
    assert "waiting" not in blocks(month)


def _waiting_in(world: World) -> str:
    world.put("expected", BILLED, waiting="Harbour Lane Joinery")
    return matches.waiting(world.account)[0].name_key


def test_a_hole_of_three_months_counts_three(world: World) -> None:
    world.quiet(Cycle(date(2026, 6, 14), date(2026, 7, 14)))
    world.signed(Cycle(date(2026, 6, 14), date(2026, 7, 14)))
    assert blocks(world.quiet(NOVEMBER)) == {"order": 3}


def test_a_month_whose_files_were_all_withdrawn_before_the_first_is_none(world: World) -> None:
    wrong = world.put("billed", BILLED, Cycle(date(2025, 1, 14), date(2025, 2, 14)))
    imports.withdraw(wrong, by=world.mara)
    month = world.quiet()
    assert blocks(month) == {}


def test_a_month_whose_files_were_withdrawn_between_two_is_a_hole(world: World) -> None:
    world.quiet(SEPTEMBER)
    world.signed(SEPTEMBER)
    imports.withdraw(world.put("billed", BILLED, OCTOBER), by=world.mara)
    month = world.quiet()
    assert blocks(month) == {"order": 1}


def test_a_reopened_earlier_month_is_signed_again_first(world: World) -> None:
    world.quiet(OCTOBER)
    october = world.signed(OCTOBER)
    november = world.quiet()
    assert blocks(november) == {}
    review.reopen(october, by=world.ines, reason="other", words="Once more.")
    work()
    assert blocks(november) == {"order": 1}
    world.signed(OCTOBER)
    work()
    assert blocks(november) == {}


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
    matches.settle(world.account, _waiting_in(world), organization=None, by=world.jonah)


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


def stricter() -> Any:
    from dataclasses import replace
    from decimal import Decimal

    from recon.policies import default_scope

    return replace(default_scope(), investigate_percent=Decimal(1), escalate_percent=Decimal(2), escalate_units=Decimal(0))


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
    months.recount(month.cycle_id, cast(Any, unheard))  # a job that comes late
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


# --- reopened ---------------------------------------------------------------------------------------------------------------------


def test_reopening_needs_a_role_a_reason_and_words(world: World) -> None:
    world.quiet()
    month = world.signed()
    said = {"reason": "other", "words": "A credit came."}
    assert "role" in refusal(lambda: review.reopen(month, by=world.mara, **said))
    assert "role" in refusal(lambda: review.reopen(month, by=world.tom, **said))
    assert "Choose why" in refusal(lambda: review.reopen(month, by=world.jonah, reason="because", words="x"))
    assert "in words" in refusal(lambda: review.reopen(month, by=world.jonah, reason="other", words=" "))
    following = review.reopen(month, by=world.jonah, **said)
    assert (following.revision, following.state, following.reopened_because, following.reopened_words) == (
        2,
        "working",
        "other",
        "A credit came.",
    )
    assert "newest" in refusal(lambda: review.reopen(month, by=world.jonah, **said))
    assert "newest" in refusal(lambda: review.reopen(following, by=world.jonah, **said))


def test_the_next_revision_has_the_same_facts_and_decisions(world: World) -> None:
    world.month()
    month = world.of()
    world.put("billed", BILLED, rejected=1)
    work()
    decisions.settle_rejected(month, decisions.rejected_rows(month), note="Seen.", by=world.mara)
    decisions.assign(month, [key(month, "Tarn Vale Dental")], owner=world.tom, by=world.mara)
    decisions.decide_rebill(month, [key(month, "Dunfell Bakery")], quantity=6, reason="contract", note="Minimum.", by=world.mara)
    withdrawn = decisions.explain(month, [key(month, "Tarn Vale Dental")], check="expected", cause="timing", quantity=1, by=world.mara)
    decisions.undo(withdrawn, by=world.mara)
    signed = world.signed()
    before = content(signed)
    following = review.reopen(signed, by=world.ines, reason="other", words="Once more.")
    work()
    assert content(following) == before
    for model, own in ((ReconcilingItem, "id"), (RowDecision, "id"), (SettledRow, "id")):
        columns = [f.attname for f in model._meta.concrete_fields if f.attname not in {own, "reconciliation_id", "decision_id"}]
        kept = [sorted(model._default_manager.filter(reconciliation=one).values_list(*columns), key=str) for one in (signed, following)]
        if model is ReconcilingItem:
            kept[0] = [values for values in kept[0] if "withdrawn" not in values]
        assert kept[0] == kept[1], model
    assert blocks(following) == {}
    one = ReconcilingItem.objects.filter(reconciliation=following).order_by("pk")[0]
    decisions.withdraw_item(one, by=world.mara)
    assert blocks(following) == {"unexplained": 1}
    assert content(signed) == before


def test_each_revision_is_signed_and_stays(world: World) -> None:
    world.month()
    first = world.signed()
    review.reopen(first, by=world.ines, reason="late_file", words="A list came.")
    world.put("rebilled", BILLED)
    work()
    second = world.signed()
    assert (first.revision, second.revision) == (1, 2)
    assert first.digest != second.digest
    assert row(first, "Garrowby Farms").rebilled == 24
    assert row(second, "Garrowby Farms").rebilled == 30
    assert Reconciliation.objects.filter(cycle=first.cycle, state=State.SIGNED).count() == 2


def test_months_keep_to_their_account(world: World) -> None:
    world.quiet()
    assert not BillingCycle.objects.exclude(account=world.account).exists()
    assert Organization.objects.count() == 3
    assert DECEMBER.start == NOVEMBER.end
