"""The audit trail of an account: every act as a sentence, filtered and paged in the database."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from accounts.audit import SENTENCES
from accounts.models import Account, AuditEvent
from accounts.templatetags.recon_ui import cycle_range, money
from recon.exports.words import csv_text
from recon.forms import AuditFilter

PER_PAGE: Final = 50
_SHOWN: Final = 600
_HEADER: Final = (
    "At (UTC)", "Who", "Act", "Sentence", "Cycle start", "Cycle end", "Revision", "Before", "After",
)  # fmt: skip


@dataclass(frozen=True)
class Detail:
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Said:
    """One event as the page shows it."""

    event: AuditEvent
    lead: str
    subject: str
    tail: str
    month_url: str
    details: list[Detail]


@dataclass(frozen=True)
class AuditPage:
    form: AuditFilter
    events: list[Said]
    page: Page[AuditEvent]
    query: str
    is_filtered: bool


def audit_page(account: Account, query: QueryDict) -> AuditPage:
    form = AuditFilter(query, account=account)
    page = Paginator(events_of(account, form), PER_PAGE).get_page(query.get("page", ""))
    kept = query.copy()
    kept.pop("page", None)
    return AuditPage(
        form=form,
        events=[_said(account, event) for event in page.object_list],
        page=page,
        query=kept.urlencode(),
        is_filtered=any(query.get(name) for name in form.fields),
    )


def events_of(account: Account, form: AuditFilter) -> QuerySet[AuditEvent]:
    """Newest first. A filter that cannot be read filters nothing, and its field says so."""
    return AuditEvent.objects.filter(account=account, **form.condition()).select_related("actor", "cycle").order_by("-at", "-pk")


def sentence(event: AuditEvent) -> str:
    lead, _, tail = _sentence(event).partition("{subject}")
    return f"{lead}{_subject(event)}{tail}"


def _subject(event: AuditEvent) -> str:
    """The cycle in it as people name it."""
    cycle = event.cycle
    return event.subject.replace(f"{cycle.start} to {cycle.end}", cycle_range(cycle)) if cycle else event.subject


def _sentence(event: AuditEvent) -> str:
    return SENTENCES.get(event.action, f"{event.action}: {{subject}}")


def _said(account: Account, event: AuditEvent) -> Said:
    lead, _, tail = _sentence(event).partition("{subject}")
    url = reverse("recon:month", args=[account.slug, event.cycle.start]) if event.cycle else ""
    return Said(event, lead, _subject(event), tail, url, _details(event))


def _details(event: AuditEvent) -> list[Detail]:
    before, after = _mapping(event.before), _mapping(event.after)
    names = [*after, *(name for name in before if name not in after)]
    return [Detail(name.replace("_", " "), _text(before.get(name)), _text(after.get(name))) for name in names]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value} if value else {}


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        text = ", ".join(f"{name.replace('_', ' ')} {_amount(one) if name == 'floor' else _text(one)}" for name, one in value.items())
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def csv_lines(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """The whole trail, as filtered, a line an event; nothing of it starts a formula."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield "\ufeff" + writer.writerow(_HEADER)
    for event in events.iterator(chunk_size=2000):
        cycle = event.cycle
        yield writer.writerow(
            [
                event.at.astimezone(UTC).isoformat(timespec="seconds"),
                csv_text(str(event.actor)) if event.actor else "",
                event.action,
                csv_text(sentence(event)),
                cycle.start.isoformat() if cycle else "",
                cycle.end.isoformat() if cycle else "",
                event.revision or "",
                csv_text(json.dumps(event.before, ensure_ascii=False)) if event.before else "",
                csv_text(json.dumps(event.after, ensure_ascii=False)) if event.after else "",
            ]
        )


def _amount(micros: Any) -> str:
    return money(int(micros)) if str(micros).isdecimal() else _text(micros)


class _Echo:
    """What ``csv`` writes to: it hands back the line."""

    def write(self, line: str) -> str:
        return line
