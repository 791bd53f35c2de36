"""Naming what the report and the invoice differ by: suggested with figures, added by people, kept with a signature."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, AuditEvent, Role, User
from accounts.services import Refused
from ingest.models import Invoice
from recon import drift, seal, triggers
from recon.charges import Charge
from recon.engine.tie_out import is_rounding
from recon.models import Drift, Reconciliation, SignedTieOut, TieOutItem
from recon.services import contracts, exports, invoices, review, tying
from recon.services.contracts import Said
from recon.tie_out import as_signed, current_tie_out, tie_out_of, tied
from recon.tie_out_page import TieOutPage
from recon.tie_suggestions import suggestions_of
from tests.invoices.making import connected, month, named, record, take, tie, typed
from tests.recon import making
from tests.recon.making import CYCLE
from tests.review.making import BILLED, World, new_world, refusal, work

TERMS: dict[str, Any] = {"interval": "monthly", "start": date(2026, 6, 14), "renewal": date(2027, 6, 14)}


def minimum(account: Account, by: User, product: str = "siem", count: int = 5, **said: Any) -> None:
    contracts.add(account, product, Said(minimum=count, **{"unit_cost": 14_000_000, **TERMS, **said}), by=by)


def suggested(account: Account) -> list[tuple[str, int | None, int | None]]:
    return [(one.label, one.units, one.money) for one in suggestions_of(month(account), tie(account))]


# --- the arithmetic -------------------------------------------------------------------------------------------------------------------


def test_a_shortfall_and_a_rounding_tie_the_report_to_the_invoice(account: Account, mara: User, ines: User, billed: None) -> None:
    minimum(account, ines)
    typed(account, mara, 113_510_000, quantity=20)
    assert tie(account).words == "−3 units against the invoice; −$42.01 against the invoice"
    assert suggested(account) == [("Minimum shortfall, SIEM", 3, 42_000_000)]
    named(account, mara, "shortfall", 3, 42_000_000, product="siem")
    assert tie(account).words == "−$0.01 not named"
    assert suggested(account) == [("Rounding", None, 10_000)]
    named(account, mara, "rounding", money=10_000)
    found = tie(account)
    assert (found.is_tied, found.words, suggested(account)) == (True, "The report ties to the invoice, with 2 named items", [])
    assert (found.units.named, found.money.named, found.money.expected) == (3, 42_010_000, 113_510_000)


_SOME = st.integers(-(10**9), 10**9)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    report=st.fixed_dictionaries({"units": st.integers(0, 10**9), "money": _SOME, "unpriced": st.integers(0, 1)}),
    charges=st.lists(st.tuples(st.none() | _SOME, st.none() | _SOME, st.sampled_from(["paid", "voided", "failed"])), max_size=4),
    items=st.lists(st.tuples(st.none() | _SOME, st.none() | _SOME).filter(lambda one: one[0] or one[1]), max_size=5),
)
def test_report_and_named_less_the_invoice_is_what_nobody_named(
    account: Account, mara: User, billed: None, report: dict[str, int], charges: list[Any], items: list[Any]
) -> None:
    """In the database's own arithmetic, too: what is kept with a signature computes it."""
    TieOutItem.objects.all().delete()
    Invoice.objects.all().delete()
    SignedTieOut.objects.all().delete()
    cycle = month(account).cycle
    Reconciliation.objects.filter(pk=month(account).pk).update(totals={"report": report})
    Invoice.objects.bulk_create(
        Invoice(
            account=account, cycle=cycle, currency="USD", by=mara, quantity=units, status=status,
            amount=money and money * 10_000, external_id=str(number),
        )
        for number, (units, money, status) in enumerate(charges)
    )  # fmt: skip
    TieOutItem.objects.bulk_create(
        TieOutItem(reconciliation=month(account), kind="tax", units=units, money=money and money * 10_000, author=mara)
        for units, money in items
    )
    found = tie(account)
    for one in (found.units, found.money):
        if one.unnamed is not None and one.report is not None and one.invoice is not None:
            assert one.unnamed == one.report + one.named - one.invoice
            assert (one.tone == "done") == (one.unnamed == 0)
        else:
            assert one.tone == "blind"
    kept = as_signed(month(account))
    kept.save()
    kept.refresh_from_db()
    for ours, theirs, why in (
        (found.units, kept.unnamed_units, kept.why_no_units),
        (found.money, kept.unnamed_money, kept.why_no_money),
    ):
        assert (ours.unnamed == theirs) if not why else ours.unnamed is None


