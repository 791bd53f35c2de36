"""Organizations that are rebilled to several customers: the fixed split in force, and the one that was signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Account, CustomerShare


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """A customer's ``parts`` of the sum of its Organization's parts."""

    customer_key: str
    customer: str
    psa_id: str
    parts: int


Shares = dict[int, list[Share]]


def in_force(account: Account | int) -> QuerySet[CustomerShare]:
    return CustomerShare.objects.filter(organization__account=account, ended_at__isnull=True)


def shares_of(account: Account | int, organizations: Collection[int] | None = None) -> Shares:
    """The split of each Organization that is rebilled to several customers, by the customers' names."""
    shares = in_force(account) if organizations is None else in_force(account).filter(organization__in=organizations)
    return by_organization(shares.values_list("organization", "customer_key", "customer", "psa_id", "parts"))


def by_organization(rows: Iterable[tuple[int, str, str, str, int]]) -> Shares:
    found: Shares = defaultdict(list)
    for organization, customer_key, customer, psa_id, parts in rows:
        found[organization].append(Share(customer_key, customer, psa_id, parts))
    return {organization: sorted(shares) for organization, shares in found.items()}
