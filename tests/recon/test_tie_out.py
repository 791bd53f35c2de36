"""The report against the invoice: units and money, the difference in words, and never green without an invoice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, AuditEvent, Role, User
from accounts.services import Refused
from ingest.models import Invoice
from recon.services import invoices
from recon.tie_out import TieOut, tie_out_of
from tests.recon import making
from tests.recon.conftest import Put
from tests.recon.making import CYCLE, compare, month_of

BILL = ["Organization", "EDR", "EDR price", "SIEM", "SIEM price"]
RECEIPT = ["Invoice Number", "Invoice Date", "Description", "Quantity", "Amount", "Currency"]


@pytest.fixture
def billed(put: Put) -> None:
    """15 units at 2.90 and 2 at 14.00: 71.50."""
    put("billed", BILL, ["Tarn Vale Dental", 12, "2.90", 2, "14.00"], ["Garrowby Farms", 3, "2.90", "", ""])
    compare()


def tie(account: Account) -> TieOut:
    return tie_out_of(month_of(account))


def typed(account: Account, by: User, amount: int = 71_500_000, **said: Any) -> Invoice:
    usual: dict[str, Any] = {"amount": amount, "currency": "USD", "number": "Q-2026-11", "quantity": 17}
    return invoices.add(month_of(account).cycle, by=by, **usual | said)


def test_without_an_invoice_nothing_is_green(account: Account, billed: None) -> None:
    found = tie(account)
    assert (found.tone, found.words, found.units.report, found.money.report) == ("blind", "No invoice", 17, 71_500_000)


def test_a_report_that_ties_says_so(account: Account, mara: User, billed: None) -> None:
    typed(account, mara)
    assert (tie(account).tone, tie(account).words) == ("done", "The report ties to the invoice")


def test_differences_are_said_in_units_and_money(account: Account, mara: User, billed: None) -> None:
    typed(account, mara, 70_000_000, quantity=16)
    found = tie(account)
    assert (found.units.difference, found.money.difference, found.tone) == (1, 1_500_000, "todo")
    assert found.words == "+1 unit against the invoice; +$1.50 against the invoice"


def test_a_receipts_rows_add_up(account: Account, put: Put, billed: None) -> None:
    put(
        "invoice", RECEIPT,
        ["Q-1", "2026-11-14", "Managed EDR", 15, "43.50", "USD"], ["Q-2", "2026-11-14", "Managed SIEM", 2, "28.00", "USD"],
    )  # fmt: skip
    assert tie(account).is_tied


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"quantity": None}, "The invoice states no quantity"),
        ({"currency": "EUR"}, "The invoice is in EUR, and the account in USD"),
    ],
)
def test_what_cannot_be_compared_is_not_green(account: Account, mara: User, billed: None, said: dict[str, Any], words: str) -> None:
    typed(account, mara, **said)
    assert (tie(account).tone, tie(account).words) == ("blind", words)


def test_units_without_a_price_leave_the_money_unknown(account: Account, mara: User, put: Put) -> None:
    put("billed", BILL, ["Tarn Vale Dental", 12, "", 2, "14.00"])
    compare()
    typed(account, mara, 28_000_000, quantity=14)
    assert (tie(account).units.tone, tie(account).money.words) == ("done", "12 units of the report without a price")
    put("prices", ["Product", "Cost"], ["EDR", "2.90"])
    compare()
    assert tie(account).money.report == 62_800_000


def test_rows_that_wait_for_their_organization_are_part_of_the_report(account: Account, mara: User, put: Put) -> None:
    head = ["Organization", "Organization ID", "EDR", "EDR price"]
    put("billed", head, ["Tarn Vale", "1", 1, "2.00"], ["Tarn Vale", "2", 1, "2.00"], ["Tarn Vale", "", 5, "2.00"])
    compare()
    assert (tie(account).units.report, tie(account).money.report) == (7, 14_000_000)


def test_an_invoice_that_charges_nothing_does_not_count(account: Account, mara: User, billed: None) -> None:
    Invoice.objects.filter(pk=typed(account, mara).pk).update(status="Voided")
    assert tie(account).words == "No invoice is known that charges anything"


def test_a_typed_invoice_is_withdrawn_and_audited(account: Account, mara: User, billed: None) -> None:
    made = typed(account, mara)
    with pytest.raises(Refused, match="there already"):
        typed(account, mara)
    invoices.withdraw(made, by=mara)
    with pytest.raises(Refused, match="withdrawn already"):
        invoices.withdraw(made, by=mara)
    assert tie(account).words == "No invoice"
    subjects = AuditEvent.objects.filter(action__startswith="recon.invoice").order_by("pk").values_list("action", "subject")
    assert list(subjects) == [("recon.invoice.added", "Q-2026-11 of $71.50"), ("recon.invoice.withdrawn", "Q-2026-11 of $71.50")]


def test_who_looks_types_nothing_in(account: Account, billed: None) -> None:
    with pytest.raises(Refused, match="Your role"):
        typed(account, making.new_person(account, "tom@quillmere.example", Role.VIEWER))


def test_it_is_typed_in_on_the_month_and_shown_there(preparer: Client, account: Account, billed: None) -> None:
    address = reverse("recon:add_invoice", args=[account.slug, CYCLE.start])
    form = {"invoice-number": "Q-7", "invoice-issued_on": "2026-11-15", "invoice-amount": "71.50", "invoice-currency": "usd"}
    html = preparer.post(address, form | {"invoice-quantity": "17"}, follow=True).content.decode()
    assert "The report ties to the invoice" in html
    made = Invoice.objects.get()
    assert (made.number, made.issued_on, made.amount, made.currency, made.quantity) == ("Q-7", date(2026, 11, 15), 71_500_000, "USD", 17)
    preparer.post(reverse("recon:withdraw_invoice", args=[account.slug, made.pk]))
    assert tie(account).words == "No invoice"


@pytest.mark.parametrize(
    ("amount", "units", "words"),
    [("plenty", "", "Write an amount"), ("1.000", "", "two ways"), ("5.00", "2.5", "whole number of units")],
)
def test_what_cannot_be_read_is_asked_again(preparer: Client, account: Account, billed: None, amount: str, units: str, words: str) -> None:
    form = {"invoice-amount": amount, "invoice-currency": "USD", "invoice-quantity": units}
    answer = preparer.post(reverse("recon:add_invoice", args=[account.slug, CYCLE.start]), form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'value="{amount}"' in answer.content.decode()
    assert not Invoice.objects.exists()


def test_the_files_own_page_holds_it_against_the_other(preparer: Client, account: Account, mara: User, put: Put, billed: None) -> None:
    typed(account, mara)
    file = making.current(account, "billed").source_file
    assert "The report ties to the invoice" in preparer.get(reverse("ingest:file", args=[account.slug, file.pk])).content.decode()
