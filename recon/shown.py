"""The files that a revision's rows were counted from, as they were then: what is current now may be something else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ingest.models import SourceFile
from recon.models import Reconciliation

ORDER: Final = ("billed", "expected", "rebilled", "previous")


@dataclass(frozen=True, slots=True)
class Shown:
    """One list behind the figures. ``counted`` is the last day of the cycle that it is of."""

    leg: str
    source_file: SourceFile
    partial: bool
    counted: date

    @property
    def source_file_id(self) -> int:
        return self.source_file.pk


def shown_prices(reconciliation: Reconciliation) -> dict[str, Shown]:
    """The price list that the shown rows were priced by, beside the legs; nothing where none was in force."""
    given = reconciliation.inputs.get("prices")
    source_file = SourceFile.objects.filter(pk=given["file"]).first() if given else None
    return {"prices": Shown("prices", source_file, False, reconciliation.cycle.dates.last_day)} if source_file else {}


def shown_inputs(reconciliation: Reconciliation) -> dict[str, Shown]:
    """By leg, in the order of the legs; a file that is no longer there is left out."""
    cycle = reconciliation.cycle
    files = SourceFile.objects.in_bulk([given["file"] for given in reconciliation.inputs.values()])
    found: dict[str, Shown] = {}
    for leg in ORDER:
        given = reconciliation.inputs.get(leg)
        if given and given["file"] in files:
            counted = cycle.start - timedelta(days=1) if leg == "previous" else cycle.dates.last_day
            found[leg] = Shown(leg, files[given["file"]], bool(given.get("partial")), counted)
    return found
