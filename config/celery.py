"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import os
import re
import resource
from logging.config import dictConfig
from typing import Any, Final

from celery import Celery
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import setup_logging, task_failure, worker_process_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Arrow's allocator reserves a whole GiB of addresses at once (it is told so in KiB), which would count against a task's limit.
os.environ.setdefault("MIMALLOC_ARENA_RESERVE", "65536")

app = Celery("recon")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_like_the_web_process(**_: Any) -> None:
    """Celery leaves the loggers alone when this signal is answered."""
    dictConfig(settings.LOGGING)


@worker_process_init.connect
def limit_memory(**_: Any) -> None:
    """A hostile file raises MemoryError in its own task instead of taking the machine down."""
    limit = settings.RECON_WORKER_MEMORY_MB * 1024 * 1024
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


#: Signals that a process brings on itself. Killed from outside, its work is found by the lease and done again.
_OWN_DOING: Final = re.compile(r"signal (?:4|6|7|8|11)\b")


@task_failure.connect
def end_what_broke_its_process(exception: BaseException | None = None, args: tuple[Any, ...] = (), **_: Any) -> None:
    """In the worker's main process: a child that aborted, or took too long, did so because of its job."""
    if isinstance(exception, TimeLimitExceeded):
        message = "This took longer than a worker may work on one thing, and was stopped."
    elif isinstance(exception, WorkerLostError) and _OWN_DOING.search(str(exception)):
        message = "Reading this broke the worker's process: it is damaged, or needs more memory than a worker may use. Save it as CSV."
    else:
        return
    from django.db import connections

    from ingest import jobs

    try:
        jobs.broke_its_process(int(args[0]), message)
    finally:
        connections.close_all()  # the next child must not inherit one
