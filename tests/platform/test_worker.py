"""The queue and a real worker process, on whichever database and Redis this run has."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from config.celery import app
from tests.conftest import Worker

pytestmark = pytest.mark.worker


def _until(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def test_a_task_reaches_a_worker(worker: Worker) -> None:
    app.send_task("ingest.tasks.sweep_jobs")
    assert _until(lambda: worker.queued() == 0)
    assert "Traceback" not in worker.log()


def test_a_killed_worker_leaves_the_queue_to_the_next(worker: Worker) -> None:
    worker.kill()
    app.send_task("ingest.tasks.sweep_jobs")
    assert worker.queued() == 1
    worker.start()
    assert _until(lambda: worker.queued() == 0)


def test_the_worker_answers_a_ping(worker: Worker) -> None:
    assert len(app.control.broadcast("ping", reply=True, timeout=5, limit=1)) == 1


def test_a_task_cannot_take_all_of_the_memory(worker: Worker) -> None:
    """A child that was forked this moment has its limit before it is handed a task, and not before it answers."""
    assert worker.process is not None
    main = worker.process.pid
    (child, *_) = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    limit = f"Max data size {settings.RECON_WORKER_MEMORY_MB * 1024 * 1024}"
    assert _until(lambda: limit in " ".join(Path(f"/proc/{child}/limits").read_text().split()))
