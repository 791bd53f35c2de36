"""Background work as people see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from ingest.models import Job
from tests.ingest_pages.conftest import Receive

JOBS = "/a/quillmere-it/jobs/"
State = Job.State
pytestmark = pytest.mark.django_db


def work(account: Account, by: User | None = None, **fields: Any) -> Job:
    return Job.objects.create(kind="read", subject=1, label="Reading list.csv", account=account, by=by, **fields)


def ended(state: str, **fields: Any) -> dict[str, Any]:
    now = timezone.now()
    return {"state": state, "started_at": now - timedelta(seconds=185), "finished_at": now, **fields}


def test_without_work_it_says_what_will_be_listed(preparer: Client) -> None:
    assert "Nothing has been done in the background yet" in preparer.get(JOBS).content.decode()


def test_it_shows_state_progress_error_and_duration(preparer: Client, account: Account, mara: User) -> None:
    work(account, mara, state=State.RUNNING, done=5, total=10, lease_until=timezone.now(), started_at=timezone.now(), attempt=2)
    work(account, mara, **ended(State.FAILED, error="The worker stopped 3 times while doing this."))
    page = preparer.get(JOBS).content.decode()
    for part in ("Running", "row 5 of 10", "Failed", "The worker stopped 3 times", "3 min 5 s", "Mara"):
        assert part in page


def test_it_asks_again_only_while_something_is_open(preparer: Client, account: Account) -> None:
    work(account, **ended(State.DONE))
    assert "hx-trigger" not in preparer.get(JOBS).content.decode()
    work(account)
    assert 'hx-trigger="every 1s"' in preparer.get(JOBS).content.decode()


def test_htmx_is_given_the_list_alone(preparer: Client, account: Account) -> None:
    work(account)
    response = preparer.get(JOBS, headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()


def test_what_is_open_can_be_cancelled(preparer: Client, arrive: Receive) -> None:
    job = arrive(read=False).jobs.get()
    assert f"{JOBS}{job.pk}/cancel" in preparer.get(JOBS).content.decode()
    assert preparer.post(f"{JOBS}{job.pk}/cancel", {"back": "jobs"})["Location"] == JOBS
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert "it had ended already" in preparer.post(f"{JOBS}{job.pk}/cancel", {"back": "jobs"}, follow=True).content.decode()


def test_a_viewer_sees_it_and_has_no_button(viewer: Client, arrive: Receive) -> None:
    arrive(read=False)
    page = viewer.get(JOBS).content.decode()
    assert "Reading billing-detail.csv" in page
    assert "/cancel" not in page


def test_to_a_stranger_it_does_not_exist(stranger: Client, account: Account) -> None:
    job = work(account)
    assert stranger.get(JOBS).status_code == 404
    assert stranger.post(f"{JOBS}{job.pk}/cancel").status_code == 404


@pytest.mark.parametrize("sort", ["label", "-state", "by", "-created_at", "duration", "-duration", "attempt", "nonsense"])
def test_every_order_is_the_databases(preparer: Client, account: Account, sort: str) -> None:
    for _ in range(3):
        work(account, **ended(State.DONE))
    assert preparer.get(f"{JOBS}?sort={sort}").status_code == 200


def test_the_number_of_queries_does_not_grow(preparer: Client, account: Account, mara: User, django_assert_max_num_queries) -> None:
    counts = []
    for number in range(25):
        work(account, mara)
        if number + 1 in {5, 25}:
            with django_assert_max_num_queries(14) as queries:
                preparer.get(JOBS)
            counts.append(len(queries))
    assert counts[0] == counts[1]
