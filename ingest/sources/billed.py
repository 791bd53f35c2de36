"""The billed report: what Huntress says that it charges for, Organization by Organization; a list, or Huntress' own usage lines."""

from dataclasses import replace
from typing import Final

from ingest.sources.answers import is_archive
from ingest.sources.reading import Asked, Reading
from ingest.sources.usage import leg_reader
from ingest.sources.usage_lines import read_usage

_LIST: Final = leg_reader("billed", "Billed report", "a billed report", words=r"bill(?:ed|ing|able)?|huntress|invoice[ds]?|usage|statement")


def _read(data: bytes, asked: Asked) -> Reading:
    return read_usage(data, asked) if is_archive(data) else _LIST.read(data, asked)


READER: Final = replace(_LIST, read=_read)
