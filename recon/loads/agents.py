"""Agent lists of any size, read and stored batch by batch. Their Organizations are only matched: such a list is no reason to make one."""

from __future__ import annotations

from ingest import jobs, streams
from ingest.models import SourceFile
from ingest.sources.reading import Unreadable
from recon.loads.loader import Effect, Loader, Taught, match_again, nothing, stated
from recon.services.owners import store_owners


def _load(source_file: SourceFile, read: None, progress: jobs.Progress) -> Taught:
    try:
        agents = streams.load_agents(source_file, stated(source_file), progress)
    except Unreadable as refusal:
        raise jobs.JobFailed(str(refusal)) from refusal
    rows = agents.rows
    store_owners(source_file, agents.owners, lambda done: progress(rows, rows + 1, "Matching Organizations"))
    return nothing


LOADER = Loader(_load, streams.forget, nothing, effect=Effect.EVIDENCE, alone=True, settled=match_again)
