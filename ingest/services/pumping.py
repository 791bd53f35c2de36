"""The pump: at most a few parts of one connection are with the workers at once; when one ends the next one starts.

Nothing hangs on the pump being called: beat's sweep calls it for every open pull, and finds what was forgotten.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ingest import jobs
from ingest.models import Job, Pull, PullPage, PullPart
from ingest.services import rounds
from ingest.services.subjects import NAMED, TENANT

log = logging.getLogger(__name__)
State = PullPart.State
_OPEN_JOBS = (Job.State.QUEUED, Job.State.RUNNING)


def pump(pull_id: int) -> None:
    """Start what is next, take the next accounts of a round, and end the pull when nothing is left."""
    while _feed(pull_id):
        more = rounds.next_parts(pull_id)
        if more is None:
            return  # not known yet: the sweep looks again
        if not more:
            _end(pull_id)
            return
        if not rounds.add(pull_id, more):
            return  # somebody else was quicker


def _feed(pull_id: int) -> bool:
    """Give the workers as many parts as they may have; True when there is room and nothing waits."""
    with transaction.atomic():
        pull = Pull.objects.select_for_update(of=("self",)).select_related("connection", "by").filter(pk=pull_id).first()
        if pull is None or pull.ended_at:
            return False
        parts = PullPart.objects.filter(pull=pull)
        free = settings.RECON_PULL_PARTS - parts.filter(state__in=PullPart.OPEN, job__state__in=_OPEN_JOBS).count()
        waiting = parts.filter(state=State.WAITING, job__isnull=True).select_related("account").order_by("number")
        for part in waiting[: max(0, free)]:
            free -= 1
            PullPart.objects.filter(pk=part.pk).update(job=enqueue(part, pull))
        return free > 0


def enqueue(part: PullPart, pull: Pull) -> Job:
    """A job for a part. Its label says nothing of other accounts: it is listed in one account."""
    named = NAMED[part.subject]
    label = f"Pulling {named.label.lower()} from {named.whence}"
    return jobs.enqueue(
        "pull_tenant" if part.subject == TENANT else "pull",
        part.pk,
        label=label,
        account=part.account or pull.connection.account,
        by=pull.by,
    )


def _end(pull_id: int) -> None:
    with transaction.atomic():
        Pull.objects.select_for_update(of=("self",)).filter(pk=pull_id).first()
        if not PullPart.objects.filter(pull=pull_id, state__in=PullPart.OPEN).exists():
            Pull.objects.filter(pk=pull_id, ended_at__isnull=True).update(ended_at=timezone.now())


def sweep() -> int:
    """Put right what a kill left behind, and pump every open pull. Returns how many there are."""
    numbers = list(Pull.objects.filter(ended_at__isnull=True).values_list("pk", flat=True))
    if not numbers:
        return 0
    held = Q(job__isnull=True, state=State.RUNNING) | Q(job__isnull=False) & ~Q(job__state__in=_OPEN_JOBS)
    lost = PullPart.objects.filter(held, pull__in=numbers, state__in=PullPart.OPEN)
    for part in lost.values_list("pk", flat=True):
        log.warning("part %s of a pull had lost its job", part)
        PullPart.objects.filter(pk=part, state__in=PullPart.OPEN).update(state=State.WAITING, job=None)
    PullPage.objects.filter(part__in=PullPart.objects.filter(pull__in=numbers).exclude(state__in=PullPart.OPEN)).delete()
    for number in numbers:
        try:
            pump(number)
        except Exception:  # one pull that cannot go on must not keep the others waiting
            log.exception("pull %s could not go on", number)
    return len(numbers)
