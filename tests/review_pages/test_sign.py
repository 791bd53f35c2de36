"""The last step: what stands in the way, submit, sign or return, and what a signed month looks like and refuses."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.db import connection
from openpyxl import load_workbook

from accounts.models import Account, BillingCycle
from ingest.models import Job, LegInput, RowIssue, SourceRow, UsageLine
from recon import drift, triggers
from recon.models import Certification, Drift, Export, Note, Reconciliation, SettledRow, Variance
from recon.services import decisions, exports, review
from tests.review_pages.months import Month, made, reject_a_row

State = Reconciliation.State


def post(month: Month, who: str, name: str, **fields: Any) -> Any:
    return month.client(who).post(month.url(name), fields)


def page(month: Month, who: str = "mara", name: str = "sign", *more: Any) -> str:
    response = month.client(who).get(month.url(name, *more))
    assert response.status_code == 200
    return response.content.decode()


def certified(month: Month, **fields: Any) -> dict[str, Any]:
    """As a browser sends it: the ticked words, with its own line ends."""
    return {"certify": "\r\n".join(month.account.to_certify), "seen_run": month.reconciliation.run} | fields


# --- what stands in the way


def test_what_is_unexplained_is_counted_and_led_to(month: Month) -> None:
    shown = page(month)
    assert "2 rows with something unexplained" in shown
    assert f'href="{month.url()}?view=open"' in shown
    assert 'aria-disabled="true" aria-describedby="block-h"' in shown
    listed: Any = month.client("mara").get(month.url() + "?view=open").context["listing"].shown
    assert {row.name for row in listed} == {"Ollerby Freight", "Tarn Vale Dental"}


def test_rejected_rows_are_listed_and_settled_and_that_can_be_undone(month: Month) -> None:
    month.explain_all()
    row = reject_a_row(month)
    shown = page(month)
    assert 'href="#rejected"' in shown
    assert "“12.5” is not a whole number" in shown
    place = f"{row.source_file_id}-{row.line}"
    refused = post(month, "mara", "settle_rejected", note="Left out.")
    assert refused.status_code == 422
    assert "Left out." in refused.content.decode(), "what was typed is kept"
    assert post(month, "mara", "settle_rejected", row="7-x", note="Left out.").status_code == 422
    response = month.client("mara").post(month.url("settle_rejected"), {"row": place, "note": "Left out, a test entry."}, follow=True)
    settled = response.content.decode()
    assert "1 rejected row settled." in settled
    assert "Left out, a test entry." in settled
    assert "Nothing stands in the way" in settled
    assert month.url("undo", SettledRow.objects.get().decision_id) in settled


def test_a_rejected_row_says_in_words_what_is_wrong_with_it(month: Month) -> None:
    row = reject_a_row(month)
    SourceRow.objects.filter(pk=row.pk).update(reason="no_organization")
    assert "no organization" in page(month), "past the limit of remarks there is only the code"
    for message in ("There is a quantity and no Organization.", "And another thing."):
        RowIssue.objects.create(source_file=row.source_file, line=row.line, level="error", code="no_organization", message=message)
    shown = page(month)
    assert "There is a quantity and no Organization." in shown
    assert "no_organization" not in shown


def test_open_notes_names_and_missing_months_are_led_to(month: Month) -> None:
    Note.objects.create(
        cycle=month.cycle, organization=month.organizations["Dunfell Farms"], product="edr", author=month.people["mara"],
        text="Whose laptops are these?", is_open=True,
    )  # fmt: skip
    UsageLine.objects.create(source_file=month.files["billed"], line=12, product="edr", name="Dunfel", quantity=4)
    earlier = BillingCycle.objects.create(account=month.account, start=date(2026, 8, 14), end=date(2026, 9, 14))
    LegInput.objects.create(cycle=earlier, leg="billed", source_file=month.files["billed"], by=month.people["mara"])
    shown = page(month)
    assert f"{month.url()}?view=asked" in shown
    assert "Whose laptops are these?" in shown
    assert f"/a/{month.account.slug}/matches/" in shown
    assert "1 name to match" in shown
    assert f"/months/{earlier.start}/sign/" in shown
    assert "2 earlier months missing or not signed" in shown


def test_a_month_without_anything_says_what_to_do_next(db: None, month: Month) -> None:
    bare = BillingCycle.objects.create(account=month.account, start=month.cycle.end, end=month.cycle.end + timedelta(days=30))
    url = month.url("sign").replace(str(month.cycle.start), str(bare.start))
    shown = month.client("mara").get(url)
    assert shown.status_code == 200
    assert "Nothing was compared yet" in shown.content.decode()
    refused = month.client("mara").post(f"{url}submit", {"certify": "1", "seen_run": 0})
    assert refused.status_code == 422
    assert "Nothing was compared" in refused.content.decode()
    assert not Reconciliation.objects.filter(cycle=bare).exists()


# --- submit, return, sign


def test_two_people_close_a_month(month: Month) -> None:
    month.explain_all()
    assert "Nothing stands in the way" in page(month)
    assert post(month, "mara", "submit", **certified(month)).status_code == 302
    assert "Mara Kestle submitted it" in page(month, "jonah")
    own = page(month, "mara")
    assert "Take it back" in own
    assert post(month, "jonah", "sign_off", **certified(month)).status_code == 302
    signed = page(month, "tom")
    digest = month.reconciliation.digest
    for words in ("is signed", "Mara Kestle", "Jonah Ostrow", digest[:8], "sealed is-signed"):
        assert words in signed
    assert "sealed is-signed" in page(month, "tom", "month")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"certify": ""}, "tick that you certify"),
        ({"certify": "I have looked at it."}, "changed since you read it"),
        ({"seen_run": 99}, "compared anew"),
        ({"seen_run": ""}, "compared anew"),
    ],
)
def test_what_was_not_read_or_seen_is_not_signed(month: Month, fields: dict[str, Any], words: str) -> None:
    month.explain_all()
    response = post(month, "mara", "submit", **certified(month, **fields))
    assert response.status_code == 422
    assert words in response.content.decode()
    review.submit(month.reconciliation, by=month.people["mara"])
    response = post(month, "jonah", "sign_off", **certified(month, **fields))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert month.reconciliation.state == State.IN_REVIEW


def test_the_statements_are_shown_ticked_and_kept_in_the_accounts_own_words(month: Month) -> None:
    ours = ["Nobody who <left> is charged for.", "The bill is as it was read."]
    month.account.statements = "\n".join(ours)
    month.account.save()
    month.explain_all()
    asked = page(month)
    assert "Nobody who &lt;left&gt; is charged for." in asked
    assert post(month, "mara", "submit", **certified(month)).status_code == 302
    Account.objects.filter(pk=month.account.pk).update(statements="Another.")
    assert post(month, "jonah", "sign_off", **certified(month)).status_code == 302
    signed = page(month, "tom")
    for words in ("Nobody who &lt;left&gt; is charged for.", ours[1], "Certified by Mara Kestle and by Jonah Ostrow, in these words."):
        assert words in signed
    assert "Another." not in signed


def test_a_month_signed_before_the_words_were_kept_says_so(month: Month) -> None:
    signed = month.sign()
    triggers.remove(connection)
    Certification.objects.filter(reconciliation=signed).delete()
    shown = page(month, "tom")
    assert "were not kept with this revision" in shown
    assert month.account.to_certify[0] not in shown


def test_a_double_click_submits_and_signs_once_and_says_so(month: Month) -> None:
    month.explain_all()
    for who, name, words in (("mara", "submit", "in review already"), ("jonah", "sign_off", "only what was submitted is signed")):
        seen = certified(month)
        assert post(month, who, name, **seen).status_code == 302
        again = post(month, who, name, **seen)
        assert again.status_code == 422
        assert words in again.content.decode()
    assert Reconciliation.objects.count() == 1


def test_whoever_submitted_or_decided_is_refused_in_words(month: Month) -> None:
    month.explain_all("jonah")
    review.submit(month.reconciliation, by=month.people["ines"])
    for who, words in (("ines", "You submitted this month"), ("jonah", "You made decisions in this month")):
        shown = page(month, who)
        assert words in shown
        assert 'aria-disabled="true" aria-describedby="objection"' in shown
        response = post(month, who, "sign_off", **certified(month))
        assert response.status_code == 422
        assert words in response.content.decode()
    assert "Nobody can yet" in page(month, "tom")
    assert month.reconciliation.state == State.IN_REVIEW


def test_it_is_returned_with_a_reason_or_taken_back(month: Month) -> None:
    month.submit()
    assert post(month, "jonah", "send_back", reason=" ").status_code == 422
    assert post(month, "pia", "send_back", reason="I would rather not.").status_code == 422, "neither its preparer nor a reviewer"
    assert post(month, "jonah", "send_back", reason="The depot is not ours.").status_code == 302
    shown = page(month)
    assert "Jonah Ostrow returned it" in shown
    assert "The depot is not ours." in shown
    review.submit(month.reconciliation, by=month.people["mara"])
    assert post(month, "mara", "send_back", reason="Taken back by its preparer.").status_code == 302
    assert month.reconciliation.is_working


def test_who_may_do_what(month: Month) -> None:
    month.submit()
    for name in ("submit", "send_back", "sign_off", "reopen", "settle_rejected"):
        assert post(month, "tom", name).status_code == 403
    for name in ("sign_off", "reopen"):
        assert post(month, "mara", name).status_code == 403
    assert "<form" not in page(month, "tom").partition('id="statement"')[2].partition("</section>")[0]


def test_the_one_person_rule_is_said_everywhere(month: Month) -> None:
    Account.objects.filter(pk=month.account.pk).update(solo_rule=True)
    month.explain_all("jonah")
    review.submit(month.reconciliation, by=month.people["jonah"])
    assert "one-person rule" in page(month, "jonah")
    assert post(month, "jonah", "sign_off", **certified(month)).status_code == 302
    Account.objects.filter(pk=month.account.pk).update(solo_rule=False)
    assert page(month, "tom").count("one-person rule") >= 2, "frozen into the revision"
    assert "one-person rule" in page(month, "tom", "month")


# --- signed, changed since, reopened


def test_changed_since_sign_off_says_what(month: Month) -> None:
    signed = month.sign()
    Drift.objects.create(reconciliation=signed, changes=["A rebilled list came: late.csv."], rows=3)
    for name in ("sign", "month"):
        shown = page(month, "jonah", name)
        assert "Changed since sign-off." in shown
        assert "A rebilled list came: late.csv." in shown
    Drift.objects.all().delete()
    drift.check(signed)
    assert "Changed since sign-off" not in page(month, "jonah")


def test_a_reopened_month_starts_again_and_the_signed_one_stays_readable(month: Month) -> None:
    signed = month.sign()
    old = exports.start_export(signed, "rebill-csv", by=month.people["mara"])
    made(old[1])
    refused = post(month, "jonah", "reopen", reason="other", words="")
    assert refused.status_code == 422
    assert "Say in words" in refused.content.decode()
    assert post(month, "jonah", "reopen", reason="late_file", words="The PSA list was last month’s.").status_code == 302
    month.recount()
    now = page(month)
    assert "The PSA list was last month’s." in now
    assert "Revision 1" in now
    past = page(month, "mara", "revision", 1)
    assert "Superseded by revision 2" in past
    assert 'name="act"' not in past
    organization = month.organizations["Ollerby Freight"].pk
    row = page(month, "mara", "revision_row", 1, organization, "edr")
    assert "New agents" in row
    assert 'name="act"' not in row
    assert "read only" in row
    assert signed.digest[:8] in page(month, "mara", "revision_sign", 1)
    assert month.client("mara").get(month.url("revision", 9)).status_code == 404
    assert month.client("mara").post(month.url("revision", 1), {"act": "review"}).status_code == 405
    sheet = month.client("mara").get(f"/a/{month.account.slug}/exports/{old[0].pk}/").content.decode()
    assert "Superseded." in sheet
    assert "superseded" in page(month, "mara", "month")
    assert Variance.objects.filter(reconciliation=signed).count() == len(month.organizations)


def test_a_late_file_does_not_change_what_a_signed_page_shows(month: Month) -> None:
    month.sign()
    before = month.client("tom").get(month.row_url("Ollerby Freight")).content.decode()
    given = month.cycle.inputs.get(leg="expected")
    given.ended_at = given.since
    given.save()
    after = month.client("tom").get(month.row_url("Ollerby Freight")).content.decode()
    assert "expected.csv" in before
    assert "expected.csv" in after
    assert "No expected list" not in page(month, "tom", "month")


# --- sheets


def _sheet(month: Month, target: str) -> tuple[Export, bytes]:
    response = month.client("mara").post(month.url("start_export"), {"target": target})
    assert response.status_code == 302
    export = Export.objects.order_by("-pk")[0]
    made(Job.objects.get(kind="export", subject=export.pk))
    export.refresh_from_db()
    return export, exports.open_sheet(export).read()


def _lines(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"))))


def test_a_draft_says_so_and_a_signed_sheet_says_who(month: Month) -> None:
    draft, data = _sheet(month, "rebill-csv")
    assert draft.draft
    assert "DRAFT" in draft.name
    assert {(line["status"], line["reviewed_by"]) for line in _lines(data)} == {("DRAFT", "")}
    signed = month.sign()
    export, data = _sheet(month, "rebill-csv")
    assert not export.draft
    assert "DRAFT" not in export.name
    people = {(line["status"], line["prepared_by"], line["reviewed_by"], line["revision"]) for line in _lines(data)}
    assert people == {("SIGNED", "Mara Kestle", "Jonah Ostrow", "1")}
    assert all(line["source"].startswith("billed.csv, line ") and line["cycle_end"] == "2026-11-14" for line in _lines(data))
    _, book = _sheet(month, "rebill-xlsx")
    summary = {str(row[0].value): str(row[1].value) for row in load_workbook(BytesIO(book))["Summary"].iter_rows(max_col=2)}
    assert summary["Prepared by"].startswith("Mara Kestle, ")
    assert summary["Signed by"].startswith("Jonah Ostrow, ")
    assert summary["Both certified"] == month.account.to_certify[0]
    assert summary["SHA-256"].startswith(signed.digest)
    assert "Rule" not in summary
    assert "DRAFT" not in str(summary)


def test_the_decided_quantity_is_charged_and_the_sheet_says_why(month: Month) -> None:
    key = [(month.organizations["Ollerby Freight"].pk, "edr")]
    mara = month.people["mara"]
    decisions.decide_rebill(month.reconciliation, key, quantity=80, reason="dispute", note="Ticket 4711", by=mara)
    _, data = _sheet(month, "rebill-csv")
    line = next(line for line in _lines(data) if line["organization"] == "Ollerby Freight")
    assert (line["old_quantity"], line["new_quantity"], line["difference"]) == ("75", "80", "5")
    assert line["why"] == "80 instead of 86 billed: In dispute with Huntress, Ticket 4711 (Mara Kestle)"
    _, book = _sheet(month, "rebill-xlsx")
    rows = load_workbook(BytesIO(book))["Rebill lines"].iter_rows(min_row=3, values_only=True)
    assert any("80 instead of 86 billed" in str(cell) for row in rows for cell in row)


def test_a_signed_sheet_is_made_from_what_was_signed(month: Month) -> None:
    month.sign()
    _, before = _sheet(month, "rebill-csv")
    month.cycle.inputs.update(ended_at=month.reconciliation.signed_at)
    _, after = _sheet(month, "rebill-csv")
    assert after == before


def test_what_is_charged_on_the_page_is_what_the_sheet_adds_up_to(month: Month) -> None:
    facts = dict(fact[:2] for fact in month.client("mara").get(month.url("sign")).context["sign"].facts)
    _, data = _sheet(month, "rebill-csv")
    new = sum(round(float(line["new_amount"]) * 100) for line in _lines(data))
    assert facts["To be charged"] == f"${new / 100:,.2f}"
