"""Whatever stands in a record, or becomes of an archive's bytes: every record in one bucket, or a refusal, and never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources import Unreadable, read
from tests.answers.making import agent, agents, archive, identities, invoices, organization, organizations
from tests.fuzz.checks import check_reading, tried

_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12),
    st.sampled_from(["2026-11-11T08:15:00Z", "2026-01-10 01:07:08 UTC", "never", "\ud800", "a\0b", "usd", " "]),
)  # fmt: skip
_ANYTHING = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))
_FIELDS = {
    "agents": ["id", "organization_id", "hostname", "serial_number", "platform", "created_at", "last_callback_at"],
    "live": ["id", "name", "key", "agents_count", "billable_identity_count", "sat_learner_count", "created_at", "actual_usages"],
    "identities": ["id", "organization", "tenant", "username", "enabled", "billable", "enabled_products", "created_at"],
    "invoices": ["id", "plan", "created_at", "amount", "quantity", "currency_type", "status"],
}
_USAGES = st.dictionaries(
    st.sampled_from(["edr", "itdr", "ispm", "sat", "siem", "espm"]), _ANYTHING | st.just({"learners_count": 3}), max_size=3
)


def records(kind: str) -> st.SearchStrategy[Any]:
    usual = {"id": st.integers(1, 6), "organization_id": st.integers(1, 3), "hostname": st.just("WS-1")}
    usual |= {"created_at": st.just("2026-11-11T08:15:00Z"), "organization": st.just({"id": 5}), "actual_usages": _USAGES}
    fields = {name: _ANYTHING | usual[name] if name in usual else _ANYTHING for name in _FIELDS[kind]}
    return st.fixed_dictionaries({}, optional=fields) | _ANYTHING


@pytest.mark.parametrize("kind", _FIELDS)
@given(data=st.data())
def test_any_record_ends_in_one_bucket(kind: str, data: st.DataObject) -> None:
    pages = data.draw(st.lists(st.lists(records(kind), max_size=5), max_size=3))
    listed = {"agents": agents, "live": organizations, "identities": identities, "invoices": invoices}[kind]
    answers = [listed(*page) for page in pages]
    if kind == "live":
        answers += [("organization", {"organization": data.draw(records(kind))})]
    reading = read(archive(kind, *answers), name="a.zip", kind=kind)
    check_reading(reading)
    count = sum(len(page) for page in pages) + (kind == "live")
    assert reading.counts.rows_in == count
    json.dumps([row.cells for row in (*reading.first_rows, *reading.odd_rows)]).encode()
    for column in reading.lines.columns:
        reading.lines[column].to_list()


@pytest.mark.parametrize("kind", _FIELDS)
@settings(max_examples=60)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.integers(0, 40))
def test_spoiled_bytes_are_read_or_refused(kind: str, place: int, value: int, cut: int) -> None:
    good = bytearray(archive(kind, ({"live": "organizations"}.get(kind, kind), {({"live": "organizations"}.get(kind, kind)): []})))
    good[place % len(good)] = value
    tried(bytes(good[: len(good) - cut]), kind)


_OUT_OF_YEARS = ["0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "1979-12-31"]


@pytest.mark.parametrize("at", _OUT_OF_YEARS)
@pytest.mark.parametrize(
    ("kind", "listed", "record"),
    [
        ("agents", agents, agent(1)), ("live", organizations, organization(5)), ("invoices", invoices, {"id": 1, "amount": 3}),
        ("identities", identities, {"id": 1, "organization": {"id": 3}}),
    ],
)  # fmt: skip
def test_a_time_out_of_all_years_is_a_rejected_record(kind: str, listed: Any, record: Any, at: str) -> None:
    counts = read(archive(kind, listed({**record, "created_at": at})), name="a.zip", kind=kind).counts
    assert (counts.loaded, counts.rejected) == (0, 1)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"agents": 3}', b'{"a": [], "b": []}', b"\xff\xfe", b'"' * 9])
def test_an_answer_without_a_list_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(archive("agents", ("agents", body)), name="a.zip", kind="agents")
