"""Jobs as the tests of background work need them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from ingest.models import Job
from tests.recon.making import csv_bytes

SMALL = csv_bytes(["Organization", "EDR"], ["Tarn Vale Dental", 3], ["Marrick Town Trust", 8])


def dead(attempt: int = 1) -> dict[str, Any]:
    """A running job whose worker is no more."""
    return {"state": "running", "attempt": attempt, "lease_until": timezone.now() - timedelta(seconds=1)}


def now(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)
