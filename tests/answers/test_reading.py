"""Archives of answers, read: every record in one bucket, blank is not zero, and what is of a wrong shape stops nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import READERS, Reading, Unreadable, read, recognise
from ingest.sources import agents_answers as streaming
from ingest.sources.limits import Limits
from recon.demo.huntress.estate import Crowd
from recon.demo.huntress.story import Story
from tests.answers import making
from tests.answers.making import ENDED, agent, agents, archive, asked, detail, identities, invoices, organization, organizations


def seen(data: bytes, kind: str, **more: Any) -> Reading:
    return read(data, name="answers.zip", kind=kind, **more)


def codes(reading: Reading) -> list[tuple[int | None, str]]:
    return [(issue.line, issue.code) for issue in reading.issues]


def row(reading: Reading, place: int = 0) -> dict[str, Any]:
    return {str(name): None if value is pd.NA or value is None else value for name, value in reading.lines.iloc[place].items()}


# --- what it is ---


@pytest.mark.parametrize("kind", ["agents", "live", "identities", "invoices"])
@pytest.mark.parametrize("name", ["billed November.csv", "x", "invoices.xlsx", "Agents from Huntress, 12 Nov 2026.zip"])
def test_an_archive_is_what_it_says_whatever_its_name(kind: str, name: str) -> None:
    guess = recognise(archive(kind), name=name)
    assert guess
    assert (guess.value, guess.sureness) == (kind, "certain")


def test_what_has_no_columns_is_never_guessed_of_a_list() -> None:
    guess = recognise(b"Organization,EDR\nTarn Vale Dental,3\n", name="live counts, identities, invoices of huntress.csv")
    assert guess is None or READERS[guess.value].has_columns


@pytest.mark.parametrize("kind", ["live", "identities", "invoices"])
def test_a_list_is_refused_where_only_answers_are_read(kind: str) -> None:
    with pytest.raises(Unreadable, match="no archive of answers"):
        seen(b"Organization,EDR\nTarn Vale Dental,3\n", kind)


def test_what_it_lacks_is_said() -> None:
    reading = seen(archive("agents", agents(agent(1)), lacks=["Page 2 of the list of agents leads back."]), "agents")
    assert ("Incomplete: Page 2 of the list of agents leads back." in [issue.message for issue in reading.issues]) is True
    assert reading.manifest
    assert not reading.manifest.is_whole


# --- agents ---


def test_an_agent_is_read_with_its_call_and_its_install() -> None:
    reading = seen(archive("agents", agents(agent(7, last_callback_at=None), agent(9))), "agents")
    lines = reading.lines
    assert list(lines["line"]) == [1, 2]
    assert list(lines["hostname"]) == ["WS-7", "WS-9"]
    assert list(lines["organization_id"]) == ["41009", "41009"]
    assert list(lines["organization"]) == ["", ""]
    assert list(lines["last_seen"].isna()) == [True, False]
    assert str(lines["last_seen"][1]) == "2026-11-11 08:15:00"
    assert str(lines["installed_at"][0]) == "2025-02-03 09:00:00"


def test_a_defender_survey_is_no_check_in() -> None:
    assert seen(archive("agents", agents(agent(1, last_callback_at=None))), "agents").lines["last_seen"].isna().all()


WRONG = {
    "no object": ("text", "wrong_shape"),
    "no id": ({**agent(2), "id": None}, "wrong_shape"),
    "no hostname": (agent(2, hostname=None), "no_hostname"),
    "a blank hostname": (agent(2, hostname="  "), "no_hostname"),
    "a hostname that is none": (agent(2, hostname={"name": "x"}), "wrong_shape"),
    "no Organization": (agent(2, organization_id=None), "no_organization"),
    "no date": (agent(2, last_callback_at="soon"), "unreadable_date"),
    "a number as a date": (agent(2, created_at=5), "unreadable_date"),
    "a date that can be two": (agent(2, created_at="03/04/2026"), "unreadable_date"),
    "a long hostname": (agent(2, hostname="x" * 256), "long_hostname"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_record_is_rejected_with_its_json_and_the_others_are_read(name: str) -> None:
    record, code = WRONG[name]
    reading = seen(archive("agents", agents(agent(1), record), agents(agent(3))), "agents")
    assert list(reading.lines["line"]) == [1, 3]
    assert (reading.counts.loaded, reading.counts.rejected) == (2, 1)
    assert codes(reading) == [(2, code)]
    (odd,) = reading.odd_rows
    assert (odd.line, odd.bucket, odd.reason) == (2, "rejected", code)
    assert json.loads(odd.cells[-1]) == record


def test_an_agent_that_comes_again_is_set_aside() -> None:
    reading = seen(archive("agents", agents(agent(1), agent(2)), agents(agent(2), agent(3), agent(3))), "agents")
    assert list(reading.lines["line"]) == [1, 2, 4]
    assert [(one.line, one.reason) for one in reading.odd_rows] == [(3, "came again"), (5, "came again")]


def test_ids_that_are_texts_are_told_apart_too() -> None:
    one, other = agent(1) | {"id": "a-1"}, agent(2) | {"id": "007"}
    reading = seen(archive("agents", agents(one, other), agents(one, agent(7), other)), "agents")
    assert list(reading.lines["line"]) == [1, 2, 4]


def test_halves_of_characters_and_nul_are_no_trouble() -> None:
    reading = seen(archive("agents", agents(agent(1, hostname="WS\0-1", serial_number="\ud800"))), "agents")
    assert (row(reading)["hostname"], row(reading)["serial"]) == ("WS?-1", "?")


@pytest.mark.parametrize("at_once", [1, 700, 20_000])
def test_batches_of_any_size_read_the_same(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = asked(Crowd(agents=1_203, organizations=30), "agents")
    whole = seen(data, "agents")
    monkeypatch.setattr(streaming, "_AT_ONCE", at_once)
    again = seen(data, "agents")
    pd.testing.assert_frame_equal(whole.lines, again.lines)
    assert whole.counts == again.counts
    assert (whole.counts.loaded, whole.answers) == (1_203, [[2, 500], [1, 203]])


_AGENTS = st.lists(
    st.one_of(
        st.builds(
            lambda number, seen: agent(number, last_callback_at=seen),
            st.integers(1, 12),
            st.sampled_from([None, "", "2026-11-11T08:15:00Z"]),
        ),
        st.builds(lambda number: agent(number, hostname=None), st.integers(1, 12)),
        st.just("no object"),
    ),
    max_size=9,
)


@given(st.lists(_AGENTS, max_size=4))
def test_every_record_ends_in_one_bucket_and_one_agent_is_one_agent(pages: list[list[Any]]) -> None:
    reading = seen(archive("agents", *(agents(*page) for page in pages)), "agents")
    records = [record for page in pages for record in page]
    assert reading.counts.rows_in == len(records)
    assert reading.counts.loaded == len(reading.lines) == len({r["id"] for r in records if isinstance(r, dict) and r["hostname"]})
    assert sorted([*reading.lines["line"], *(one.line for one in reading.odd_rows)]) == list(range(1, len(records) + 1))


# --- live counts ---


def test_both_counts_are_kept_and_what_is_not_active_is_unknown() -> None:
    one = organization(5, agents_count=14, identity_provider_tenant_id=None, novelty={"x": 1})
    itdr = [
        {"type": "microsoft", "identity_provider_tenant_id": "t-1", "billable_identities_count": 4, "total_identities_count": 9},
        {"type": "google", "identity_provider_tenant_id": "t-2", "billable_identities_count": 2, "total_identities_count": 2},
    ]
    data = archive(
        "live", organizations(one), detail(one, edr={"billable_agents_count": 12, "unresponsive_agents_count": 3}, itdr=itdr, siem=None)
    )
    reading = seen(data, "live")
    found = row(reading)
    counts = (found["agents"], found["billable_agents"], found["unresponsive_agents"], found["identities"], found["all_identities"])
    assert counts == (14, 12, 3, 6, 11)
    assert (found["learners"], found["sources"]) == (None, None)
    assert json.loads(found["products"]) == ["edr", "itdr"]
    tenants = [(one["product"], one["type"], one["tenant"], one["billable"], one["total"]) for one in json.loads(found["tenants"])]
    assert tenants == [("itdr", "microsoft", "t-1", 4, 9), ("itdr", "google", "t-2", 2, 2)]
    assert (reading.counts.loaded, reading.counts.merged, found["line"]) == (1, 1, 1)


def test_without_a_detail_what_is_billable_is_unknown() -> None:
    found = row(seen(archive("live", organizations(organization(5, sat_learner_count=None))), "live"))
    assert (found["agents"], found["billable_agents"], found["identities"], found["learners"]) == (12, None, 0, None)
    assert pd.isna(found["products"])
    assert found["tenants"] == "[]"


def test_a_tenant_whose_count_is_unknown_makes_the_sum_unknown_or_the_lists_own() -> None:
    one = organization(5, billable_identity_count=None)
    tenants = [{"billable_identities_count": 4, "total_identities_count": 4}, {"billable_identities_count": None}]
    found = row(seen(archive("live", organizations(one), detail(one, itdr=tenants)), "live"))
    assert (found["identities"], found["all_identities"]) == (None, None)


def test_a_detail_of_a_wrong_shape_leaves_what_the_list_says() -> None:
    one, other = organization(5), organization(6)
    data = archive("live", organizations(one, other), detail(one, edr={"billable_agents_count": "12"}), detail(other, edr=[]))
    reading = seen(data, "live")
    assert codes(reading) == [(3, "wrong_shape"), (4, "wrong_shape")]
    assert [row(reading, place)["billable_agents"] for place in (0, 1)] == [None, None]
    assert list(reading.lines["agents"]) == [12, 12]


@pytest.mark.parametrize("count", ["12", 1.5, -1, True, [], 10**400, 2**60])
def test_a_count_that_is_none_is_rejected_and_no_zero(count: Any) -> None:
    reading = seen(archive("live", organizations(organization(5, agents_count=count), organization(6))), "live")
    assert codes(reading) == [(1, "wrong_shape")]
    assert list(reading.lines["organization_id"]) == ["6"]


def test_two_of_one_name_are_two() -> None:
    reading = seen(archive("live", organizations(organization(5, "Tarn"), organization(6, "Tarn", key="tarn-2"))), "live")
    assert list(reading.lines["organization_key"]) == ["customer-5", "tarn-2"]


def test_a_product_that_is_new_is_said() -> None:
    one = organization(5)
    reading = seen(archive("live", organizations(one), detail(one, espm={"count": 3}, edr={"billable_agents_count": 1})), "live")
    assert codes(reading) == [(2, "unknown_product")]
    assert json.loads(row(reading)["products"]) == ["edr"]


# --- identities ---


def test_an_identity_is_the_least_that_joins_it_to_a_user() -> None:
    record = {
        "id": 3, "organization": {"id": 5, "name": "Tarn"}, "tenant": {"id": 50, "type": "microsoft_365"},
        "username": " Ada.Pell@Tarn.Example",
        "email": "ada@elsewhere.example", "enabled": False, "billable": True, "enabled_products": ["itdr", "ispm"], "created_at": None,
        "phone": "+44 1632 960000",
    }  # fmt: skip
    reading = seen(archive("identities", identities(record, {**record, "id": 4, "billable": "yes"})), "identities")
    found = row(reading)
    assert (found["upn"], found["tenant"], found["tenant_type"], found["organization_id"]) == (
        "ada.pell@tarn.example", "50", "microsoft_365", "5",
    )  # fmt: skip
    assert (found["is_enabled"], found["is_billable"], found["is_external"]) == (False, True, None)
    assert found["products"] == '["ispm", "itdr"]'
    kept = " ".join(cell for one in (*reading.odd_rows, *reading.first_rows) for cell in one.cells)
    assert "elsewhere" not in kept
    assert "960000" not in kept


# --- invoices ---


@pytest.mark.parametrize(
    ("amount", "kept"), [(303, "303"), (Decimal("303.50"), "303.50"), (None, ""), ("303.10", "303.10"), (-5, "-5"), (0, "0")]
)
def test_an_amount_stays_the_text_that_came(amount: Any, kept: str) -> None:
    spelt = str(amount) if isinstance(amount, Decimal) else json.dumps(amount)
    body = f'{{"invoices": [{{"id": 8, "amount": {spelt}, "quantity": null, "plan": null, "created_at": "2026-11-14T06:00:00Z"}}]}}'
    found = row(seen(archive("invoices", ("invoices", body.encode())), "invoices"))
    assert (found["amount"], found["quantity"], found["plan"], found["currency"], found["status"]) == (kept, None, "", "", "")


@pytest.mark.parametrize("amount", ["much", True, [], {}, "1e999999999999", "NaN"])
def test_an_amount_that_is_none_is_rejected(amount: Any) -> None:
    record = {"id": 8, "amount": amount, "created_at": "2026-11-14T06:00:00Z"}
    assert codes(seen(archive("invoices", invoices(record)), "invoices")) == [(1, "wrong_shape")]


def test_an_invoice_without_a_date_is_rejected() -> None:
    assert codes(seen(archive("invoices", invoices({"id": 8, "amount": 3})), "invoices")) == [(1, "wrong_shape")]


def test_the_older_name_of_the_list_is_known() -> None:
    data = asked(Story(now=ENDED), "invoices")
    assert len(seen(data, "invoices").lines) == 7
    older = archive(
        "invoices", ("invoices", making.listed("billing_reports", {"id": 8, "amount": 3, "created_at": "2026-11-14T06:00:00Z"}))
    )
    assert len(seen(older, "invoices").lines) == 1


# --- limits ---


def test_more_records_than_are_read_are_refused() -> None:
    data = archive("agents", agents(*(agent(number) for number in range(1, 12))))
    with pytest.raises(Unreadable, match="more than 10 records"):
        seen(data, "agents", limits=Limits(max_rows=10))
