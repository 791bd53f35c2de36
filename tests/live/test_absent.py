"""Who is not in a pull: a zero only where nothing else can be why."""

from __future__ import annotations

import pytest

from ingest.models import FileOwner, IdentityLine, LegInput
from recon.trend_evidence import leavers_behind
from tests.live.making import agents, connection, organization, part, pull
from tests.live.test_snapshot import FARM, TARN, had
from tests.review.making import World

pytestmark = pytest.mark.django_db


def test_a_pull_that_has_nobody_and_a_person_s_own_key_make_no_zero(world: World) -> None:
    """Huntress says it when there is nothing, and also when somebody may see nothing; a user's key brings what that person may see."""
    organization(world, TARN)
    pull(world, {})
    assert had(world, TARN).units("edr") is None
    assert had(world, TARN).why_blank("edr") == "Not in the pull, which has nobody at all"
    given = pull(world, {FARM: agents(3)})
    assert had(world, TARN).units("edr") == 0
    part(world, connection(world, key_kind="user"), given.source_file)
    assert had(world, TARN).units("edr") is None
    assert had(world, TARN).why_blank("edr") == "Not in the pull, which was made with a person’s own key, which may not see everybody"
    assert had(world, FARM).units("edr") == 3


@pytest.mark.parametrize("partial", [False, True])
def test_nobody_has_no_leavers_because_a_list_does_not_name_them(world: World, partial: bool) -> None:
    """*None of its identities is disabled* is said of who is in a whole list; of a part of one, only what it has."""
    given = pull(world, {TARN: agents(64), FARM: agents(3)}, partial=partial)
    LegInput.objects.filter(pk=given.pk).update(leg="identities")
    for owner in FileOwner.objects.filter(source_file=given.source_file):
        is_enabled = owner.name == FARM
        IdentityLine.objects.create(
            source_file=given.source_file, line=owner.number, owner=owner.number, external_id=str(owner.number), is_billable=True,
            is_enabled=is_enabled,
        )  # fmt: skip
    tarn, farm, absent = (organization(world, name).pk for name in (TARN, FARM, "Dunfell Bakery"))
    found = leavers_behind(world.account, [tarn, farm, absent])
    assert found == ({tarn: 1} if partial else {tarn: 1, farm: 0})
