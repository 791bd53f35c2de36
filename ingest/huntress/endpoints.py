"""Huntress' API v1 as a table: every call that we make, who may make it, and what its answer holds.

After the vendor's own description. ``sort_field`` is described for every list but a reseller's invoices and their usage lines; those are
asked without it, and read in the order they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BASE: Final = "https://api.huntress.io/v1/"
#: The default of 10 is how integrations come to bill the first ten Organizations only.
PAGE_SIZE: Final = 500


class Kind(StrEnum):
    """Whose a credential is."""

    ACCOUNT = "account"
    USER = "user"
    RESELLER = "reseller"


_OWN: Final = frozenset({Kind.ACCOUNT, Kind.USER})
_RESELLER: Final = frozenset({Kind.RESELLER})
_ALL: Final = _OWN | _RESELLER


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call. ``path`` has places for ids; ``key`` is where the records (of a list) or the one record stand in the answer.

    ``old_path`` is tried where ``path`` is not there. ``label`` ends a sentence such as "Huntress refused …".
    """

    name: str
    path: str
    label: str
    key: str
    who: frozenset[Kind]
    is_list: bool = True
    is_sorted: bool = True
    old_path: str = ""
    old_key: str = ""
    id_field: str = "id"

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the ids in the path."""
        return tuple(part.split("}")[0] for part in self.path.split("{")[1:])

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.key, self.old_key)))


_TABLE: Final = (
    Endpoint("actor", "actor", "who the key belongs to", "", _ALL, is_list=False),
    Endpoint("account", "account", "the account", "account", _OWN, is_list=False),
    Endpoint("organizations", "organizations", "the list of Organizations", "organizations", _OWN),
    Endpoint("organization", "organizations/{id}", "the counts of one Organization", "organization", _OWN, is_list=False),
    Endpoint("agents", "agents", "the list of agents", "agents", _OWN),
    Endpoint("identities", "identities", "the list of identities", "identities", _OWN),
    Endpoint("invoices", "invoices", "the list of invoices", "invoices", _OWN, old_path="billing_reports", old_key="billing_reports"),
    Endpoint("accounts", "accounts", "the reseller's accounts", "accounts", _RESELLER),
    Endpoint(
        "account_organizations", "accounts/{account_id}/organizations", "the Organizations of an account", "organizations", _RESELLER,
    ),
    Endpoint(
        "account_organization", "accounts/{account_id}/organizations/{id}", "the counts of one Organization of an account", "organization",
        _RESELLER, is_list=False,
    ),
    Endpoint("account_agents", "accounts/{account_id}/agents", "the agents of an account", "agents", _RESELLER),
    Endpoint("account_invoices", "accounts/{account_id}/invoices", "the invoices of an account", "invoices", _RESELLER),
    Endpoint("subscriptions", "reseller/subscriptions", "the reseller's subscriptions", "subscriptions", _RESELLER),
    Endpoint("reseller_invoices", "reseller/invoices", "the reseller's invoices", "invoices", _RESELLER, is_sorted=False),
    Endpoint(
        "account_usage", "reseller/invoices/{id}/account_usage_line_items", "an invoice's usage by account", "account_usage_line_items",
        _RESELLER, is_sorted=False,
    ),
    Endpoint(
        "organization_usage", "reseller/invoices/{id}/organization_usage_line_items", "an invoice's usage by Organization",
        "organization_usage_line_items", _RESELLER, is_sorted=False,
    ),
)  # fmt: skip
ENDPOINTS: Final = {endpoint.name: endpoint for endpoint in _TABLE}
