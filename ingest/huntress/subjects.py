"""What is pulled, as a table: each subject is a list, and for some of them calls for each record of that list.

After the description of API v1: a reseller's key reads the lists of one account under ``accounts/{id}/``, all but its identities; three
lists are the reseller's own. Only an Organization's detail has what it is billed for, so its list alone is half of the live counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ingest.huntress.endpoints import ENDPOINTS, Endpoint, Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """``kind`` is the kind of document that the answers are, "" where they are the reseller's as a whole and no account's document.

    ``own`` and ``through`` name the endpoints for an account's key and for a reseller's: a list, and what is asked for each of its records.
    ``without`` says what is missing where the calls for single records are refused.
    """

    name: str
    label: str
    kind: str
    own: tuple[str, ...]
    through: tuple[str, ...]
    without: str = ""

    @property
    def is_resellers(self) -> bool:
        """Whether it is the reseller's as a whole."""
        return not self.kind

    def steps(self, key: Kind) -> tuple[Endpoint, ...]:
        """The endpoints for a key, the list first; none where the subject is not offered to it."""
        return tuple(ENDPOINTS[name] for name in (self.through if key is Kind.RESELLER else self.own))


_TABLE: Final = (
    Subject(
        "live", "Live counts", "live", ("organizations", "organization"), ("account_organizations", "account_organization"),
        "Without them it is known how many agents there are, and not how many are billed.",
    ),
    Subject("agents", "Agents", "agents", ("agents",), ("account_agents",)),
    Subject("identities", "Identities", "identities", ("identities",), ()),
    Subject("invoices", "Invoices", "invoices", ("invoices",), ("account_invoices",)),
    Subject("accounts", "Accounts of the reseller", "", (), ("accounts",)),
    Subject("subscriptions", "Subscriptions", "", (), ("subscriptions",)),
    Subject(
        "usage", "Usage lines", "", (), ("reseller_invoices", "account_usage", "organization_usage"),
        "Without them the lines of these invoices are not whole.",
    ),
)  # fmt: skip
SUBJECTS: Final = {subject.name: subject for subject in _TABLE}


def subjects_for(key: Kind, *, of_account: bool) -> tuple[Subject, ...]:
    """What a key can read of one account, or, for a reseller's, of the reseller as a whole; in the order in which it is asked for."""
    return tuple(one for one in _TABLE if one.steps(key) and one.is_resellers is not of_account)
