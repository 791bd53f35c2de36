"""What an answer must leave as it is: a signed month, a split between customers, a quantity that was decided for one row alone."""

from __future__ import annotations

import csv
import io

import pytest

from accounts.models import CustomerShare, Organization
from ingest.models import RejectedLine, UsageLine
from recon.exports import TARGETS
from recon.models import Question, Reconciliation, RowDecision, Variance
from recon.services import decisions, organizations, questions, shares
from recon.services.exports import month_sheet
from recon.services.shares import Wanted
from tests.questions.stories import STEADY, known, mistyped, org, renamed, the, two_months
from tests.review.making import NOVEMBER, OCTOBER, World, key, refusal, row, work

pytestmark = pytest.mark.django_db
SPLIT = [Wanted("Hexmoor Lower School", 1), Wanted("Hexmoor Upper School", 1)]


def sheet(month: Reconciliation) -> list[dict[str, str]]:
    rows, out = Variance.objects.filter(reconciliation=month, run=month.run), io.BytesIO()
    TARGETS["rebill-csv"].write(month_sheet(month, rows), out)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))


def test_a_rejected_row_of_a_signed_month_waits_for_ever_and_its_name_is_decided_all_the_same(world: World) -> None:
    world.quiet(OCTOBER, STEADY)
    given = world.of(OCTOBER).inputs["expected"]["file"]
    sealed = RejectedLine.objects.create(source_file_id=given, line=70, product="edr", name="Harbour Lane Joinery")
    world.signed(OCTOBER)
    world.month(NOVEMBER, STEADY, STEADY, STEADY)
    world.put("expected", STEADY, waiting="Harbour Lane Joinery")
    work()
    questions.answer(the(world, "ambiguous"), "same", by=world.mara, candidate=org(world, "Cobble Lane Florists"))
    sealed.refresh_from_db()
    assert sealed.organization is None
    assert not UsageLine.objects.filter(organization__isnull=True).exists()


def test_a_shared_organization_becomes_nobodys_member(world: World) -> None:
    one = mistyped(world)
    shares.share_out(org(world, "Hexmoor Schol"), SPLIT, by=world.mara)
    assert "Hexmoor Schol is shared out between customers" in refusal(lambda: questions.answer(one, "same", by=world.mara))
    shares.end(org(world, "Hexmoor Schol"), by=world.mara)
    questions.answer(one, "same", by=world.mara)
    assert org(world, "Hexmoor Schol").merged_into == org(world, "Hexmoor School")


def test_a_shared_name_is_no_customer_of_another_split(world: World) -> None:
    world.quiet(NOVEMBER, STEADY)
    lower = known(world, "Hexmoor Lower School")
    shares.share_out(lower, [Wanted("Hexmoor Infants", 1), Wanted("Hexmoor Juniors", 1)], by=world.mara)
    said = refusal(lambda: shares.share_out(org(world, "Cobble Lane Florists"), SPLIT, by=world.mara))
    assert "Hexmoor Lower School is shared out between customers" in said
    assert CustomerShare.objects.filter(ended_at__isnull=True).count() == 2


@pytest.mark.parametrize("internal", ["Hexmoor School", "Hexmoor Schol"])
def test_a_customer_and_one_that_nobody_is_rebilled_for_are_not_made_one(world: World, internal: str) -> None:
    one = mistyped(world)
    organizations.stand(org(world, internal), "internal", by=world.mara, reason="Our own office.")
    said = refusal(lambda: questions.answer(one, "same", by=world.mara))
    assert f"{internal} is internal use" in said
    assert not Organization.objects.filter(merged_into__isnull=False).exists()


def test_undoing_an_answer_leaves_what_was_said_by_hand_since(world: World) -> None:
    one = questions.answer(mistyped(world), "internal", by=world.mara, reason="A test rig.").question
    organizations.stand(org(world, "Hexmoor Schol"), "not_ours", by=world.ines, reason="Another partner’s.")
    questions.undo(one, by=world.mara)
    its = org(world, "Hexmoor Schol")
    assert (its.standing, its.standing_reason) == ("not_ours", "Another partner’s.")


@pytest.mark.parametrize("decided", [["Hexmoor Schol"], ["Hexmoor School"], ["Hexmoor Schol", "Hexmoor School"]])
def test_a_quantity_decided_for_one_of_two_that_are_billed_is_not_that_of_both(world: World, decided: list[str]) -> None:
    one = mistyped(world)
    month = world.of(NOVEMBER)
    for name in decided:
        decisions.decide_rebill(month, [key(month, name)], quantity=3, reason="contract", by=world.mara)
    answered = questions.answer(one, "same", by=world.mara).question
    work()
    its = row(month, "Hexmoor School")
    assert (its.billed, its.rebill_quantity) == (105, None)
    (line,) = [line for line in sheet(world.of(NOVEMBER)) if line["organization"] == "Hexmoor School"]
    assert line["new_quantity"] == "105"
    questions.undo(answered, by=world.mara)
    work()
    assert {name: row(month, name).rebill_quantity for name in decided} == dict.fromkeys(decided, 3)
    assert RowDecision.objects.filter(rebill_reason="contract", rebill_by=world.mara).count() == len(decided)


def test_a_quantity_decided_for_the_one_that_is_billed_follows_a_rename(world: World) -> None:
    one = renamed(world)
    month = world.of(NOVEMBER)
    decisions.decide_rebill(month, [key(month, "Garrowby Glazing")], quantity=4, reason="dispute", by=world.mara)
    questions.answer(one, "same", by=world.mara)
    work()
    assert row(month, "Garrowby Glazing").rebill_quantity == 4


def test_a_members_line_is_the_source_of_its_roots_quantity(world: World) -> None:
    questions.answer(renamed(world), "same", by=world.mara)
    work()
    (line,) = [line for line in sheet(world.of(NOVEMBER)) if (line["organization"], line["product"]) == ("Garrowby Glazing", "edr")]
    assert line["source"].startswith("billed-")


def test_a_signed_months_sheet_is_the_same_after_two_became_one(world: World) -> None:
    both = {("Hexmoor School", "edr"): 64, ("Hexmoor Schol", "edr"): 41}
    two_months(world, {("Hexmoor School", "edr"): 64}, both, rebilled=both)
    one = the(world, "mistyped")
    questions.answer(one, "different", by=world.mara)
    shares.share_out(org(world, "Hexmoor School"), SPLIT, by=world.mara)
    work()
    before = sheet(world.signed(NOVEMBER))
    questions.undo(Question.objects.get(pk=one.pk), by=world.mara)
    questions.answer(one, "same", by=world.mara)
    work()
    assert sheet(world.of(NOVEMBER)) == before


def test_a_signed_months_sheet_is_the_same_after_two_were_taken_apart(world: World) -> None:
    one = renamed(world)
    questions.answer(one, "same", by=world.mara)
    work()
    before = sheet(world.signed(NOVEMBER))
    questions.undo(Question.objects.get(pk=one.pk), by=world.mara)
    work()
    assert sheet(world.of(NOVEMBER)) == before
