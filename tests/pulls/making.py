"""Pulls from the invented Huntress, in this process: jobs are run one after the other until none is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from accounts.models import Account, Reseller
from ingest import jobs, storage
from ingest import tasks as tasks
from ingest.models import Job, Pull, PullPage, PullPart, ResellerAccount
from ingest.services import pumping
from ingest.sources.answers import Archive, open_archive

OURS = ("pull", "keep")


def work(most: int = 1_000, *, stop: bool = False) -> int:
    """Run the jobs of pulls, as workers would, until none waits; returns how many. What others make of the archives is theirs.

    With ``stop``, no more than that.
    """
    for done in range(most):
        job = Job.objects.filter(kind__in=OURS, state="queued").order_by("pk").first()
        if job is None:
            return done
        jobs.run_now(job)
    assert stop, "it never ends"
    return most


def worked(pull: Pull) -> Pull:
    """A pull as it stands when its jobs have run and beat has looked."""
    work()
    pumping.sweep()
    work()
    return Pull.objects.get(pk=pull.pk)


def parts_of(pull: Pull) -> dict[str, PullPart]:
    return {part.subject: part for part in PullPart.objects.filter(pull=pull).select_related("source_file")}


def states_of(pull: Pull) -> dict[str, str]:
    return {name: part.state for name, part in parts_of(pull).items()}


@contextmanager
def archive_of(part: PullPart) -> Iterator[Archive]:
    with storage.opened(part.sha256) as stream:
        yield open_archive(stream)


def ids_in(part: PullPart, endpoint: str, key: str) -> list[int]:
    """The ids of all records in an archive's pages of one endpoint, as often as they stand there."""
    with archive_of(part) as archive:
        pages = [json.loads(body) for entry, body in archive.bodies() if entry.endpoint == endpoint]
    return [record["id"] for page in pages for record in (page[key] if isinstance(page[key], list) else [page[key]])]


def part_with(pull: Pull, subject: str, **fields: Any) -> PullPart:
    number = PullPart.objects.filter(pull=pull).count() + 1
    return PullPart.objects.create(pull=pull, number=number, subject=subject, **fields)


def nothing_left() -> bool:
    """No answer is kept twice, and no part is open."""
    return not PullPage.objects.exists() and not PullPart.objects.filter(state__in=PullPart.OPEN).exists()


def ended(subject: str, state: str = "whole", **fields: Any) -> dict[str, Any]:
    """Of a part that was read: it began."""
    return {"subject": subject, "state": state, "began_at": timezone.now(), "ended_at": timezone.now()} | fields


def found(reseller: Reseller, external_id: str, account: Account | None, name: str = "") -> ResellerAccount:
    return ResellerAccount.objects.create(
        reseller=reseller, external_id=external_id, name=name or f"Account {external_id}", account=account,
        first_seen_at=timezone.now(), seen_at=timezone.now(),
    )  # fmt: skip


def settled(pull: Pull) -> None:
    """As when the list of accounts was taken in."""
    PullPart.objects.filter(pull=pull, account=None, ended_at__isnull=False).update(settled_at=timezone.now())
