"""Keys that a deployment script writes when it was given none: agents under such a key are somebody's, and nobody knows whose.

``MISSING_…`` is what Huntress's own scripts leave (``MISSING_CS_PROFILE_NAME``, seen in people's integrations). The others are
variables that nobody filled in, in the spelling of the usual script languages, and what they become when they are empty.
"""

from __future__ import annotations

import re
from typing import Final

#: Each pattern with an example. They are matched against the whole key or the whole name.
PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (r"MISSING_[A-Z0-9_]+", "MISSING_CS_PROFILE_NAME"),
    (r"\$\{?[A-Za-z_]\w*\}?", "$ORGANIZATION_KEY, ${ORGANIZATION_KEY}"),
    (r"%\w+%", "%ORG_KEY%"),
    (r"\{\{.*\}\}", "{{ organization }}"),
    (r"__\w+__", "__ORGANIZATION_KEY__"),
    (r"<[^<>]+>|\[[A-Z_ ]+\]", "<organization key>, [ORG_KEY]"),
)
#: What an empty variable turns into. Of keys alone: a customer may well be called so.
EMPTY: Final = frozenset({"null", "none", "undefined", "nil"})
_ANY: Final = re.compile("|".join(f"(?:{pattern})" for pattern, _ in PATTERNS))


def is_fallback(key: str, name: str = "") -> bool:
    """Whether a key, or where there is none a name, is what a script falls back to.

    >>> is_fallback("MISSING_CS_PROFILE_NAME"), is_fallback("missing-link-cycles"), is_fallback("", "None")
    (True, False, False)
    >>> is_fallback("garrowby", "Missing Link Cycles")
    False
    """
    key, name = key.strip(), name.strip()
    return bool(_ANY.fullmatch(key) or key.casefold() in EMPTY or (_ANY.fullmatch(name) and not key))
