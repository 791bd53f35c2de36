"""What mailboxes are for, in batches whose answers differ."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.graph import CALLS, NO_MAILBOX, Mailboxes, Patience, answered
from ingest.graph import errors as wrong
from recon.demo.microsoft import FakeMicrosoft, Fault
from tests.graph.conftest import FIRST, Ask


@pytest.fixture
def people(fake: FakeMicrosoft) -> list[str]:
    tenant = fake.desk.estate.tenant(FIRST)
    assert tenant
    return [one["id"] for one in tenant.users][:45]


def asked(fake: FakeMicrosoft) -> list[list[str]]:
    """The users of each batch."""
    return [[one["id"] for one in json.loads(seen.body)["requests"]] for seen in fake.seen if seen.target.endswith("$batch")]


def values(boxes: Mailboxes) -> dict[str, str]:
    found = [(one.user, one.value) for batch in boxes for one in batch.purposes]
    assert len(found) == len(dict(found))
    return dict(found)


def test_twenty_to_a_batch_and_everybody_once(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    fake.edit(people[3], userPurpose="shared")
    fake.edit(people[4], userPurpose="room")
    boxes = Mailboxes(ask(), [*people, people[0]])
    found = values(boxes)
    assert [len(some) for some in asked(fake)] == [20, 20, 5]
    assert (len(found), Counter(found.values())) == (45, Counter(user=43, shared=1, room=1))
    assert boxes.gap is None


def test_mixed_answers_each_stand_for_themselves(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    """200, no mailbox, gone, kept back, and asked too often: only the last are asked for again."""
    fake.edit(people[1], userPurpose="")
    fake.delete(people[2])
    fake.fail(Fault("status", at="userPurpose", after=16, status=403, code="ErrorAccessDenied"))  # answered from the last to the first
    fake.fail(Fault("status", at="userPurpose", times=2, status=429, code="TooManyRequests", retry_after="0"))
    boxes = Mailboxes(ask(), people[:20])
    found = {one.user: one for batch in boxes for one in batch.purposes}
    assert len(found) == 20
    assert (found[people[1]].value, found[people[1]].code) == (NO_MAILBOX, "MailboxNotEnabledForRESTAPI")
    assert (found[people[2]].value, found[people[2]].code) == ("", "ErrorInvalidUser")
    assert sum(one.code == "ErrorAccessDenied" for one in found.values()) == 1
    first, second = asked(fake)
    assert sorted(second) == sorted([first[-1], first[-2]])
    assert boxes.gap is None


def test_the_longest_pause_that_an_answer_asks_for_is_kept(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    fake.fail(Fault("status", at="userPurpose", status=429, code="TooManyRequests", retry_after="0"))
    fake.fail(Fault("status", at="userPurpose", status=503, code="ServiceUnavailable", retry_after="1"))
    started = time.monotonic()
    assert set(values(Mailboxes(ask(), people[:5])).values()) == {"user"}
    assert 1 <= time.monotonic() - started < 1.8


def test_refused_for_ever_ends_and_keeps_what_came(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    fake.fail(Fault("status", at="userPurpose", after=25, times=0, status=429, code="TooManyRequests"))
    bodies: list[bytes] = []
    with pytest.raises(wrong.TooMany, match="What came is kept"):
        bodies.extend(batch.answer.body for batch in Mailboxes(ask(), people))
    assert len(answered(bodies)) == 25
    fake.script.faults.clear()
    fake.seen.clear()
    rest = values(Mailboxes(ask(), people, done=answered(bodies)))
    assert rest.keys() | answered(bodies).keys() == set(people)
    assert not rest.keys() & answered(bodies).keys()
    assert [len(some) for some in asked(fake)] == [20]


def test_a_whole_batch_that_is_asked_for_too_often_waits_too(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    fake.fail(Fault("status", at="$batch", status=429, times=2))
    assert len(values(Mailboxes(ask(), people[:5]))) == 5
    assert len(asked(fake)) == 3


def test_without_the_permission_it_is_one_gap_and_one_batch(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    fake.withhold(FIRST, "MailboxSettings.Read")
    boxes = Mailboxes(ask(), people)
    assert values(boxes) == {}
    assert boxes.gap
    assert boxes.gap.code == "ErrorAccessDenied"
    assert "MailboxSettings.Read" in boxes.gap.sentence
    assert len(asked(fake)) == 1


def test_some_that_are_kept_back_are_no_gap(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    fake.fail(Fault("status", at="userPurpose", after=40, times=0, status=403, code="ErrorAccessDenied"))
    boxes = Mailboxes(ask(), people)
    assert Counter(values(boxes).values()) == Counter({"user": 40, "": 5})
    assert boxes.gap is None


def test_one_batch_at_a_time_whoever_shares_the_client(ask: Ask, fake: FakeMicrosoft, people: list[str]) -> None:
    client = ask(patience=Patience(tries=4, first=0.01, longest=0.02))
    halves = [threading.Thread(target=lambda part=part: list(Mailboxes(client, people[part::3]))) for part in range(3)]
    for half in halves:
        half.start()
    for half in halves:
        half.join()
    assert fake.most_batches[FIRST] == 1
    assert sorted(user for some in asked(fake) for user in some) == sorted(people)


def test_an_id_cannot_lead_to_another_path(ask: Ask, fake: FakeMicrosoft) -> None:
    list(Mailboxes(ask(), ["../organization?x=#"]))
    assert json.loads(fake.seen[-1].body)["requests"][0]["url"] == "/users/..%2Forganization%3Fx%3D%23/mailboxSettings/userPurpose"


def test_more_than_twenty_is_a_mistake_of_ours(ask: Ask) -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        ask().batch(CALLS["mailboxes"], {str(number): "/x" for number in range(21)})


@pytest.mark.parametrize(
    "body", [b'{"responses": {}}', b"{}", b'{"responses": [{"id": "1"}]}', b'{"responses": [{"id": 1, "status": 200}]}']
)
def test_a_batch_of_another_shape_is_said(body: bytes) -> None:
    with pytest.raises(wrong.WrongShape, match="not as Graph is described"):
        answered([body])


_STATUS = st.sampled_from([200, 403, 404, 429, 503])


@given(st.dictionaries(st.uuids().map(str), _STATUS, max_size=20))
def test_what_is_not_final_is_not_an_answer(statuses: dict[str, int]) -> None:
    body = {"responses": [{"id": user, "status": status, "body": {"value": "user"}} for user, status in statuses.items()]}
    found = answered([json.dumps(body).encode()])
    assert found.keys() == {user for user, status in statuses.items() if status in (200, 403, 404)}
    assert {user for user, one in found.items() if one.value} == {user for user, status in statuses.items() if status == 200}
