"""Adding files: what is taken, what is refused and why, and the list of them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from ingest import jobs, storage
from ingest.models import Job, SourceFile
from tests.ingest_pages.conftest import BILLED, Receive

FILES = "/a/quillmere-it/files/"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
pytestmark = pytest.mark.django_db


def upload(client: Client, *files: tuple[str, bytes]):
    return client.post(FILES, {"files": [SimpleUploadedFile(name, content) for name, content in files]})


class TestAdding:
    def test_one_new_file_leads_to_its_page(self, preparer: Client, account: Account) -> None:
        response = upload(preparer, ("billing.csv", BILLED))
        came = SourceFile.objects.get()
        assert response.status_code == 302
        assert response["Location"] == f"{FILES}{came.pk}/"
        assert storage.fetch(came.sha256) == BILLED
        assert came.account == account

    def test_several_new_files_lead_to_the_list(self, preparer: Client) -> None:
        response = upload(preparer, ("a.csv", BILLED), ("b.csv", BILLED + b"\n"))
        assert response["Location"] == FILES
        assert SourceFile.objects.count() == 2

    def test_an_empty_file_is_refused_and_says_so(self, preparer: Client) -> None:
        response = upload(preparer, ("nothing.csv", b""))
        assert response.status_code == 422
        assert "nothing.csv is empty" in response.content.decode()
        assert not SourceFile.objects.exists()

    def test_a_file_that_is_too_large_is_refused_with_the_limit(self, preparer: Client, settings) -> None:
        settings.RECON_MAX_UPLOAD_MB = settings.RECON_MAX_STREAMED_MB = 1
        response = upload(preparer, ("huge.csv", b"x" * (1024 * 1024 + 1)))
        assert response.status_code == 422
        assert "huge.csv is larger than 1 MB" in response.content.decode()

    def test_the_place_to_drop_files_says_what_is_read_and_how_large_it_may_be(self, preparer: Client, settings) -> None:
        settings.RECON_MAX_UPLOAD_MB, settings.RECON_MAX_STREAMED_MB = 200, 1024
        said = "CSV, XLSX, XLS, ODS or an HTML table; up to 200 MB, agent lists as CSV up to 1,024 MB"
        assert said in preparer.get(FILES).content.decode()
        settings.RECON_MAX_STREAMED_MB = 100
        assert "up to 200 MB<" in preparer.get(FILES).content.decode()

    @pytest.mark.parametrize("is_checked", [False, True])
    def test_a_file_past_all_limits_is_stopped_while_it_arrives(self, mara: User, settings, is_checked: bool) -> None:
        settings.RECON_MAX_UPLOAD_MB = settings.RECON_MAX_STREAMED_MB = 1
        client = Client(enforce_csrf_checks=is_checked)
        client.force_login(mara)
        client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
        response = upload(client, ("huge.csv", b"x" * (3 * 1024 * 1024)))
        assert response.status_code == 413
        assert "A file may have up to 1 MB." in response.content.decode()

    def test_one_refused_does_not_keep_the_others_out(self, preparer: Client) -> None:
        response = upload(preparer, ("nothing.csv", b""), ("billing.csv", BILLED))
        assert response.status_code == 200
        page = response.content.decode()
        assert "nothing.csv is empty" in page
        assert "1 file received" in page
        assert SourceFile.objects.get().name == "billing.csv"

    def test_no_file_chosen_is_told(self, preparer: Client) -> None:
        response = preparer.post(FILES)
        assert response.status_code == 422
        assert "No file was chosen" in response.content.decode()

    def test_the_same_bytes_are_recognised_under_any_name(self, preparer: Client, arrive: Receive) -> None:
        came = arrive()
        response = upload(preparer, ("renamed.csv", BILLED))
        page = response.content.decode()
        assert response.status_code == 200
        assert "renamed.csv is here already." in page
        assert f'<a href="{FILES}{came.pk}/">billing-detail.csv</a>, billed report' in page
        assert SourceFile.objects.count() == 1

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [("statement.pdf", b"%PDF-1.7\n1 0 obj", "A PDF has no rows to read"), ("picture.csv", PNG, "picture")],
    )
    def test_what_is_no_list_is_refused_in_words_after_reading(self, preparer: Client, name: str, content: bytes, why: str) -> None:
        upload(preparer, (name, content))
        jobs.run_now(Job.objects.get())
        came = SourceFile.objects.get()
        page = preparer.get(f"{FILES}{came.pk}/").content.decode()
        assert came.state == SourceFile.State.REFUSED
        assert 'role="alert"' in page
        assert why in page
        assert "Read again" not in page
        assert "Discard" in page


class TestList:
    def test_an_account_without_files_says_what_to_do(self, preparer: Client) -> None:
        page = preparer.get(FILES).content.decode()
        assert "No files yet" in page
        assert "Nothing counts yet" in page

    def test_it_is_grouped_by_day(self, preparer: Client, arrive: Receive) -> None:
        old = arrive()
        SourceFile.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(days=40))
        arrive(BILLED + b"\n", "newer.csv")
        page = preparer.get(FILES).content.decode()
        assert re.findall(r"<h3>(.*?)</h3>", page)[0] == "Today"
        assert len(re.findall(r"<h3>(.*?)</h3>", page)) == 2
        assert page.index("newer.csv") < page.index("billing-detail.csv")

    def test_discarded_files_are_left_out(self, preparer: Client, arrive: Receive) -> None:
        came = arrive()
        preparer.post(f"{FILES}{came.pk}/discard")
        assert "No files yet" in preparer.get(FILES).content.decode()

    def test_it_says_which_file_counts_in_which_cycle(self, preparer: Client, arrive: Receive, count_in) -> None:
        count_in(arrive())
        page = preparer.get(FILES).content.decode()
        assert "14 Oct – 14 Nov 2026" in page
        assert page.count("Missing") == 2

    def test_it_is_paged_by_25(self, preparer: Client, arrive: Receive) -> None:
        for number in range(27):
            arrive(BILLED + b"\n" * (number + 1), f"list-{number}.csv", read=False)
        page = preparer.get(FILES).content.decode()
        assert "1–25 of 27 files" in page
        second = preparer.get(f"{FILES}?files=2", headers={"HX-Request": "true", "HX-Target": "shelf"}).content.decode()
        assert "list-0.csv" in second
        assert "<html" not in second

    def test_the_number_of_queries_does_not_grow(self, preparer: Client, arrive: Receive, count_in, django_assert_max_num_queries) -> None:
        counts = []
        for number in range(25):
            came = arrive(BILLED + b"\n" * number, f"list-{number}.csv", read=number % 3 > 0)
            if number == 2:
                count_in(came)
            if number + 1 in {5, 25}:
                with django_assert_max_num_queries(20) as queries:
                    preparer.get(FILES)
                counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_it_asks_again_only_while_something_is_open(self, preparer: Client, arrive: Receive) -> None:
        came = arrive(read=False)
        assert 'hx-trigger="every 1s"' in preparer.get(FILES).content.decode()
        jobs.run_now(came.jobs.get())
        assert "hx-trigger" not in preparer.get(FILES).content.decode()
