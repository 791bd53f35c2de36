"""A file's page as a browser asks for it, and the form as it is shown there."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import User
from ingest import jobs
from ingest.forms import FileForm
from ingest.models import Job, SourceFile


def url(source_file: SourceFile, rest: str = "") -> str:
    return f"/a/{source_file.account.slug}/files/{source_file.pk}/{rest}"


def shown(client: Client, source_file: SourceFile, rest: str = "") -> str:
    response = client.get(url(source_file, rest))
    assert response.status_code == 200
    return response.content.decode()


def as_shown(source_file: SourceFile, user: User, **changes: Any) -> dict[str, Any]:
    """What the browser would send of the form, as it is shown, with some fields changed."""
    form = FileForm(source_file, user)
    data = {name: form[name].value() for name in form.fields if name not in {"partial", "without_rejected"}}
    data = {name: "" if value is None else value for name, value in data.items()} | changes
    return {name: value for name, value in data.items() if value is not None}


def done(source_file: SourceFile) -> SourceFile:
    """Do the work that waits for a file."""
    for job in source_file.jobs.filter(state=Job.State.QUEUED):
        jobs.run_now(job)
    source_file.refresh_from_db()
    return source_file
