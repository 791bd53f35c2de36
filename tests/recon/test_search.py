"""A part of a name is looked up on PostgreSQL, in the words that the filter asks it in."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict

from accounts.models import Account
from recon.filters import VarianceFilter
from recon.models import Variance
from tests.recon.stock import stocked


@pytest.mark.services
def test_a_part_of_a_name_is_found_by_its_index(account: Account) -> None:
    stocked(account, 60)
    # Of one small month alone, another index would do.
    rows = VarianceFilter(QueryDict("q=garrowby"), queryset=Variance.objects.all()).qs
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # and of sixty rows it would read all
    assert "variance_by_part_of_name" in rows.explain()
    found = {row.pk for row in rows}
    assert found
    assert found == {row.pk for row in Variance.objects.all() if "garrowby" in row.name.lower()}
