"""Archives of answers: put together from what is said to have come, or really asked of the invented Huntress."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ingest.huntress import Client, Credential, Kind
from ingest.huntress.asking import Got, Reading
from ingest.huntress.subjects import SUBJECTS
from ingest.sources.answers import Entry, Manifest, write
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress
from recon.demo.huntress.estate import Estate

#: Of the cycle from 14 October to 14 November 2026.
ENDED: Final = datetime(2026, 11, 12, 2, 31, tzinfo=UTC)
WHOSE: Final = {"id": "7001", "name": "Quillmere IT"}
_SUBJECTS: Final = {"live": "live", "agents": "agents", "identities": "identities", "invoices": "invoices"}
Answer = tuple[str, Any]


def archive(kind: str, *answers: Answer, ended: datetime = ENDED, lacks: Sequence[str] = (), **said: Any) -> bytes:
    """``answers`` are the name of an endpoint and what it said: an object, or the bytes themselves."""
    bodies = [said if isinstance(said, bytes) else json.dumps(said).encode() for _, said in answers]
    return packed(kind, [(name, body, 200) for (name, _), body in zip(answers, bodies, strict=True)], ended, lacks, **said)


def packed(kind: str, answers: Iterable[tuple[str, bytes, int]], ended: datetime = ENDED, lacks: Sequence[str] = (), **said: Any) -> bytes:
    kept = list(answers)
    began = ended - timedelta(minutes=len(kept))
    entries = tuple(
        Entry(
            number, name, f"/v1/{name}?limit=500", status, {"content-type": "application/json"},
            (began + timedelta(minutes=number)).isoformat(), hashlib.sha256(body).hexdigest(), len(body), said.get("records", 0),
        )
        for number, (name, body, status) in enumerate(kept, 1)
    )  # fmt: skip
    manifest = Manifest("huntress", kind, kind, WHOSE, began.isoformat(), ended.isoformat(), tuple(lacks), entries)
    fields = {name: value for name, value in said.items() if name != "records"}
    out = io.BytesIO()
    write(out, replace(manifest, **fields), [body for _, body, _ in kept])
    return out.getvalue()


def asked(estate: Estate, kind: str, *, ended: datetime = ENDED, lacks: Sequence[str] = ()) -> bytes:
    """What the invented Huntress says of a subject, as a pull keeps it."""
    with FakeHuntress(estate, limit=0) as fake, Client(Credential(*ACCOUNT_KEY), base=fake.base) as client:
        got = [one for one in Reading(client, SUBJECTS[_SUBJECTS[kind]], Kind.ACCOUNT) if isinstance(one, Got)]
    return packed(kind, [(one.endpoint, one.body, one.status) for one in got if one.status == 200], ended, lacks)


def agent(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "organization_id": 41_009,
        "hostname": f"WS-{number}",
        "serial_number": f"SN{number}",
        "platform": "windows",
        "created_at": "2025-02-03T09:00:00Z",
        "last_callback_at": "2026-11-11T08:15:00Z",
        "last_survey_at": "2026-11-11T09:00:00Z",
    } | fields


def organization(number: int, name: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name or f"Customer {number} Ltd",
        "key": f"customer-{number}",
        "agents_count": 12,
        "billable_identity_count": 0,
        "sat_learner_count": 0,
        "logs_sources_count": 0,
        "created_at": "2024-03-01T18:54:02Z",
    } | fields


def listed(key: str, *records: Any) -> dict[str, Any]:
    return {key: list(records), "pagination": {}}


def agents(*records: Any) -> Answer:
    return "agents", listed("agents", *records)


def organizations(*records: Any) -> Answer:
    return "organizations", listed("organizations", *records)


def detail(record: Mapping[str, Any], **usages: Any) -> Answer:
    return "organization", {"organization": {**record, "actual_usages": usages}}


def identities(*records: Any) -> Answer:
    return "identities", listed("identities", *records)


def invoices(*records: Any) -> Answer:
    return "invoices", listed("invoices", *records)
