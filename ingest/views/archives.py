"""What an archive of answers says of itself, for its file's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.templatetags.recon_ui import moment
from ingest.models import Pull, SourceFile
from ingest.services.pulled import brought_by


@dataclass(frozen=True)
class ArchiveSaid:
    """What an archive says of itself, and the pull that brought it; without one, a person uploaded it.

    ``gaps`` are sentences on what only explains a count and is not known.
    """

    pull: Pull | None
    whose: str
    ended: str
    answers: int
    lacks: list[str]
    kept_aside: str
    whence: str = "Huntress"
    gaps: tuple[str, ...] = ()

    @classmethod
    def of(cls, source_file: SourceFile) -> ArchiveSaid | None:
        said = source_file.preview.get("archive")
        if not said:
            return None
        name, its_id = said["whose"].get("name", ""), said["whose"].get("id", "")
        whose = f"{name} ({its_id})" if name and its_id else name or its_id
        ended = local(source_file, source_file.preview["answered_at"])
        kept_aside = source_file.preview.get("kept_aside", "")
        whence = "Microsoft" if said.get("source") == "microsoft" else "Huntress"
        gaps = tuple(said.get("about", {}).get("gaps", {}).values())
        return cls(brought_by(source_file), whose, ended, said["answers"], list(said["lacks"]), kept_aside, whence, gaps)


def local(source_file: SourceFile, text: str) -> str:
    """A moment of an archive in words, where the account is."""
    at = datetime.fromisoformat(text).astimezone(ZoneInfo(source_file.account.time_zone))
    return moment(at.replace(tzinfo=None))
