"""Reopening: who may, why, and what the next revision starts from."""

from __future__ import annotations

from accounts.models import BillingCycle, Organization
from recon.models import Reconciliation, ReconcilingItem, RowDecision, SettledRow
from recon.services import decisions, review
from tests.review.making import (
    BILLED,
    DECEMBER,
    NOVEMBER,
    World,
    blocks,
    content,
    key,
    refusal,
    row,
    work,
)  # fmt: skip

State = Reconciliation.State


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
