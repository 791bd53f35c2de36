"""The page of a file that counts, the rows and bytes it gives out, and who may do what there."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from accounts.models import Account, Organization, User
from ingest import storage
from ingest.models import LegInput, SourceFile
from ingest.views.rows import harmless
from tests.ingest_pages.conftest import BEFORE, BILLED, REJECTING, Receive
from tests.ingest_pages.pages import done, shown, url

State = SourceFile.State
pytestmark = pytest.mark.django_db


class TestImported:
    def test_lines_lead_to_the_row_of_the_month(self, preparer: Client, arrive: Receive, count_in) -> None:
        page = shown(preparer, count_in(arrive()), "?bucket=loaded")
        organization = Organization.objects.get(name="Farnholt Academy")
        assert f'<a href="/a/quillmere-it/months/2026-10-14/rows/{organization.pk}/edr/">Farnholt Academy</a>' in page
        assert "1–5 of 5 lines" in page

    def test_sorting_answers_with_the_list_alone(self, preparer: Client, arrive: Receive, count_in) -> None:
        source_file = count_in(arrive())
        response = preparer.get(url(source_file, "?bucket=loaded&sort=-quantity"), headers={"HX-Request": "true", "HX-Target": "lines"})
        fragment = response.content.decode()
        assert "<html" not in fragment
        assert fragment.index("Farnholt") < fragment.index("Aldermere")

    def test_what_was_replaced_says_by_what(self, preparer: Client, arrive: Receive, count_in) -> None:
        first, second = count_in(arrive()), count_in(arrive(BILLED + b"\n", "corrected.csv"))
        page = shown(preparer, first)
        assert f'by <a href="{url(second)}">corrected.csv</a> (Mara)' in page
        assert "Counts nowhere now" in page

    def test_it_serves_another_cycle_too_and_can_be_withdrawn(self, preparer: Client, arrive: Receive, count_in) -> None:
        source_file = count_in(arrive())
        preparer.post(url(source_file, "use"), {"cycle": f"{BEFORE.start}:{BEFORE.end}"})
        assert LegInput.objects.filter(ended_at__isnull=True).count() == 2
        given = LegInput.objects.get(cycle__start=BEFORE.start)
        assert f'<dialog id="withdraw-{given.pk}"' in shown(preparer, source_file)
        preparer.post(f"/a/quillmere-it/inputs/{given.pk}/withdraw")
        given.refresh_from_db()
        assert given.ended_at is not None
        assert "withdrawn" in shown(preparer, source_file)
        again = preparer.post(f"/a/quillmere-it/inputs/{given.pk}/withdraw", follow=True)
        assert "no longer serves this month" in again.content.decode()

    def test_the_same_bytes_can_be_read_as_another_kind(self, preparer: Client, arrive: Receive, count_in) -> None:
        source_file = count_in(arrive())
        response = preparer.post(url(source_file, "mapping"), {"kind": "expected"})
        twin = SourceFile.objects.get(kind="expected")
        assert response["Location"] == url(twin)
        assert twin.sha256 == source_file.sha256
        assert done(twin).state == State.READY
        again = preparer.post(url(source_file, "mapping"), {"kind": "expected"}, follow=True)
        assert "already here as expected list" in again.content.decode()

    def test_what_counts_cannot_be_discarded(self, preparer: Client, arrive: Receive, count_in) -> None:
        response = preparer.post(url(count_in(arrive()), "discard"), follow=True)
        assert "withdraw it from its month instead" in response.content.decode()


class TestDownloads:
    def test_the_original_is_the_bytes_as_they_came_and_never_shown(self, preparer: Client, arrive: Receive) -> None:
        came = arrive(b"<script>alert(1)</script>", 'bills \r\n & "more".html', read=False)
        response = preparer.get(url(came, "original"))
        assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"  # type: ignore[attr-defined]
        assert response["Content-Type"] == "application/octet-stream"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Disposition"].startswith("attachment")

    def test_rows_as_csv_have_line_reason_and_cells(self, preparer: Client, arrive: Receive) -> None:
        rows = self.rows(preparer, arrive(REJECTING, "psa.csv"), "?bucket=rejected")
        assert rows[0] == ["line", "bucket", "reason", "what is wrong", "Customer", "Service", "Qty", "Rate"]
        assert [row[0] for row in rows[1:]] == ["4", "5"]
        assert rows[1][3] == "Quantities are whole numbers: 12.5 is not."
        assert rows[1][4:] == ["Marrowdale Coffee", "SAT Learners", "12.5", "2.75"]

    def test_loaded_rows_are_lines_once_they_count(self, preparer: Client, arrive: Receive, count_in) -> None:
        priced = b"Customer,Service,Qty,Rate\nAldermere Surveying,Managed EDR,14,6.50\nAldermere Surveying,Managed EDR,2,6.125\n"
        rows = self.rows(preparer, count_in(arrive(priced, "psa.csv")), "?bucket=loaded")
        assert rows[1:] == [
            ["2", "loaded", "Aldermere Surveying", "", "", "EDR", "14", "6.50", ""],
            ["3", "merged", "Aldermere Surveying", "", "", "EDR", "2", "6.125", "2"],
        ]

    @pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
    def test_no_cell_becomes_a_formula(self, name: str) -> None:
        assert harmless(name) == f"'{name}"

    @pytest.mark.parametrize("cell", ["Aldermere", "", "007", 12, "3-1"])
    def test_what_is_harmless_stays_as_it_is(self, cell: object) -> None:
        assert harmless(cell) == cell

    def test_customers_whose_names_are_formulas_are_escaped_in_the_file(self, preparer: Client, arrive: Receive) -> None:
        rows = self.rows(preparer, arrive(b"Customer,Service,Qty\n=1+1,Managed EDR,2.5\n", "psa.csv"), "?bucket=rejected")
        assert rows[1][4] == "'=1+1"

    def test_an_unknown_bucket_is_no_page(self, preparer: Client, arrive: Receive) -> None:
        assert preparer.get(url(arrive(), "rows.csv?bucket=other")).status_code == 404

    @staticmethod
    def rows(client: Client, source_file: SourceFile, query: str) -> list[list[str]]:
        response = client.get(url(source_file, f"rows.csv{query}"))
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        return list(csv.reader(io.StringIO(text)))


class TestWho:
    GETS = ("", "original", "rows.csv")
    POSTS = ("mapping", "discard", "import", "use")

    @pytest.mark.parametrize("rest", GETS)
    def test_a_viewer_may_look(self, viewer: Client, arrive: Receive, rest: str) -> None:
        assert viewer.get(url(arrive(), rest)).status_code == 200

    @pytest.mark.parametrize("rest", POSTS)
    def test_a_viewer_may_not_act(self, viewer: Client, arrive: Receive, rest: str) -> None:
        assert viewer.post(url(arrive(), rest)).status_code == 403

    def test_a_viewer_may_not_add_or_withdraw_or_cancel(self, viewer: Client, arrive: Receive, count_in) -> None:
        came = count_in(arrive())
        assert viewer.post("/a/quillmere-it/files/").status_code == 403
        assert viewer.post(f"/a/quillmere-it/inputs/{came.inputs.get().pk}/withdraw").status_code == 403
        assert viewer.post(f"/a/quillmere-it/jobs/{came.jobs.first().pk}/cancel").status_code == 403

    def test_a_viewers_pages_say_why_there_is_no_button(self, viewer: Client, arrive: Receive) -> None:
        came = arrive()
        page = shown(viewer, came)
        assert "As viewer you may look at this file." in page
        assert "Import 3 rows" not in page
        assert "<fieldset" in page
        assert 'class="drop" aria-disabled="true"' in page

    @pytest.mark.parametrize("rest", [*GETS, *POSTS])
    def test_to_a_stranger_it_does_not_exist(self, stranger: Client, arrive: Receive, rest: str) -> None:
        came = arrive()
        method = stranger.post if rest in self.POSTS else stranger.get
        assert method(url(came, rest)).status_code == 404

    @pytest.mark.parametrize("rest", GETS)
    def test_another_accounts_file_is_not_found_under_ones_own(self, preparer: Client, arrive: Receive, mara: User, rest: str) -> None:
        other = Account.objects.create(name="Cobbleside Systems", slug="cobbleside")
        came = arrive()
        SourceFile.objects.update(account=other)
        assert preparer.get(f"/a/quillmere-it/files/{came.pk}/{rest}").status_code == 404

    @pytest.mark.parametrize("rest", POSTS)
    def test_acts_are_posts(self, preparer: Client, arrive: Receive, rest: str) -> None:
        assert preparer.get(url(arrive(), rest)).status_code == 405

    def test_bytes_are_not_lost_by_any_of_it(self, preparer: Client, arrive: Receive) -> None:
        came = arrive()
        preparer.post(url(came, "discard"))
        assert storage.fetch(came.sha256) == BILLED
