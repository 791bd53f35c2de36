"""Sheets: asked for on the page, made by a worker, the same bytes for the same month, and for nobody else."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse
from openpyxl import load_workbook

from accounts.models import Role
from ingest import jobs
from ingest.models import Job
from recon import store
from recon.filters import variances_as_listed
from recon.models import Export, Note, Reconciliation
from recon.services import exports
from tests.recon.making import CYCLE, compare, current, month_of, new_account, new_person, signed_in
from tests.recon.stock import stocked

NAMES = ["Organization", "EDR"]
PRICED = ["Organization", "EDR", "EDR price", "SAT", "SAT price"]
TARGETS = ["rebill-xlsx", "rebill-csv", "variances-xlsx", "variances-csv"]
EXPORT_QUERIES = 11


@pytest.fixture
def month(account, mara, put) -> Reconciliation:
    put("billed", PRICED, ["Tarn Vale Dental", 30, "3.10", 4, "1.00"], ["Marrick Town Trust", 100, "3.10", "", ""],
        ["=HYPERLINK(1)", 8, "", 9, "1.00"], ["@SUM(A1)", 1, "", "", ""])  # fmt: skip
    put("expected", NAMES, ["Tarn Vale Dental", 20], ["Marrick Town Trust", 98], ["+44 Plumbing", 2])
    put("rebilled", ["Organization", "EDR", "EDR price"], ["Tarn Vale Dental", 30, "6.50"], ["Marrick Town Trust", 103, "6.50"])
    compare()
    found = month_of(account)
    Note.objects.create(
        cycle=found.cycle, organization=current_row(found).organization, product="edr", author=mara, text="=cmd|'/c calc'!A1"
    )
    return found


def current_row(month: Reconciliation) -> Any:
    return variances_as_listed(month, QueryDict()).first()


def made(month: Reconciliation, target: str, by: Any, query: str = "") -> Export:
    export, job = exports.start_export(month, target, by=by, query=query)
    done = jobs.run_now(job)
    assert done.state == "done", done.error
    export.refresh_from_db()
    return export


def content(export: Export) -> bytes:
    with exports.open_sheet(export) as stream:
        return stream.read()


def csv_rows(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(export).decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_month_gives_the_same_bytes(month, mara, target):
    first, second = made(month, target, mara), made(month, target, mara)
    assert first.pk != second.pk
    assert first.sha256 == second.sha256 == hashlib.sha256(content(first)).hexdigest()


def test_a_recount_of_the_same_lists_gives_the_same_bytes(month, mara):
    first = made(month, "rebill-xlsx", mara)
    store.recount(month.cycle, lambda *given: None)  # type: ignore[arg-type]
    assert made(month_of(month.cycle.account), "rebill-xlsx", mara).sha256 == first.sha256


@pytest.mark.parametrize("target", TARGETS)
def test_until_a_month_is_signed_its_sheets_say_draft(month, mara, target):
    export = made(month, target, mara)
    assert "DRAFT" in export.name
    assert export.draft
    if target.endswith("xlsx"):
        book = load_workbook(io.BytesIO(content(export)))
        assert any("DRAFT" in str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value)
    else:
        assert {row["status"] for row in csv_rows(export)} == {"DRAFT"}


def test_building_a_sheet_twice_changes_nothing(month, mara):
    export = made(month, "rebill-csv", mara)
    before = Export.objects.values().get(pk=export.pk)
    exports.build(export.pk, jobs.Progress(0, 0))
    assert Export.objects.values().get(pk=export.pk) == before


QUERIES = [
    "",
    "product=edr",
    "q=dental",
    "severity=escalate&sort=-billed",
    "view=work&sort=name",
    "sort=-rebilled_money",
    "view=unchecked&sort=previous",
]


@pytest.mark.parametrize("query", QUERIES)
def test_the_variances_are_the_list_as_it_was_filtered_and_sorted(account, mara, preparer, put, query):
    put("billed", NAMES, ["Elsewhere", 1])
    compare()
    month_of(account).variances.all().delete()
    month = stocked(account, 90, inputs=month_of(account).inputs)
    shown = variances_as_listed(month, QueryDict(query))
    assert 0 < len(shown) <= 90
    rows = csv_rows(made(month, "variances-csv", mara, query))
    assert [(row["Organization"].lstrip("'"), row["Product"], row["Billed"]) for row in rows] == [
        (row.name, row.product.upper(), _text(row.billed)) for row in shown
    ]
    first_page = preparer.get(reverse("recon:month", args=[account.slug, str(CYCLE.start)]) + f"?{query}").content.decode()
    places = [first_page.index(f'id="row-{row.organization_id}-{row.product}"') for row in shown[:50]]
    assert places == sorted(places)  # and the screen has them in that order too


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def test_the_rebill_sheet_has_every_row_whatever_the_list_was_filtered_by(month, mara):
    whole, filtered = made(month, "rebill-csv", mara), made(month, "rebill-csv", mara, "q=tarn")
    assert whole.sha256 == filtered.sha256
    assert {row["organization"] for row in csv_rows(whole)} >= {"Tarn Vale Dental", "Marrick Town Trust"}


def test_names_and_notes_that_look_like_formulas_stay_text(month, mara):
    rows = csv_rows(made(month, "variances-csv", mara))
    assert {row["Organization"] for row in rows} >= {"'=HYPERLINK(1)", "'@SUM(A1)", "'+44 Plumbing"}
    for target in ("variances-xlsx", "rebill-xlsx"):
        book = load_workbook(io.BytesIO(content(made(month, target, mara))))
        for sheet in book.worksheets:
            cells = [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
            assert not [
                cell.value for cell in cells if "HYPERLINK" in str(cell.value) or "cmd" in str(cell.value) or "@" in str(cell.value)
            ]


def test_a_sheet_is_of_one_run_although_the_page_is_turned_while_it_is_made(month, mara, monkeypatch):
    """A recount takes the earlier rows away: a sheet that was half collected is collected anew."""
    before = csv_rows(made(month, "variances-csv", mara))
    turned: list[Any] = []
    real_rows = exports.variances_as_listed

    def rows(reconciliation: Any, *asked: Any) -> Any:
        if not turned:
            turned.append(store.recount(month.cycle, lambda *given: None))  # type: ignore[arg-type]
        return real_rows(reconciliation, *asked)

    monkeypatch.setattr(exports, "variances_as_listed", rows)
    export = made(month, "variances-csv", mara)
    assert turned
    assert csv_rows(export) == before
    assert export.run == month.run + 1


def test_the_sheet_of_a_stale_month_names_the_files_that_its_figures_came_from(account, month, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 31], name="corrected.csv")
    rows = csv_rows(made(month_of(account), "variances-csv", mara))
    assert {row["Source"] for row in rows if row["Source"]} == {f"billed.csv, line {line}" for line in range(2, 6)}
    assert current(account, "billed").source_file.name == "corrected.csv"


# --- asked for, watched, downloaded ---------------------------------------------------------------------------------------------------


@pytest.fixture
def month_url(account) -> str:
    return reverse("recon:month", args=[account.slug, str(CYCLE.start)])


def test_a_sheet_is_asked_for_watched_and_downloaded(account, month, preparer, month_url):
    page = preparer.post(month_url + "exports", {"target": "rebill-xlsx"}, follow=True)
    assert "Making the sheet" in page.content.decode()
    address = page.redirect_chain[-1][0]
    assert preparer.get(address + "download").status_code == 404  # not made yet
    jobs.run_now(Job.objects.get(kind="export"))
    assert "Ready" in preparer.get(address).content.decode()
    answer = preparer.get(address + "download")
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "DRAFT" in answer["Content-Disposition"]
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    assert "Summary" in book.sheetnames


def test_the_fragment_polls_until_it_is_made_and_then_rests(month, preparer, month_url):
    address = preparer.post(month_url + "exports", {"target": "rebill-csv"})["Location"]
    waiting = preparer.get(address, headers={"HX-Request": "true"}).content.decode()
    assert waiting.strip().startswith('<section class="card" id="sheet" hx-get=')
    jobs.run_now(Job.objects.get(kind="export"))
    assert "hx-get" not in preparer.get(address, headers={"HX-Request": "true"}).content.decode()


def test_a_sheet_that_failed_says_why_and_can_be_tried_again(month, preparer, month_url, monkeypatch):
    address = preparer.post(month_url + "exports", {"target": "rebill-csv"})["Location"]

    def fails(*given: Any) -> Any:
        raise jobs.JobFailed("A sheet holds at most 1,048,576 rows.")

    monkeypatch.setattr(exports, "month_sheet", fails)
    jobs.run_now(Job.objects.get(kind="export"))
    said = preparer.get(address).content.decode()
    assert "The sheet was not made." in said
    assert "A sheet holds at most 1,048,576 rows." in said
    assert "Try again" in said


def test_what_was_never_compared_or_has_no_bill_makes_no_sheet(account, preparer, put, month_url):
    put("expected", NAMES, ["Tarn Vale Dental", 20])
    assert "has not been compared yet" in preparer.post(month_url + "exports", {"target": "variances-csv"}, follow=True).content.decode()
    compare()
    assert "nothing to rebill" in preparer.post(month_url + "exports", {"target": "rebill-csv"}, follow=True).content.decode()
    assert preparer.post(month_url + "exports", {"target": "no-such"}).status_code == 404
    assert not Export.objects.exists()


def test_a_sheet_is_downloaded_only_through_ones_own_account(account, month, mara):
    export = made(month, "rebill-csv", mara)
    elsewhere = new_account("Brightfen Support", "brightfen")
    owen = signed_in(new_person(elsewhere, "owen@brightfen.example", Role.ADMIN))
    for slug in (account.slug, elsewhere.slug):
        for suffix in ("", "download"):
            assert owen.get(f"/a/{slug}/exports/{export.pk}/{suffix}").status_code == 404
    vera = signed_in(new_person(account, "vera@quillmere.example", Role.VIEWER))
    assert vera.get(f"/a/{account.slug}/exports/{export.pk}/download").status_code == 200


def test_the_page_of_a_sheet_takes_few_queries(account, month, mara, preparer, django_assert_num_queries):
    export = made(month, "rebill-csv", mara)
    with django_assert_num_queries(EXPORT_QUERIES):
        assert preparer.get(f"/a/{account.slug}/exports/{export.pk}/").status_code == 200
