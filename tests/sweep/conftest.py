import pytest

from tests.review.making import World, new_world
from tests.sweep.making import STORY, Swept


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def swept(world: World) -> Swept:
    """A compared month at $2.90 a machine, and an agent list with every story in it."""
    from tests.review.making import BILLED

    world.put("billed", BILLED, price=2_900_000)
    found = Swept(world)
    found.put(STORY)
    return found
