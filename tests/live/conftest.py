import pytest
from django.test import Client

from tests.match_pages.pages import Pages
from tests.review.making import World, new_world


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def ines(client: Client, world: World) -> Pages:
    """The admin’s own window."""
    return Pages(client, world, world.ines)
