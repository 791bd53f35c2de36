"""What an endpoint is for here, and what is missing where a key may not read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Use:
    """``name`` heads the row; ``gives`` is what it brings, ``without`` what to do where it is closed."""

    name: str
    gives: str
    without: str


_FILES: Final = "Upload the Billing Detail Report instead."
USES: Final[dict[str, Use]] = {
    "actor": Use("Whose key", "Whose data the key brings.", "Without knowing whose key it is, nothing is read with it."),
    "account": Use("Account", "The account’s own name at Huntress.", "Only its name stays unknown."),
    "organizations": Use(
        "Organizations", "Live counts beside billed.", "Without them there are no live counts: a month shows its lists alone."
    ),
    "organization": Use(
        "Counts of an Organization",
        "How many agents are billable, and how many unresponsive.",
        "Without them a live count is of all agents, and does not say how many are billable.",
    ),
    "agents": Use(
        "Agents", "The sweep, and which agents came and went.", "Without agents there is no sweep by itself: upload a list of agents."
    ),
    "identities": Use(
        "Identities", "Why a count of identities is what it is.", "Without identities, a creeping count has no names behind it."
    ),
    "invoices": Use(
        "Invoices", "The month’s tie-out to the invoice.", "Without invoices, type the amount in on the month, or upload the receipt’s CSV."
    ),
    "accounts": Use("Accounts", "Which accounts the reseller has.", "Without it no account is found: nothing of the reseller can be read."),
    "account_organizations": Use(
        "Organizations", "Live counts of each account.", "Without them there are no live counts for the accounts."
    ),
    "account_organization": Use(
        "Counts of an Organization",
        "How many agents of each account are billable, and how many unresponsive.",
        "Without them a live count is of all agents, and does not say how many are billable.",
    ),
    "account_agents": Use(
        "Agents", "The sweep of each account.", "Without agents there is no sweep by itself: upload a list of agents in each account."
    ),
    "account_invoices": Use(
        "Invoices", "The tie-out of each account to its invoice.", "Without them, type the amounts in on each account’s month."
    ),
    "subscriptions": Use(
        "Subscriptions", "Contracts, with their minimums and renewals.", "Without them, type the contracts in on Renewals."
    ),
    "reseller_invoices": Use(
        "The reseller’s invoices", "Which usage lines there are to read.", f"Without them no usage is found. {_FILES}"
    ),
    "account_usage": Use(
        "Usage by account", "Billed, minimum and shortfall of each account.", f"Without it a minimum’s shortfall is not known. {_FILES}"
    ),
    "organization_usage": Use(
        "Usage by Organization", "The billed leg of each account, without a file.", f"Without it billed comes by file only. {_FILES}"
    ),
}
