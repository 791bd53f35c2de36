"""One record of an archive of answers, as it came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import account_for
from ingest import guards, storage
from ingest.models import SourceFile
from ingest.services.retention import tombstone_of
from ingest.sources import Unreadable
from ingest.sources.answers import Entry, open_archive
from ingest.sources.records import record_at
from ingest.views.archives import local
from ingest.views.one import file_of


@dataclass(frozen=True)
class RecordShown:
    """One record as it came, and the answer that has it."""

    number: int
    last: int
    entry: Entry
    asked: str
    json: str


@require_safe
def record(request: HttpRequest, account: str, pk: int) -> HttpResponse:
    """A record by its number (``number``): what a line of a page was read from."""
    source_file = file_of(account_for(request, account), pk)
    asked = request.GET.get("number", "")
    if tombstone_of(source_file) or not source_file.is_archive or not asked.isascii() or not asked.isdecimal() or len(asked) > 9:
        return redirect("ingest:file", source_file.account.slug, pk)
    shown, why = _shown(source_file, int(asked))
    context: dict[str, Any] = {"file": source_file, "record": shown, "number": int(asked), "last": _last(source_file), "why": why}
    return render(request, "ingest/record.html", context, status=200 if shown else 404)


def _shown(source_file: SourceFile, number: int) -> tuple[RecordShown | None, str]:
    runs = source_file.preview["archive"]["runs"]
    try:
        with storage.opened(source_file.sha256) as stream:
            found = record_at(open_archive(stream, guards.limits(streamed=True)), runs, number) if number else None
    except Unreadable as error:
        return None, str(error)
    if found is None:
        return None, ""
    entry, value = found
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return RecordShown(number, _last(source_file), entry, local(source_file, entry.asked_at), text), ""


def _last(source_file: SourceFile) -> int:
    return sum(answers * records for answers, records in source_file.preview["archive"]["runs"])
