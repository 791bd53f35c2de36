"""The billed report: what Huntress says that it charges for, Organization by Organization; a list, or Huntress' own usage lines."""

from dataclasses import replace
from typing import Final

from ingest.sources.usage import leg_reader
from ingest.sources.usage_lines import read_usage

_LIST: Final = leg_reader("billed", "Billed report", "a billed report", words=r"bill(?:ed|ing|able)?|huntress|invoice[ds]?|usage|statement")
READER: Final = replace(_LIST, read_answers=read_usage)
