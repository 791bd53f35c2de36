"""Pulled invoices: each once, in the cycle that it closes, following what later answers say; and what their amounts count."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, AuditEvent, BillingCycle, Membership, Reseller, Role, User
from accounts.services import Refused
from ingest.models import Invoice, InvoiceChange, Job, RowIssue
from recon.amount_check import amount_check
from recon.demo.huntress.story import Story
from recon.engine.tie_out import micros_of
from recon.models import Reconciliation
from recon.services import amounts, contracts, invoices
from recon.services.contracts import Said
from tests.answers.making import asked
from tests.invoices.making import SAID, connected, kept, record, take, tie, typed
from tests.recon import making
from tests.recon.making import AFTER, BEFORE, CYCLE

LATER = SAID + timedelta(days=3)


@pytest.mark.parametrize(
    ("at", "zone", "cycle"),
    [
        ("2026-11-14T06:00:00Z", "UTC", CYCLE),
        ("2026-11-13T23:30:00Z", "UTC", CYCLE),  # on the last day, whose counts are billed
        ("2026-12-02T06:00:00Z", "UTC", CYCLE),  # in arrears, late
        ("2026-11-12T23:30:00Z", "UTC", BEFORE),
        ("2026-11-12T20:00:00Z", "Australia/Sydney", CYCLE),  # the 13th there
        ("2026-12-13 01:07:08 UTC", "UTC", AFTER),
        ("2026-12-13T01:00:00Z", "America/Chicago", CYCLE),  # the 12th there
    ],
)
def test_an_invoice_goes_to_the_cycle_that_it_closes(account: Account, mara: User, billed: None, at: str, zone: str, cycle: Any) -> None:
    Account.objects.filter(pk=account.pk).update(time_zone=zone)
    account.refresh_from_db()
    making.put(account, mara, "expected", making.csv_bytes(making.NAMES, ["Tarn Vale Dental", 12]), BEFORE)
    take(account, mara, record(at=at))
    assert kept(account).cycle.dates == cycle


def test_what_is_older_than_the_first_month_is_only_counted(account: Account, mara: User, billed: None) -> None:
    file = take(account, mara, record(), record(87_999, at="2026-10-14T06:00:00Z"), record(87_998, at="2026-09-14T06:00:00Z"))
    assert kept(account).external_id == "88000"
    said = RowIssue.objects.get(source_file=file).message
    assert said == (
        "2 invoices, of 14 Sep 2026 to 14 Oct 2026, close cycles from before the first month on record here, "
        "which begins 14 Oct 2026: not kept."
    )


def test_an_account_without_a_month_keeps_the_one_that_closed_last(account: Account, mara: User) -> None:
    take(account, mara, record(), record(87_999, at="2026-10-14T06:00:00Z"))
    assert kept(account).cycle.dates == CYCLE
    assert not Reconciliation.objects.filter(cycle__start=CYCLE.start).exists()


def test_an_older_one_is_kept_once_its_month_came(account: Account, mara: User, billed: None) -> None:
    take(account, mara, record(), record(87_999, at="2026-10-14T06:00:00Z"))
    making.put(account, mara, "billed", making.csv_bytes(making.NAMES, ["Tarn Vale Dental", 12]), BEFORE)
    take(account, mara, record(), record(87_999, at="2026-10-14T06:00:00Z"), ended=LATER)
    assert list(Invoice.objects.order_by("external_id").values_list("external_id", "cycle__start")) == [
        ("87999", BEFORE.start),
        ("88000", CYCLE.start),
    ]


def test_the_same_answer_again_changes_nothing(account: Account, mara: User, billed: None) -> None:
    connected(account, mara, "whole")
    first = take(account, mara, record())
    before = Invoice.objects.values().get()
    take(account, mara, record(), ended=LATER)
    assert Invoice.objects.values().get() == before
    assert kept(account).source_file == first
    assert InvoiceChange.objects.count() == 1


def test_the_old_path_brings_the_same(account: Account, mara: User, billed: None) -> None:
    take(account, mara, answer=("invoices", {"billing_reports": [record()], "pagination": {}}))
    assert (kept(account).stated_amount, kept(account).quantity, kept(account).currency) == ("72", 17, "USD")


def test_what_becomes_of_it_is_followed(account: Account, mara: User, preparer: Client, billed: None) -> None:
    connected(account, mara, "whole")
    take(account, mara, record(status="open"))
    following: tuple[dict[str, Any], ...] = ({"status": "processing"}, {"status": "paid"}, {"status": "partial_refund", "amount": "70.5"})
    for days, said in enumerate(following, 1):
        take(account, mara, record(**said), ended=SAID + timedelta(days=days))
    assert (kept(account).status, kept(account).amount) == ("partial_refund", 70_500_000)
    told = InvoiceChange.objects.order_by("seen_at").values_list("status_before", "status", "stated_amount_before", "stated_amount")
    assert list(told)[-1] == ("paid", "partial_refund", "72", "70.5")
    html = preparer.get(reverse("recon:tie_out", args=[account.slug, CYCLE.start])).content.decode()
    for words in ("first seen, open", "from open to processing", "from paid to partly refunded, amount from “72” to “70.5”"):
        assert words in html, words


def test_an_older_answer_changes_nothing(account: Account, mara: User, billed: None) -> None:
    take(account, mara, record(status="failed"))
    take(account, mara, record(status="open"), ended=SAID - timedelta(days=1))
    assert kept(account).status == "failed"


def test_it_does_not_follow_into_another_account(account: Account, mara: User, billed: None) -> None:
    elsewhere = making.new_account("Brightfen Support", "brightfen")
    owen = making.new_person(elsewhere, "owen@brightfen.example")
    take(account, mara, record(status="open"))
    take(elsewhere, owen, record(status="paid"), ended=LATER)
    assert (kept(account).status, kept(elsewhere).status) == ("open", "paid")


def test_what_is_not_whole_takes_nothing_away(account: Account, mara: User, billed: None) -> None:
    take(account, mara, record())
    take(account, mara, record(88_001, at="2026-11-15T06:00:00Z"), ended=LATER)
    assert Invoice.objects.count() == 2


def test_those_of_the_invented_huntress_come_in(account: Account, mara: User, billed: None) -> None:
    now = datetime(2026, 11, 16, 2, tzinfo=UTC)
    making.put(account, mara, "invoices", asked(Story(now=now), "invoices", ended=now), AFTER, name="invoices.zip")
    assert [one.status for one in Invoice.objects.filter(cycle__start=CYCLE.start)] == ["paid"]


# --- what the amount counts -----------------------------------------------------------------------------------------------------------


def test_until_it_is_said_the_money_cannot_be_compared(account: Account, mara: User, preparer: Client, billed: None) -> None:
    connected(account, mara)
    take(account, mara, record(amount=7150))
    found = tie(account)
    assert (found.units.tone, found.tone, found.needs_unit) == ("done", "blind", True)
    assert found.words == "Nobody has said yet what the amount of a pulled invoice counts"
    html = preparer.get(reverse("recon:tie_out", args=[account.slug, CYCLE.start])).content.decode()
    assert reverse("recon:amount_unit", args=[account.slug]) in html


def test_saying_it_counts_all_of_them_anew(account: Account, mara: User, ines: User, billed: None) -> None:
    connection = connected(account, mara)
    take(account, mara, record(amount=7150), record(88_001, amount="12.34"))
    assert amounts.say_unit(connection, "cents", by=ines) == 2
    assert [one.amount for one in Invoice.objects.order_by("amount")] == [123_400, 71_500_000]
    assert amounts.say_unit(connection, "whole", by=ines) == 2
    assert [one.amount for one in Invoice.objects.order_by("amount")] == [12_340_000, 7_150_000_000]
    amounts.say_unit(connection, "", by=ines)
    assert set(Invoice.objects.values_list("amount", flat=True)) == {None}
    event = AuditEvent.objects.filter(action="recon.invoice.unit_stated").earliest("pk")
    assert (event.before, event.after["amount_unit"], event.after["invoices"]) == ({"amount_unit": ""}, "cents", 2)
    with pytest.raises(Refused, match="already"):
        amounts.say_unit(connection, "", by=ines)


def test_it_is_one_statement_for_a_year_of_invoices(account: Account, mara: User, django_assert_num_queries: Any) -> None:
    connection = connected(account, mara, "whole")
    cycle = BillingCycle.objects.create(account=account, start=CYCLE.start, end=CYCLE.end)
    Invoice.objects.bulk_create(
        Invoice(account=account, cycle=cycle, currency="USD", by=mara, external_id=str(number), stated_amount=str(number))
        for number in range(400)
    )
    with django_assert_num_queries(4):  # the amounts, the signed months of them, and a savepoint
        assert amounts.restate_amounts(connection, by=None) == 400


@pytest.mark.parametrize("who", ["mara", "stranger"])
def test_only_an_admin_says_it(account: Account, mara: User, who: str) -> None:
    connection = connected(account, mara)
    by = mara if who == "mara" else making.new_person(None, "owen@brightfen.example")
    with pytest.raises(Refused, match="Your role in this account"):
        amounts.say_unit(connection, "cents", by=by)


def test_a_resellers_connection_is_for_its_admins_and_leaves_accounts_with_their_own(
    account: Account, mara: User, ines: User, billed: None
) -> None:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    elsewhere = making.new_account("Brightfen Support", "brightfen")
    Account.objects.update(reseller=reseller)
    ruth = making.new_person(None, "ruth@cobbleside.example")
    Membership.objects.create(user=ruth, reseller=reseller, role=Role.ADMIN)
    connected(elsewhere, ruth, "whole")
    shared = connected(account, ruth, reseller=reseller)
    for one in (account, elsewhere):
        one.refresh_from_db()
        take(one, ruth, record(amount=7150))
    with pytest.raises(Refused, match="Your role in this account"):
        amounts.say_unit(shared, "cents", by=ines)
    assert amounts.say_unit(shared, "cents", by=ruth) == 1
    assert (kept(account).amount, kept(elsewhere).amount) == (71_500_000, 7_150_000_000)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.one_of(
            st.decimals(-(10**9), 10**9, allow_nan=False, places=4).map(str),
            st.integers(-(10**11), 10**11).map(str),
            st.sampled_from(["", "1E+3", "12.", ".5", "1,000", "12.34567", "0", "-0.05", "007", "12345678901"]),
            st.text(max_size=8).filter(lambda text: "\x00" not in text),
        ),
        max_size=12,
    ),
    unit=st.sampled_from(["", "whole", "cents"]),
)
def test_the_database_reads_an_amount_as_we_do(account: Account, mara: User, texts: list[str], unit: str) -> None:
    Invoice.objects.all().delete()
    connection = connected(account, mara, unit)
    cycle, _ = BillingCycle.objects.get_or_create(account=account, start=CYCLE.start, defaults={"end": CYCLE.end})
    Invoice.objects.bulk_create(
        Invoice(account=account, cycle=cycle, currency="USD", by=mara, external_id=str(number), stated_amount=text)
        for number, text in enumerate(texts)
    )
    amounts.restate_amounts(connection, by=None)
    for text, amount in Invoice.objects.values_list("stated_amount", "amount"):
        assert amount == micros_of(text, unit), text
    connection.delete()


def test_both_readings_stand_beside_what_a_unit_costs(account: Account, mara: User, ines: User, preparer: Client, billed: None) -> None:
    connection = connected(account, mara)
    take(account, mara, record(amount=7150))
    check = amount_check(connection, account)
    assert check.fits == "cents"
    assert [(one.whole, one.cents) for one in check.checked] == [("$420.5882", "$4.2058")]
    said = "Read as whole units a unit would cost $420.5882; the report says $4.2058: hundredths fit, $4.2058."
    assert check.checked[0].words == said
    html = preparer.get(reverse("recon:amount_unit", args=[account.slug])).content.decode()
    assert "$420.5882" in html
    assert "Admins of this account say it." in html
    amounts.say_unit(connection, "whole", by=ines)
    assert amount_check(connection, account).is_doubtful


def test_without_a_report_the_contract_says_what_a_unit_costs(account: Account, mara: User, ines: User) -> None:
    terms: dict[str, Any] = {"interval": "monthly", "start": date(2026, 6, 14), "renewal": date(2027, 6, 14)}
    take(account, mara, record(amount=303, quantity=101))
    connection = connected(account, mara)
    assert amount_check(connection, account).checked[0].words.startswith("Nothing here says what a unit costs")
    contracts.add(account, "edr", Said(minimum=100, unit_cost=3_100_000, **terms), by=ines)
    words = amount_check(connection, account).checked[0].words
    assert words == "Read as hundredths a unit would cost $0.03; the contract says $3.10: whole units fit, $3.00."


def test_an_admin_says_it_on_its_page(account: Account, mara: User, ines: User, billed: None) -> None:
    address = reverse("recon:amount_unit", args=[account.slug])
    admin = making.signed_in(ines)
    assert "No connection to Huntress" in admin.get(address).content.decode()
    connected(account, mara)
    take(account, mara, record(amount=7150))
    assert "1 invoice was counted anew" in admin.post(address, {"unit": "cents"}, follow=True).content.decode()
    assert tie(account).is_tied
    assert admin.post(address, {"unit": "cents"}).status_code == 422
    assert admin.post(address, {"unit": "pence"}).status_code == 422


def test_the_connections_own_page_has_it_counted_by_a_worker(account: Account, mara: User, billed: None) -> None:
    connection = connected(account, mara)
    take(account, mara, record(amount=7150))
    connection.amount_unit = "cents"
    connection.save()
    making.jobs.run_now(making.jobs.enqueue("amounts", connection.pk, label="Amounts", account=account))
    assert Decimal(kept(account).amount or 0) == 71_500_000


# --- aside, twice, and what is wrong with it ------------------------------------------------------------------------------------------


def test_one_of_another_month_is_set_aside_and_followed_all_the_same(account: Account, mara: User, billed: None) -> None:
    connected(account, mara, "cents")
    take(account, mara, record(amount=7150), record(88_001, 500_000, 1, plan="Onboarding"))
    onboarding = Invoice.objects.get(external_id="88001")
    invoices.set_aside(onboarding, by=mara)
    assert tie(account).is_tied
    take(account, mara, record(amount=7150), record(88_001, 500_000, 1, status="voided", plan="Onboarding"), ended=LATER)
    onboarding.refresh_from_db()
    assert (onboarding.status, onboarding.withdrawn_at is None) == ("voided", False)
    invoices.restore(onboarding, by=mara)
    assert [one.number for one in tie(account).troubled] == ["88001"]
    with pytest.raises(Refused, match="not set aside"):
        invoices.restore(onboarding, by=mara)
    with pytest.raises(Refused, match="set it aside"):
        invoices.withdraw(onboarding, by=mara)
    acts = AuditEvent.objects.filter(action__startswith="recon.invoice.").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["recon.invoice.set_aside", "recon.invoice.restored"]


def test_one_charge_is_not_counted_twice(account: Account, mara: User, preparer: Client, billed: None) -> None:
    """What a person gave counts, and what was pulled stands beside it, until the other is withdrawn."""
    connected(account, mara, "cents")
    made = typed(account, mara)
    take(account, mara, record(amount=7250, quantity=18, status="failed"))
    assert tie(account).is_tied
    html = preparer.get(reverse("recon:tie_out", args=[account.slug, CYCLE.start])).content.decode()
    assert "comes to 17 units, $71.50, and counts. Huntress lists 18 units, $72.50 for this cycle" in html
    assert "The payment failed" in html
    invoices.withdraw(made, by=mara)
    assert (tie(account).units.invoice, tie(account).tone) == (18, "todo")


@pytest.mark.parametrize(
    ("status", "tone", "words"),
    [
        ("draft", "blind", "charges nothing"),
        ("open", "done", "not paid yet"),
        ("processing", "done", "under way"),
        ("paid", "done", "Paid:"),
        ("failed", "done", "The payment failed"),
        ("partial_refund", "done", "A part was paid back"),
        ("full_refund", "done", "All of it was paid back"),
        ("voided", "blind", "Taken back"),
        ("settled", "done", "A status that is not known here"),
    ],
)
def test_each_status_says_what_it_means(
    account: Account, mara: User, preparer: Client, billed: None, status: str, tone: str, words: str
) -> None:
    connected(account, mara, "cents")
    take(account, mara, record(amount=7150, status=status))
    assert tie(account).tone == tone
    html = preparer.get(reverse("recon:tie_out", args=[account.slug, CYCLE.start])).content.decode()
    assert words in html
    assert ('<div class="alert' in html) == (status in {"failed", "partial_refund", "full_refund", "voided"})


@pytest.mark.parametrize(
    ("amount", "words"),
    [(None, "A pulled invoice states no amount"), ("12345678901", "The amount “12345678901” of a pulled invoice cannot be read")],
)
def test_an_amount_that_is_none_is_never_zero(account: Account, mara: User, billed: None, amount: Any, words: str) -> None:
    connected(account, mara, "cents")
    take(account, mara, record(amount=amount))
    assert (tie(account).money.invoice, tie(account).money.words) == (None, words)


def test_nothing_waits_for_a_worker_where_no_month_is_signed(account: Account, mara: User, billed: None) -> None:
    take(account, mara, record())
    assert not Job.objects.filter(kind="drift").exists()
