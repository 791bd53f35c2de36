"""Live counts in words: whose identities they are, and the few figures of a head."""

from __future__ import annotations

from typing import Any, Final

from accounts.templatetags.recon_ui import plural, signed, units
from recon.live import Had, Snapshot

_SHOWN: Final = 5


def tenant_words(had: Had, product: str) -> list[str]:
    """Each tenant of a product with what it has; where there is only one, that is the figure itself."""
    tenants = [one for one in had.tenants if one.get("product") == product]
    if len(tenants) < 2:
        return []
    said = [f"{one.get('tenant') or one.get('type') or 'a tenant without an id'}: {_billable(one)}" for one in tenants[:_SHOWN]]
    return [*said, f"and {plural(len(tenants) - _SHOWN, 'tenant')} more"] if len(tenants) > _SHOWN else said


def _billable(tenant: dict[str, Any]) -> str:
    billable, total = tenant.get("billable"), tenant.get("total")
    of_all = f" of {units(total)}" if total is not None and total != billable else ""
    return "not told" if billable is None else f"{units(billable)}{of_all}"


def stat(snapshot: Snapshot, counted: dict[str, Any] | None) -> dict[str, Any] | None:
    """The head's figure of a month that a pull speaks for. ``counted`` is what was counted of it with the rows."""
    if not snapshot.is_known:
        return None
    if counted is None:
        return {"label": "Live", "figure": "–", "note": f"{snapshot.words}; being compared", "tone": "unchecked"}
    known = [one for one in counted["products"].values() if one["known"]]
    if not known:
        return {"label": "Live", "figure": "–", "note": f"{snapshot.words}; no count could be read", "tone": "unchecked"}
    live, difference, compared, untold = (sum(one[name] for one in known) for name in ("live", "difference", "compared", "unknown"))
    gap = f"billed − live {signed(difference)}" if compared else "nothing to compare"
    missing = f"; {plural(untold, 'count')} not told" if untold else ""
    return {"label": "Live", "figure": units(live), "note": f"{snapshot.words}; {gap}{missing}", "tone": ""}
