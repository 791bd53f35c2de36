"""What answers do, that they flow down into months, and that each is taken back exactly."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.models import Alias, AuditEvent, FormerName, Organization
from ingest.models import Job, UsageLine
from recon import seal
from recon.models import Drift, Note, Question, Reconciliation, ReconcilingItem, RowDecision
from recon.services import asking, decisions, imports, questions, review
from tests.questions.stories import GLASS, GLAZING, STEADY, kinds, known, legs, mistyped, names, org, renamed, the, two_months
from tests.review.making import DECEMBER, NOVEMBER, OCTOBER, World, key, keys_of, refusal, row, rows_of, work

pytestmark = pytest.mark.django_db


def whole_state(world: World) -> dict[str, Any]:
    """Everything that an answer may touch, by its own words."""
    return {
        "organizations": list(
            Organization.objects.filter(account=world.account)
            .order_by("pk").values_list("pk", "name", "name_key", "merged_into", "standing", "standing_reason")
        ),
        "former": list(FormerName.objects.order_by("organization", "name").values_list("organization", "name", "until")),
        "aliases": list(Alias.objects.filter(revoked_at=None).order_by("pk").values_list("organization", "name")),
        "lines": list(UsageLine.objects.order_by("pk").values_list("pk", "organization")),
        "items": list(ReconcilingItem.objects.order_by("pk").values_list("pk", "organization", "product", "quantity", "state")),
        "decisions": list(RowDecision.objects.order_by("pk").values_list("pk", "organization", "product", "owner", "rebill_quantity")),
        "notes": list(Note.objects.order_by("pk").values_list("pk", "organization")),
    }  # fmt: skip


def blocked(world: World) -> dict[str, int]:
    return {one.code: one.count for one in review.blockers(world.of(NOVEMBER))}


# --- asking


def test_a_rename_is_asked_with_its_evidence(world: World) -> None:
    one = renamed(world)
    pair = questions.side_by_side(one)
    assert (pair.subject.name, pair.candidate and pair.candidate.name) == ("Garrowby Glazing", "Garrowby Glass")
    assert pair.subject.units == {"billed": {"edr": 18, "siem": 2}}
    assert pair.candidate is not None
    assert pair.candidate.units["previous"] == pair.candidate.units["expected"] == {"edr": 18, "siem": 2}
    assert (pair.subject.first_billed, pair.candidate.first_billed) == ("2026-10-14", "2026-09-14")
    assert pair.candidate.legs == ["expected", "rebilled"]
    assert pair.together["billed"] == {"edr": 18, "siem": 2}
    assert sum(reason.points for reason in pair.reasons) == one.score
    assert set(pair.answers) == {"same", "different", "internal", "not_ours"}
    assert blocked(world)["questions"] == 1


def test_counting_again_asks_nothing_twice(world: World) -> None:
    one = renamed(world)
    asking.refresh(one.cycle)
    asking.refresh(one.cycle)
    assert kinds(world) == ["renamed"]


def test_what_no_longer_holds_is_withdrawn_and_asked_again_when_it_does(world: World) -> None:
    one = renamed(world)
    old = world.put("billed", {**STEADY, **GLASS})
    work()
    assert kinds(world) == []
    one.refresh_from_db()
    assert one.state == "withdrawn"
    assert "no longer asked" in refusal(lambda: questions.answer(one, "same", by=world.mara))
    imports.withdraw(old, by=world.mara)
    world.put("billed", {**STEADY, **GLAZING})
    work()
    assert the(world, "renamed").pk == one.pk


def test_an_older_month_raises_nothing_new(world: World) -> None:
    world.month(NOVEMBER, {**STEADY, **GLAZING}, {}, {})
    world.put("billed", {**STEADY, **GLASS}, OCTOBER)
    world.put("rebilled", {("Zennor Farms", "edr"): 3}, OCTOBER)
    work()
    assert kinds(world) == ["renamed"]  # of November, which was counted anew: not Zennor Farms of October


def test_a_month_asks_the_same_of_the_database_for_few_and_for_many(world: World) -> None:
    def counted(customers: int) -> int:
        before = {(f"Quillon {n} Tavern", "edr"): n + 1 for n in range(customers)}
        now = {(f"Quillon {n} Taverns", "edr"): n + 1 for n in range(customers)}
        world.put("billed", {**STEADY, **before}, OCTOBER)
        world.put("billed", {**STEADY, **now}, NOVEMBER)
        world.put("rebilled", {**STEADY, **before}, NOVEMBER)
        work()
        cycle = world.of(NOVEMBER).cycle
        Question.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            asking.refresh(cycle)
        assert Question.objects.count() >= customers
        return len(queries)

    assert counted(3) == counted(40) <= 30


# --- same


def test_a_rename_makes_one_line_of_two_with_its_history(world: World) -> None:
    one = renamed(world)
    assert names(world) == ["Cobble Lane Florists", "Garrowby Glass", "Garrowby Glazing"]
    outcome = questions.answer(one, "same", by=world.mara)
    edr = next(effect for effect in outcome.effects if effect.product == "edr")
    assert (edr.rows_before, edr.before["billed"], edr.after) == (2, 0, {"billed": 18, "expected": 18, "rebilled": 18})
    assert {cycle.start for cycle in outcome.cycles} == {OCTOBER.start, NOVEMBER.start}
    assert names(world) == ["Cobble Lane Florists", "Garrowby Glazing"]
    assert legs(world, "Garrowby Glazing") == (18, 18, 18, 18)
    root = org_of(world, "Garrowby Glazing", root=True)
    assert list(root.former_names.values_list("name", flat=True)) == ["Garrowby Glass"]
    assert root.members.count() == 1
    assert blocked(world).get("questions") is None


def org_of(world: World, name: str, *, root: bool) -> Organization:
    return Organization.objects.get(account=world.account, name=name, merged_into__isnull=root)


def test_next_month_both_names_lead_to_the_one_line(world: World) -> None:
    questions.answer(renamed(world), "same", by=world.mara)
    work()
    world.quiet(DECEMBER, {**STEADY, **GLAZING})
    assert kinds(world) == []
    month = world.of(DECEMBER)
    assert row(month, "Garrowby Glazing").previous == 18


def test_undoing_a_rename_puts_everything_back(world: World) -> None:
    one = renamed(world)
    month = world.of(NOVEMBER)
    old, new = key(month, "Garrowby Glass"), key(month, "Garrowby Glazing")
    decisions.explain(month, [old, new], check="expected", cause="other", note="One is the other.", quantity=None, by=world.mara)
    decisions.decide_rebill(month, [new], quantity=4, reason="dispute", by=world.mara)
    decisions.assign(month, [old, new], owner=world.tom, by=world.mara)
    decisions.add_notes(month, [old, new], text="Seen in the portal.", by=world.jonah)
    before, shown = whole_state(world), [*rows_of(month).order_by("organization", "product").values_list("name", "billed", "expected_left")]
    answered = questions.answer(one, "same", by=world.mara)
    work()
    (merged,) = rows_of(month).filter(name="Garrowby Glazing", product="edr")
    assert (merged.expected_difference, merged.expected_explained, merged.expected_left) == (0, 0, 0)
    assert {note.organization_id for note in Note.objects.all()} == {merged.organization_id}
    assert RowDecision.objects.get(product="edr").rebill_quantity is None  # the root's own decision stands
    questions.undo(answered.question, by=world.jonah)
    assert whole_state(world) == before
    work()
    assert [*rows_of(month).order_by("organization", "product").values_list("name", "billed", "expected_left")] == shown
    assert the(world, "renamed").pk == one.pk


def test_items_of_both_add_up_on_the_root(world: World) -> None:
    one = mistyped(world)
    month = world.of(NOVEMBER)
    new = key(month, "Hexmoor Schol")
    decisions.explain(month, [new], check="rebilled", cause="mistyped_key", quantity=41, by=world.mara)
    left = sum(rows_of(month).values_list("rebilled_left", flat=True))
    questions.answer(one, "same", by=world.mara)
    work()
    its = row(month, "Hexmoor School")
    assert (its.billed, its.rebilled, its.rebilled_difference, its.rebilled_explained, its.rebilled_left) == (105, 64, 41, 41, 0)
    assert sum(rows_of(month).values_list("rebilled_left", flat=True)) == left


def test_who_stayed_keeps_its_name(world: World) -> None:
    questions.answer(mistyped(world), "same", by=world.mara)
    assert names(world) == ["Cobble Lane Florists", "Hexmoor School"]
    assert not FormerName.objects.exists()


def test_a_split_customer_is_the_sum_of_its_parts(world: World) -> None:
    two_months(world, {("Acme Dental", "edr"): 40}, {("Acme Dental North", "edr"): 25, ("Acme Dental South", "edr"): 15})
    outcome = questions.answer(the(world, "split"), "same", by=world.mara)
    work()
    assert legs(world, "Acme Dental") == (40, 40, 40, 40)
    questions.undo(outcome.question, by=world.mara)
    work()
    assert legs(world, "Acme Dental") == (0, 40, 40, 40)


def test_members_of_members_count_under_the_root(world: World) -> None:
    questions.answer(renamed(world), "same", by=world.mara)
    work()
    world.month(DECEMBER, {**STEADY, ("Garrowby Glazing UK", "edr"): 18, ("Garrowby Glazing UK", "siem"): 2}, {}, {})
    outcome = questions.answer(the(world, "renamed"), "same", by=world.mara)
    work()
    month = world.of(DECEMBER)
    assert (row(month, "Garrowby Glazing UK").billed, row(month, "Garrowby Glazing UK").previous) == (18, 18)
    first = Question.objects.exclude(pk=outcome.question.pk).get(kind="renamed")
    assert "Undo that first" in refusal(lambda: questions.undo(first, by=world.mara))


def test_one_name_with_two_keys_made_one_answers_the_names_that_fitted_both(world: World) -> None:
    for number in ("72", "195"):
        known(world, "Harbour Lane Joinery", huntress_id=number)
    one, other = Organization.objects.order_by("pk")
    file = world.file("billed", STEADY)
    for line, organization in enumerate((one, other), start=50):
        UsageLine.objects.create(source_file=file, line=line, product="edr", organization=organization, name=one.name, quantity=line)
    imports.use_again(file, by=world.mara, cycle=NOVEMBER, partial=False)
    world.put("expected", STEADY, waiting="HARBOUR LANE, Joinery")
    work()
    assert kinds(world) == ["ambiguous", "same_name"]
    outcome = questions.answer(the(world, "same_name"), "same", by=world.mara)
    work()
    assert kinds(world) == []
    its = row(world.of(NOVEMBER), "Harbour Lane Joinery")
    assert (its.billed, its.expected) == (101, 4)
    questions.undo(outcome.question, by=world.mara)
    work()
    assert kinds(world) == ["ambiguous", "same_name"]


def test_exact_evidence_alone_is_accepted_in_bulk(world: World) -> None:
    known(world, "Fenwick Lowe", key="fenwick")
    known(world, "Lowe Ferris Partners", key="fenwick", huntress_id="78")
    two_months(
        world,
        {("Fenwick Lowe", "edr"): 9, **GLASS},
        {("Lowe Ferris Partners", "edr"): 9, **GLAZING},
    )
    exact = next(entry.question for entry in questions.queue(world.account) if entry.question.is_exact)
    assert not exact.is_blocking
    (outcome,) = questions.answer_exact(world.account, by=world.mara)
    assert outcome.question.pk == exact.pk
    work()
    assert kinds(world) == ["renamed"]
    assert legs(world, "Lowe Ferris Partners") == (9, 9, 9, 9)


# --- different, internal, not ours, later


def test_different_is_remembered_for_the_pair(world: World) -> None:
    one = renamed(world)
    outcome = questions.answer(one, "different", by=world.mara)
    assert outcome.cycles == ()
    work()
    assert kinds(world) == ["missing", "new"]
    questions.undo(outcome.question, by=world.mara)
    work()
    assert kinds(world) == ["renamed"]


@pytest.mark.parametrize(("said", "words"), [("internal", "internal use"), ("not_ours", "not ours")])
def test_nobody_is_rebilled_for_what_is_not_a_customers(world: World, said: str, words: str) -> None:
    two_months(world, {}, {("Our Own Office", "edr"): 6}, rebilled={})
    one = the(world, "new")
    assert "Say why" in refusal(lambda: questions.answer(one, said, by=world.mara))
    before = whole_state(world)
    outcome = questions.answer(one, said, by=world.mara, reason="The helpdesk's own machines.")
    assert words in outcome.words
    work()
    its = row(world.of(NOVEMBER), "Our Own Office")
    assert (its.rebilled_difference, its.rebilled_severity, "nobody_rebilled" in its.flags) == (6, 1, True)
    assert kinds(world) == []
    questions.undo(outcome.question, by=world.mara)
    assert whole_state(world) == before
    work()
    assert row(world.of(NOVEMBER), "Our Own Office").rebilled_severity >= 3


def test_who_is_charged_all_the_same_is_flagged(world: World) -> None:
    two_months(world, {}, {("Our Own Office", "edr"): 6}, rebilled={("Our Own Office", "edr"): 6})
    questions.answer(the(world, "new"), "internal", by=world.mara, reason="Ours.")
    work()
    its = row(world.of(NOVEMBER), "Our Own Office")
    assert "charged_anyway" in its.flags
    assert its.severity >= 3


def test_what_is_left_for_later_sinks_and_still_blocks(world: World) -> None:
    two_months(world, {**GLASS, ("Hexmoor School", "edr"): 64}, {**GLAZING, ("Hexmoor School", "edr"): 64, ("Hexmoor Schol", "edr"): 410})
    first = questions.queue(world.account)[0].question
    assert first.kind == "mistyped"
    questions.postpone(first, by=world.mara)
    queue = questions.queue(world.account)
    assert (queue[-1].question.pk, queue[-1].is_postponed) == (first.pk, True)
    assert blocked(world)["questions"] == 2


def test_names_without_any_candidate_become_customers_of_their_own_at_once(world: World) -> None:
    lists = {**STEADY, ("Zennor Farms", "edr"): 3, ("Cobble Lane Florist", "edr"): 2}
    world.month(NOVEMBER, STEADY, lists, STEADY)
    assert kinds(world) == ["unmatched", "unmatched"]
    (outcome,) = questions.answer_own(world.account, by=world.mara)
    assert outcome.question.name == "Zennor Farms"
    work()
    assert [entry.question.name for entry in questions.queue(world.account)] == ["Cobble Lane Florist"]


# --- what was signed, who decided, who may


def test_a_signed_month_says_that_organizations_were_merged_since(world: World) -> None:
    one = renamed(world)
    questions.answer(one, "different", by=world.mara)
    work()
    month = world.signed(NOVEMBER)
    assert seal.digest(month) == month.digest
    questions.undo(Question.objects.get(pk=one.pk), by=world.mara)
    questions.answer(one, "same", by=world.mara)
    work()
    month.refresh_from_db()
    assert seal.digest(month) == month.digest
    changes = Drift.objects.get(reconciliation=month).changes
    assert "1 Organization was merged since." in changes


def test_the_digest_rests_on_merges_and_standings(world: World) -> None:
    one = mistyped(world)
    outcome = questions.answer(one, "same", by=world.mara)
    work()
    month = world.of(NOVEMBER)
    with_merge = seal.identities(month)
    assert with_merge["merged"] == [[org(world, "Hexmoor Schol").pk, org(world, "Hexmoor School").pk]]
    assert seal.digest(month, with_merge) != seal.digest(month, with_merge | {"merged": []})
    questions.undo(outcome.question, by=world.mara)
    questions.answer(one, "not_ours", by=world.mara, reason="A test rig.")
    work()
    assert seal.identities(world.of(NOVEMBER))["standings"] == [[org(world, "Hexmoor Schol").pk, "not_ours", "A test rig."]]


def test_reopening_takes_a_members_decisions_to_the_root(world: World) -> None:
    one = mistyped(world)
    questions.answer(one, "different", by=world.mara)
    work()
    month = world.signed(NOVEMBER)
    its = key(month, "Hexmoor Schol")
    signed = ReconcilingItem.objects.filter(reconciliation=month, organization=its[0]).count()
    assert signed
    questions.undo(Question.objects.get(pk=one.pk), by=world.mara)
    outcome = questions.answer(one, "same", by=world.mara)
    work()
    again = review.reopen(month, by=world.ines, reason="wrong_decision", words="They are one.")
    work()
    assert not ReconcilingItem.objects.filter(reconciliation=again, organization=its[0]).exists()
    questions.undo(outcome.question, by=world.mara)
    assert ReconcilingItem.objects.filter(reconciliation=again, organization=its[0]).count() == signed


@pytest.mark.parametrize("said", ["same", "different", "internal", "not_ours"])
def test_whoever_answered_decided_in_that_month(world: World, said: str) -> None:
    one = mistyped(world)
    month = world.of(NOVEMBER)
    assert world.jonah.pk not in audit.deciders(month.cycle, month.revision)
    questions.answer(one, said, by=world.jonah, reason="Seen.")
    assert world.jonah.pk in audit.deciders(month.cycle, month.revision)
    assert AuditEvent.objects.filter(action=f"recon.match.{said}", actor=world.jonah, cycle=month.cycle).exists()


def test_only_whoever_works_in_the_account_answers(world: World) -> None:
    one = renamed(world)
    for call in (
        lambda: questions.answer(one, "same", by=world.tom),
        lambda: questions.postpone(one, by=world.tom),
        lambda: questions.undo(one, by=world.tom),
    ):
        assert "Your role" in refusal(call)


def test_an_answer_that_is_none_is_refused(world: World) -> None:
    one = renamed(world)
    assert "no answer" in refusal(lambda: questions.answer(one, "perhaps", by=world.mara))
    elsewhere = Organization.objects.create(account=type(world.account).objects.create(name="Brightfen", slug="brightfen"), name="Else")
    assert "Choose another" in refusal(lambda: questions.answer(one, "same", candidate=elsewhere, by=world.mara))
    assert "nothing to undo" in refusal(lambda: questions.undo(one, by=world.mara))


def test_an_answer_sends_a_month_in_review_back(world: World) -> None:
    questions.answer(renamed(world), "different", by=world.mara)
    work()
    world.submitted(NOVEMBER)
    questions.answer(the(world, "missing"), "not_ours", by=world.mara, reason="Left.")
    assert world.of(NOVEMBER).state == Reconciliation.State.WORKING
    assert Job.objects.filter(kind="recount", state="queued").exists()


def test_keys_of_the_queue_are_kept_apart(world: World) -> None:
    """Two rows for each customer of two months, and one question each."""
    renamed(world)
    assert len(keys_of(rows_of(world.of(NOVEMBER)))) == 5
    assert questions.count_open(world.account) == 1
