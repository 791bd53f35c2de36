"""Several people at one question on PostgreSQL, each on a connection of their own: one wins, the other is told."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction

from accounts.models import Alias, AuditEvent, Organization
from ingest import jobs
from ingest.models import Job
from recon.models import Drift, Question
from recon.services import asking, imports, questions
from recon.services.months import ask_for_recount
from tests.questions.stories import STEADY, kinds, mistyped, org, renamed, the
from tests.review.making import NOVEMBER, World, at_once, new_world, row, work
from tests.review.test_concurrency import told

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
TIMES = 3


@pytest.fixture
def world(transactional_db: None) -> World:
    return new_world()


@pytest.mark.parametrize("again", range(TIMES))
def test_two_people_answer_at_once(world: World, again: int) -> None:
    one = renamed(world)
    results = at_once(
        lambda: questions.answer(one, "same", by=world.mara),
        lambda: questions.answer(one, "different", by=world.jonah),
    )
    (said,) = told(results)
    one.refresh_from_db()
    assert said == f"{one.answered_by} decided this already: {one.get_answer_display().lower()}. Undo that to decide otherwise."
    assert Organization.objects.filter(merged_into__isnull=False).count() == (one.answer == "same")
    assert AuditEvent.objects.filter(action__startswith="recon.match.", cycle=one.cycle).count() == 1


def test_a_name_is_settled_once(world: World) -> None:
    world.month(NOVEMBER, STEADY, STEADY, STEADY)
    world.put("expected", STEADY, waiting="Harbour Lane Joinery")
    work()
    one, florists = the(world, "ambiguous"), org(world, "Cobble Lane Florists")
    results = at_once(
        lambda: questions.answer(one, "same", by=world.mara, candidate=florists),
        lambda: questions.answer(one, "different", by=world.jonah),
    )
    assert len(told(results)) == 1
    assert Alias.objects.filter(revoked_at=None).count() == 1


def test_an_answer_is_taken_back_once(world: World) -> None:
    answered = questions.answer(mistyped(world), "same", by=world.mara).question
    results = at_once(lambda: questions.undo(answered, by=world.mara), lambda: questions.undo(answered, by=world.jonah))
    assert told(results) == ["That is not decided (any more): there is nothing to undo."]
    work()
    assert row(world.of(NOVEMBER), "Hexmoor Schol").billed == 41


def test_an_answer_while_the_month_asks_again_stays_answered(world: World) -> None:
    one = mistyped(world)
    results = at_once(lambda: questions.answer(one, "different", by=world.mara), *[lambda: asking.refresh(one.cycle)] * 3)
    assert told(results) == []
    work()
    one.refresh_from_db()
    assert (one.state, one.answer) == ("answered", "different")
    assert kinds(world) == ["new"]
    assert Question.objects.count() == 2


@pytest.mark.parametrize("again", range(TIMES))
def test_a_look_for_drift_waits_for_who_found_it_waiting(world: World, again: int) -> None:
    """Whose change asks for a look that waits already gets no second one: the first must see the change."""
    world.quiet(NOVEMBER, STEADY)
    month = world.signed(NOVEMBER)
    late = world.file("billed", {("Cobble Lane Florists", "edr"): 9})
    waiting = ask_for_recount(month.cycle, by=world.mara)
    began = threading.Event()

    def change() -> None:
        with transaction.atomic():
            imports.use_again(late, by=world.mara, cycle=NOVEMBER, partial=False)
            began.set()
            time.sleep(1)

    def look() -> None:
        began.wait(10)
        jobs.run_now(waiting)

    assert told(at_once(change, look)) == []
    assert not Job.objects.filter(kind="drift", state="queued").exists()
    assert Drift.objects.get(reconciliation=month).rows == 1
