"""Product names that the registry does not know: they wait, block, and count once somebody has said what they hold."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import audit
from accounts.models import Account, AuditEvent, ProductRule, Role, User
from accounts.services import Refused
from recon.engine import Holding
from recon.models import Drift, Severity
from recon.services import products, review
from tests.recon import making
from tests.recon.conftest import Put
from tests.recon.making import compare, month_of, rows_of, units_of

HEAD = ["Organization", "Product", "Quantity", "Unit Price"]
BUNDLE = "Workstation Care"


@pytest.fixture
def bundled(put: Put) -> None:
    """A bundle and a backup line in the rebilled list, and a bill that knows its products."""
    put(
        "billed",
        HEAD,
        ["Tarn Vale Dental", "EDR", 10, "2.90"],
        ["Tarn Vale Dental", "ITDR", 5, "1.85"],
        ["Garrowby Farms", "EDR", 3, "2.90"],
    )
    put(
        "rebilled",
        HEAD,
        ["Tarn Vale Dental", BUNDLE, 5, "9.00"],
        ["Tarn Vale Dental", "workstation-care", 5, "9.00"],
        ["Garrowby Farms", "EDR", 3, "6.50"],
        ["Garrowby Farms", "Offsite Backup", 2, "41.00"],
    )
    compare()


def blocked(account: Account) -> dict[str, int]:
    return {one.code: one.count for one in review.blockers(month_of(account))}


def test_names_wait_in_one_queue_with_what_hangs_on_them(account: Account, bundled: None) -> None:
    care, backup = products.queue(account)
    assert (care.name, care.units, care.lines, care.organizations, care.money) == (BUNDLE, 10, 2, 1, 90_000_000)
    assert (backup.name, backup.units, backup.money, list(backup.files.values())) == ("Offsite Backup", 2, 82_000_000, ["rebilled.csv"])
    assert blocked(account)["products"] == products.count_undecided(account) == 2


def test_a_bundle_counts_as_what_it_holds(account: Account, mara: User, bundled: None) -> None:
    assert units_of(account)["Tarn Vale Dental", "edr"][2] == 0
    said = products.count_as(account, BUNDLE, [Holding("edr"), Holding("itdr", 2)], by=mara)
    compare()
    assert said.words == "Workstation Care counts as EDR and 2 × ITDR."
    assert units_of(account)["Tarn Vale Dental", "edr"][:3] == (10, None, 10)
    assert units_of(account)["Tarn Vale Dental", "itdr"][:3] == (5, None, 20)
    assert [one.name for one in products.queue(account)] == ["Offsite Backup"]


def test_a_pack_of_one_product_is_multiplied_and_its_price_divided(account: Account, mara: User, bundled: None) -> None:
    products.count_as(account, BUNDLE, [Holding("edr", 3)], by=mara)
    compare()
    (row,) = (row for row in rows_of(account) if (row.name, row.product) == ("Tarn Vale Dental", "edr"))
    assert (row.rebilled, row.sell) == (30, 3_000_000)


def test_what_is_ignored_counts_nowhere_and_blocks_no_more(account: Account, mara: User, bundled: None) -> None:
    before = units_of(account)
    products.ignore(account, ["Offsite Backup", BUNDLE], "Not sold by Huntress", by=mara)
    compare()
    assert units_of(account) == before
    assert "products" not in blocked(account)
    first, _ = products.rules(account)
    assert (first.name, first.is_ignored, first.reason) == ("Offsite Backup", True, "Not sold by Huntress")


def test_a_bill_with_an_undecided_product_leaves_the_organization_unchecked(account: Account, mara: User, put: Put) -> None:
    lists = [["Tarn Vale Dental", "EDR", 10, "2.90"], ["Garrowby Farms", "EDR", 3, "2.90"]]
    put("billed", HEAD, *lists, ["Tarn Vale Dental", "Endpoint Plus", 4, "3.10"])
    put("expected", HEAD, *lists)
    compare()
    severities = {row.name: (row.expected_severity, row.billed) for row in rows_of(account)}
    assert severities == {"Tarn Vale Dental": (Severity.UNCHECKED, None), "Garrowby Farms": (Severity.MATCH, 3)}
    products.ignore(account, ["Endpoint Plus"], "Another vendor’s", by=mara)
    compare()
    assert {row.expected_severity for row in rows_of(account)} == {Severity.MATCH}


def test_every_act_can_be_undone_and_the_undoing_too(account: Account, mara: User, bundled: None) -> None:
    products.count_as(account, BUNDLE, [Holding("edr")], by=mara)
    products.count_as(account, BUNDLE, [Holding("edr", 2), Holding("itdr")], by=mara)
    products.undo(account, BUNDLE, by=mara)
    assert [one.holdings for one in products.rules(account)] == [(Holding("edr"),)]
    products.undo(account, BUNDLE, by=mara)
    assert [one.holdings for one in products.rules(account)] == [(Holding("edr", 2), Holding("itdr"))]
    products.end(account, BUNDLE, by=mara)
    assert not products.rules(account)
    assert products.undo(account, BUNDLE, by=mara).words == "Workstation Care counts as 2 × EDR and ITDR again."
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"][2] == 20
    assert ProductRule.objects.count() == 3 + 1 + 2 + 2


def test_it_is_audited_and_makes_who_decided_no_reviewer(account: Account, mara: User, bundled: None) -> None:
    products.ignore(account, ["Offsite Backup"], "Not sold by Huntress", by=mara)
    event = AuditEvent.objects.get(action="recon.product.ignored")
    assert (event.subject, event.cycle) == ("Offsite Backup: Not sold by Huntress", month_of(account).cycle)
    assert mara.pk in audit.deciders(month_of(account).cycle, 1)


@pytest.mark.parametrize(
    ("holdings", "words"),
    [
        ([], "Choose the product"),
        ([Holding("backup")], "Choose products of the list."),
        ([Holding("edr"), Holding("edr", 2)], "EDR is named twice"),
        ([Holding("edr", 0)], "1 to 10,000 units"),
        ([Holding("edr", 10_001)], "1 to 10,000 units"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(account: Account, mara: User, bundled: None, holdings: list[Holding], words: str) -> None:
    with pytest.raises(Refused, match=words):
        products.count_as(account, BUNDLE, holdings, by=mara)


def test_names_that_no_list_has_and_people_who_look_are_refused(account: Account, mara: User, bundled: None) -> None:
    with pytest.raises(Refused, match="No list has a product"):
        products.ignore(account, ["Lawn Care"], "no", by=mara)
    with pytest.raises(Refused, match="Say why"):
        products.ignore(account, ["Offsite Backup"], "  ", by=mara)
    tom = making.new_person(account, "tom@quillmere.example", Role.VIEWER)
    with pytest.raises(Refused, match="Your role"):
        products.ignore(account, ["Offsite Backup"], "no", by=tom)


def test_a_signed_month_keeps_its_rules_and_says_that_they_changed(account: Account, mara: User, put: Put) -> None:
    lists = [["Tarn Vale Dental", "EDR", 10, "2.90"]]
    put("billed", HEAD, *lists)
    put("expected", HEAD, *lists)
    put("rebilled", HEAD, ["Tarn Vale Dental", BUNDLE, 10, "9.00"])
    compare()
    products.count_as(account, BUNDLE, [Holding("edr")], by=mara)
    compare()
    jonah = making.new_person(account, "jonah@quillmere.example", Role.REVIEWER)
    signed = review.sign(review.submit(month_of(account), by=mara), by=jonah)
    products.count_as(account, BUNDLE, [Holding("edr", 2)], by=mara)
    for job in making.Job.objects.filter(kind="drift"):
        making.jobs.run_now(job)
    changes = Drift.objects.get(reconciliation=signed).changes
    assert "1 product name was decided otherwise since." in changes
    assert "1 row would be counted otherwise now." in changes
    assert units_of(account)["Tarn Vale Dental", "edr"][2] == 10


def test_decided_names_are_suggested_for_names_like_them(account: Account, mara: User, put: Put, bundled: None) -> None:
    products.count_as(account, BUNDLE, [Holding("edr"), Holding("itdr")], by=mara)
    put("expected", HEAD, ["Tarn Vale Dental", "Workstation Cares", 1, ""], ["Tarn Vale Dental", "Server EDR x 5", 1, ""])
    hints = {one.name: [(hint.product, hint.factor, hint.reason) for hint in one.hints] for one in products.queue(account)}
    assert hints["Workstation Cares"] == [(code, 1, "like “Workstation Care”, which was decided") for code in ("edr", "itdr")]
    assert hints["Server EDR x 5"] == [("edr", 5, "contains “EDR”; one holds 5, it says")]
    assert hints["Offsite Backup"] == []


# --- the page


def address(account: Account) -> str:
    return reverse("recon:products", args=[account.slug])


def test_the_page_shows_names_and_takes_a_decision(preparer: Client, account: Account, bundled: None) -> None:
    html = preparer.get(address(account)).content.decode()
    assert BUNDLE in html
    assert "10 units in 2 rows of 1 Organization" in html
    answer = preparer.post(address(account), {"act": "count", "name": BUNDLE, "hold-edr": "1", "hold-itdr": ""}, follow=True)
    assert "Workstation Care counts as EDR." in answer.content.decode()


def test_the_page_ignores_many_at_once(preparer: Client, account: Account, bundled: None) -> None:
    preparer.post(address(account), {"act": "ignore", "names": [BUNDLE, "Offsite Backup"], "reason": "Other vendors"})
    assert products.count_undecided(account) == 0


@pytest.mark.parametrize(
    "form", [{"act": "count", "name": BUNDLE, "hold-edr": "two"}, {"act": "ignore"}, {"act": "sell"}, {"act": "end", "name": "x"}]
)
def test_what_is_refused_keeps_what_was_typed(preparer: Client, account: Account, bundled: None, form: dict[str, Any]) -> None:
    answer = preparer.post(address(account), form)
    assert answer.status_code == 422
    assert form.get("hold-edr", "") in answer.content.decode()
    assert not ProductRule.objects.exists()


@pytest.mark.parametrize("names", [3, 15])
def test_the_page_asks_a_constant_number_of_queries(
    preparer: Client, account: Account, mara: User, put: Put, names: int, django_assert_num_queries: Any
) -> None:
    put("rebilled", HEAD, *([f"Customer {number}", f"Bundle {number}", 2, "9.00"] for number in range(names)))
    products.count_as(account, "Bundle 1", [Holding("edr")], by=mara)
    preparer.get(address(account))
    with django_assert_num_queries(17):
        preparer.get(address(account))
