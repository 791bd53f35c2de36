"""Live counts that the database adds up: the rows that differ from them, and what a whole account has.

By the same rules as ``recon.engine.live.together``, which tests hold it to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from recon.engine.live import UNITS
from recon.live import Snapshot
from recon.models import Reconciliation, Variance

#: The billable identities of ISPM in the tenants of a record; null where one of them is not told, or there is none.
_POSTURE: Final = {
    "sqlite": """SELECT CASE WHEN COUNT(*) = COUNT(json_extract(value, '$.billable')) THEN SUM(json_extract(value, '$.billable')) END
        FROM json_each(l.tenants) WHERE json_extract(value, '$.product') = 'ispm'""",
    "postgresql": """SELECT CASE WHEN COUNT(*) = COUNT(t ->> 'billable') THEN SUM((t ->> 'billable')::bigint) END
        FROM jsonb_array_elements(l.tenants) t WHERE t ->> 'product' = 'ispm'""",
}
#: 1 for a record that does not tell a product that may be active.
_UNTOLD: Final = """CASE WHEN l.{units} IS NULL AND (l.active IS NULL OR l.active LIKE '%%"{product}"%%') THEN 1 ELSE 0 END"""
#: One customer's units of a product, as ``recon.engine.live.together`` has them.
_SUM: Final = "CASE WHEN SUM({untold}) = 0 THEN SUM(l.{units}) END AS {product}"
#: Records with what of their JSON is asked for.
_RECORD: Final = """l.billable_agents, l.identities, l.learners, l.sources, CAST(l.products AS text) AS active,
            CASE WHEN CAST(l.products AS text) LIKE '%%"ispm"%%' THEN ({posture}) END AS posture"""
#: The casts tell SQLite that it may look customers up by an index of its own: it compares each row with each customer otherwise.
_DIFFERS: Final = """
WITH members AS MATERIALIZED (SELECT CAST(column1 AS bigint) AS member, column2 AS root FROM (VALUES {members}) AS pairs)
SELECT v.id FROM recon_variance v LEFT JOIN (
    SELECT l.root, {sums} FROM (
        SELECT CAST(COALESCE(m.root, o.organization_id) AS bigint) AS root, {record}
        FROM ingest_fileowner o
        JOIN ingest_livecount l ON l.source_file_id = o.source_file_id AND l.owner = o.number
        LEFT JOIN members m ON m.member = o.organization_id
        WHERE o.source_file_id = %s AND o.organization_id IS NOT NULL
    ) l GROUP BY l.root
) live ON live.root = v.organization_id
WHERE v.reconciliation_id = %s AND v.run = %s AND v.billed IS NOT NULL
    AND (v.billed <> CASE v.product {cases} END OR (%s AND live.root IS NULL AND v.billed <> 0))
"""


def differs(reconciliation: Reconciliation, snapshot: Snapshot, roots: Mapping[int, int]) -> Q:
    """Which rows were billed another number than the pull has. Found in one pass over both, from the file's side: no row is looked up
    alone, so that 200,000 rows take what reading them takes."""
    if not snapshot.is_known or not reconciliation.pk:
        return Q(pk__in=[])
    sql = _DIFFERS.format(
        sums=", ".join(_sum(units, product) for product, units in UNITS.items()),
        record=_RECORD.format(posture=_POSTURE[connection.vendor]),
        members=", ".join(f"({int(member)}, {int(root)})" for member, root in [(0, 0), *roots.items()]),
        cases=" ".join(f"WHEN '{product}' THEN live.{product}" for product in UNITS),
    )
    params = (snapshot.file, reconciliation.pk, reconciliation.run, snapshot.absent_is_zero)
    return Q(pk__in=RawSQL(sql, params))  # noqa: S611  every part is ours, and what is not is a parameter


def _sum(units: str, product: str) -> str:
    return _SUM.format(units=units, product=product, untold=_UNTOLD.format(units=units, product=product))


def differing(reconciliation: Reconciliation, snapshot: Snapshot, roots: Mapping[int, int]) -> QuerySet[Variance]:
    rows = Variance.objects.filter(reconciliation=reconciliation.pk, run=reconciliation.run)
    return rows.filter(differs(reconciliation, snapshot, roots))


def account_units(snapshot: Snapshot) -> dict[str, tuple[int | None, int]]:
    """What a whole account has of each product, matched or not: the sum of what is told, null where nothing is, and how many of its
    records do not tell it."""
    if not snapshot.is_known:
        return {}
    sums = ", ".join(f"SUM(l.{units}), SUM({_UNTOLD.format(units=units, product=product)})" for product, units in UNITS.items())
    record = _RECORD.format(posture=_POSTURE[connection.vendor])
    sql = f"SELECT {sums} FROM (SELECT {record} FROM ingest_livecount l WHERE l.source_file_id = %s) l"  # noqa: S608  every part is ours
    with connection.cursor() as cursor:
        cursor.execute(sql, [snapshot.file])
        found = cursor.fetchone()
    pairs = zip(found[::2], found[1::2], strict=True)
    return {
        product: (None if units is None else int(units), int(untold or 0)) for product, (units, untold) in zip(UNITS, pairs, strict=True)
    }
