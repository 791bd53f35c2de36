"""The expected list: what the MSP believes, out of its RMM or its contracts."""

from typing import Final

from ingest.sources.usage import leg_reader

READER: Final = leg_reader(
    "expected", "Expected list", "an expected list",
    words=r"expect\w*|rmm|contract(?:ed|s)?|inventory|devices?|ninja\w*|datto|n-able|should be",
)  # fmt: skip
