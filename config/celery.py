"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import os
import resource
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

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