@given(money=st.integers(-(10**12), 10**12), lines=st.integers(0, 10**6))
def test_rounding_is_less_than_a_cent_a_line(money: int, lines: int) -> None:
    assert is_rounding(money, lines) == (0 < abs(money) < lines * 10_000)


def test_the_same_content_has_the_same_fingerprint_and_any_other_another(account: Account, mara: User, billed: None) -> None:
    one = Charge("1", "", "paid", 5, "", "USD", 3, date(2026, 11, 14), "typed in")
    report = {"units": 3, "money": 0, "unpriced": 0}
    first = tied(report, [one], "USD").fingerprint
    assert tied(report, [one], "USD").fingerprint == first
    assert tied(report | {"units": 4}, [one], "USD").fingerprint != first
    typed(account, mara)
    before = tie(account).fingerprint
    named(account, mara, "tax", money=10_000)
    assert tie(account).fingerprint != before


# --- what is suggested ----------------------------------------------------------------------------------------------------------------


def test_nothing_is_named_by_itself(account: Account, mara: User, ines: User, billed: None) -> None:
    minimum(account, ines)
    typed(account, mara, 113_500_000, quantity=20)
    assert suggested(account)
    assert not TieOutItem.objects.exists()
    assert tie(account).tone == "todo"


def test_an_annual_contract_is_paid_up_front(account: Account, mara: User, ines: User, billed: None) -> None:
    minimum(account, ines, interval="annual")
    typed(account, mara, 113_500_000, quantity=20)
    assert suggested(account) == []
    page = TieOutPage(account, month(account), True)
    said = "SIEM is paid up front by its annual contract: $0 on the monthly invoice is no error, and no shortfall is suggested for it."
    assert page.remarks == [said]


def test_a_contract_without_a_cost_suggests_units_alone(account: Account, mara: User, ines: User, billed: None) -> None:
    minimum(account, ines, unit_cost=None)
    typed(account, mara, 113_500_000, quantity=20)
    assert suggested(account) == [("Minimum shortfall, SIEM", 3, None)]


def test_no_shortfall_where_the_invoice_has_no_more_than_the_report(account: Account, mara: User, ines: User, billed: None) -> None:
    minimum(account, ines)
    typed(account, mara)
    assert suggested(account) == []


@pytest.mark.parametrize("status", ["partial_refund", "full_refund"])
def test_what_was_refunded_is_suggested_where_less_is_charged(account: Account, mara: User, billed: None, status: str) -> None:
    connected(account, mara, "whole")
    take(account, mara, record(amount="41.50", status=status))
    assert suggested(account) == [("Refund", None, -30_000_000)]
    named(account, mara, "refund", money=-30_000_000)
    assert tie(account).is_tied


def test_a_refund_of_an_amount_that_still_ties_is_not(account: Account, mara: User, billed: None) -> None:
    connected(account, mara, "whole")
    take(account, mara, record(amount="71.50", status="full_refund"))
    assert (tie(account).is_tied, suggested(account)) == (True, [])


@pytest.mark.parametrize(("amount", "rounding"), [(71_480_000, -20_000), (71_530_000, None)])
def test_a_rounding_is_less_than_a_cent_for_each_of_three_lines(
    account: Account, mara: User, billed: None, amount: int, rounding: int | None
) -> None:
    typed(account, mara, amount)
    assert suggested(account) == ([("Rounding", None, rounding)] if rounding else [])


