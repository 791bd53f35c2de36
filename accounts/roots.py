"""Which Organizations are one customer: each member resolves to its root, through any number of merges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from accounts.models import Account, Organization


def resolved(pointers: Mapping[int, int]) -> dict[int, int]:
    """Where each pointer leads in the end.

    >>> resolved({3: 2, 2: 1, 5: 4})
    {3: 1, 2: 1, 5: 4}
    """
    ends: dict[int, int] = {}
    for start in pointers:
        path, at = [start], pointers[start]
        while at in pointers and at not in ends and at not in path:
            path.append(at)
            at = pointers[at]
        # A ring, which no service makes, ends at its smallest number rather than never.
        end = ends.get(at, min(path[path.index(at) :]) if at in path else at)
        ends |= dict.fromkeys(path, end)
    return {start: ends[start] for start in pointers}


def roots_of(account: Account | int) -> dict[int, int]:
    """Every member of the account with its root. Who is not in it is its own."""
    merged = Organization.objects.filter(account=account, merged_into__isnull=False).values_list("pk", "merged_into")
    return resolved({pk: into for pk, into in merged if into is not None})


def families_of(account: Account | int, organizations: Iterable[int]) -> dict[int, list[int]]:
    """For each given Organization all that are one customer with it: the root first, then its members by age."""
    return families(roots_of(account), organizations)


def families(roots: Mapping[int, int], organizations: Iterable[int]) -> dict[int, list[int]]:
    """The same by given roots: each member with the one that it counts under.

    >>> families({3: 1, 2: 1}, [2, 4])
    {2: [1, 2, 3], 4: [4]}
    """
    members: dict[int, list[int]] = defaultdict(list)
    for member in sorted(roots):
        members[roots[member]].append(member)
    return {pk: [roots.get(pk, pk), *members[roots.get(pk, pk)]] for pk in organizations}
