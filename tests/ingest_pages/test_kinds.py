"""Files that are no legs: their columns, their totals, what of them was loaded, and the same as CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from ingest.fact_tables import TABLES
from ingest.models import Kind, Leg, SourceFile
from tests.ingest_pages.conftest import CYCLE_TEXT, Receive
from tests.ingest_pages.test_file import as_shown, done, shown, url

pytestmark = pytest.mark.django_db
AGENTS = b"Hostname,Organization,Last Seen\nfront-desk,Aldermere Surveying,2026-11-14T09:00:00Z\nlab-2,Aldermere Surveying,\n,,\n"
INVOICE = b'Invoice Number,Date,Amount,Currency,Quantity\nHI-1,2026-11-14,"1,234.50",usd,20\nHI-2,2026-11-15,-12.00,usd,1\n'
PRICES = b"Organization,Product,Cost,Sell Price\n,EDR,2.10,3.50\nAldermere Surveying,EDR,,4.00\n"
SKUS = b"SKU,Name\nCIPP-1,Room mailbox\nCIPP-2,Kiosk\nCIPP-1,Room mailbox\n"
FILES = {"agents": AGENTS, "invoice": INVOICE, "prices": PRICES, "exclusions": SKUS}
#: A word of the page of each, when it is to be checked, and when it counts.
READY = {"agents": "Organizations named", "invoice": "$1,222.50", "prices": "EDR, sell, highest", "exclusions": "SKUs"}
LOADED = {"agents": "front-desk", "invoice": "−$12.00", "prices": "Every Organization", "exclusions": "CIPP-2"}
HEADERS = {
    "agents": ["hostname", "organization", "organization_id", "organization_key", "serial", "platform", "last_check_in", "installed"],
    "invoice": ["number", "date", "description", "amount", "currency", "quantity", "status"],
    "prices": ["organization", "organization_id", "organization_key", "product", "cost_or_sell", "from_quantity", "unit_price"],
    "exclusions": ["sku", "name"],
}


def rows_of(client: Client, source_file: SourceFile, bucket: str) -> list[list[str]]:
    content = b"".join(client.get(url(source_file, f"rows.csv?bucket={bucket}")).streaming_content)  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_every_kind_that_is_no_leg_has_a_table() -> None:
    assert set(TABLES) == set(Kind.values) - set(Leg.values)


@pytest.mark.parametrize("kind", FILES)
class TestKinds:
    def test_its_page_offers_its_fields_and_shows_its_totals(self, preparer: Client, arrive: Receive, kind: str) -> None:
        came = arrive(FILES[kind], f"{kind}.csv", kind=kind)
        page = shown(preparer, came)
        assert f'<option value="{kind}" selected>' in page
        assert READY[kind] in page
        assert "partial" not in page
        assert ("quantity:edr" in page) is False

    def test_what_was_loaded_is_listed_and_comes_as_csv(
        self, preparer: Client, arrive: Receive, count_in: Any, kind: str, django_assert_max_num_queries: Any
    ) -> None:
        came = count_in(arrive(FILES[kind], f"{kind}.csv", kind=kind))
        assert came.state == SourceFile.State.IMPORTED
        with django_assert_max_num_queries(33):  # an invoice is held against the report too, with what was named; and a file may be purged
            page = shown(preparer, came, "?bucket=loaded")
        assert LOADED[kind] in page
        header, *rows = rows_of(preparer, came, "loaded")
        assert header == ["line", "bucket", *HEADERS[kind]]
        assert {row[0] for row in rows} <= {"2", "3"}

    def test_rows_that_did_not_load_come_with_line_reason_and_cells(self, preparer: Client, arrive: Receive, kind: str) -> None:
        came = arrive(FILES[kind], f"{kind}.csv", kind=kind)
        counted = came.merged + came.set_aside + came.rejected
        header, *rows = rows_of(preparer, came, "")
        assert header[:4] == ["line", "bucket", "reason", "what is wrong"]
        assert len(rows) == counted
        assert all(row[0] and row[1] and row[2] for row in rows)


def test_another_kind_with_other_fields_is_guessed_anew(preparer: Client, mara: User, arrive: Receive) -> None:
    came = arrive(AGENTS, "list.csv", kind="expected")
    preparer.post(url(came, "mapping"), as_shown(came, mara, kind="agents"))
    came = done(came)
    assert (came.kind, came.state, came.mapping_stated) == ("agents", "ready", False)
    assert came.mapping["columns"]["0"] == "hostname"  # type: ignore[index]


def test_an_agent_list_keeps_the_stated_order_of_its_dates(preparer: Client, mara: User, arrive: Receive) -> None:
    came = arrive(b"Hostname,Organization,Last Seen\nlab-2,Aldermere Surveying,03/04/2026\n", "agents.csv", kind="agents")
    assert came.rejected == 1
    preparer.post(url(came, "mapping"), as_shown(came, mara, dates="day"))
    assert done(came).rejected == 0
    again = arrive(b"Hostname,Organization,Last Seen\nlab-3,Aldermere Surveying,05/04/2026\n", "agents.csv", kind="agents")
    assert (again.rejected, again.preview["profile"]["changes"]) == (0, [])


def test_a_product_that_is_not_known_is_named_with_its_units(preparer: Client, arrive: Receive) -> None:
    page = shown(preparer, arrive(b"Customer,Service,Qty\nThornby Vets,Backup,3\nAldermere,back-up,4\nAldermere,EDR,4\n", "psa.csv"))
    assert "1 product is not known here." in page
    assert "Backup <b>7</b>" in page
    assert CYCLE_TEXT in page
