"""The client of Graph against one that refuses, fails, hangs up and lies. All over HTTP; nothing of the client is replaced."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pytest

from ingest.graph import CALLS, Bounds, Mailboxes, Patience, Walk, prove
from ingest.graph import errors as wrong
from recon.demo.microsoft import FakeMicrosoft, Fault
from recon.demo.microsoft.estate import Crowd
from tests.graph.conftest import FIRST, QUICK, Ask, Open

USERS, LICENSED, SKUS, ACTIVITY = (CALLS[name] for name in ("users", "licensed_users", "skus", "activity"))


def test_the_bytes_are_kept_as_they_came_beside_what_they_say(ask: Ask) -> None:
    answer = ask().get(SKUS)
    assert answer.body.startswith(b'{"value": [{"skuId": "')
    assert [record["skuPartNumber"] for record in answer.records()] == ["SPB", "FLOW_FREE"]
    assert answer.address == "/v1.0/subscribedSkus?$select=skuId,skuPartNumber,appliesTo,capabilityStatus,consumedUnits,prepaidUnits"
    assert (answer.status, answer.tries, answer.asked_at.tzinfo is not None) == (200, 1, True)
    assert "value" not in repr(answer)


def test_licensed_users_are_asked_for_by_an_advanced_query(ask: Ask, fake: FakeMicrosoft) -> None:
    ask().get(LICENSED)
    asked = fake.seen[-1]
    assert unquote(asked.target).endswith("&$top=999&$filter=assignedLicenses/$count ne 0&$count=true")
    assert asked.is_advanced
    ask().get(USERS)
    assert not fake.seen[-1].is_advanced


@pytest.mark.parametrize("kind", ["cut", "malformed", "html"])
def test_a_spoiled_answer_is_asked_for_again(ask: Ask, fake: FakeMicrosoft, kind: str) -> None:
    fake.fail(Fault(kind, at="subscribedSkus", times=2))  # type: ignore[arg-type]
    answer = ask().get(SKUS)
    assert (len(answer.records()), answer.tries) == (2, 3)


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Fault("cut", at="users", times=0), wrong.CutOff, "broke before the answer was whole"),
        (Fault("malformed", at="users", times=0), wrong.NotJson, "no JSON that can be read"),
        (Fault("html", at="users", times=0), wrong.NotJson, "answered a web page. Is something between us and Microsoft"),
        (Fault("status", at="users", times=0), wrong.Unavailable, r"list of users \(500 generalException\): its own fault"),
        (Fault("status", at="users", times=0, status=509), wrong.Unavailable, "509"),
        (Fault("status", at="users", times=0, status=429), wrong.TooMany, "asked too often"),
    ],
)
def test_trouble_that_stays_ends_in_a_sentence(ask: Ask, fake: FakeMicrosoft, fault: Fault, error: type[Exception], says: str) -> None:
    fake.fail(fault)
    with pytest.raises(error, match=says) as failed:
        ask().get(USERS)
    assert isinstance(failed.value, wrong.GraphError)
    assert failed.value.endpoint == "users"
    assert fake.calls("users") == QUICK.tries


@pytest.mark.parametrize(
    ("status", "code", "error", "says"),
    [
        (403, "Authorization_RequestDenied", wrong.Refused, r"It takes the application permission User\.Read\.All"),
        (404, "Request_ResourceNotFound", wrong.NotThere, "Graph has not the list of users"),
        (400, "Request_UnsupportedQuery", wrong.BadRequest, "did not understand the question"),
        (400, "Directory_ExpiredPageToken", wrong.LinkExpired, "too old"),
        (409, "", wrong.BadRequest, r"\(409\)"),
    ],
)
def test_what_is_refused_is_not_tried_again_and_its_code_is_kept(
    ask: Ask, fake: FakeMicrosoft, status: int, code: str, error: type[Exception], says: str
) -> None:
    fake.fail(Fault("status", at="users", status=status, code=code, times=0))
    with pytest.raises(error, match=says) as failed:
        ask().get(USERS)
    assert isinstance(failed.value, wrong.GraphError)
    assert (failed.value.status, failed.value.code, fake.calls("users")) == (status, code, 1)


@pytest.mark.parametrize("status", [429, 503, 504, 509])
def test_it_waits_as_long_as_it_is_asked_to(ask: Ask, fake: FakeMicrosoft, status: int) -> None:
    fake.fail(Fault("status", at="users", status=status, retry_after="1"))
    started = time.monotonic()
    assert ask().get(USERS).tries == 2
    assert 1 <= time.monotonic() - started < 1.8


@pytest.mark.parametrize("status", [429, 503, 504, 509])
def test_without_a_word_about_when_it_waits_by_itself(ask: Ask, fake: FakeMicrosoft, status: int) -> None:
    fake.fail(Fault("status", at="users", status=status, times=3))
    started = time.monotonic()
    assert ask().get(USERS).tries == 4
    assert time.monotonic() - started < 1


def test_pauses_that_nobody_asked_for_grow_and_differ() -> None:
    patience = Patience(first=1, longest=60)
    pauses = [[patience.pause_after(number, None) for _ in range(30)] for number in (1, 2, 3, 9)]
    assert [(min(some) >= least / 2, max(some) <= least) for some, least in zip(pauses, (1, 2, 4, 60), strict=True)] == [(True, True)] * 4
    assert len(set(pauses[0])) > 1
    assert all(7 <= patience.pause_after(1, 7) <= 7.7 for _ in range(30))


def test_an_hour_that_is_asked_for_is_not_begun(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("status", at="users", status=429, retry_after="3600", times=0))
    started = time.monotonic()
    with pytest.raises(wrong.TooMany) as failed:
        ask().get(USERS)
    assert failed.value.retry_after == 3600
    assert time.monotonic() - started < 1


def test_a_person_can_end_a_wait(ask: Ask, fake: FakeMicrosoft) -> None:
    class Enough(Exception):
        pass

    until = time.monotonic() + 0.4

    def enough() -> None:
        if time.monotonic() > until:
            raise Enough

    fake.fail(Fault("status", at="users", status=429, retry_after="8", times=0))
    started = time.monotonic()
    with pytest.raises(Enough):
        ask(while_waiting=enough).get(USERS)
    assert time.monotonic() - started < 1.2


def test_a_redirect_is_not_followed_and_the_token_stays_here(ask: Ask, fake: FakeMicrosoft) -> None:
    with FakeMicrosoft(Crowd()) as other:
        fake.fail(Fault("redirect", at="users", to=f"{other.base}/v1.0/users"))
        with pytest.raises(wrong.RedirectRefused, match="not followed"):
            ask().get(USERS)
        assert not other.seen


def test_another_shape_is_said_and_kept(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("shape", at="users", times=0))
    with pytest.raises(wrong.WrongShape, match="should be an object and is") as failed:
        ask().get(USERS)
    assert failed.value.body == b'["not", "an", "object"]'
    assert fake.calls("users") == 1


def test_a_record_without_an_id_is_a_wrong_shape(ask: Ask, fake: FakeMicrosoft) -> None:
    first = fake.desk.estate.tenant(FIRST)
    assert first
    fake.edit(first.users[0]["id"], userType={"a": 1}, id=None)
    with pytest.raises(wrong.WrongShape, match="a record has no “id”"):
        ask().get(USERS).records()


def test_an_answer_may_not_be_of_any_size_or_length(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("huge", at="subscribedSkus"))
    with pytest.raises(wrong.TooBig, match="more than 1 MiB"):
        ask(bounds=Bounds(most_bytes=1 << 20)).get(SKUS)
    fake.fail(Fault("drip", at="subscribedSkus", seconds=0.05))
    with pytest.raises(wrong.TooSlow, match="had not answered in full"):
        ask(patience=Patience(tries=1), bounds=Bounds(read=1, answer=0.4)).get(SKUS)
    fake.fail(Fault("silence", at="subscribedSkus", seconds=1))
    with pytest.raises(wrong.TooSlow, match="fell silent"):
        ask(patience=Patience(tries=1), bounds=Bounds(read=0.2, answer=5)).get(SKUS)


def test_one_tenants_trouble_is_not_anothers(ask: Ask, fake: FakeMicrosoft) -> None:
    fake.fail(Fault("status", tenant=FIRST, times=0))
    with pytest.raises(wrong.Unavailable):
        ask().get(SKUS)
    assert len(ask(Crowd(tenants=2).ids()[1]).get(SKUS).records()) == 2


def test_many_tenants_at_once_each_get_their_own(connect: Open) -> None:
    """One factory for all threads of a worker: no answer and no token goes to the wrong one."""
    crowd = Crowd(tenants=24, users=25)
    with FakeMicrosoft(crowd) as fake:
        microsoft = connect(through=fake.base)

        def pull(tenant: str) -> tuple[str, set[str], int]:
            client = microsoft.tenant(tenant)
            users = {one["id"] for page in Walk(client, LICENSED) for one in page.records}
            return prove(client).id, {one.partition("-")[0] for one in users}, sum(len(one.purposes) for one in Mailboxes(client, users))

        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(pull, crowd.ids()))
    assert found == [(tenant, {f"{int(tenant[-12:]):08x}"}, 25) for tenant in crowd.ids()]
    assert fake.calls("token") == 24
    assert set(fake.most_batches.values()) == {1}