# --- who and when ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"kind": "because", "money": 1}, "Choose what it is"),
        ({"kind": "tax"}, "Say how many units or how much money"),
        ({"kind": "tax", "money": 4_000}, "Say how many units or how much money"),  # less than half a cent
        ({"kind": "credit", "money": 10_000}, "write it with a minus"),
        ({"kind": "refund", "units": 3}, "write it with a minus"),
        ({"kind": "shortfall", "units": -3}, "not below zero"),
        ({"kind": "other", "money": 10_000}, "Say in words"),
        ({"kind": "tax", "money": 10_000, "product": "edr"}, "Only a minimum shortfall"),
        ({"kind": "tax", "units": 10**11}, "more than an invoice"),
    ],
)
def test_what_cannot_be_is_refused_in_words(account: Account, mara: User, billed: None, said: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        tying.name(month(account), by=mara, **said)
    assert not TieOutItem.objects.exists()


def test_who_looks_names_nothing(account: Account, mara: User, billed: None) -> None:
    tom = making.new_person(account, "tom@quillmere.example", Role.VIEWER)
    item = named(account, mara, "tax", money=10_000)
    for act in (lambda: named(account, tom, "tax", money=10_000), lambda: tying.withdraw(item, by=tom)):
        assert "Your role in this account" in refusal(act)


def test_it_is_withdrawn_rather_than_deleted_and_audited(account: Account, mara: User, billed: None) -> None:
    typed(account, mara)
    item = named(account, mara, "shortfall", 2, 28_000_000, product="siem", note="Minimum 4.")
    tying.withdraw(item, by=mara)
    with pytest.raises(Refused, match="taken back already"):
        tying.withdraw(item, by=mara)
    item.refresh_from_db()
    assert (item.state, item.withdrawn_by) == ("withdrawn", mara)
    assert tie(account).is_tied
    events = AuditEvent.objects.filter(action__startswith="recon.tie_out").order_by("pk").values_list("action", "subject")
    said = "Minimum shortfall, SIEM, +2 units, +$28.00"
    assert list(events) == [("recon.tie_out.named", said), ("recon.tie_out.withdrawn", said)]


# --- under a signature ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(db: None) -> World:
    """A quiet month of 54 units, with an invoice of 56."""
    world = new_world()
    world.put("billed", BILLED, price=1_000_000)
    for leg in ("expected", "rebilled"):
        world.put(leg, BILLED)
    work()
    invoices.add(world.of().cycle, amount=57_000_000, quantity=56, currency="USD", number="Q-1", by=world.mara)
    tying.name(world.of(), kind="shortfall", units=2, money=2_000_000, note="Minimum 56.", by=world.mara)
    tying.name(world.of(), kind="tax", money=1_000_000, by=world.mara)
    return world


def test_it_does_not_block_the_submission(world: World) -> None:
    tying.withdraw(TieOutItem.objects.get(kind="tax"), by=world.mara)
    assert tie_out_of(world.of()).tone == "todo"
    assert world.submitted().state == "in_review"


def test_what_was_tied_is_kept_and_the_digest_covers_it(world: World) -> None:
    signed = world.signed()
    kept = SignedTieOut.objects.get(reconciliation=signed)
    assert (kept.report_units, kept.named_units, kept.invoice_units, kept.unnamed_units) == (54, 2, 56, 0)
    assert (kept.unnamed_money, kept.invoices[0]["number"]) == (0, "Q-1")
    assert seal.digest(Reconciliation.objects.get(pk=signed.pk)) == signed.digest
    found = tie_out_of(signed)
    assert (found.is_signed, found.words) == (True, "The report ties to the invoice, with 2 named items")


def test_while_it_is_in_review_and_after_nothing_is_named(world: World) -> None:
    month = world.submitted()
    item = TieOutItem.objects.get(kind="tax")
    acts = (lambda: tying.name(month, kind="tax", money=10_000, by=world.mara), lambda: tying.withdraw(item, by=world.mara))
    assert all("in review" in refusal(act) for act in acts)
    review.sign(month, by=world.jonah)
    assert all("signed" in refusal(act) for act in acts)
    with pytest.raises(DatabaseError, match="sealed_tieoutitem_update"), transaction.atomic():
        TieOutItem.objects.update(money=1)


def test_a_changed_invoice_makes_it_changed_since_sign_off(world: World) -> None:
    signed = world.signed()
    invoices.add(signed.cycle, amount=-5_000_000, currency="USD", number="C-1", by=world.mara)
    work()
    said = Drift.objects.get(reconciliation=signed).changes
    assert said == [
        "The invoice C-1 of −$5.00 came.",
        "With them, the tie-out would say now: the invoice states no quantity; +$5.00 not named.",
    ]
    Invoice.objects.filter(number="Q-1").update(status="voided", amount=56_000_000)
    invoices.withdraw(Invoice.objects.get(number="C-1"), by=world.mara)
    work()
    said = Drift.objects.get(reconciliation=signed).changes
    words = "The invoice Q-1 was “without a status” and is “Voided” now and was of $57.00 and is of $56.00 now."
    assert said == [words, "With them, the tie-out would say now: no invoice is known that charges anything."]
    assert tie_out_of(signed).is_tied


def test_that_it_was_paid_meanwhile_changes_nothing(world: World) -> None:
    Invoice.objects.update(status="open")
    signed = world.signed()
    Invoice.objects.update(status="paid")
    assert drift.check(signed).changes == []


def test_one_that_was_signed_before_tie_outs_were_kept_says_nothing_of_them(world: World) -> None:
    signed = world.signed()
    triggers.remove(connection)
    SignedTieOut.objects.all().delete()
    Invoice.objects.update(status="voided")
    assert drift.check(signed).changes == []


def test_what_nobody_looked_at_is_not_signed(world: World) -> None:
    month = world.submitted()
    seen = tie_out_of(month).fingerprint
    Invoice.objects.update(status="failed")
    with pytest.raises(Refused, match="An invoice of this month changed since you looked"):
        review.sign(month, by=world.jonah, seen_tie=seen)
    assert review.sign(month, by=world.jonah, seen_tie=current_tie_out(month).fingerprint).state == "signed"


def test_who_named_something_does_not_review_it(world: World) -> None:
    tying.name(world.of(), kind="tax", money=10_000, by=world.jonah)
    assert "made decisions" in review.reviewer_objection(world.of(), world.jonah)


def test_the_next_revision_takes_along_what_counts(world: World) -> None:
    tying.withdraw(TieOutItem.objects.get(kind="tax"), by=world.mara)
    signed = world.signed()
    following = review.reopen(signed, by=world.ines, reason="other", words="A credit came.")
    work()
    assert [one.label for one in TieOutItem.objects.filter(reconciliation=following)] == ["Minimum shortfall"]
    tying.name(following, kind="tax", money=1_000_000, by=world.mara)
    assert tie_out_of(world.of()).is_tied
    assert tie_out_of(signed).money.unnamed == -1_000_000


def test_the_workbook_says_what_was_tied_and_named(world: World) -> None:
    signed = world.signed()
    said = exports.tie_out_ref(signed)
    assert [(one.label, one.units, one.money) for one in said.lines] == [
        ("Billed report", 54, 5_400),
        ("Minimum shortfall", 2, 200),
        ("Tax", None, 100),
        ("Invoice", 56, 5_700),
        ("Not named", 0, 0),
    ]
    assert said.invoices == ["Q-1, $57.00, typed in by Mara"]


# --- its page -------------------------------------------------------------------------------------------------------------------------


def page_of(account: Account) -> str:
    return reverse("recon:tie_out", args=[account.slug, CYCLE.start])


def test_a_suggestion_is_named_by_a_click_and_taken_back(account: Account, mara: User, ines: User, preparer: Client, billed: None) -> None:
    minimum(account, ines)
    typed(account, mara, 113_500_000, quantity=20)
    html = preparer.get(page_of(account)).content.decode()
    assert "The contract’s minimum is 5 data sources, and the report has 2." in html
    form = {
        "named-kind": "shortfall",
        "named-product": "siem",
        "named-units": "3",
        "named-money": "42.00",
        "named-note": "Minimum 5, billed 2.",
    }
    address = reverse("recon:name_difference", args=[account.slug, CYCLE.start])
    html = preparer.post(address, form, follow=True).content.decode()
    assert "Named: Minimum shortfall, SIEM, +3 units, +$42.00." in html
    assert "The report ties to the invoice, with 1 named item" in html
    item = TieOutItem.objects.get()
    html = preparer.post(reverse("recon:withdraw_named", args=[account.slug, item.pk]), follow=True).content.decode()
    assert "named by Mara, taken back by Mara" in html


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"named-kind": "", "named-money": "5.00"}, "Choose what it is."),
        ({"named-kind": "tax", "named-money": "plenty"}, "Write an amount"),
        ({"named-kind": "tax", "named-money": "1.000"}, "two ways"),
        ({"named-kind": "tax", "named-units": "2.5"}, "whole number of units"),
        ({"named-kind": "tax"}, "Say how many units or how much money it is."),
        ({"named-kind": "refund", "named-money": "5.00"}, "write it with a minus"),
    ],
)
def test_refused_it_keeps_what_was_typed(preparer: Client, account: Account, billed: None, form: dict[str, str], words: str) -> None:
    answer = preparer.post(reverse("recon:name_difference", args=[account.slug, CYCLE.start]), form | {"named-note": "As agreed."})
    html = answer.content.decode()
    assert (answer.status_code, words in html, 'value="As agreed."' in html) == (422, True, True)


