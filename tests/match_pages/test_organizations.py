"""Settings: the list of Organizations, one Organization’s page, and what is settled there by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts import audit
from accounts.models import Alias, AuditEvent, FormerName, Organization
from ingest.models import Job
from recon.services import organizations, questions
from tests.match_pages.pages import Pages, namesakes
from tests.questions.stories import known, org, renamed
from tests.review.making import NOVEMBER, World, refusal, rows_of, work

pytestmark = pytest.mark.django_db
LIST_QUERIES, ONE_QUERIES = 15, 27


@pytest.fixture
def glass(world: World) -> Organization:
    """Garrowby Glass in two months, agreed upon."""
    renamed(world)
    return org(world, "Garrowby Glass")


def test_the_list_has_every_name_by_which_somebody_is_known(mara: Pages, world: World, glass: Organization) -> None:
    FormerName.objects.create(organization=glass, name="Garrowby Windows", until=date(2026, 5, 14))
    organizations.add_alias(glass, "GG Ltd", by=world.mara)
    said = mara.get("organizations")
    assert "before: Garrowby Windows" in said
    assert "GG" in said
    for part in ("windows", "gg l", "garrowby gla"):
        assert "Garrowby Glass" in mara.get("organizations", q=part)
    assert "No Organization fits" in mara.get("organizations", q="nobody")


def test_members_stand_in_their_roots_row(mara: Pages, world: World) -> None:
    questions.answer(renamed(world), "same", by=world.mara)
    said = mara.get("organizations", show="merged")
    assert "1–1 of 1 Organization" in said
    assert "Garrowby Glazing" in said


def test_those_for_whom_nobody_is_rebilled_are_filtered_with_the_reason(mara: Pages, world: World, glass: Organization) -> None:
    organizations.stand(glass, "internal", by=world.mara, reason="Our own office.")
    said = mara.get("organizations", show="internal")
    assert "Our own office." in said
    assert "Cobble Lane" not in said


@pytest.mark.parametrize("count", [3, 40])
def test_the_list_asks_the_same_for_few_and_for_many(mara: Pages, world: World, count: int, django_assert_num_queries: Any) -> None:
    for number in range(count):
        one = known(world, f"Customer {number}")
        FormerName.objects.create(organization=one, name=f"Old {number}", until=date(2026, 5, 14))
        Alias.objects.create(account=world.account, organization=one, name=f"Alias {number}", confirmed_by=world.mara)
    mara.get("organizations")
    with django_assert_num_queries(LIST_QUERIES):
        mara.get("organizations")


# --- one of them


def test_its_page_has_names_cycles_and_what_is_to_be_decided(mara: Pages, world: World, glass: Organization) -> None:
    FormerName.objects.create(organization=glass, name="Garrowby Windows", until=date(2026, 5, 14))
    said = mara.get("organization", glass.pk)
    assert "before: Garrowby Windows" in said
    assert "14 Sep – 14 Oct 2026 to 14 Oct – 14 Nov 2026" in said
    assert "To decide: Garrowby Glazing, perhaps renamed: Garrowby Glass" in said


def test_a_renamed_customer_is_one_line_over_its_cycles(mara: Pages, world: World) -> None:
    questions.answer(renamed(world), "same", by=world.mara)
    work()
    root = Organization.objects.get(members__isnull=False)
    said = mara.get("organization", root.pk)
    assert "EDR 18 18" in said.replace("  ", " ")
    assert "members included" in said
    assert "Mara said that these are the same: Garrowby Glazing and Garrowby Glass" in said


def test_a_member_is_taken_out_again(mara: Pages, world: World) -> None:
    one = renamed(world)
    questions.answer(one, "same", by=world.mara)
    root = Organization.objects.get(members__isnull=False)
    member = root.members.get()
    assert organizations.merges_of(world.account, [member]) == {member.pk: one}
    body = mara.client.get(mara.address("organization", root.pk)).content.decode()
    assert f'action="{mara.address("undo_match", one.pk)}"' in body
    assert "It counts under" in mara.get("organization", member.pk)
    mara.post("undo_match", one.pk)
    assert not Organization.objects.filter(merged_into__isnull=False).exists()


def test_its_page_takes_few_queries(mara: Pages, world: World, glass: Organization, django_assert_max_num_queries: Any) -> None:
    mara.get("organization", glass.pk)
    with django_assert_max_num_queries(ONE_QUERIES):
        mara.get("organization", glass.pk)


# --- aliases


def test_an_alias_is_added_and_revoked(mara: Pages, world: World, glass: Organization) -> None:
    assert "From now on “GG Windows” means Garrowby Glass." in mara.post("organization", glass.pk, act="alias", name=" GG  Windows ")
    alias = Alias.objects.get()
    assert (alias.organization, alias.confirmed_by) == (glass, world.mara)
    assert "means nobody by itself any more" in mara.post("revoke_alias", glass.pk, alias.pk)
    alias.refresh_from_db()
    assert alias.revoked_at is not None
    assert "revoked already" in mara.post("revoke_alias", glass.pk, alias.pk)
    assert "revoked an alias: GG Windows to Garrowby Glass" in mara.get("organization", glass.pk)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (" ", "Write the name as the list has it."),
        ("…", "Write the name as the list has it."),
        ("x" * 501, "at most 500 characters; this one has 501"),
        ("Cobble Lane Florists", "an Organization with rows of its own"),
    ],
)
def test_a_name_that_cannot_mean_it_is_refused(mara: Pages, world: World, glass: Organization, name: str, words: str) -> None:
    response = mara.client.post(mara.address("organization", glass.pk), {"act": "alias", "name": name})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Alias.objects.exists()


def test_a_name_that_waits_is_decided_in_the_queue(world: World) -> None:
    namesakes(world)
    florists = org(world, "Cobble Lane Florists")
    assert "wait to be matched" in refusal(lambda: organizations.add_alias(florists, "Harbour Lane Joinery", by=world.mara))


# --- standing


def test_a_standing_is_set_with_a_reason_and_cleared(mara: Pages, world: World, glass: Organization) -> None:
    refused = mara.client.post(mara.address("organization", glass.pk), {"act": "stand", "standing": "internal", "reason": " "})
    assert (refused.status_code, "Say why nobody is rebilled for it." in refused.content.decode()) == (422, True)
    Job.objects.all().delete()
    assert "Garrowby Glass is internal use now." in mara.post("organization", glass.pk, act="stand", standing="internal", reason="Ours.")
    assert Job.objects.filter(kind__in=["recount", "drift"], state="queued").exists()
    work()
    row = rows_of(world.of(NOVEMBER)).filter(organization=glass, product="edr").get()
    assert "charged_anyway" in row.flags, "the PSA still charges it"
    assert "is customer now" in mara.post("organization", glass.pk, act="stand", standing="customer")
    glass.refresh_from_db()
    assert (glass.standing, glass.standing_reason) == ("customer", "")
    assert "said that this is a customer" in mara.get("organization", glass.pk)


def test_who_sets_a_standing_is_part_of_the_month(world: World, glass: Organization) -> None:
    organizations.stand(glass, "not_ours", by=world.jonah, reason="Another MSP’s.")
    month = world.of(NOVEMBER)
    assert world.jonah.pk in audit.deciders(month.cycle, month.revision)
    assert AuditEvent.objects.filter(action="recon.match.not_ours", cycle=month.cycle).exists()


def test_a_viewer_looks_and_settles_nothing(client: Client, world: World, glass: Organization) -> None:
    tom = Pages(client, world, world.tom)
    assert "Add alias" not in tom.get("organization", glass.pk)
    assert client.post(tom.address("organization", glass.pk), {"act": "alias", "name": "GG"}).status_code == 403
    assert refusal(lambda: organizations.add_alias(glass, "GG", by=world.tom))
