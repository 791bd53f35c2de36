"""The digest of exactly what is signed: inputs, tolerances, results and decisions, as lines of canonical JSON.

No line holds a number of this database, so that who has the month's content can compute the digest anywhere: files are named by their
SHA-256, people by e-mail address, Organizations by the name on their row. What may be called otherwise later (people, the account),
or needs more than a name to be told apart, is written down with the signature (``identities``) and read from there afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User
from recon.models import Note, Reconciliation, ReconcilingItem, RowDecision, SettledRow, Variance
from recon.policies import scopes_of

_ROW: Final = (
    "product", "billed", "expected", "rebilled", "previous", "expected_difference", "rebilled_difference", "previous_difference",
    "severity", "expected_severity", "rebilled_severity", "cost", "sell", "expected_money", "rebilled_money", "flags",
    "expected_explained", "rebilled_explained", "owner_id", "is_reviewed", "rebill_quantity",
)  # fmt: skip
_OWNER: Final = _ROW.index("owner_id")
#: Fields of a decision that name a person, and the others.
_BY: Final = ("owner_id", "reviewed_by_id", "rebill_by_id")
_DECIDED: Final = ("rebill_quantity", "rebill_reason", "rebill_note")
_EVENT: Final = "recon.reconciliation.signed_off"
Identities = dict[str, Any]


def digest(reconciliation: Reconciliation, known: Identities | None = None) -> str:
    """SHA-256, as 64 hexadecimal digits: of the sorted SHA-256 of every line, so that no order of storing or sorting matters."""
    known = known or _signed_with(reconciliation) or identities(reconciliation)
    hashes = sorted(hashlib.sha256(_canonical(line)).digest() for line in _lines(reconciliation, known))
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def identities(reconciliation: Reconciliation) -> Identities:
    """Who is meant by the ids of a revision, as of now: the account, people, and Organizations that a name alone does not tell."""
    account = reconciliation.cycle.account
    people = User.objects.filter(pk__in=_people(reconciliation)).values_list("pk", "email")
    organizations = Organization.objects.filter(account=account, pk__in=_to_be_named(reconciliation))
    return {
        "account": [account.slug, account.name, account.currency],
        "people": {str(pk): email for pk, email in people},
        "organizations": {
            str(pk): [name, huntress_id or "", key or ""]
            for pk, name, huntress_id, key in organizations.values_list("pk", "name", "huntress_id", "key")
        },
    }


def _signed_with(reconciliation: Reconciliation) -> Identities | None:
    event = AuditEvent.objects.filter(cycle=reconciliation.cycle_id, revision=reconciliation.revision, action=_EVENT).first()
    found: Identities | None = event.after.get("identities") if event else None
    return found


def _people(reconciliation: Reconciliation) -> set[int]:
    found = {reconciliation.preparer_id, reconciliation.reviewer_id}
    decided = RowDecision.objects.filter(reconciliation=reconciliation)
    asked = (
        *((decided, name) for name in _BY),
        (_items(reconciliation), "author_id"),
        (SettledRow.objects.filter(reconciliation=reconciliation), "by_id"),
        (_notes(reconciliation), "author_id"),
        (_notes(reconciliation), "resolved_by_id"),
    )
    for rows, name in asked:
        found.update(rows.order_by().values_list(name, flat=True).distinct())
    return {pk for pk in found if pk is not None}


def _to_be_named(reconciliation: Reconciliation) -> set[int]:
    """Organizations that share a name, that a tolerance is stated for, or that something is decided of without a row."""
    rows = _rows(reconciliation).order_by()
    shared = rows.values("name").annotate(of=Count("organization", distinct=True)).filter(of__gt=1).values("name")
    found = set(rows.filter(name__in=shared).values_list("organization_id", flat=True))
    found.update(scope.organization.pk for scope in scopes_of(reconciliation.policy) if scope.organization)
    decided: set[int] = set()
    for of_rows in (_items(reconciliation), RowDecision.objects.filter(reconciliation=reconciliation), _notes(reconciliation)):
        decided.update(of_rows.order_by().values_list("organization_id", flat=True).distinct())
    if decided:
        found.update(decided - set(rows.values_list("organization_id", flat=True).distinct()))
    return found


def _rows(reconciliation: Reconciliation) -> QuerySet[Variance]:
    return Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run)


def _items(reconciliation: Reconciliation) -> QuerySet[ReconcilingItem]:
    return ReconcilingItem.objects.filter(reconciliation=reconciliation, state=ReconcilingItem.State.ACCEPTED)


def _notes(reconciliation: Reconciliation) -> QuerySet[Note]:
    """The notes of the cycle as they were when the revision was signed: a later revision adds to them, resolves and withdraws."""
    at = reconciliation.signed_at or timezone.now()
    kept = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=at)
    return Note.objects.filter(kept, cycle=reconciliation.cycle_id, created_at__lte=at)


def _lines(reconciliation: Reconciliation, known: Identities) -> Iterator[Any]:
    people: dict[str, str] = known["people"]
    named: dict[int, str] = {}

    def who(pk: int) -> list[str]:
        return known["organizations"].get(str(pk)) or [named[pk]]

    def person(pk: int | None) -> str:
        return people[str(pk)] if pk is not None else ""

    cycle = reconciliation.cycle
    yield {
        "account": known["account"],
        "cycle": [cycle.start.isoformat(), cycle.end.isoformat()],
        "revision": reconciliation.revision,
        "reopened": [reconciliation.reopened_because, reconciliation.reopened_words],
        "inputs": {leg: {name: said for name, said in given.items() if name != "file"} for leg, given in reconciliation.inputs.items()},
        "totals": reconciliation.totals,
        "solo_rule": reconciliation.solo_rule,
        "people": [person(reconciliation.preparer_id), person(reconciliation.reviewer_id)],
    }
    for organization, name, *values in _rows(reconciliation).values_list("organization_id", "name", *_ROW).iterator(chunk_size=5000):
        named[organization] = name
        values[_OWNER] = person(values[_OWNER])
        yield ["row", name, known["organizations"].get(str(organization), [name])[1:], *values]
    for scope in scopes_of(reconciliation.policy):
        yield ["tolerance", who(scope.organization.pk) if scope.organization else None, scope.product, _plain(scope.to_json())]
    items = _items(reconciliation).values_list("organization_id", "author_id", "product", "check_name", "cause", "quantity", "note")
    for organization, author, *values in items:
        yield ["item", who(organization), person(author), *values]
    for decided in RowDecision.objects.filter(reconciliation=reconciliation):
        by, what = [getattr(decided, name) for name in _BY], [getattr(decided, name) for name in _DECIDED]
        if any(by) or what[0] is not None:  # what was undone says nothing
            yield ["decision", who(decided.organization_id), decided.product, list(map(person, by)), what]
    settled = SettledRow.objects.filter(reconciliation=reconciliation).values_list("source_file__sha256", "line", "note", "by_id")
    for sha256, line, note, settler in settled:
        yield ["settled", sha256, line, note, person(settler)]
    for one in _notes(reconciliation):
        is_resolved = one.resolved_at is not None and one.resolved_at <= (reconciliation.signed_at or timezone.now())
        resolved = person(one.resolved_by_id) if is_resolved else ""
        yield ["note", who(one.organization_id), one.product, person(one.author_id), one.text, one.is_open, resolved]


def _plain(values: dict[str, str]) -> dict[str, str]:
    """Numbers without the zeros that one database keeps behind them and another does not."""
    return {name: text.rstrip("0").rstrip(".") if "." in text else text for name, text in values.items()}


def _canonical(line: Any) -> bytes:
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