@pytest.mark.parametrize(("written", "units", "money"), [("−4", -4, None), ("(3)", -3, None), ("+2", 2, None)])
def test_signs_are_read_as_people_write_them(
    preparer: Client, account: Account, billed: None, written: str, units: int, money: int | None
) -> None:
    form = {"named-kind": "other", "named-units": written, "named-note": "As agreed."}
    preparer.post(reverse("recon:name_difference", args=[account.slug, CYCLE.start]), form)
    assert (TieOutItem.objects.get().units, TieOutItem.objects.get().money) == (units, money)


def test_an_invoice_is_typed_in_on_it_too(preparer: Client, account: Account, billed: None) -> None:
    address = reverse("recon:add_invoice", args=[account.slug, CYCLE.start])
    form = {"from": "tie-out", "invoice-number": "Q-7", "invoice-amount": "71.50", "invoice-currency": "usd", "invoice-quantity": "17"}
    assert "No invoice is known." in preparer.get(page_of(account)).content.decode()
    refused = preparer.post(address, form | {"invoice-amount": "plenty"})
    assert (refused.status_code, "From the report to the invoice" in refused.content.decode()) == (422, True)
    assert preparer.post(address, form).headers["Location"] == page_of(account)
    back = preparer.post(reverse("recon:withdraw_invoice", args=[account.slug, Invoice.objects.get().pk]), {"from": "tie-out"})
    assert back.headers["Location"] == page_of(account)


