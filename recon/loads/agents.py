"""Agent lists of any size, read and stored batch by batch. Their Organizations are only matched: such a list is no reason to make one."""

from __future__ import annotations

from ingest import jobs, streams
from ingest.models import SourceFile
from ingest.sources.reading import Unreadable
from recon.loads.loader import Effect, Loader, Taught, nothing, stated
from recon.services.owners import match_owners, store_owners
from recon.services.sweeping import ask_again


def _load(source_file: SourceFile, read: None, progress: jobs.Progress) -> Taught:
    try:
        agents = streams.load_agents(source_file, stated(source_file), progress)
    except Unreadable as refusal:
        raise jobs.JobFailed(str(refusal)) from refusal
    rows = agents.rows
    store_owners(source_file, agents.owners, lambda done: progress(rows, rows + 1, "Matching Organizations"))
    return nothing


def _match_again(source_file: SourceFile) -> None:
    """An Organization that another import made meanwhile did not find these names among those that wait."""
    if match_owners(source_file.account):
        ask_again(source_file.account, by=source_file.imported_by)


LOADER = Loader(_load, streams.forget, nothing, effect=Effect.EVIDENCE, alone=True, settled=_match_again)
