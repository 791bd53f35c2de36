import pytest
from django.test import Client

from tests.match_pages.pages import Pages
from tests.review.making import World, new_world


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def mara(client: Client, world: World) -> Pages:
    """The preparer’s own window."""
    return Pages(client, world, world.mara)
