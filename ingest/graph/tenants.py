"""Ids of tenants: GUIDs, in small letters. A domain, “common” or “organizations” would be signed in to, and name nobody."""

from __future__ import annotations

import re
from typing import Final

_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def tenant_id(text: str) -> str:
    """The id as it is compared, "" for what is none.

    >>> tenant_id(" {8A6C3F1E-0000-4000-8000-5D2B7C9E0F11} "), tenant_id("quillmere.example")
    ('8a6c3f1e-0000-4000-8000-5d2b7c9e0f11', '')
    """
    found = text.strip().lower().removeprefix("{").removesuffix("}")
    return found if _GUID.fullmatch(found) else ""
