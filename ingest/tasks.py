"""The Celery tasks. Each takes ids and calls one function. Importing the services registers their handlers."""

from celery import shared_task

from ingest import jobs
from ingest.services import connection_tests, consents, intake, pull_parts, pumping, retention, slots, tenant_parts, tenant_tests


@shared_task
def run_job(job_id: int) -> None:
    jobs.run(job_id)


@shared_task
def sweep_jobs() -> None:
    jobs.sweep()


@shared_task
def pump_pulls() -> None:
    pumping.sweep()


@shared_task
def purge_personal() -> None:
    retention.purge_due()


@shared_task
def begin_pulls() -> None:
    slots.begin_due()


__all__ = [
    "begin_pulls", "connection_tests", "consents", "intake", "pull_parts", "pump_pulls", "purge_personal", "run_job", "sweep_jobs",
    "tenant_parts", "tenant_tests",
]  # fmt: skip
