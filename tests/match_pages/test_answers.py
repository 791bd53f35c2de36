"""What people answer through the page: each decision, its way back, many at once, and who was quicker."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Account, Alias, AuditEvent, Organization
from ingest.models import Job, UsageLine
from recon.models import Question
from recon.services import questions
from tests.match_pages.pages import Pages, in_rebilled_list_alone, namesakes
from tests.questions.stories import GLASS, STEADY, known, legs, mistyped, org, renamed, the
from tests.review.making import NOVEMBER, OCTOBER, World, work

pytestmark = pytest.mark.django_db


def test_same_makes_one_customer_and_says_what_changed(mara: Pages, world: World) -> None:
    one = renamed(world)
    said = mara.answer(one, "same")
    assert "Remembered: Garrowby Glazing and Garrowby Glass are one customer." in said
    assert "Comparing anew." in said
    assert Job.objects.filter(kind="recount", state="queued").exists()
    work()
    assert legs(world, "Garrowby Glazing") == (18, 18, 18, 18)
    shown = mara.get("match", one.pk)
    assert "What it changed" in shown
    assert "expected – → 18" not in shown
    assert "billed 0 → 18" in shown
    assert "(2 rows became one)" in shown


def test_different_is_never_asked_again(mara: Pages, world: World) -> None:
    one = renamed(world)
    assert "Remembered: Garrowby Glazing is not Garrowby Glass." in mara.answer(one, "different")
    work()
    assert not Question.objects.filter(topic=one.topic, state="open").exists()


@pytest.mark.parametrize(("said", "words"), [("internal", "internal use"), ("not_ours", "not ours")])
def test_nobody_is_rebilled_for_a_reason(mara: Pages, world: World, said: str, words: str) -> None:
    one = mistyped(world)
    assert "Say why nobody is rebilled for it." in mara.answer(one, said)
    assert Question.objects.get(pk=one.pk).state == "open"
    assert f"Remembered: Hexmoor Schol is {words}." in mara.answer(one, said, reason="Our own test machines.")
    assert org(world, "Hexmoor Schol").standing == said
    assert "Our own test machines." in mara.get("match", one.pk)


def test_later_sinks_and_still_blocks(mara: Pages, world: World) -> None:
    one = renamed(world)
    assert "comes last now, and still waits" in mara.answer(one, "later")
    one.refresh_from_db()
    assert (one.state, bool(one.postponed_at)) == ("open", True)
    assert "· later" in mara.get("matches")


def test_an_answer_goes_on_to_the_next_question(mara: Pages, world: World) -> None:
    one = renamed(world)
    another = Question.objects.create(
        account=world.account, cycle=one.cycle, kind="new", topic="new:2026:1", subject=one.subject, name="Tarn Vale", is_blocking=False
    )
    response = mara.client.post(mara.address("answer", one.pk), {"answer": "different", "next": another.pk})
    assert response.headers["Location"] == mara.address("match", another.pk)
    gone = mara.client.post(mara.address("answer", another.pk), {"answer": "different", "next": one.pk})
    assert gone.headers["Location"] == mara.address("matches"), "what is answered is not gone on to"


def test_undo_takes_it_back_and_asks_again(mara: Pages, world: World) -> None:
    one = renamed(world)
    mara.answer(one, "same")
    work()
    assert "Taken back: Garrowby Glazing is to be decided again." in mara.post("undo_match", one.pk)
    work()
    assert the(world, "renamed").pk == one.pk
    assert legs(world, "Garrowby Glazing")[0] == 18
    assert org(world, "Garrowby Glass").merged_into_id is None
    assert "there is nothing to undo" in mara.post("undo_match", one.pk)


def test_whoever_is_slower_is_told_who_was_quicker(mara: Pages, world: World) -> None:
    one = renamed(world)
    questions.answer(one, "different", by=world.jonah)
    said = mara.answer(one, "same")
    assert "decided this already: different" in said
    assert "Jonah said so on" in said
    assert org(world, "Garrowby Glass").merged_into_id is None


def test_what_no_longer_holds_cannot_be_answered(mara: Pages, world: World) -> None:
    one = renamed(world)
    world.put("billed", {**STEADY, **GLASS})
    work()
    assert "No longer asked." in mara.get("match", one.pk)
    assert "the lists have changed" in mara.answer(one, "same")


def test_the_same_as_somebody_who_was_not_suggested(mara: Pages, world: World) -> None:
    one = mistyped(world)
    other = known(world, "Hexmoor Infants", huntress_id="77")
    said = mara.answer(one, "same", compared=other.pk)
    assert "Remembered: Hexmoor Schol and Hexmoor Infants are one customer." in said
    assert "same as Hexmoor Infants" in mara.get("match", one.pk)


def test_compared_with_another_one_different_is_still_about_the_question(mara: Pages, world: World) -> None:
    one = mistyped(world)
    other = known(world, "Hexmoor Infants")
    assert "Remembered: Hexmoor Schol is not Hexmoor School." in mara.answer(one, "different", compared=other.pk)


# --- whose rows a name’s are


def test_a_name_is_settled_and_counts(mara: Pages, world: World) -> None:
    one = namesakes(world)
    its = Organization.objects.get(huntress_id="72")
    assert "Remembered: those rows are Harbour Lane Joinery’s." in mara.post("answer", one.pk, organization=its.pk)
    assert Alias.objects.get().organization == its
    work()
    assert UsageLine.objects.get(line=900).organization == its


@pytest.mark.parametrize("organization", ["x", "0", "9" * 40, "²"])
def test_an_answer_that_names_nobody_changes_nothing(mara: Pages, world: World, organization: str) -> None:
    one = namesakes(world)
    address = mara.address("answer", one.pk)
    assert mara.client.post(address, {"organization": organization}).status_code == 404
    assert "Choose whose rows these are." in mara.answer(one, "same")
    assert not Alias.objects.exists()


def test_an_organization_of_another_account_is_nobody(mara: Pages, world: World) -> None:
    one = namesakes(world)
    elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
    theirs = Organization.objects.create(account=elsewhere, name="Harbour Lane Joinery")
    assert mara.client.post(mara.address("answer", one.pk), {"organization": theirs.pk}).status_code == 404
    assert not Alias.objects.exists()


# --- many at once


def renamed_by_id(world: World) -> None:
    """Two known Organizations under new names."""
    before = {("Fenwick Lowe", "edr"): 5, ("Aldermoss", "edr"): 6}
    for number, name in enumerate(("Fenwick Lowe", "Aldermoss")):
        known(world, name, huntress_id=f"4{number}")
    world.quiet(OCTOBER, {**STEADY, **before})
    world.signed(OCTOBER)
    for number, name in enumerate(("Lowe Ferris", "Aldermoss Group")):
        Organization.objects.filter(huntress_id=f"4{number}").update(name=name, name_key=name.lower())
    after = {("Lowe Ferris", "edr"): 5, ("Aldermoss Group", "edr"): 6}
    world.month(NOVEMBER, {**STEADY, **after}, {**STEADY, **after}, {**STEADY, **after})


def test_exact_renames_are_accepted_together(mara: Pages, world: World) -> None:
    renamed_by_id(world)
    assert "Accept 2 renames with the same id or key" in mara.get("matches")
    assert "2 Organizations under a new name" in mara.post("accept_exact")
    assert set(Alias.objects.values_list("name", flat=True)) == {"Fenwick Lowe", "Aldermoss"}
    assert "Accept" not in mara.get("matches")


def test_what_is_only_likely_is_not_accepted_with_them(mara: Pages, world: World) -> None:
    one = renamed(world)
    mara.post("accept_exact")
    one.refresh_from_db()
    assert one.state == "open"


def test_ticked_names_are_customers_of_their_own(mara: Pages, world: World) -> None:
    scouts, trust = in_rebilled_list_alone(world, "Quillon Trust", "Yarrowfield Scouts")[::-1]
    assert "Like nobody in the bill 2" in mara.get("matches")
    assert "1 customer of their own" in mara.post("accept_own", question=[scouts.pk])
    assert [Question.objects.get(pk=one.pk).state for one in (scouts, trust)] == ["answered", "open"]
    assert "Tick the names" in mara.post("accept_own")


def test_a_tick_answers_nothing_that_has_a_candidate(mara: Pages, world: World) -> None:
    one = renamed(world)
    mara.post("accept_own", question=[one.pk])
    one.refresh_from_db()
    assert one.state == "open"


def test_what_is_answered_is_in_the_trail_once_a_month(mara: Pages, world: World) -> None:
    one = renamed(world)
    mara.answer(one, "same")
    said = AuditEvent.objects.filter(action="recon.match.same")
    assert {event.actor for event in said} == {world.mara}
    assert reverse("recon:undo_match", args=[world.account.slug, one.pk]) in mara.client.get(mara.address("matches")).content.decode()
