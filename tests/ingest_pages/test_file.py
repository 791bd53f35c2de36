"""The page of one file until it counts: being read, ready, refused, and what a person does there."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from django.test import Client

from accounts.models import Account, Membership, ProductRule, Role, User
from ingest.jobs import JobFailed
from ingest.models import Job, LegInput, SourceFile, UsageLine
from tests.ingest_pages.conftest import BEFORE, BILLED, CYCLE_TEXT, REJECTING, TWO_COLUMNS, Receive
from tests.ingest_pages.pages import as_shown, done, shown, url

State = SourceFile.State
pytestmark = pytest.mark.django_db


class TestBeingRead:
    def test_it_shows_how_far_it_is_and_asks_again(self, preparer: Client, arrive: Receive) -> None:
        came = arrive(read=False)
        Job.objects.update(state=Job.State.RUNNING, done=3072, total=4800, lease_until="2030-01-01T00:00Z")
        page = shown(preparer, came)
        assert "Reading row 3,072 of 4,800." in page
        assert "You may leave this page." in page
        assert 'hx-trigger="every 700ms"' in page
        assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page

    def test_the_fragment_rests_when_it_was_read(self, preparer: Client, arrive: Receive) -> None:
        response = preparer.get(url(arrive()), headers={"HX-Request": "true", "HX-Target": "file"})
        fragment = response.content.decode()
        assert fragment.lstrip().startswith('<div class="stack" id="file">')
        assert "Import 3 rows" in fragment
        assert "700ms" not in fragment

    def test_it_can_be_cancelled_and_read_again(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(read=False)
        response = preparer.post(f"/a/quillmere-it/jobs/{came.jobs.get().pk}/cancel")
        assert response["Location"] == url(came)
        came.refresh_from_db()
        assert came.state == State.REFUSED
        assert "Cancelled." in shown(preparer, came)
        preparer.post(url(came, "mapping"), as_shown(came, mara, kind="billed"))
        assert done(came).state == State.READY

    def test_it_says_that_it_stops_until_the_worker_has_let_go(self, preparer: Client, arrive: Receive) -> None:
        came = arrive(read=False)
        Job.objects.update(state=Job.State.CANCELLED, cancel_asked=True, finished_at="2030-01-01T00:00Z")
        page = shown(preparer, came)
        assert "<b>Stopping.</b>" in page
        assert "<b>Waiting for a worker.</b>" not in page

    def test_what_failed_says_why_and_can_be_read_again(self, preparer: Client, arrive: Receive, monkeypatch) -> None:
        def fail(*args: object, **more: object) -> None:
            raise JobFailed("The store is away.")

        monkeypatch.setattr("ingest.services.intake.storage.fetch", fail)
        page = shown(preparer, arrive())
        assert "The store is away." in page
        assert "Read again" in page


class TestReady:
    def test_a_product_name_that_was_decided_is_no_longer_asked_for(
        self, preparer: Client, account: Account, mara: User, arrive: Receive
    ) -> None:
        came = arrive(b"Customer,Service,Qty\nThornby Vets,Secure Desk,3\nThornby Vets,Tape Robot,2\n", "psa.csv", kind="rebilled")
        assert "2 products are not known here." in shown(preparer, came)
        ProductRule.objects.create(account=account, name="secure  desk", product="edr", by=mara)
        page = shown(preparer, came)
        assert "1 product is not known here." in page
        assert '<span class="nowrap">Tape Robot <b>2</b></span>' in page
        assert '<span class="nowrap">Secure Desk' not in page
        ProductRule.objects.create(account=account, name="Tape Robot", reason="no product of Huntress", by=mara)
        assert "not known here" not in shown(preparer, came)

    def test_only_a_list_that_is_compared_says_that_its_rejected_rows_block(self, preparer: Client, arrive: Receive) -> None:
        leg = shown(preparer, arrive(REJECTING, "psa.csv"))
        assert "They stay listed, and block submission until settled." in leg
        assert "each rejected row makes this list unchecked for its Organization and product" in leg
        agents = shown(preparer, arrive(b"Hostname,Organization\npc-1,Thornby Vets\npc-2,\n", "agents.csv", kind="agents"))
        assert "Import without this row. It stays listed.</span>" in agents
        assert "a rejected row counts nowhere" in agents

    def test_it_shows_what_was_guessed_and_why(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive())
        assert '<option value="billed" selected>' in page
        assert "guessed from “billing”" in page
        assert f'<option value="{CYCLE_TEXT}" selected>14 Oct – 14 Nov 2026' in page
        assert "0 of 3 names known there" in page

    def test_rows_in_are_the_sum_of_the_buckets(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive(REJECTING, "psa.csv"))
        figures = [int(n) for n in re.findall(r"<b>(\d+)</b>", page[page.index("equation") :])[:5]]
        assert figures[0] == sum(figures[1:]) == 6

    @pytest.mark.parametrize(
        ("bucket", "lines"), [("", [1, 2, 3, 4, 5, 6]), ("loaded", [2, 6]), ("merged", [3]), ("set_aside", [1]), ("rejected", [4, 5])]
    )
    def test_each_bucket_shows_its_rows(self, preparer: Client, arrive: Receive, bucket: str, lines: list[int]) -> None:
        page = shown(preparer, arrive(REJECTING, "psa.csv"), f"?bucket={bucket}")
        rows = page[page.index('<tbody id="rows">') : page.index("</tbody>")]
        assert [int(line) for line in re.findall(r'class="line num">(\d+)', rows)] == lines

    def test_the_cell_at_fault_is_marked_and_explained(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive(REJECTING, "psa.csv"), "?bucket=rejected")
        assert '<td class="num what">12.5</td>' in page
        assert "Quantities are whole numbers: 12.5 is not." in page
        assert "would settle line 5" in page

    def test_remarks_that_say_the_same_are_one(self, preparer: Client, arrive: Receive) -> None:
        bad = b"".join(b"Customer %d,Managed EDR,%d.5,1\n" % (n, n) for n in range(12))
        page = shown(preparer, arrive(b"Customer,Service,Qty,Rate\n" + bad, "psa.csv"))
        assert "<b>Line 2 and 11 other places</b>" in page

    def test_errors_come_first(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive(REJECTING, "psa.csv"))
        page = page[page.index("issues-h") :]
        assert page.index("12.5 is not") < page.index("added to line 2")

    def test_it_says_what_would_be_replaced(self, preparer: Client, arrive: Receive, count_in) -> None:
        first = arrive()
        assert "Replaces nothing: the first billed report of this cycle" in shown(preparer, first)
        count_in(first)
        second = arrive(BILLED + b"\n", "corrected.csv")
        assert f'Replaces <a href="{url(first)}">billing-detail.csv</a>' in shown(preparer, second)
        assert "Replaces nothing" in shown(preparer, second, f"?cycle={BEFORE.start}:{BEFORE.end}")

    def test_a_nonsensical_cycle_in_the_address_is_ignored(self, preparer: Client, arrive: Receive) -> None:
        assert f'<option value="{CYCLE_TEXT}" selected>' in shown(preparer, arrive(), "?cycle=yesterday")

    def test_totals_stand_beside_those_of_the_cycle_before(self, preparer: Client, arrive: Receive, count_in) -> None:
        count_in(arrive(BILLED.replace(b"14,16", b"10,16").replace(b"61", b"57").replace(b"2026-10-14 to 2026-11-14", b"x")), BEFORE)
        page = shown(preparer, arrive())
        row = page[page.index('<th scope="row">EDR</th>') :]
        assert re.findall(r'<td class="num[^"]*">([^<]*)</td>', row)[:3] == ["57", "61", "+4"]

    def test_a_changed_column_is_read_again(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        response = preparer.post(url(came, "mapping"), as_shown(came, mara, column_2=""))
        assert response["Location"] == url(came)
        assert done(came).mapping["columns"] == {"0": "organization", "1": "quantity:edr"}  # type: ignore[index]
        assert came.mapping_stated
        assert came.preview["totals"] == {"edr": 61}

    def test_another_kind_alone_is_guessed_again(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        preparer.post(url(came, "mapping"), as_shown(came, mara, kind="expected"))
        assert done(came).kind == "expected"
        assert not came.mapping_stated

    def test_a_stated_decimal_sign_settles_what_was_ambiguous(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(REJECTING, "psa.csv")
        preparer.post(url(came, "mapping"), as_shown(came, mara, decimal="."))
        assert done(came).rejected == 1

    def test_a_header_line_alone_is_mapped_anew(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(b"Organization,EDR\nBrightfen,1\nCompany,ITDR\nCobbleside,2\n")
        assert came.mapping["columns"] == {"0": "organization", "1": "quantity:edr"}  # type: ignore[index]
        preparer.post(url(came, "mapping"), as_shown(came, mara, header_line="3"))
        assert done(came).mapping["columns"] == {"0": "organization", "1": "quantity:itdr"}  # type: ignore[index]

    def test_a_wrong_choice_keeps_what_was_typed(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        response = preparer.post(url(came, "mapping"), as_shown(came, mara, column_2="", header_line="none"))
        assert response.status_code == 422
        page = response.content.decode()
        assert "Header is on line: Enter a whole number." in page
        assert 'value="none"' in page
        came.refresh_from_db()
        assert came.state == State.READY

    def test_a_header_beyond_the_file_can_be_put_right(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        preparer.post(url(came, "mapping"), as_shown(came, mara, header_line="999"))
        assert done(came).state == State.REFUSED
        assert "no row starts on line 999" in shown(preparer, came)
        preparer.post(url(came, "mapping"), as_shown(came, mara, header_line="2"))
        assert done(came).state == State.READY

    def test_it_can_go_to_another_account_of_the_same_person(self, preparer: Client, mara: User, arrive: Receive) -> None:
        other = Account.objects.create(name="Brightfen Support", slug="brightfen", anniversary_day=1)
        came = arrive()
        data = as_shown(came, mara, account="brightfen")
        assert preparer.post(url(came, "mapping"), data).status_code == 422
        Membership.objects.create(user=mara, account=other, role=Role.VIEWER)
        assert preparer.post(url(came, "mapping"), data).status_code == 422
        Membership.objects.update(role=Role.PREPARER)
        response = preparer.post(url(came, "mapping"), data)
        assert response["Location"] == f"/a/brightfen/files/{came.pk}/"
        came.refresh_from_db()
        assert came.account == other
        assert came.preview["cycle"] == "2026-10-01:2026-11-01"

    def test_it_can_be_discarded(self, preparer: Client, arrive: Receive) -> None:
        came = arrive()
        assert preparer.post(url(came, "discard"))["Location"] == "/a/quillmere-it/files/"
        came.refresh_from_db()
        assert came.state == State.DISCARDED
        assert "Discarded." in shown(preparer, came)
        assert preparer.post(url(came, "import"), {"kind": "billed", "account": "quillmere-it", "cycle": CYCLE_TEXT}).status_code == 422


class TestImporting:
    def test_import_counts_in_the_cycle_shown(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        response = preparer.post(url(came, "import"), as_shown(came, mara))
        assert response["Location"] == url(came)
        came.refresh_from_db()
        assert came.state == State.IMPORTING
        assert "then=month" in shown(preparer, came)
        assert done(came).state == State.IMPORTED
        assert UsageLine.objects.filter(source_file=came).count() == 5

    def test_when_it_counts_the_page_goes_to_its_month(self, preparer: Client, arrive: Receive, count_in) -> None:
        response = preparer.get(url(count_in(arrive()), "?then=month"), headers={"HX-Request": "true", "HX-Target": "file"})
        assert response["HX-Redirect"] == "/a/quillmere-it/months/2026-10-14/"

    def test_partial_is_kept(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        preparer.post(url(came, "import"), as_shown(came, mara, partial="on"))
        done(came)
        assert LegInput.objects.get().partial

    def test_rejected_rows_are_left_out_only_when_a_person_says_so(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(REJECTING, "psa.csv")
        response = preparer.post(url(came, "import"), as_shown(came, mara))
        assert response.status_code == 422
        assert "2 rows are rejected." in response.content.decode()
        preparer.post(url(came, "import"), as_shown(came, mara, without_rejected="on"))
        assert done(came).state == State.IMPORTED

    @pytest.mark.parametrize("changes", [{"column_2": ""}, {"kind": "rebilled"}, {"decimal": ","}])
    def test_what_was_changed_is_read_before_it_counts(
        self, preparer: Client, mara: User, arrive: Receive, changes: dict[str, str]
    ) -> None:
        came = arrive()
        response = preparer.post(url(came, "import"), as_shown(came, mara, **changes), follow=True)
        assert "read again first" in response.content.decode()
        assert done(came).state == State.READY
        assert not LegInput.objects.exists()

    def test_a_list_without_a_loadable_row_cannot_be_imported_and_says_why(self, preparer: Client, arrive: Receive) -> None:
        page = shown(preparer, arrive(b"Customer,Service,Qty\nThornby Vets,Managed EDR,12.5\n", "psa.csv"))
        assert 'aria-disabled="true" aria-describedby="import-why"' in page

    def test_a_cancelled_import_can_be_repeated(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        preparer.post(url(came, "import"), as_shown(came, mara))
        job = came.jobs.get(kind="import")
        preparer.post(f"/a/quillmere-it/jobs/{job.pk}/cancel")
        came.refresh_from_db()
        assert came.state == State.READY
        assert "It was not imported." in shown(preparer, came)


class TestRefused:
    def test_two_columns_for_one_product_are_a_choice(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(TWO_COLUMNS)
        page = shown(preparer, came)
        assert "Two columns could be the EDR" in page
        assert '<label class="vh" for="file-column_2">Column C, Agents, is</label>' in page
        preparer.post(url(came, "mapping"), as_shown(came, mara, column_1="", column_2="quantity:edr"))
        assert done(came).state == State.READY
        assert came.preview["totals"] == {"edr": 18}

    def test_confirming_what_is_shown_is_a_choice_too(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(TWO_COLUMNS)
        preparer.post(url(came, "mapping"), as_shown(came, mara))
        assert done(came).preview["totals"] == {"edr": 17}

    def test_a_list_without_a_header_can_be_mapped(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive(b"who;how many\nAldermere Surveying;2\nFarnholt Academy;4\n", "billing.csv")
        assert came.state == State.REFUSED
        assert "No header was found" in shown(preparer, came)
        preparer.post(url(came, "mapping"), as_shown(came, mara, column_0="organization", column_1="quantity:sat"))
        assert done(came).preview["totals"] == {"sat": 6}

    @pytest.mark.parametrize(("sheet", "units"), [("North", 3), ("South", 5)])
    def test_one_of_several_sheets_is_chosen_and_its_columns_are_found(
        self, preparer: Client, mara: User, arrive: Receive, sheet: str, units: int
    ) -> None:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, title, count in (("North", [], 3), ("South", [["Lists of November"], []], 5)):
            for row in [*title, ["Company", "EDR"], ["Aldermere Surveying", count]]:
                (book[name] if name in book.sheetnames else book.create_sheet(name)).append(row)
        stream = io.BytesIO()
        book.save(stream)
        came = arrive(stream.getvalue(), "billing.xlsx")
        assert came.state == State.REFUSED
        assert '<option value="South">South</option>' in shown(preparer, came)
        preparer.post(url(came, "mapping"), as_shown(came, mara, sheet=sheet))
        assert done(came).state == State.READY
        assert came.preview["totals"] == {"edr": units}

    def test_a_bad_mapping_is_refused_in_words_and_can_be_put_right(self, preparer: Client, mara: User, arrive: Receive) -> None:
        came = arrive()
        preparer.post(url(came, "mapping"), as_shown(came, mara, column_0=""))
        assert done(came).state == State.REFUSED
        assert "no column is the Organization" in shown(preparer, came)
        preparer.post(url(came, "mapping"), as_shown(came, mara, column_0="organization"))
        assert done(came).state == State.READY
