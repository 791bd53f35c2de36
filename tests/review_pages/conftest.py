import pytest

from tests.review_pages.months import Month, build


@pytest.fixture
def month(db: None) -> Month:
    return build()
