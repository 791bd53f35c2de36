"""Exports of column mappings that a run is given, and the one of them that fits a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest.sources import READERS, Issue, Mapping
from ingest.sources.profile_file import BadMappings, parsed
from ingest.sources.profiles import Profile, recognise
from recon.offline.refusal import Refusal


def read_mappings(paths: Sequence[str]) -> list[Profile]:
    """The mappings of all files, in their order. Raises Refusal with every reason found."""
    kinds = {code: list(reader.labels) for code, reader in READERS.items() if reader.has_columns}
    profiles: list[Profile] = []
    reasons: list[str] = []
    for path in paths:
        try:
            profiles += parsed(Path(path).read_bytes(), kinds)
        except OSError as error:
            reasons.append(f"{path}: cannot be opened: {error.strerror or error}")
        except BadMappings as error:
            reasons += [f"{path}: {reason}" for reason in error.reasons]
    if reasons:
        raise Refusal(reasons)
    return profiles


def mapping_for(data: bytes, kind: str, profiles: Sequence[Profile]) -> tuple[Mapping | None, list[Issue]]:
    """How a list is to be read, and what is to be said of it. None: to be guessed, as nobody is there to confirm what has changed."""
    if not profiles:
        return None, []
    found = recognise(data, [profile for profile in profiles if profile.kind == kind])
    if found is None:
        return None, [Issue(None, "warning", "not_mapped", "No mapping that was given fits its header: its columns are guessed.")]
    if found.changes:
        changed = " ".join(change.message for change in found.changes)
        message = f"Its header is no longer that of the mapping “{found.profile.name}”, so its columns are guessed. {changed}"
        return None, [Issue(None, "warning", "mapping_outdated", message)]
    message = f"Its columns are read as the mapping “{found.profile.name}” says."
    return found.mapping, [Issue(found.mapping.header_line, "info", "mapped", message)]
