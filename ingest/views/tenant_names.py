"""Names that a browser offers while an Organization is typed."""

from __future__ import annotations

from typing import Final

from accounts.models import Account, Organization

_MOST: Final = 400


def names_offered(account: Account) -> list[str]:
    """None where there are too many to offer: then a name, an id or a key is written in full."""
    rows = Organization.objects.filter(account=account, merged_into__isnull=True).order_by("name").values_list("name", flat=True)
    found = list(rows[: _MOST + 1])
    return found if len(found) <= _MOST else []
