"""The rows of a file as CSV: each with its line, bucket and reason, and no cell that becomes a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.access import account_for
from ingest.models import SourceFile
from ingest.models.lines import BUCKETS
from ingest.views.loaded import loaded_rows
from ingest.views.one import file_of

_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BATCH: Final = 2_000
_LABELS: Final = dict(BUCKETS)


@require_safe
def rows_csv(request: HttpRequest, account: str, pk: int) -> StreamingHttpResponse:
    """The rows of one bucket, or of all that did not simply load. Loaded rows are those of the file's kind, once they count."""
    source_file = file_of(account_for(request, account), pk)
    bucket = request.GET.get("bucket", "")
    if bucket not in {"", *_LABELS}:
        raise Http404("No such bucket.")
    rows = loaded_rows(source_file) if bucket == "loaded" else _odd(source_file, bucket)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    name = f"{source_file.name.rpartition('.')[0] or source_file.name} {bucket or 'rows'}.csv".replace("_", " ")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _odd(source_file: SourceFile, bucket: str) -> Iterator[list[object]]:
    header = source_file.preview.get("header") or []
    yield ["line", "bucket", "reason", "what is wrong", *header]
    rows = source_file.rows.order_by("line")
    if bucket:
        rows = rows.filter(bucket=bucket)
    said = _Said(source_file)
    for line, its_bucket, reason, cells in rows.values_list("line", "bucket", "reason", "cells").iterator(_BATCH):
        yield [line, _LABELS[its_bucket].lower(), reason, said.about(line), *cells]


class _Said:
    """What is said of each line, read along with the rows: both come in the order of lines."""

    def __init__(self, source_file: SourceFile) -> None:
        issues = source_file.issues.filter(line__isnull=False).order_by("line", "pk")
        self._issues = ((line or 0, message) for line, message in issues.values_list("line", "message").iterator(_BATCH))
        self._next = next(self._issues, None)

    def about(self, line: int) -> str:
        messages = []
        while self._next and self._next[0] <= line:
            if self._next[0] == line:
                messages.append(self._next[1])
            self._next = next(self._issues, None)
        return " ".join(messages)


class _Echo:
    def write(self, text: str) -> str:
        return text


def _lines(rows: Iterable[list[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula, with the apostrophe that makes it a text; numbers as they are."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return cell
    is_formula = cell.startswith(_STARTS_A_FORMULA) or cell.lstrip().startswith(_STARTS_A_FORMULA)
    return f"'{cell}" if is_formula else cell
