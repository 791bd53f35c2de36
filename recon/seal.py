"""The digest of exactly what is signed: inputs, tolerances, results, decisions and statements, as lines of JSON.

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
from accounts.roots import roots_of
from ingest.models import UsageLine
from recon.customer_shares import Shares, by_organization, in_force, shares_of
from recon.engine import Rules
from recon.models import (
    Certification,
    Note,
    Reconciliation,
    ReconcilingItem,
    RowDecision,
    SettledRow,
    SignedTieOut,
    TieOutItem,
    Variance,
)
from recon.policies import scopes_of
from recon.product_rules import as_rules, name_key, rules_in_force, rules_of, unknown_lines

_ROW: Final = (
    "product", "billed", "expected", "rebilled", "previous", "expected_difference", "rebilled_difference", "previous_difference",
    "severity", "expected_severity", "rebilled_severity", "cost", "sell", "expected_money", "rebilled_money", "flags",
    "expected_explained", "rebilled_explained", "owner_id", "is_reviewed", "rebill_quantity",
)  # fmt: skip
_OWNER: Final = _ROW.index("owner_id")
#: Of rows for which it was asked; a revision that was signed before there were tenants has none, and keeps its digest.
_MICROSOFT: Final = ("microsoft", "microsoft_difference", "microsoft_severity", "microsoft_money", "microsoft_explained")
#: Fields of a decision that name a person, and the others.
_BY: Final = ("owner_id", "reviewed_by_id", "rebill_by_id")
_DECIDED: Final = ("rebill_quantity", "rebill_reason", "rebill_note")
_SHARE: Final = ("organization", "customer_key", "customer", "psa_id", "parts")
_TIE_OUT: Final = (
    "currency", "report_units", "report_money", "named_units", "named_money", "invoice_units", "invoice_money", "why_no_units",
    "why_no_money", "invoices",
)  # fmt: skip
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
    merged, standings = matching_of(reconciliation)
    shares = split_of(reconciliation)
    named = _to_be_named(reconciliation) | {pk for pair in merged for pk in pair} | {pk for pk, *_ in (*standings, *shares)}
    organizations = Organization.objects.filter(account=account, pk__in=named)
    return {
        "account": [account.slug, account.name, account.currency],
        "people": {str(pk): email for pk, email in people},
        "organizations": {
            str(pk): [name, huntress_id or "", key or ""]
            for pk, name, huntress_id, key in organizations.values_list("pk", "name", "huntress_id", "key")
        },
        "merged": merged,
        "standings": standings,
        "products": products_of(reconciliation),
        "shares": shares,
    }


def matching_of(reconciliation: Reconciliation) -> tuple[list[list[int]], list[list[Any]]]:
    """What was decided of the Organizations that the revision's files name: who counts under whom, and for whom nobody is rebilled."""
    files = [given["file"] for given in reconciliation.inputs.values()]
    roots = roots_of(reconciliation.cycle.account_id)
    special = Organization.objects.filter(account=reconciliation.cycle.account_id).exclude(standing=Organization.Standing.CUSTOMER)
    standing_of = {pk: [pk, standing, reason] for pk, standing, reason in special.values_list("pk", "standing", "standing_reason")}
    asked = set(roots) | set(standing_of)
    if not asked:
        return [], []
    lines = UsageLine.objects.filter(source_file__in=files, organization__in=asked)
    named = set(lines.values_list("organization_id", flat=True).distinct().order_by())
    counted = {roots.get(pk, pk) for pk in named}
    merged = [[member, roots[member]] for member in sorted(named) if member in roots]
    return merged, [standing_of[pk] for pk in sorted(counted) if pk in standing_of]


def products_of(reconciliation: Reconciliation) -> list[list[Any]]:
    """What was decided of the product names in the revision's files that the registry does not know: name, product, factor, reason."""
    files = [given["file"] for given in reconciliation.inputs.values()]
    names = {name_key(name) for name in unknown_lines(files).order_by().values_list("product_name", flat=True).distinct()}
    rules = rules_in_force(reconciliation.cycle.account_id).filter(name_key__in=names) if names else ()
    return sorted([rule.name_key, rule.product, rule.factor, rule.reason] for rule in rules)


