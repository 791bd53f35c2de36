"""The sheets that a month can be taken out as. A new target is one file with its writer, and one line in ``TARGETS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from recon.exports import rebill_csv, rebill_xlsx, variances
from recon.exports.book import TooManyRows
from recon.exports.sheet import Customer, FileRef, MonthSheet, NoteRef, ProductTotal, Signature, TieLine, TieOutRef, rows_frame
from recon.exports.words import file_name

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Target:
    """How one kind of file is written: ``write`` puts the whole file into a binary stream, which it leaves open."""

    what: str
    extension: str
    content_type: str
    write: Callable[[MonthSheet, BinaryIO], None]

    def file_name(self, sheet: MonthSheet, *, slug: str) -> str:
        """The name to download it under; DRAFT until the month is signed."""
        return file_name(self.what, self.extension, slug=slug, cycle=sheet.cycle, revision=sheet.revision, draft=sheet.draft)


TARGETS: Final[dict[str, Target]] = {
    "rebill-xlsx": Target("rebill", "xlsx", XLSX, rebill_xlsx.write),
    "rebill-csv": Target("rebill", "csv", CSV, rebill_csv.write),
    "variances-xlsx": Target("variances", "xlsx", XLSX, variances.write_xlsx),
    "variances-csv": Target("variances", "csv", CSV, variances.write_as_csv),
}

__all__ = [
    "TARGETS", "Customer", "FileRef", "MonthSheet", "NoteRef", "ProductTotal", "Signature", "Target", "TieLine", "TieOutRef",
    "TooManyRows", "file_name", "rows_frame",
]  # fmt: skip
