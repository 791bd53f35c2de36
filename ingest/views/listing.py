"""The list of files, and the place to drop new ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Need, account_for, may, signed_in
from accounts.models import Account, User
from accounts.services import Refused
from ingest.models import SourceFile
from ingest.services.intake import receive
from ingest.streams import limit_words
from ingest.views.shelf import Shelf, counted


@dataclass
class Arrivals:
    """What became of the files of one upload: taken, here already (under which name they came now), refused (why)."""

    taken: list[SourceFile] = field(default_factory=list)
    again: list[tuple[str, SourceFile]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@require_http_methods(["GET", "HEAD", "POST"])
def files(request: HttpRequest, account: str) -> HttpResponse:
    if request.method == "POST":
        return _add(request, account_for(request, account, Need.WORK))
    return _show(request, account_for(request, account))


def _add(request: HttpRequest, account: Account) -> HttpResponse:
    uploads = [one for one in request.FILES.getlist("files") if isinstance(one, UploadedFile)]
    arrivals = _receive(account, uploads, signed_in(request))
    if arrivals.refused or arrivals.again or not uploads:
        is_all_refused = not arrivals.taken and not arrivals.again
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_all_refused else HTTPStatus.OK
        return _show(request, account, arrivals=arrivals, status=status, nothing_chosen=not uploads)
    if len(arrivals.taken) == 1:
        return redirect("ingest:file", account.slug, arrivals.taken[0].pk)
    messages.success(request, f"{len(arrivals.taken)} files received. They are being read.")
    return redirect("ingest:files", account.slug)


def _receive(account: Account, uploads: list[UploadedFile], by: User) -> Arrivals:
    arrivals = Arrivals()
    for upload in uploads:
        try:
            received = receive(account, name=upload.name or "", content=upload, by=by)
        except Refused as refusal:
            arrivals.refused.append(str(refusal))
            continue
        if received.again:
            arrivals.again.append((upload.name or "", received.source_file))
        else:
            arrivals.taken.append(received.source_file)
    return arrivals


def _show(request: HttpRequest, account: Account, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    context |= {"shelf": Shelf(request, account), "may_work": may(request.roles, Need.WORK), "limit": limit_words()}  # type: ignore[attr-defined]
    if request.htmx and request.htmx.target == "shelf":  # type: ignore[attr-defined]
        return render(request, "ingest/shelf.html", context)
    return render(request, "ingest/files.html", context | {"counted": counted(account)}, status=status)
