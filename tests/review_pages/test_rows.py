"""What a person decides of rows, one or many, through the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recon.models import Decision, Note, Reconciliation, ReconcilingItem, RowDecision
from recon.services import decisions, review
from tests.review_pages.months import Month, build


def post(month: Month, who: str, url: str, **fields: Any) -> Any:
    return month.client(who).post(url, fields)


def page(month: Month, who: str, url: str) -> str:
    response = month.client(who).get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_an_item_takes_a_part_and_the_rest_is_said(month: Month) -> None:
    url = month.row_url("Ollerby Freight")
    response = post(month, "mara", url, act="explain", check="expected", cause="stale_agents", quantity="+5", note="Last seen in October")
    assert response.status_code == 302
    row = month.row("Ollerby Freight")
    assert (row.expected_difference, row.expected_explained, row.expected_left) == (12, 5, 7)
    shown = page(month, "mara", url)
    for words in ("Stale agents", "Last seen in October", "Mara Kestle", "Unexplained", "+7"):
        assert words in shown


@pytest.mark.parametrize(("written", "units"), [("", 12), ("12", 12), ("+12", 12), ("−3", -3), ("-3", -3), ("1,000", 1000)])
def test_units_are_read_as_people_write_them(month: Month, written: str, units: int) -> None:
    post(month, "mara", month.row_url("Ollerby Freight"), act="explain", check="expected", cause="timing", quantity=written)
    assert ReconcilingItem.objects.get().quantity == units


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cause": "new_agents", "quantity": "twelve"}, "not a whole number"),
        ({"cause": "new_agents", "quantity": "0"}, "at least one unit"),
        ({"cause": "", "quantity": "5"}, "Choose a cause"),
        ({"cause": "carried", "quantity": "5"}, "write a note"),
    ],
)
def test_a_refused_item_says_why_and_keeps_what_was_typed(month: Month, fields: dict[str, str], words: str) -> None:
    response = post(month, "mara", month.row_url("Ollerby Freight"), act="explain", check="expected", **fields)
    assert response.status_code == 422
    said = response.content.decode()
    assert words in said
    assert f'value="{fields["quantity"]}"' in said
    assert not ReconcilingItem.objects.exists()


def test_withdrawing_one_item_of_many_leaves_the_others(month: Month) -> None:
    keys = [month.key("Ollerby Freight"), month.key("Tarn Vale Dental")]
    post(month, "mara", month.url(), act="explain", check="rebilled", cause="psa_last_month", row=keys)
    item = ReconcilingItem.objects.get(organization=month.organizations["Ollerby Freight"])
    post(month, "pia", month.row_url("Ollerby Freight"), act="withdraw", item=item.pk)
    assert month.row("Ollerby Freight").rebilled_left == 11
    assert month.row("Tarn Vale Dental").rebilled_left == 0
    decisions.undo(Decision.objects.get(action="recon.item.withdrawn"), by=month.people["pia"])
    assert month.row("Ollerby Freight").rebilled_left == 0


def test_an_item_that_came_with_a_reopening_can_be_withdrawn(month: Month) -> None:
    review.reopen(month.sign(), by=month.people["jonah"], reason="other", words="A credit note came.")
    month.recount()
    item = ReconcilingItem.objects.get(reconciliation=month.reconciliation, check_name="expected")
    assert "before it was reopened" in page(month, "mara", month.row_url("Ollerby Freight"))
    assert post(month, "mara", month.row_url("Ollerby Freight"), act="withdraw", item=item.pk).status_code == 302
    assert month.row("Ollerby Freight").expected_left == 12


def test_another_rebill_quantity_has_a_reason_and_a_way_back(month: Month) -> None:
    url = month.row_url("Ollerby Freight")
    assert "Say why" in post(month, "mara", url, act="rebill", rebill="80").content.decode()
    post(month, "mara", url, act="rebill", rebill="80", reason="dispute", rebill_note="Ticket 4711")
    shown = page(month, "mara", url)
    assert "instead of the 86 billed" in shown
    assert "Ticket 4711" in shown
    post(month, "mara", url, act="as_billed")
    assert month.row("Ollerby Freight").rebill_quantity is None


def test_notes_ask_and_are_resolved(month: Month) -> None:
    url = month.row_url("Ollerby Freight")
    post(month, "mara", url, act="note", text="Whose laptops are these?", is_open="1")
    assert "open note" in page(month, "jonah", url)
    assert "Ollerby Freight" in page(month, "jonah", month.url() + "?view=asked")
    assert "Garrowby Dental" not in page(month, "jonah", month.url() + "?view=asked")
    post(month, "jonah", url, act="resolve", resolved=Note.objects.get().pk)
    assert "resolved by Jonah Ostrow" in page(month, "mara", url)


def test_a_note_of_another_row_is_not_resolved_here(month: Month) -> None:
    post(month, "mara", month.row_url("Ollerby Freight"), act="note", text="Whose?", is_open="1")
    response = post(month, "mara", month.row_url("Dunfell Farms"), act="resolve", resolved=Note.objects.get().pk)
    assert response.status_code == 422
    assert Note.objects.get().resolved_at is None


def test_rows_are_given_to_people_of_the_account_alone(month: Month) -> None:
    stranger = build("brightfen").people["mara"]
    keys = [month.key("Ollerby Freight"), month.key("Dunfell Farms")]
    assert post(month, "mara", month.url(), act="assign", owner=stranger.pk, row=keys).status_code == 422
    assert post(month, "mara", month.url(), act="assign", owner=month.people["jonah"].pk, row=keys).status_code == 302
    mine = page(month, "jonah", month.url() + "?view=mine")
    assert "Dunfell Farms" in mine
    assert "Tarn Vale Dental" not in mine
    post(month, "mara", month.url(), act="assign", owner="nobody", row=keys)
    assert not RowDecision.objects.filter(owner__isnull=False).exists()


def test_every_act_offers_its_undoing(month: Month) -> None:
    client = month.client("mara")
    response = client.post(month.url(), {"act": "review", "row": [month.key("Ollerby Freight")]}, follow=True)
    undo = month.url("undo", Decision.objects.get().pk)
    assert f'action="{undo}"' in response.content.decode()
    back = month.url() + "?view=work"
    assert client.post(undo, {"back": back}).headers["Location"] == back
    assert not month.row("Ollerby Freight").is_reviewed
    assert "undone already" in client.post(undo, follow=True).content.decode()


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/a/brightfen/", ""])
def test_undoing_leads_nowhere_else(month: Month, back: str) -> None:
    post(month, "mara", month.url(), act="review", row=[month.key("Ollerby Freight")])
    response = post(month, "mara", month.url("undo", Decision.objects.get().pk), back=back)
    assert response.headers["Location"] == month.url()


def test_all_rows_of_a_filter_are_decided_without_naming_them(month: Month) -> None:
    seen = {"seen_run": month.reconciliation.run, "seen_rows": 2}
    url = month.url() + "?view=open"
    response = post(month, "mara", url, act="explain", check="rebilled", cause="psa_last_month", everything="1", **seen)
    assert response.status_code == 302
    assert sorted(ReconcilingItem.objects.values_list("quantity", flat=True)) == [10, 11]
    # what the person saw is not what there is any more
    response = post(month, "mara", url, act="review", everything="1", **seen)
    assert response.status_code == 422
    assert "shows 1 row by now" in response.content.decode()
    month.recount()
    response = post(month, "mara", url, act="review", everything="1", **seen | {"seen_rows": 1})
    assert response.status_code == 422
    assert "compared anew" in response.content.decode()


@pytest.mark.parametrize(
    "fields", [{"act": "review"}, {"act": "rebill", "rebill": "1"}, {"act": "burn"}, {"act": "review", "row": "x-edr"}]
)
def test_what_names_no_row_or_no_act_changes_nothing(month: Month, fields: dict[str, str]) -> None:
    response = post(month, "mara", month.url(), **fields)
    assert response.status_code == 422
    assert not Decision.objects.exists()


def test_selected_rows_stay_selected_when_refused(month: Month) -> None:
    response = post(month, "mara", month.url(), act="explain", check="expected", cause="", row=[month.key("Ollerby Freight")])
    assert f'value="{month.key("Ollerby Freight")}" form="bulk"' in response.content.decode()
    assert response.content.decode().count(" checked") >= 1


def test_a_viewer_reads_and_decides_nothing(month: Month) -> None:
    for url in (month.url(), month.row_url("Ollerby Freight")):
        shown = page(month, "tom", url)
        assert 'name="act"' not in shown
        assert 'name="row"' not in shown
        assert post(month, "tom", url, act="review").status_code == 403


def test_what_is_in_review_or_signed_refuses_with_words(month: Month) -> None:
    month.submit()
    for state in ("in review", "signed"):
        for url in (month.url(), month.row_url("Ollerby Freight")):
            assert 'name="act"' not in page(month, "mara", url)
            response = post(month, "mara", url, act="review", row=[month.key("Ollerby Freight")])
            assert response.status_code == 422
            assert f"This month is {state}: nothing of it can be changed now." in response.content.decode()
        if state == "in review":
            review.sign(month.reconciliation, by=month.people["jonah"])
    assert month.reconciliation.state == Reconciliation.State.SIGNED


def test_the_foot_adds_up_and_explained_rows_leave_the_list(month: Month) -> None:
    assert "+13" in page(month, "mara", month.url())  # 12 of Ollerby and 1 within tolerance
    month.explain_all()
    listed = page(month, "mara", month.url() + "?view=open")
    assert "No row fits" in listed
    sums = month.client("mara").get(month.url()).context["listing"].table.footer_rows
    assert (sums[0]["expected_difference"], sums[0]["expected_left"]) == ("+13", "+1")
    assert (sums[1]["expected_left"], sums[0]["rebilled_left"]) == ("+1", "0")
    products = month.client("mara").get(month.url()).context["page"].products
    gap = products[0]["expectedgap"]
    assert (gap["explained"], gap["left"], gap["within"]) == (12, 1, 1)


def test_history_tells_who_did_what_also_of_many_rows(month: Month) -> None:
    keys = [month.key(name) for name in ("Ollerby Freight", "Tarn Vale Dental", "Dunfell Farms")]
    post(month, "mara", month.url(), act="review", row=keys)
    post(month, "pia", month.url(), act="explain", check="rebilled", cause="psa_last_month", row=keys)
    shown = page(month, "mara", month.row_url("Tarn Vale Dental"))
    assert "marked the row as reviewed, with 2 other rows" in shown
    assert "PSA on last month’s number" in shown
    assert "Pia Marlowe" in shown


def _queries(month: Month, url: str) -> int:
    client = month.client("mara")
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_number_of_queries_does_not_grow_with_rows_and_decisions(month: Month) -> None:
    larger = build("brightfen", {f"Customer {n}": (10 + n, 10, 9) for n in range(40)})
    for one in (month, larger):
        keys = list(one.organizations.values())[: 2 if one is month else 30]
        for _ in range(1 if one is month else 3):
            rows = [f"{key.pk}-edr" for key in keys]
            post(one, "mara", one.url(), act="note", text="Whose?", is_open="1", row=rows)
            post(one, "mara", one.url(), act="explain", check="rebilled", cause="timing", quantity="1", row=rows)
            post(one, "mara", one.url(), act="assign", owner=one.people["jonah"].pk, row=rows)
    for view in ("", "?view=open", "?view=mine", "?view=asked"):
        assert _queries(month, month.url() + view) == _queries(larger, larger.url() + view), view
    first, other = "Ollerby Freight", "Customer 1"
    assert _queries(month, month.row_url(first)) == _queries(larger, larger.row_url(other))
    assert _queries(month, month.url("sign")) == _queries(larger, larger.url("sign"))
