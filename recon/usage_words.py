"""What a reseller's usage line says, and in what it does not add up, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import plural, signed, units
from ingest.models import ResellerUsage
from recon.engine.usage_sums import ANNUAL, QUIET, Used

#: Code → the few words of a list.
SHORT: Final[dict[str, str]] = {
    "differs": "Does not add up",
    "too_many": "More non-billable than there are",
    "organizations": "Organizations differ",
    "no_line": "No line of the account",
    "no_organizations": "No Organization’s lines",
    "zero": "Billed as zero",
    "unread": "Cannot be checked",
    "pooled": "Adds up in its tier",
}
INTERVALS: Final[dict[str, str]] = {"monthly": "monthly", "annual": "annual, paid up front"}
SUPPORT: Final[dict[str, str]] = {
    "huntress_supported": "Huntress supported", "partner_supported": "partner supported", "not_applicable": "",
}  # fmt: skip


def product_label(code: str) -> str:
    return BY_CODE[code].label if code in BY_CODE else code.replace("_", " ").upper()


def used_of(row: ResellerUsage) -> Used:
    return Used(
        minimum=row.minimum,
        billable=row.billable,
        non_billable=row.non_billable,
        actual=row.actual,
        organizations_actual=row.organizations_actual,
        interval=row.interval,
        has_line=bool(row.external_id) or row.actual is not None,
    )


def odd_codes(row: ResellerUsage) -> list[str]:
    return [code for code in row.odd.split(",") if code]


def look_of(row: ResellerUsage) -> tuple[str, str, str]:
    """Tone, icon and the few words of a list."""
    codes = odd_codes(row)
    loud = [code for code in codes if code not in QUIET]
    if loud:
        first = loud[0]
        return ("unchecked", "unchecked", SHORT[first]) if first in ("unread", "zero") else ("investigate", "investigate", SHORT[first])
    if codes:
        return "within", "within", SHORT[codes[0]]
    if used_of(row).is_paid_up_front:
        return "match", "match", "Paid up front"
    return "match", "match", "Adds up"


def sentences(row: ResellerUsage) -> list[str]:
    """Everything there is to say of a line, the gravest first."""
    used = used_of(row)
    said = [_sentence(code, row, used) for code in odd_codes(row)]
    if used.is_paid_up_front and not row.odd:
        over = used.over or 0
        said.append(f"An annual contract, paid up front{f': only the {units(over)} over its minimum are billed' if row.billable else ''}.")
    if row.interval == ANNUAL and used.over:
        said.append(f"{plural(used.over, 'unit')} over an annual minimum: where surprise charges come from.")
    if row.stated_amount:
        said.append(f"Its amount is stated as {row.stated_amount}.")
    return said + seat_words(row.owner.seats, row)


def seat_words(seats: Mapping[str, Any], row: ResellerUsage) -> list[str]:
    """Neighborhood Watch seats are the MSP's own use: what they explain of what is not billed is not certain."""
    given = seats.get(row.product) if isinstance(seats, Mapping) else None
    if not isinstance(given, int) or not given or row.non_billable is None:
        return []
    if row.non_billable:
        return [f"Perhaps its {plural(given, 'Neighborhood Watch seat')}, for own use, are what is non-billable."]
    return [f"{plural(given, 'Neighborhood Watch seat')} for own use, and nothing is non-billable."]


def _sentence(code: str, row: ResellerUsage, used: Used) -> str:
    match code:
        case "differs":
            gap = (row.billable or 0) - (used.expected or 0)
            return f"{units(used.expected)} is the sum, and {units(row.billable)} is billed: {signed(gap)}."
        case "pooled":
            alone = f"By itself {units(used.expected)} would be billed, not {units(row.billable)}"
            return f"{alone}; with the other accounts of its tier it adds up."
        case "too_many":
            return f"{units(row.non_billable)} of {units(row.actual)} cannot be non-billable."
        case "organizations":
            return f"Its Organizations add up to {_some(row.organizations_actual)}, and the account’s line says {_some(row.actual)}."
        case "no_line":
            has = "has" if row.organizations == 1 else "have"
            whose = f"{plural(row.organizations or 0, 'Organization')} {has} {_some(row.organizations_actual)} of it"
            return f"{whose}, and the account has no line."
        case "no_organizations":
            return f"The account’s line says {_some(row.actual)}, and no Organization has a readable line of it."
        case "zero":
            return "Nothing is billed: right for an annual contract, and whether it is one is not known."
        case _:
            return "Not every figure is stated, so the sum cannot be checked."


def _some(count: int | None) -> str:
    return "something that cannot be read" if count is None else units(count)


def tier_words(tier: str, interval: str, support: str) -> str:
    """A tier as far as it can be known."""
    said = [f"minimum {tier}" if tier else "tier not known", INTERVALS.get(interval, "interval not known"), SUPPORT.get(support, "")]
    return ", ".join(filter(None, said))
