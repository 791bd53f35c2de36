"""The hostnames of Organizations in the agent lists of this cycle and the one before, for the evidence of questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from accounts.models import BillingCycle
from ingest.models import LegInput
from recon.engine.suspicion import Hostnames, no_hostnames
from recon.services.owners import hostnames_of

#: As many keys at once as SQLite takes in one statement.
_AT_ONCE: Final = 5_000


def of_cycles(cycle: BillingCycle, before: BillingCycle | None, roots: Mapping[int, int]) -> Hostnames:
    """What detection asks for hostnames: the newest list that names somebody speaks, so that who has gone is known by the older one."""
    cycles = [one.pk for one in (cycle, before) if one]
    inputs = LegInput.objects.filter(cycle__in=cycles, leg="agents", ended_at__isnull=True).select_related("source_file")
    files = [given.source_file for given in inputs.order_by("-cycle__start")]
    if not files:
        return no_hostnames
    members: dict[int, set[int]] = defaultdict(set)
    for member, root in roots.items():
        members[root].add(member)

    def hostnames(pks: Collection[int]) -> Mapping[int, frozenset[str]]:
        wanted = {pk: root for root in pks for pk in (root, *members[root])}
        found: dict[int, frozenset[str]] = {}
        for file in files:
            of_file: dict[int, frozenset[str]] = {}
            for some in in_batches(sorted(wanted)):
                for pk, names in hostnames_of(some, file).items():
                    of_file[wanted[pk]] = of_file.get(wanted[pk], frozenset()) | names
            found = of_file | found
        return found

    return hostnames


def in_batches(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
