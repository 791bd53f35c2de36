"""Names to match: what the page shows, who may answer, and how many queries it takes."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import Alias, Organization, Role
from ingest.models import Job, UsageLine
from tests.recon.making import compare, csv_bytes, new_account, new_person, rows_of, signed_in
from tests.recon.making import put as put_file

WITH_IDS = ["Organization", "Organization ID", "EDR"]
NAMES = ["Organization", "EDR"]
MATCHES_QUERIES = 10


@pytest.fixture
def url(account) -> str:
    return reverse("recon:matches", args=[account.slug])


@pytest.fixture
def waiting(account, put):
    put("billed", WITH_IDS, ["Harbour Lane Joinery", "72", 5], ["Harbour Lane Joinery", "195", 6])
    put("expected", NAMES, ["HARBOUR LANE, Joinery", 5])
    compare()


def test_a_name_is_shown_with_its_place_and_who_it_could_be(account, preparer, url, waiting):
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", preparer.get(url).content.decode()))
    assert "HARBOUR LANE, Joinery" in said
    assert "expected.csv, line 2" in said
    assert "id 72" in said
    assert "id 195" in said
    assert "None of these: an Organization of its own" in said


def test_when_every_name_is_known_it_says_so(preparer, url):
    assert "Every name is known" in preparer.get(url).content.decode()


def settle(client, account, **said):
    return client.post(reverse("recon:settle", args=[account.slug]), said, follow=True)


def test_an_answer_is_remembered_and_the_month_is_compared(account, preparer, url, waiting):
    its = Organization.objects.get(huntress_id="72")
    answer = settle(preparer, account, name_key="harbour lane joinery", organization=its.pk)
    assert "Remembered: those rows are Harbour Lane Joinery’s." in answer.content.decode()
    assert Alias.objects.get().organization == its
    assert Job.objects.filter(kind="recount", state="queued").exists()
    compare()
    assert next(row.expected for row in rows_of(account) if row.organization == its) == 5


@pytest.mark.parametrize("organization", ["", "x", "0", "9" * 40, "²"])
def test_an_answer_that_names_nobody_changes_nothing(account, preparer, waiting, organization):
    settle(preparer, account, name_key="harbour lane joinery", organization=organization)
    assert not Alias.objects.exists()
    assert UsageLine.objects.filter(organization=None).count() == 1


def test_an_organization_of_another_account_is_nobody(account, mara, preparer, waiting):
    elsewhere = new_account("Brightfen Support", "brightfen")
    put_file(elsewhere, mara, "billed", csv_bytes(NAMES, ["Harbour Lane Joinery", 4]))
    theirs = Organization.objects.get(account=elsewhere)
    assert settle(preparer, account, name_key="harbour lane joinery", organization=theirs.pk).status_code == 404
    assert not Alias.objects.exists()


def test_two_people_who_answer_at_the_same_time_are_told(account, preparer, waiting):
    its = Organization.objects.get(huntress_id="72")
    for _ in range(2):
        answer = settle(preparer, account, name_key="harbour lane joinery", organization=its.pk)
    assert "That name no longer waits to be matched." in answer.content.decode()


def test_a_viewer_looks_and_may_not_answer(account, url, waiting):
    viewer = signed_in(new_person(account, "vera@quillmere.example", Role.VIEWER))
    assert "Whose rows are these?" not in viewer.get(url).content.decode()
    assert settle(viewer, account, name_key="harbour lane joinery", organization="new").status_code == 403


@pytest.mark.parametrize("names", [2, 40])
def test_it_asks_the_same_of_the_database_for_two_names_and_for_forty(account, preparer, put, url, names, django_assert_num_queries):
    twice = [[spelt, number] for number in range(names) for spelt in (f"Customer {number}", f"CUSTOMER {number}")]
    put("billed", NAMES, *twice)
    with django_assert_num_queries(MATCHES_QUERIES):
        assert preparer.get(url).content.decode().count("Whose rows are these?") == names
