"""The queue: what is shown of each question, how it is filtered and paged, who may look, and how many queries it takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Alias, Organization
from recon.models import Question
from recon.services import questions
from tests.match_pages.pages import Pages, namesakes
from tests.questions.stories import mistyped, renamed, two_months
from tests.review.making import NOVEMBER, World, work

pytestmark = pytest.mark.django_db
QUEUE_QUERIES = 14


def test_an_account_in_which_everybody_is_known_says_so(mara: Pages) -> None:
    assert "Every Organization is known" in mara.get("matches")


def test_a_pair_stands_side_by_side_with_its_figures(mara: Pages, world: World) -> None:
    one = renamed(world)
    said = mara.get("matches")
    assert "1 of 1: Are these the same customer?" in said
    assert f"{one.score} alike, of 100" in said
    assert "Garrowby Glazing" in said
    assert "18 EDR, billed –" in said
    assert "EDR, billed before 18" in said
    assert "The billed report does not name it" in said
    assert "EDR becomes 18 billed against 18 expected and 18 rebilled, without a gap" in said
    assert all(words in said for words, _ in one.reasons)
    assert "billed-" in said, "with the line that names it"


def test_what_differs_is_marked(mara: Pages, world: World) -> None:
    one = mistyped(world)
    body = mara.client.get(mara.address("match", one.pk)).content.decode()
    assert re.search(r"Hexmoor S[cho]*<mark>[^<]+</mark>", body)


def test_every_question_has_words_of_its_kind(mara: Pages, world: World) -> None:
    one = renamed(world)
    for kind, _ in Question.Kind.choices:
        Question.objects.filter(pk=one.pk).update(kind=kind)
        assert "Asked by" in mara.get("match", one.pk), kind


def test_a_name_is_shown_with_its_place_and_whom_it_fits(mara: Pages, world: World) -> None:
    one = namesakes(world)
    said = mara.get("match", one.pk)
    assert "Whose rows are these?" in said
    assert "HARBOUR LANE, Joinery" in said
    assert re.search(r"expected-\d+\.csv, line 900", said)
    assert "id 72" in said
    assert "id 195" in said


def test_the_runner_up_can_be_compared_instead(mara: Pages, world: World) -> None:
    one = mistyped(world)
    other = Organization.objects.create(account=world.account, name="Hexmoor Infant School", key="hexmoor-infants")
    said = mara.get("match", one.pk, **{"with": str(other.pk)})
    assert "Hexmoor Infant School" in said
    assert "hexmoor-infants" in said
    assert "They become one customer with Hexmoor Infant School" in said


def test_another_organization_is_found_by_a_part_of_its_name(mara: Pages, world: World) -> None:
    one = renamed(world)
    assert "Cobble Lane Florists" in mara.get("match", one.pk, other="lane flor")
    assert "No Organization of this account is called so." in mara.get("match", one.pk, other="nobody")


def test_the_queue_is_filtered_by_kind_and_by_name(mara: Pages, world: World) -> None:
    two_months(
        world, {("Hexmoor School", "edr"): 64}, {("Hexmoor School", "edr"): 64, ("Hexmoor Schol", "edr"): 41, ("Tarn Vale", "edr"): 5}
    )
    assert {one.kind for one in Question.objects.all()} == {"mistyped", "new"}
    assert "Tarn Vale" not in mara.get("matches", kind="mistyped")
    assert "Hexmoor" not in mara.get("matches", q="tarn")
    assert "Nothing fits" in mara.get("matches", q="nobody of that name")


def stocked(world: World, count: int) -> None:
    one = renamed(world)
    like_it = {"account": world.account, "cycle": one.cycle, "kind": "mistyped", "subject": one.subject, "candidate": one.candidate}
    many = [
        Question(**like_it, topic=f"orgs:{number}", name=f"Customer {number:03}", weight=number, evidence=one.evidence)
        for number in range(count)
    ]
    Question.objects.bulk_create(many)


def test_it_is_paged_and_a_question_opens_on_its_own_page(mara: Pages, world: World) -> None:
    stocked(world, 45)
    first = [entry.question for entry in questions.queue(world.account)]
    assert "1–20 of 46 questions" in mara.get("matches")
    said = mara.get("match", first[25].pk)
    assert "21–40 of 46 questions" in said
    assert "26 of 46" in said
    body = mara.client.get(mara.address("match", first[19].pk)).content.decode()
    assert f'href="{mara.address("match", first[20].pk)}"' in body, "the next one is on the next page"


@pytest.mark.parametrize("count", [3, 60])
def test_it_asks_the_same_of_the_database_for_few_and_for_many(
    mara: Pages, world: World, count: int, django_assert_num_queries: Any
) -> None:
    stocked(world, count)
    mara.get("matches")
    with django_assert_num_queries(QUEUE_QUERIES):
        mara.get("matches")


def test_a_viewer_reads_and_is_told_why_nothing_is_to_be_decided(client: Client, world: World) -> None:
    one = renamed(world)
    tom = Pages(client, world, world.tom)
    said = tom.get("match", one.pk)
    assert "Preparers, reviewers and admins say who is who." in said
    assert f'{reverse("recon:answer", args=[world.account.slug, one.pk])}"' not in client.get(tom.address("match", one.pk)).content.decode()
    assert client.post(tom.address("answer", one.pk), {"answer": "same"}).status_code == 403


def test_a_fragment_brings_the_queue_and_the_toasts(mara: Pages, world: World) -> None:
    one = renamed(world)
    following = mara.client.post(mara.address("answer", one.pk), {"answer": "different"}, headers={"HX-Request": "true"}, follow=True)
    body = following.content.decode()
    assert "<html" not in body
    assert 'id="queue"' in body
    assert 'hx-swap-oob="innerHTML"' in body
    assert mara.address("undo_match", one.pk) in body


def test_the_frame_counts_what_waits(mara: Pages, world: World) -> None:
    renamed(world)
    assert re.search(r"Organizations 1 ", mara.get("audit"))


def test_the_month_leads_to_the_queue_with_count_and_money(mara: Pages, world: World) -> None:
    one = renamed(world)
    month = mara.address("month", NOVEMBER.start.isoformat())
    assert "Organizations 1 to do" in mara.get("month", NOVEMBER.start.isoformat())
    Question.objects.filter(pk=one.pk).update(evidence=one.evidence | {"money": 117_000_000})
    assert re.search(r"1 to do · \$117\.00 a month", mara.get("month", NOVEMBER.start.isoformat()))
    assert f'href="{mara.address("matches")}"' in mara.client.get(month).content.decode()


def test_a_row_leads_to_what_is_asked_of_it_and_names_who_counts_with_it(mara: Pages, world: World) -> None:
    one = renamed(world)
    place = (NOVEMBER.start.isoformat(), one.subject_id, "edr")
    assert "To decide: perhaps renamed: Garrowby Glass" in mara.get("row", *place)
    questions.answer(one, "same", by=world.mara)
    work()
    root = Organization.objects.get(name="Garrowby Glazing", merged_into=None)
    said = mara.get("row", NOVEMBER.start.isoformat(), root.pk, "edr")
    assert "To decide" not in said
    assert "before: Garrowby Glass" in said


def test_a_confirmed_alias_is_no_longer_asked(mara: Pages, world: World) -> None:
    one = namesakes(world)
    mara.post("answer", one.pk, organization=Organization.objects.get(huntress_id="72").pk)
    assert Alias.objects.get().organization.huntress_id == "72"
    assert not [entry for entry in questions.queue(world.account) if entry.question.kind == "ambiguous"]
