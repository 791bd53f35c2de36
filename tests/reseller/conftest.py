import pytest

from tests.reseller.making import World, new_world


@pytest.fixture
def world(db: None) -> World:
    return new_world()
