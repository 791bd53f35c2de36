"""The queue and a real worker process, on whichever database and Redis this run has."""

import time
from collections.abc import Callable

import pytest
from django.db import connection

from config.celery import app
from tests.conftest import Worker


def _until(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


@pytest.mark.worker
def test_a_task_reaches_a_worker_on_the_same_database(worker: Worker) -> None:
    app.send_task("ingest.tasks.sweep_jobs")
    assert _until(lambda: "pidbox" not in worker.log() and _queued() == 0)
    answers = app.control.inspect(timeout=2).stats() or {}
    assert len(answers) == 1
    assert str(connection.settings_dict["NAME"]).find("test") >= 0


@pytest.mark.worker
def test_a_killed_worker_leaves_the_queue_to_the_next(worker: Worker) -> None:
    worker.kill()
    app.send_task("ingest.tasks.sweep_jobs")
    assert _queued() == 1
    worker.start()
    assert _until(lambda: _queued() == 0)


def _queued() -> int:
    with app.connection_for_read() as broker_connection:
        return int(broker_connection.default_channel.queue_declare("recon", passive=True).message_count)
