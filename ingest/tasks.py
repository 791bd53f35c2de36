"""The Celery tasks. Each takes ids and calls one function. Importing the services registers their handlers."""

from celery import shared_task

from ingest import jobs
from ingest.services import connection_tests, intake


@shared_task
def run_job(job_id: int) -> None:
    jobs.run(job_id)


@shared_task
def sweep_jobs() -> None:
    jobs.sweep()


__all__ = ["connection_tests", "intake", "run_job", "sweep_jobs"]
