"""The billed report: what Huntress says that it charges for, Organization by Organization."""

from typing import Final

from ingest.sources.usage import leg_reader

READER: Final = leg_reader(
    "billed", "Billed report", "a billed report", words=r"bill(?:ed|ing|able)?|huntress|invoice[ds]?|usage|statement"
)