def split_of(reconciliation: Reconciliation) -> list[list[Any]]:
    """How the revision's Organizations are shared out between several customers: Organization, name, id in the PSA, parts."""
    shares = in_force(reconciliation.cycle.account_id).filter(organization__in=_rows(reconciliation).order_by().values("organization"))
    return [list(row) for row in shares.order_by("organization", "customer_key").values_list(*_SHARE)]


def rules_shown(reconciliation: Reconciliation) -> Rules:
    """The rules that the shown rows were counted by: those of the signature, which had none before they were written down, else those
    in force."""
    if reconciliation.is_draft:
        return rules_of(reconciliation.cycle.account_id)
    return as_rules((name, product, factor) for name, product, factor, _ in stated_signed(reconciliation, "products") or ())


def shares_shown(reconciliation: Reconciliation) -> Shares:
    """The split of Organizations over customers as it was signed, else as it is now."""
    if reconciliation.is_draft:
        return shares_of(reconciliation.cycle.account_id)
    signed = stated_signed(reconciliation, "shares") or ()
    return by_organization((pk, key, customer, psa_id, parts) for pk, key, customer, psa_id, parts in signed)


def roots_shown(reconciliation: Reconciliation) -> dict[int, int]:
    """Who counts under whom in the shown rows: as it was signed, else as it is now."""
    if reconciliation.is_draft:
        return roots_of(reconciliation.cycle.account_id)
    matching = matching_signed(reconciliation)
    return {int(member): int(root) for member, root in matching[0]} if matching else {}


def stated_signed(reconciliation: Reconciliation, what: str) -> list[list[Any]] | None:
    """The ``products`` or ``shares`` that were signed; None for a revision that was signed before such were written down."""
    known = _signed_with(reconciliation)
    return known.get(what) if known else None


def matching_signed(reconciliation: Reconciliation) -> tuple[list[list[int]], list[list[Any]]] | None:
    """The same as it was when the revision was signed; None for one that was signed before such was written down."""
    known = _signed_with(reconciliation)
    return (known["merged"], known["standings"]) if known and "merged" in known else None


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
        (_named(reconciliation), "author_id"),
        (SettledRow.objects.filter(reconciliation=reconciliation), "by_id"),
        (_notes(reconciliation), "author_id"),
        (_notes(reconciliation), "resolved_by_id"),
        (Certification.objects.filter(reconciliation=reconciliation), "by_id"),
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


def _named(reconciliation: Reconciliation) -> QuerySet[TieOutItem]:
    return TieOutItem.objects.filter(reconciliation=reconciliation, state=TieOutItem.State.ACCEPTED)


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
    asked = _rows(reconciliation).filter(microsoft_severity__isnull=False).values_list("organization_id", "name", "product", *_MICROSOFT)
    for organization, name, product, *values in asked.iterator(chunk_size=5000):
        yield ["microsoft", name, known["organizations"].get(str(organization), [name])[1:], product, *values]
    for member, root in known.get("merged", ()):
        yield ["merged", who(member), who(root)]
    for organization, standing, reason in known.get("standings", ()):
        yield ["standing", who(organization), standing, reason]
    for product in known.get("products", ()):
        yield ["product", *product]
    for organization, *share in known.get("shares", ()):
        yield ["share", who(organization), *share]
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
    for author, *values in _named(reconciliation).values_list("author_id", "kind", "product", "units", "money", "note"):
        yield ["named", person(author), *values]
    kept = SignedTieOut.objects.filter(reconciliation=reconciliation)
    for tie_out in kept.values_list(*_TIE_OUT):  # none: it was signed before they were kept
        yield ["tied", *tie_out]
    for given in Certification.objects.filter(reconciliation=reconciliation):  # none: it was signed before they were kept
        yield ["certified", given.part, person(given.by_id), *given.lines]
    for one in _notes(reconciliation):
        is_resolved = one.resolved_at is not None and one.resolved_at <= (reconciliation.signed_at or timezone.now())
        resolved = person(one.resolved_by_id) if is_resolved else ""
        yield ["note", who(one.organization_id), one.product, person(one.author_id), one.text, one.is_open, resolved]


def _plain(values: dict[str, str]) -> dict[str, str]:
    """Numbers without the zeros that one database keeps behind them and another does not."""
    return {name: text.rstrip("0").rstrip(".") if "." in text else text for name, text in values.items()}


def _canonical(line: Any) -> bytes:
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
