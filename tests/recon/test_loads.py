"""Loading each kind of document: what rows it leaves, which months it moves, and that no attempt leaves a row twice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from accounts.models import Organization, Role
from ingest import jobs
from ingest.models import ExcludedSku, FileOwner, Invoice, Job, Kind, LegInput, PriceLine, RowIssue, UsageLine
from ingest.sources import READERS
from recon.loads import LOADERS
from recon.services import imports
from recon.services.beside import in_force, invoices_of

from tests.recon.making import AFTER, BEFORE, CYCLE, arrive, compare, csv_bytes, current, month_of, new_person  # isort: skip
from tests.recon.making import put as put_file, units_of  # isort: skip

INVOICE = csv_bytes(["Number", "Date", "Amount", "Currency", "Quantity"], ["I-1", "2026-11-14", "$1,204.50", "usd", 100],
                    ["I-2", "2026-11-15", "(4.50)", "", ""])  # fmt: skip
PRICES = csv_bytes(["Organization", "Product", "From", "Cost", "Sell Price"], ["", "EDR", 0, "2.50", 5],
                   ["Tarn Vale Dental", "EDR", 0, "", "4.80"], ["Nobody Known", "EDR", 10, "", "4.10"])  # fmt: skip
SKUS = csv_bytes(["SKU", "Name"], ["INVENTED_A", "Invented"], ["invented_a", "Again"], ["INVENTED_B", ""])
CONTENT = {"invoice": INVOICE, "prices": PRICES, "exclusions": SKUS}
MODELS: dict[str, Any] = {"invoice": Invoice, "prices": PriceLine, "exclusions": ExcludedSku}


class Untold(jobs.Progress):
    """Nobody asks how far it is."""

    def __call__(self, done: int, total: int, doing: str = "") -> None:
        return


def giver(account, mara, kind):
    """An exclusion list is a rule of the account: an admin puts it in force."""
    return new_person(account, "ines@quillmere.example", Role.ADMIN) if kind == "exclusions" else mara


def recounts() -> list[int]:
    return sorted(Job.objects.filter(kind="recount", state=Job.State.QUEUED).values_list("subject", flat=True))


def cycle_of(account, cycle=CYCLE):
    return month_of(account, cycle).cycle


def test_every_kind_has_a_reader_and_a_loader():
    assert set(READERS) == set(LOADERS) == set(Kind.values)


def test_an_invoice_becomes_its_rows_and_money_is_exact(account, mara):
    source_file = put_file(account, mara, "invoice", INVOICE)
    rows = list(Invoice.objects.order_by("line").values_list("line", "number", "issued_on", "amount", "currency", "quantity", "by"))
    assert rows == [
        (2, "I-1", date(2026, 11, 14), 1_204_500_000, "USD", 100, mara.pk),
        (3, "I-2", date(2026, 11, 15), -4_500_000, "USD", None, mara.pk),
    ]
    assert {row.source_file for row in invoices_of(cycle_of(account))} == {source_file}


def test_an_invoice_that_is_typed_in_stands_beside_the_file_until_it_is_withdrawn(account, mara):
    put_file(account, mara, "invoice", INVOICE)
    cycle = cycle_of(account)
    Invoice.objects.create(account=account, cycle=cycle, amount=5, currency="USD", by=mara)
    assert invoices_of(cycle).count() == 3
    imports.withdraw(current(account, "invoice"), by=mara)
    assert [row.amount for row in invoices_of(cycle)] == [5]


def test_prices_are_matched_to_organizations_and_make_none(account, mara, put):
    put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])
    source_file = put_file(account, mara, "prices", PRICES)
    owners = {one.number: one.organization for one in FileOwner.objects.filter(source_file=source_file)}
    assert [str(one) for one in owners.values()] == ["Tarn Vale Dental", "None"]
    assert Organization.objects.count() == 1
    given = in_force(cycle_of(account), "prices")
    assert given
    prices = given.source_file.prices.order_by("line", "side").values_list(
        "line", "side", "owner", "product", "from_quantity", "unit_price"
    )
    assert list(prices) == [
        (2, "cost", None, "edr", 0, 2_500_000), (2, "sell", None, "edr", 0, 5_000_000), (3, "sell", 0, "edr", 0, 4_800_000),
        (4, "sell", 1, "edr", 10, 4_100_000),
    ]  # fmt: skip
    issue = RowIssue.objects.get(source_file=source_file, code="unmatched_organizations")
    assert "“Nobody Known”" in issue.message
    assert issue.message.endswith("so 1 price waits to be matched.")


def test_a_price_list_is_in_force_until_the_next_one(account, mara, put):
    for cycle in (BEFORE, CYCLE, AFTER):
        put("expected", ["Organization", "EDR"], ["Tarn Vale Dental", 3 + cycle.start.month], cycle=cycle)
    first = put_file(account, mara, "prices", PRICES, BEFORE)
    second = put_file(account, mara, "prices", PRICES.replace(b"4.80", b"4.70"), AFTER)
    given = [in_force(cycle_of(account, cycle), "prices") for cycle in (BEFORE, CYCLE, AFTER)]
    assert [one.source_file if one else None for one in given] == [first, first, second]
    imports.withdraw(current(account, "prices", AFTER), by=mara)
    assert in_force(cycle_of(account, AFTER), "prices") == current(account, "prices", BEFORE)
    assert in_force(cycle_of(account, BEFORE), "exclusions") is None


def test_an_exclusion_list_holds_each_sku_once(account, mara):
    source_file = put_file(account, giver(account, mara, "exclusions"), "exclusions", SKUS)
    assert (source_file.loaded, source_file.merged) == (2, 1)
    given = in_force(cycle_of(account), "exclusions")
    assert given
    assert list(given.source_file.excluded_skus.order_by("line").values_list("line", "sku", "sku_key", "name")) == [
        (2, "INVENTED_A", "invented_a", "Invented"), (4, "INVENTED_B", "invented_b", ""),
    ]  # fmt: skip


def test_what_a_list_calls_a_product_is_kept_and_not_counted_yet(account, put):
    put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])
    long = ["Organization", "Product", "Quantity"]
    source_file = put("rebilled", long, ["Tarn Vale Dental", "EDR", 3], ["Tarn Vale Dental", "Security bundle", 15])
    lines = UsageLine.objects.filter(source_file=source_file).order_by("line").values_list("product", "product_name", "quantity")
    assert list(lines) == [("edr", "", 3), ("", "Security bundle", 15)]
    compare()
    assert units_of(account) == {("Tarn Vale Dental", "edr"): (3, None, 3, None)}


@pytest.mark.parametrize("kind", CONTENT)
def test_another_file_takes_the_place_and_the_old_one_stays(account, mara, kind):
    mara = giver(account, mara, kind)
    old = put_file(account, mara, kind, CONTENT[kind])
    rows = MODELS[kind].objects.filter(source_file=old).count()
    new = put_file(account, mara, kind, CONTENT[kind] + b"\n", name="later.csv")
    before = LegInput.objects.get(source_file=old)
    assert (before.superseded_by, current(account, kind).source_file) == (current(account, kind), new)
    assert MODELS[kind].objects.filter(source_file=old).count() == rows == MODELS[kind].objects.filter(source_file=new).count()
    imports.withdraw(current(account, kind), by=mara)
    again = imports.use_again(old, by=mara, cycle=AFTER, partial=False)
    assert again == current(account, kind, AFTER)


@pytest.mark.parametrize("kind", CONTENT)
def test_an_import_that_stopped_half_way_leaves_no_row_twice(account, mara, monkeypatch, kind):
    mara = giver(account, mara, kind)
    source_file = arrive(account, mara, CONTENT[kind], kind=kind)
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    with monkeypatch.context() as patched:
        patched.setattr(imports, "_let_count", _killed)
        with pytest.raises(SystemExit):
            imports.import_file(source_file.pk, Untold(job.pk, 0))
    left = MODELS[kind].objects.count()
    assert jobs.run_now(job).state == Job.State.DONE
    assert left == MODELS[kind].objects.count() > 0
    assert FileOwner.objects.count() == (2 if kind == "prices" else 0)


@pytest.mark.parametrize("kind", CONTENT)
def test_an_import_that_failed_leaves_nothing(account, mara, monkeypatch, django_capture_on_commit_callbacks, kind):
    mara = giver(account, mara, kind)
    source_file = arrive(account, mara, CONTENT[kind], kind=kind)
    job = imports.start_import(source_file, by=mara, cycle=CYCLE)
    with monkeypatch.context() as patched:
        patched.setattr(imports, "_let_count", _refused)
        with django_capture_on_commit_callbacks(execute=True):
            jobs.run_now(job)
    source_file.refresh_from_db()
    assert (source_file.state, MODELS[kind].objects.count(), FileOwner.objects.count()) == ("ready", 0, 0)


def _killed(*given: Any) -> None:
    raise SystemExit


def _refused(*given: Any) -> None:
    raise jobs.JobFailed("no")


@pytest.mark.parametrize(("kind", "moved"), [("invoice", []), ("exclusions", []), ("prices", [CYCLE, AFTER])])
def test_only_what_months_are_counted_from_has_them_counted_again(account, mara, put, kind, moved):
    for cycle in (BEFORE, CYCLE, AFTER):
        put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", cycle.start.month], cycle=cycle)
    compare()
    assert recounts() == []
    put_file(account, giver(account, mara, kind), kind, CONTENT[kind], CYCLE)
    assert recounts() == sorted(cycle_of(account, cycle).pk for cycle in moved)


def test_an_agent_list_has_a_month_in_work_looked_at_again_and_none_in_review(account, mara, put):
    put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])
    compare()
    put_file(account, mara, "agents", csv_bytes(["Hostname", "Organization"], ["tvd-1", "Tarn Vale Dental"]))
    assert recounts() == [cycle_of(account).pk]
    compare()
    month = month_of(account)
    type(month).objects.filter(pk=month.pk).update(state="in_review", preparer=mara, submitted_at="2026-11-20T10:00Z")
    put_file(account, mara, "agents", csv_bytes(["Hostname", "Organization"], ["tvd-2", "Tarn Vale Dental"]), name="later.csv")
    assert recounts() == []
    assert month_of(account).state == "in_review"
