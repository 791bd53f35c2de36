"""Who is not in a pull: a zero only where nothing else can be why."""

from __future__ import annotations

import pytest

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