def test_a_month_without_anything_says_what_to_do(preparer: Client, account: Account, mara: User) -> None:
    making.put(account, mara, "expected", making.csv_bytes(making.NAMES, ["Tarn Vale Dental", 12]))
    html = preparer.get(page_of(account)).content.decode()
    assert "No invoice is known." in html
    assert "Name a difference" in html
    making.compare()
    typed(account, mara)
    assert "No billed report was compared for this month." in preparer.get(page_of(account)).content.decode()


def test_who_looks_sees_it_and_no_forms(account: Account, mara: User, billed: None) -> None:
    typed(account, mara)
    named(account, mara, "tax", money=10_000, note="VAT.")
    tom = making.new_person(account, "tom@quillmere.example", Role.VIEWER)
    html = making.signed_in(tom).get(page_of(account)).content.decode()
    assert "VAT." in html
    assert all(words not in html for words in ("Name it", "Take back", "Type an invoice in", "Withdraw"))


def test_a_signed_month_shows_what_was_signed_and_what_moved(client: Client, world: World) -> None:
    signed = world.signed()
    client.force_login(world.mara)
    for page in ("recon:tie_out", "recon:sign"):
        html = client.get(reverse(page, args=[world.account.slug, signed.cycle.start])).content.decode()
        assert "With what is named" in html, page
        assert "Minimum 56." in html, page
        assert "Take back" not in html
    Invoice.objects.update(amount=60_000_000)
    invoices.add(signed.cycle, amount=-5_000_000, currency="USD", number="C-1", by=world.mara)
    work()
    html = client.get(reverse("recon:tie_out", args=[world.account.slug, signed.cycle.start])).content.decode()
    assert "The invoice Q-1 was of $57.00 and is of $60.00 now." in html
    assert "57.00" in html


@pytest.mark.parametrize("count", [1, 30])
def test_its_page_asks_the_same_for_few_and_for_many(
    preparer: Client, account: Account, mara: User, billed: None, count: int, django_assert_num_queries: Any
) -> None:
    connected(account, mara, "whole")
    take(account, mara, *(record(88_000 + number, amount=5, quantity=0) for number in range(count)))
    for _ in range(count):
        named(account, mara, "tax", money=10_000)
    preparer.get(page_of(account))
    with django_assert_num_queries(PAGE_QUERIES):
        preparer.get(page_of(account))


PAGE_QUERIES = 18
