"""Subscriptions become contracts of mapped accounts: a version for what changed, and nothing over what a person said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from accounts.models import AuditEvent, Contract, ContractVersion
from ingest.models import Connection, ResellerSubscription
from recon.demo.huntress import records
from recon.engine.contracts import Terms
from recon.services import contracts, resellers
from recon.services.contracts import Said
from recon.subscription_terms import unit_cost
from tests.reseller.making import BRIGHTFEN, QUILLMERE, World, settle_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapped(world: World) -> World:
    world.accounts(QUILLMERE, BRIGHTFEN)
    world.mapped()
    return world


def subscription(number: int = 6001, product: str = "edr", minimum: int = 400, **fields: Any) -> Any:
    made = records.subscription(number, QUILLMERE, product, minimum)
    return made | {"effective_date": "2026-02-01", "renewal_date": "2027-02-01", "schedules": []} | fields


def step(minimum: int, starts: str | None, price: Any = None, maximum: int | None = None) -> dict[str, Any]:
    return {
        "minimum": minimum,
        "maximum": maximum,
        "target_price": price,
        "months": 12,
        "promo_units": 0,
        "starts_at": starts,
        "ends_at": None,
    }


def said_of(number: int = 6001) -> str:
    return ResellerSubscription.objects.get(external_id=str(number)).said


def current(number: int = 6001) -> ContractVersion:
    return ContractVersion.objects.get(contract__external_id=str(number), ended_at__isnull=True)


def test_a_subscription_is_a_contract_of_its_account(mapped: World) -> None:
    mapped.subscriptions(
        subscription(
            schedules=[step(400, "2026-02-01T00:00:00Z", "2.90"), step(500, "2026-08-01T00:00:00Z", "2.75")],
            minimum_usage=500,
            terminal_minimum_usage=500,
        )
    )
    version = current()
    assert (version.contract.source, version.contract.account, version.contract.product) == ("pulled", mapped.account, "edr")
    assert (version.minimum, version.interval, version.auto_renew, version.unit_cost) == (400, "monthly", True, 2_900_000)
    assert (version.start, version.renewal, version.support_type) == (date(2026, 2, 1), date(2027, 2, 1), "huntress_supported")
    assert list(version.steps.values_list("starts", "minimum", "unit_cost")) == [(date(2026, 8, 1), 500, 2_750_000)]
    assert version.by is None
    assert version.why.startswith("pulled by “Huntress, reseller”, 20 Nov 2026")
    assert AuditEvent.objects.get(action="recon.contract.pulled").actor is None
    assert said_of() == ""


def test_the_same_answers_again_write_no_version(mapped: World) -> None:
    for _ in range(2):
        mapped.subscriptions(subscription())
    assert ContractVersion.objects.count() == 1


def test_what_changed_is_a_new_version_and_the_old_one_stays(mapped: World) -> None:
    mapped.subscriptions(subscription())
    mapped.subscriptions(subscription(minimum_usage=450))
    assert [(one.number, one.minimum, one.ended_at is None) for one in ContractVersion.objects.order_by("number")] == [
        (1, 400, False),
        (2, 450, True),
    ]


def test_the_support_type_is_the_accounts(mapped: World) -> None:
    mapped.subscriptions(subscription())
    mapped.accounts(QUILLMERE | {"support_type": "partner_supported"}, BRIGHTFEN)
    assert current().support_type == "partner_supported"


@pytest.mark.parametrize("status", ["draft", "approved", "accepted"])
def test_what_is_not_active_yet_is_no_contract(mapped: World, status: str) -> None:
    mapped.subscriptions(subscription(status=status))
    assert not Contract.objects.exists()
    assert "not in force until it is active" in said_of()


def test_a_completed_one_ends_where_it_was_to_renew(mapped: World) -> None:
    mapped.subscriptions(subscription(status="completed", renewal_date="2026-06-01"))
    assert (current().renewal, current().auto_renew) == (date(2026, 6, 1), False)


def test_one_that_is_completed_before_its_time_ends_when_that_was_seen(mapped: World) -> None:
    mapped.subscriptions(subscription())
    mapped.subscriptions(subscription(status="completed"))
    ended = current().renewal
    assert ended < date(2027, 2, 1)
    mapped.subscriptions(subscription(status="completed"))
    assert (current().renewal, ContractVersion.objects.count()) == (ended, 2)


def test_an_upgrade_is_a_new_one_from_whose_start_the_old_one_holds_no_more(mapped: World) -> None:
    mapped.subscriptions(subscription(5900, minimum=300, status="completed"), subscription(6001, minimum=400, effective_date="2026-06-01"))
    from recon.contracts import agreed

    old, new = sorted(agreed(Contract.objects.all()), key=lambda one: one.terms.start)
    assert (old.until, old.terms.minimum, new.terms.minimum) == (date(2026, 6, 1), 300, 400)
    assert isinstance(new.terms, Terms)


# --- what a person said -----------------------------------------------------------------------------------------------------------


def typed(world: World, number: str = "", **fields: Any) -> Contract:
    said: dict[str, Any] = {"minimum": 380, "interval": "monthly", "start": date(2026, 2, 1), "renewal": date(2027, 2, 1)} | fields
    return contracts.add(world.account, "edr", Said(**said), by=world.ines, external_id=number)


def test_a_typed_one_of_the_same_number_stays_and_what_differs_is_said(mapped: World) -> None:
    contract = typed(mapped, "6001")
    mapped.subscriptions(subscription())
    assert current().minimum == 380
    assert said_of() == "It was typed in here, and stays as it is: the minimum is 380 here and 400 there."
    assert ResellerSubscription.objects.get().contract == contract


def test_a_typed_one_without_a_number_stays_alone(mapped: World) -> None:
    typed(mapped)
    mapped.subscriptions(subscription())
    assert Contract.objects.count() == 1
    assert "was typed in here, and holds: the minimum is 380 here and 400 there." in said_of()


def test_when_it_is_taken_away_the_subscription_takes_its_place(mapped: World) -> None:
    contract = typed(mapped)
    mapped.subscriptions(subscription())
    contracts.end(contract, "It comes from Huntress now.", by=mapped.ines)
    resellers.settle_again(mapped.reseller, by=mapped.ruth)
    settle_all()
    assert current().minimum == 400


def test_a_typed_one_of_another_time_is_no_hindrance(mapped: World) -> None:
    typed(mapped, start=date(2025, 2, 1), renewal=date(2026, 2, 1))
    mapped.subscriptions(subscription())
    assert current().minimum == 400


def test_what_a_person_changed_of_a_pulled_one_stays(mapped: World) -> None:
    mapped.subscriptions(subscription())
    contracts.change(current().contract, Said(**contracts.said_by(current()).columns | {"minimum": 410}), by=mapped.ines)
    mapped.subscriptions(subscription())
    assert current().minimum == 410
    assert said_of() == "A person changed it here, and stays as it is: the minimum is 410 here and 400 there."


def test_one_that_was_taken_away_is_not_brought_back(mapped: World) -> None:
    mapped.subscriptions(subscription())
    contracts.end(current().contract, "A mistake.", by=mapped.ines)
    mapped.subscriptions(subscription(minimum_usage=450))
    assert ContractVersion.objects.count() == 1
    assert "was taken away here" in said_of()


# --- what cannot be read ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"product": "siem_extended_retention"}, "is no product that contracts are kept of"),
        ({"effective_date": None}, "does not say when it begins"),
        ({"renewal_date": "soon"}, "does not say when it renews"),
        ({"renewal_date": "2026-01-01"}, "is not after"),
        ({"billing_interval": None}, "monthly or annually"),
        ({"minimum_usage": None}, "states no minimum"),
        ({"minimum_usage": -1}, "states no minimum"),
        ({"status": "paused"}, "is not one that is known"),
    ],
)
def test_what_it_does_not_say_makes_no_contract(mapped: World, fields: dict[str, Any], why: str) -> None:
    mapped.subscriptions(subscription(**fields))
    assert not Contract.objects.exists()
    assert why in said_of()


def test_what_contradicts_itself_is_said(mapped: World) -> None:
    mapped.subscriptions(subscription(schedules=[step(300, "2026-02-01")], terminal_minimum_usage=900))
    assert current().minimum == 400
    assert said_of() == (
        "It states a minimum of 400, and its schedule begins with 300. "
        "It is to end at a minimum of 900, and no step of its schedule says from when."
    )


def test_a_whole_price_without_a_unit_is_no_cost(mapped: World) -> None:
    mapped.subscriptions(subscription(schedules=[step(400, "2026-02-01", 290)]))
    assert current().unit_cost is None
    assert "nobody has said whether Huntress’ amounts are whole units or cents" in said_of()
    Connection.objects.update(amount_unit="cents")
    resellers.settle_again(mapped.reseller, by=mapped.ruth)
    settle_all()
    assert current().unit_cost == 2_900_000


@pytest.mark.parametrize(
    ("value", "unit", "micros"),
    [("2.90", "", 2_900_000), (3, "whole", 3_000_000), (290, "cents", 2_900_000), ("x", "", None), (-1, "whole", None),
     (True, "whole", None), ("1e400", "whole", None), ([], "whole", None), (0, "", 0), ("0.0000001", "", None)],
)  # fmt: skip
def test_prices(value: Any, unit: str, micros: int | None) -> None:
    assert unit_cost(value, unit)[0] == micros


# --- lists ------------------------------------------------------------------------------------------------------------------------


def test_the_contract_of_an_account_that_is_not_mapped_waits(world: World) -> None:
    world.accounts(QUILLMERE)
    world.subscriptions(subscription())
    assert not Contract.objects.exists()
    resellers.map_to(world.found(), world.account, by=world.ruth)
    settle_all()
    assert current().minimum == 400


def test_one_that_is_no_longer_listed_is_marked_and_its_contract_stays(mapped: World) -> None:
    mapped.subscriptions(subscription())
    mapped.subscriptions(lacks=["Page 1 did not come."])
    assert ResellerSubscription.objects.get().gone_at is None
    mapped.subscriptions()
    assert ResellerSubscription.objects.get().gone_at is not None
    assert current().minimum == 400


def test_it_asks_as_much_for_many_accounts_as_for_few(mapped: World, django_assert_max_num_queries: Any) -> None:
    from recon.services.subscriptions import make_contracts

    mapped.subscriptions(*(subscription(6001 + place, product) for place, product in enumerate(("edr", "itdr", "sat", "siem"))))
    with django_assert_max_num_queries(6):
        assert make_contracts(mapped.reseller, "", lambda *given: None) == 0  # type: ignore[arg-type]
