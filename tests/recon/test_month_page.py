"""The month on screen: what it says in every state, which rows it shows and in what order, and how much it asks of the database."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from accounts.models import Organization, Role
from ingest import jobs
from ingest.models import Job
from recon import store
from recon.board import board_of
from recon.models import Export, Note, Reconciliation, Severity, Variance
from recon.services import exports, imports
from tests.recon.making import AFTER, BEFORE, CYCLE, compare, current, month_of, new_person, signed_in
from tests.recon.stock import stocked

NAMES = ["Organization", "EDR"]
ROW = re.compile(r'<tr id="row-(\d+)-(\w+)"')


@pytest.fixture
def url(account) -> str:
    return reverse("recon:month", args=[account.slug, CYCLE.start.isoformat()])


def shown(client: Any, url: str, **query: Any) -> list[tuple[int, str]]:
    """The rows of a page, in their order."""
    answer = client.get(url, query)
    assert answer.status_code == 200
    return [(int(pk), product) for pk, product in ROW.findall(answer.content.decode())]


def everything(client: Any, url: str, **query: Any) -> list[tuple[int, str]]:
    """The rows of all pages."""
    found: list[tuple[int, str]] = []
    for page in range(1, 20):
        rows = shown(client, url, page=page, **query)
        if page > 1 and rows == found[-len(rows) :] and len(rows):
            break  # the last page again
        found += rows
        if len(rows) < 50:
            break
    return found


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# --- states -----------------------------------------------------------------------------------------------------------------------


def test_a_cycle_without_lists_says_that_nothing_can_be_compared(account, preparer, put, mara, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    imports.withdraw(current(account, "billed"), by=mara)
    compare()
    said = text(preparer.get(url))
    assert "No billed report" in said
    assert "3 of 3 missing" in said
    assert "Rebill sheet" not in said


def test_a_month_that_was_never_compared_invites_to_add_files(account, preparer, put, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    said = text(preparer.get(url))
    assert "Nothing to compare yet" in said
    assert "Comparing the lists." in said


def test_a_bill_alone_is_never_green(account, preparer, put, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    compare()
    answer = preparer.get(url)
    assert "No expected list" in text(answer)
    assert "cannot be checked" in text(answer)
    assert "2 of 3 missing" in text(answer)
    assert [row.severity for row in Variance.objects.all()] == [Severity.UNCHECKED]
    assert "is-match" not in answer.content.decode().split("<tbody>")[1].split("</tbody>")[0]


def test_a_stale_month_says_so_and_a_preparer_can_compare_again(account, preparer, put, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    compare()
    Reconciliation.objects.update(stale=True)
    assert "An input has changed since this was compared." in text(preparer.get(url))
    assert preparer.post(url + "recount").status_code == 302
    assert "Comparing the lists." in text(preparer.get(url))
    compare()
    assert "has changed" not in text(preparer.get(url))


def test_a_failed_comparison_says_why_and_keeps_the_figures(account, preparer, put, url, monkeypatch):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    compare()
    put("expected", NAMES, ["Tarn Vale Dental", 3])

    def fails(*given: Any, **more: Any) -> None:
        raise jobs.JobFailed("The list is upside down.")

    monkeypatch.setattr(store, "reconcile", fails)
    jobs.run_now(Job.objects.get(state="queued"))
    said = text(preparer.get(url))
    assert "The month could not be compared. The list is upside down." in said
    assert "Tarn Vale Dental" in said


def test_names_that_wait_and_rejected_rows_are_said_in_the_head(account, preparer, put, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3], ["TARN VALE DENTAL", 4], ["Marrick", "12.5"], without_rejected=True)
    compare()
    said = text(preparer.get(url))
    assert "1 name to match" in said
    assert "1 rejected row" in said


def test_a_viewer_reads_and_is_offered_nothing_to_change(account, put, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    compare()
    Reconciliation.objects.update(stale=True)
    said = text(signed_in(new_person(account, "vera@quillmere.example", Role.VIEWER)).get(url))
    assert "Compare again" not in said
    assert "Add files" not in said.split("Variances")[0].replace("No expected list Add files", "").replace("No rebilled list Add files", "")


def test_a_sheet_that_failed_is_not_said_to_be_being_made(account, preparer, put, mara, url):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    compare()
    _, job = exports.start_export(month_of(account), "rebill-csv", by=mara)
    assert "being made" in text(preparer.get(url))
    jobs.ask_to_cancel(job)
    assert "not made" in text(preparer.get(url))
    assert "being made" not in text(preparer.get(url))


# --- which rows, in what order ------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(account) -> list[Variance]:
    month = stocked(account, 130)
    return list(Variance.objects.filter(reconciliation=month, run=month.run))


def key(row: Variance) -> tuple[int, str]:
    return (row.organization_id, row.product)


def worst_first(rows: list[Variance]) -> list[Variance]:
    return sorted(rows, key=lambda row: (-row.severity, -row.weight, row.name, row.product, row.pk))


def test_without_a_sort_the_worst_come_first_then_by_money(preparer, url, rows):
    assert everything(preparer, url) == [key(row) for row in worst_first(rows)]


def test_every_row_is_on_one_page_and_on_one_only(preparer, url, rows):
    for sort in ("", "name", "-billed", "product", "severity"):
        found = everything(preparer, url, sort=sort)
        assert len(found) == len(set(found)) == len(rows), sort


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("column", ["billed", "rebilled", "previous", "expected_difference", "rebilled_money"])
def test_a_sort_puts_the_unknown_last_either_way(preparer, url, rows, column, direction):
    known = [row for row in rows if getattr(row, column) is not None]
    unknown = sorted((row for row in rows if getattr(row, column) is None), key=lambda row: (row.name, row.product, row.pk))
    known.sort(key=lambda row: (row.name, row.product, row.pk))
    known.sort(key=lambda row: getattr(row, column), reverse=direction == "-")
    assert unknown
    assert everything(preparer, url, sort=f"{direction}{column}") == [key(row) for row in known + unknown]


FILTERS = [
    ({"product": "edr"}, lambda row: row.product == "edr"),
    ({"severity": "escalate"}, lambda row: row.severity == Severity.ESCALATE),
    ({"severity": "unchecked", "product": "sat"}, lambda row: row.severity == Severity.UNCHECKED and row.product == "sat"),
    ({"q": "dental"}, lambda row: "dental" in row.name.casefold()),
    ({"q": "100%"}, lambda row: "100%" in row.name),
    ({"q": "r_s"}, lambda row: "r_s" in row.name),
    ({"q": "O'D"}, lambda row: "O'Dowd" in row.name),
    ({"q": " TARN "}, lambda row: "tarn" in row.name.casefold()),
    ({"view": "work"}, lambda row: row.severity >= Severity.INVESTIGATE),
    ({"view": "rebill"}, lambda row: row.rebilled_severity >= Severity.INVESTIGATE),
    ({"view": "unchecked"}, lambda row: Severity.UNCHECKED in (row.expected_severity, row.rebilled_severity)),
    ({"view": "work", "q": "vale", "product": "itdr"},
     lambda row: row.severity >= Severity.INVESTIGATE and "vale" in row.name.casefold() and row.product == "itdr"),
    ({"severity": "no-such", "product": "no-such", "view": "no-such"}, lambda row: True),
]  # fmt: skip


@pytest.mark.parametrize(("query", "fits"), FILTERS, ids=[str(query) for query, _ in FILTERS])
def test_a_filter_shows_the_rows_that_a_naive_look_finds(preparer, url, rows, query, fits):
    assert everything(preparer, url, **query) == [key(row) for row in worst_first([row for row in rows if fits(row)])]


def test_the_foot_of_a_filtered_list_is_the_sum_over_all_its_pages(preparer, url, rows):
    its = [row for row in rows if row.severity >= Severity.UNCHECKED]
    answer = preparer.get(url, {"view": "work"})
    work = [row for row in its if row.severity >= Severity.INVESTIGATE]
    foot = re.sub(r"<[^>]+>", " ", answer.content.decode().split("<tfoot>")[1].split("</tfoot>")[0])
    assert f"These {len(work)} rows" in foot
    assert f"{sum(row.billed or 0 for row in work):,}" in foot


def test_each_saved_view_counts_its_rows(account, preparer, put, url):
    put("billed", ["Organization", "EDR", "SAT"], ["Tarn Vale Dental", 30, 4], ["Marrick", 100, ""], ["Brindle", 1, 1])
    put("expected", NAMES, ["Tarn Vale Dental", 20], ["Marrick", 98], ["Brindle", 1])
    put("rebilled", NAMES, ["Tarn Vale Dental", 30], ["Brindle", 1], ["Gone", 2])
    compare()
    tabs = text(preparer.get(url)).split("All rows")[1].split("Organization")[0]
    counts = [int(number) for number in re.findall(r"\d+", tabs)][:6]
    assert counts == [len(everything(preparer, url, view=view)) for view in ("", "work", "rebill", "mine", "open", "unchecked")]
    assert len(set(counts)) > 2


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "1" * 40])
def test_a_page_that_is_not_there_shows_one_that_is(preparer, url, rows, page):
    assert len(shown(preparer, url, page=page)) in {30, 50}


# --- one row ----------------------------------------------------------------------------------------------------------------------


def row_url(account: Any, row: Variance) -> str:
    return reverse("recon:row", args=[account.slug, CYCLE.start.isoformat(), row.organization_id, row.product])


def test_an_opened_row_has_its_legs_with_file_and_line_and_its_earlier_cycles(account, preparer, put):
    put("billed", NAMES, ["Marrick", 1], ["Tarn Vale Dental", 3], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    put("rebilled", ["Customer", "Service", "Qty"], ["Tarn Vale Dental", "Managed EDR", 1], ["Tarn Vale Dental", "Managed EDR", 3])
    compare()
    row = Variance.objects.get(reconciliation=month_of(account), name="Tarn Vale Dental")
    said = text(preparer.get(row_url(account, row)))
    assert re.search(r"Billed 5 .{0,40}billed\.csv, line 2", said)
    assert "rebilled.csv, line 2 (1), line 3 (3)" in said
    assert "Rebill 5 , as billed" in said
    assert re.search(r"14 Sept? – 14 Oct 2026 3", said)
    assert re.search(r"Row \d of 2", said)


def test_an_opened_row_of_a_stale_month_names_the_file_that_its_figure_came_from(account, preparer, put):
    put("billed", NAMES, ["Tarn Vale Dental", 5], name="first.csv")
    compare()
    put("billed", NAMES, ["Tarn Vale Dental", 6], name="second.csv")
    row = Variance.objects.get()
    assert "first.csv, line 2" in text(preparer.get(row_url(account, row)))


def test_a_gap_in_the_cycles_is_no_zero(account, preparer, put):
    put("billed", NAMES, ["Marrick", 1], ["Tarn Vale Dental", 3], cycle=BEFORE, partial=True)
    put("billed", NAMES, ["Tarn Vale Dental", 5], ["Sorrelby", 2])
    compare()
    row = Variance.objects.get(reconciliation=month_of(account), name="Sorrelby")
    assert "No billed report" in preparer.get(row_url(account, row)).content.decode()


def test_a_note_is_kept_beside_its_row_and_shown_with_its_writer(account, preparer, put):
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    compare()
    url = row_url(account, Variance.objects.get())
    answer = preparer.post(url + "?view=work", {"act": "note", "text": "  Two <b>laptops</b> came in. "}, follow=True)
    assert "Two &lt;b&gt;laptops&lt;/b&gt; came in." in answer.content.decode()
    assert answer.redirect_chain[0][0] == url + "?view=work"
    assert Note.objects.get().text == "Two <b>laptops</b> came in."
    assert "A note needs words." in text(preparer.post(url, {"act": "note", "text": "   "}, follow=True))
    assert Note.objects.count() == 1


@pytest.mark.parametrize("where", [("999999", "edr"), ("9" * 30, "edr"), ("9" * 18, "edr"), (None, "ispm")])
def test_a_row_that_is_not_there_is_not_found_and_takes_no_note(account, preparer, put, where):
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    compare()
    pk, product = where
    url = f"/a/{account.slug}/months/{CYCLE.start}/rows/{pk or Organization.objects.get().pk}/{product}/"
    assert preparer.get(url).status_code == 404
    assert preparer.post(url, {"act": "note", "text": "Hm"}).status_code == 404


# --- fragments --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "begins"),
    [
        ({}, "<!doctype html>"),
        ({"HX-Request": "true"}, '<section class="card list"'),
        ({"HX-Request": "true", "HX-Target": "month"}, '<div id="month"'),
        ({"HX-Request": "true", "HX-Boosted": "true"}, "<!doctype html>"),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, "<!doctype html>"),
    ],
)
def test_htmx_is_answered_the_fragment_it_asks_for_and_everybody_else_a_page(preparer, url, rows, headers, begins):
    answer = preparer.get(url, headers=headers)
    assert answer.content.decode().strip().lower().startswith(begins)
    assert {"HX-Request", "HX-Target"} <= {name.strip() for name in answer["Vary"].split(",")}


# --- queries ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def warmed(account, put) -> Any:
    """Make a month of so many rows with real inputs, earlier cycles, notes and sheets."""
    for kind in ("billed", "expected", "rebilled"):
        put(kind, NAMES, ["Tarn Vale Dental", 3], ["Marrick", "1.5"], without_rejected=True)
    put("billed", NAMES, ["Tarn Vale Dental", 2], cycle=BEFORE)
    compare()
    return lambda rows: _warmed(account, rows)


def _warmed(account: Any, rows: int) -> Reconciliation:
    Variance.objects.filter(reconciliation=month_of(account)).delete()
    month = stocked(account, rows, inputs=month_of(account).inputs)
    for cycle in (BEFORE, AFTER):
        stocked(account, rows, cycle, inputs=store.inputs_of(month.cycle).described())
    writer = get_user_model().objects.first()
    assert writer
    organizations = Organization.objects.filter(account=account).order_by("pk")[: rows // 2]
    products = dict(Variance.objects.filter(reconciliation=month, run=4).values_list("organization", "product"))
    for one in organizations:
        Note.objects.create(cycle=month.cycle, organization=one, product=products[one.pk], author=writer, text="Seen.")
    Export.objects.bulk_create(Export(reconciliation=month, target="rebill-csv", by=writer) for _ in range(3))
    board_of(month)
    return month


MONTH_QUERIES, ROW_QUERIES = 33, 44


@pytest.mark.parametrize("rows", [10, 60])
def test_a_months_page_asks_the_same_of_the_database_for_ten_rows_and_for_sixty(warmed, preparer, url, rows, django_assert_num_queries):
    warmed(rows)
    with django_assert_num_queries(MONTH_QUERIES):
        assert len(shown(preparer, url)) == min(rows, 50)


@pytest.mark.parametrize("rows", [10, 60])
def test_an_opened_row_asks_the_same_for_ten_rows_and_for_sixty(account, warmed, preparer, rows, django_assert_num_queries):
    month = warmed(rows)
    row = Variance.objects.filter(reconciliation=month, run=4).first()
    assert row
    with django_assert_num_queries(ROW_QUERIES):
        assert preparer.get(row_url(account, row)).status_code == 200
