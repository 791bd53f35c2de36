"""A worker that is killed in the middle, and a Redis that is restarted: the pull ends whole, and nothing of it twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from ingest import jobs
from ingest.huntress.limiter import Rules, SharedLimiter
from ingest.huntress.stores import RedisStore
from ingest.models import Connection, Job, Pull, PullPage, PullPart
from ingest.services import connections, pulls, pumping
from recon.demo.huntress import FakeHuntress, Fault
from tests.conftest import Worker
from tests.connections.making import add_connection
from tests.huntress.test_limiter import OwnRedis
from tests.pulls.conftest import Serve
from tests.pulls.making import ids_in, nothing_left, parts_of, states_of, worked
from tests.recon.making import until
from tests.review.making import World, new_world


@pytest.fixture
def led_there(transactional_db: None, fake: FakeHuntress, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The worker's own settings lead it to this test's Huntress, whose tenth Organization waits for a sign."""
    monkeypatch.setenv("RECON_HUNTRESS_URL", fake.base)
    go_on = threading.Event()
    yield go_on
    go_on.set()


@pytest.mark.worker
def test_a_killed_worker_is_followed_by_one_who_goes_on(
    led_there: threading.Event, worker: Worker, fake: FakeHuntress, settings: Any
) -> None:
    world = new_world()
    connection = add_connection(world.account, fake, settings, by=world.ines)

    def wait() -> None:
        led_there.wait(30)

    fake.fail(Fault("act", at="50010", act=wait))
    pull = pulls.ask(connection, by=world.mara, subjects=["live", "agents"])
    assert until(lambda: fake.calls("50010") == 1, 30), worker.log()
    worker.kill()
    led_there.set()
    assert PullPage.objects.count() == 10, "the list and nine Organizations"

    worker.start()
    Job.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))

    def is_over() -> bool:
        jobs.sweep()  # what beat does
        pumping.sweep()
        return Pull.objects.get(pk=pull.pk).ended_at is not None

    assert until(is_over, 60), worker.log()
    assert states_of(pull) == {"live": "whole", "agents": "whole"}
    assert nothing_left()
    live = parts_of(pull)["live"]
    assert sorted(ids_in(live, "organization", "organization")) == list(range(50_001, 50_031))
    assert sorted(ids_in(parts_of(pull)["agents"], "agents", "agents")) == list(range(1_000_001, 1_001_204))
    assert fake.calls("organizations") == 1
    assert fake.calls("50010") == 2, "the one whose answer went with the worker"
    assert {fake.calls(str(number)) for number in range(50_001, 50_031) if number != 50_010} == {1}


@pytest.mark.django_db
def test_a_redis_that_is_restarted_costs_time_and_no_answer(
    world: World, serve: Serve, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    redis = OwnRedis(tmp_path)
    redis.start()
    try:
        fake = serve(limit=20, seconds=1.0)
        connection = add_connection(world.account, fake, settings, by=world.ines)
        limiter = SharedLimiter(RedisStore(redis.address, "quillmere"), Rules(20, 1.0, for_others=0))
        monkeypatch.setattr(connections, "limiter", lambda *_: limiter)

        def restart() -> None:
            redis.stop()
            threading.Timer(0.3, redis.start).start()

        fake.fail(Fault("act", at="50015", act=restart))
        pull = worked(pulls.ask(connection, by=world.mara, subjects=["live"]))
        assert states_of(pull) == {"live": "whole"}
        assert sorted(ids_in(parts_of(pull)["live"], "organization", "organization")) == list(range(50_001, 50_031))
        assert fake.refused == 0
    finally:
        redis.stop()


@pytest.mark.django_db
def test_without_a_count_of_calls_a_part_says_so(
    connection: Connection, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limiter = SharedLimiter(RedisStore(f"unix://{tmp_path}/none.sock", "quillmere"), patience=0.2)
    monkeypatch.setattr(connections, "limiter", lambda *_: limiter)
    pull = worked(pulls.ask(connection, by=world.mara, subjects=["agents"]))
    part = PullPart.objects.get(pull=pull)
    assert part.state == "failed"
    assert "Is Redis running?" in part.said
