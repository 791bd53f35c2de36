"""What people decide of rows, one or many at once; each act is one event, and can be undone as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import User
from accounts.services import Refused
from ingest import bulk
from ingest.models import SourceRow
from recon import store
from recon.models import Cause, Decision, Note, RebillReason, Reconciliation, ReconcilingItem, RowDecision, SettledRow, Variance
from recon.models.decision import CHECKS, NEED_A_NOTE

Key = tuple[int, str]
State = Reconciliation.State
_MOST_AT_ONCE: Final = 50_000
_BATCH: Final = 5_000
#: The columns of a decision that may not be NULL, as they are where nothing was decided.
_NOTHING: Final = {"rebill_reason": "", "rebill_note": ""}
_LARGEST: Final = 1_000_000_000
WITHDRAWN: Final = "recon.item.withdrawn"
#: What an act has to know of a row.
_ASKED: Final = ("organization", "product", "name", "billed", *(f"{check}_left" for check, _ in CHECKS))
#: Acts that leave nothing of what an earlier one said of the same row.
_OVERWRITING: Final = frozenset({"recon.row.assigned", "recon.row.reviewed", "recon.row.rebill_decided"})


@dataclass(frozen=True)
class Rows:
    """The rows of a revision that an act concerns, found and locked."""

    reconciliation: Reconciliation
    rows: list[Variance]

    @property
    def keys(self) -> list[Key]:
        return [(row.organization_id, row.product) for row in self.rows]

    @property
    def words(self) -> str:
        first = f"{self.rows[0].name}, {self.rows[0].product.upper()}"
        return first if len(self.rows) == 1 else f"{first} and {len(self.rows) - 1} more"


def locked(reconciliation: Reconciliation, by: User) -> Reconciliation:
    """The revision, held for this transaction. Raises Refused unless it is being worked on, and by somebody who may."""
    # The row alone: a lock on its account, too, would meet the one of whoever saves tolerances.
    held = Reconciliation.objects.select_for_update(of=("self",)).select_related("cycle__account").get(pk=reconciliation.pk)
    require(by, held.cycle.account, Need.WORK)
    if held.state != State.WORKING:
        raise Refused(f"This month is {held.get_state_display().lower()}: nothing of it can be changed now.")
    return held


def _rows(reconciliation: Reconciliation, keys: Sequence[Key], by: User) -> Rows:
    """Raises Refused when a row is not there (any more)."""
    if not keys:
        raise Refused("Select at least one row.")
    if len(keys) > _MOST_AT_ONCE:
        raise Refused(f"At most {_MOST_AT_ONCE:,} rows at once.")
    held = locked(reconciliation, by)
    wanted = set(keys)
    shown = Variance.objects.filter(reconciliation=held, run=held.run).only(*_ASKED)
    found = [
        row
        for organizations in store.in_batches(wanted)
        for row in shown.filter(organization__in=organizations)
        if (row.organization_id, row.product) in wanted
    ]
    found.sort(key=lambda row: (row.name, row.product, row.organization_id))
    if len(found) != len(wanted):
        raise Refused("Some of these rows are no longer in the month: it was compared anew. Look again.")
    return Rows(held, found)


@transaction.atomic
def explain(
    reconciliation: Reconciliation, keys: Sequence[Key], *, check: str, cause: str, quantity: int | None, note: str = "", by: User
) -> Decision:
    """Let a cause take a signed part of a check's difference; ``quantity`` None takes what is left of each row.

    Several items may overshoot and meet again (8 new, 3 removed). Raises Refused for a cause that needs words, for a row without
    that difference, and where nothing is left: what two people explain at once is explained once.
    """
    if check not in dict(CHECKS):
        raise Refused("Say which difference this explains.")
    if cause not in Cause.values:
        raise Refused("Choose a cause from the list.")
    note = _words(note, "The note")
    if cause in NEED_A_NOTE and not note:
        raise Refused(f"“{Cause(cause).label}” says nothing by itself: write a note.")
    chosen = _rows(reconciliation, keys, by)
    taken = [(row, _taken(row, check, quantity)) for row in chosen.rows]
    if quantity is None:
        taken = [(row, units) for row, units in taken if units]
    if not taken:
        raise Refused("Nothing is left to explain on these rows.")
    decision = _decide(chosen, "recon.item.added", by, after={"check": check, "cause": cause, "note": note, "rows": _said(taken)})
    now = timezone.now()
    columns = [
        "reconciliation_id",
        "organization_id",
        "product",
        "check_name",
        "cause",
        "quantity",
        "note",
        "author_id",
        "created_at",
        "state",
        "decision_id",
    ]
    held = chosen.reconciliation
    records = [
        (held.pk, row.organization_id, row.product, check, cause, units, note, by.pk, now, "accepted", decision.pk) for row, units in taken
    ]
    bulk.load(ReconcilingItem, columns, records)
    store.show_decisions(held, held.run, chosen.keys, decisions=False)
    return decision


@transaction.atomic
def withdraw_item(item: ReconcilingItem, *, by: User) -> Decision:
    """Take back one item alone, whichever act added it. Raises Refused when it does not count any more."""
    held = locked(item.reconciliation, by)
    accepted = ReconcilingItem.objects.filter(pk=item.pk, state=ReconcilingItem.State.ACCEPTED)
    if not accepted.update(state=ReconcilingItem.State.WITHDRAWN):
        raise Refused("That item was withdrawn already.")
    key = (item.organization_id, item.product)
    subject = f"{item.organization}, {item.product.upper()}: {item.get_cause_display()} {item.quantity:+}"
    decision = Decision.objects.create(reconciliation=held, action=WITHDRAWN, rows=1, by=by, before=[[*key, {"item": item.pk}]])
    _record(held, WITHDRAWN, subject, by, after={"check": item.check_name, "item": item.pk, "decision": decision.pk})
    store.show_decisions(held, held.run, [key])
    return decision


def _taken(row: Variance, check: str, quantity: int | None) -> int:
    left = getattr(row, f"{check}_left")
    if left is None:
        if quantity is None:
            return 0
        raise Refused(f"{row.name}, {row.product.upper()}: that difference could not be checked, so there is nothing to explain.")
    if quantity is None:
        return int(left)
    if not left:
        raise Refused(f"{row.name}, {row.product.upper()}: nothing is left to explain.")
    if not 0 < abs(quantity) <= _LARGEST:
        raise Refused("An item takes at least one unit, with its sign.")
    return quantity


def _said(taken: Sequence[tuple[Variance, int]]) -> list[list[Any]]:
    return [[row.organization_id, row.product, units] for row, units in taken[:500]]


@transaction.atomic
def assign(reconciliation: Reconciliation, keys: Sequence[Key], *, owner: User | None, by: User) -> Decision:
    chosen = _rows(reconciliation, keys, by)
    return _set(chosen, "recon.row.assigned", by, {"owner": owner}, after={"owner": str(owner) if owner else None})


@transaction.atomic
def mark_reviewed(reconciliation: Reconciliation, keys: Sequence[Key], *, by: User, reviewed: bool = True) -> Decision:
    """Say that rows were looked at; ``reviewed`` False takes it back, whoever said it."""
    chosen = _rows(reconciliation, keys, by)
    values = {"reviewed_by": by, "reviewed_at": timezone.now()} if reviewed else {"reviewed_by": None, "reviewed_at": None}
    return _set(chosen, "recon.row.reviewed", by, values, after={"reviewed": reviewed})


@transaction.atomic
def decide_rebill(
    reconciliation: Reconciliation, keys: Sequence[Key], *, quantity: int | None, reason: str = "", note: str = "", by: User
) -> Decision:
    """Rebill something else than what was billed; ``quantity`` None goes back to the billed one.

    Raises Refused where billed was not provided: there is no rebill line to decide.
    """
    chosen = _rows(reconciliation, keys, by)
    if blank := [row for row in chosen.rows if row.billed is None]:
        raise Refused(f"{blank[0].name}, {blank[0].product.upper()}: without a billed quantity there is no rebill line.")
    if quantity is None:
        values: dict[str, Any] = {"rebill_quantity": None, "rebill_reason": "", "rebill_note": "", "rebill_by": None}
    else:
        if reason not in RebillReason.values:
            raise Refused("Say why another quantity is rebilled.")
        if not 0 <= quantity <= _LARGEST:
            raise Refused("A rebill quantity is a whole number, not negative.")
        values = {"rebill_quantity": quantity, "rebill_reason": reason, "rebill_note": _words(note, "The note"), "rebill_by": by}
    return _set(chosen, "recon.row.rebill_decided", by, values, after={"quantity": quantity, "reason": reason, "note": note})


@transaction.atomic
def settle_rejected(reconciliation: Reconciliation, rows: Sequence[tuple[int, int]], *, note: str, by: User) -> Decision:
    """Say how rejected rows, given as (file, line), were dealt with. They still count nowhere."""
    held = locked(reconciliation, by)
    note = _words(note, "The note")
    if not note:
        raise Refused("Say how these rows were dealt with.")
    waiting = set(rejected_rows(held))
    if not rows or not set(rows) <= waiting:
        raise Refused("These are not rejected rows of this month’s files, or they are settled already.")
    decision = Decision.objects.create(reconciliation=held, action="recon.row.rejection_settled", rows=len(rows), by=by)
    SettledRow.objects.bulk_create(
        SettledRow(reconciliation=held, source_file_id=file, line=line, note=note, by=by, decision=decision) for file, line in rows
    )
    _record(
        held, "recon.row.rejection_settled", f"{len(rows)} rejected rows", by, after={"note": note, "rows": [list(r) for r in rows[:500]]}
    )
    return decision


def rejected_rows(reconciliation: Reconciliation, inputs: store.Inputs | None = None) -> list[tuple[int, int]]:
    """The rejected rows of the files of a revision that nobody has settled, as (file, line)."""
    current = inputs or store.inputs_of(reconciliation.cycle)
    files = [given.source_file_id for leg, given in current.legs.items() if leg != "previous"]
    settled = SettledRow.objects.filter(reconciliation=reconciliation, source_file=OuterRef("source_file"), line=OuterRef("line"))
    rejected = SourceRow.objects.filter(~Exists(settled), source_file__in=files, bucket="rejected")
    return list(rejected.values_list("source_file", "line"))


@transaction.atomic
def add_notes(reconciliation: Reconciliation, keys: Sequence[Key], *, text: str, is_open: bool = False, by: User) -> Decision:
    """Note something on rows; an open note asks for an answer and blocks the submission."""
    text = text.strip()
    if not text:
        raise Refused("A note needs words.")
    if len(text) > 4000:
        raise Refused(f"A note has at most 4,000 characters; this one has {len(text):,}.")
    chosen = _rows(reconciliation, keys, by)
    cycle = chosen.reconciliation.cycle
    notes = [Note(cycle=cycle, organization_id=o, product=p, text=text, author=by, is_open=is_open) for o, p in chosen.keys]
    made = Note.objects.bulk_create(notes, batch_size=1000)
    return _decide(chosen, "recon.note.added", by, before=[note.pk for note in made], after={"text": text, "open": is_open})


@transaction.atomic
def resolve_note(note: Note, reconciliation: Reconciliation, *, by: User) -> None:
    held = locked(reconciliation, by)
    open_note = Note.objects.filter(pk=note.pk, cycle=held.cycle, is_open=True, resolved_at__isnull=True, withdrawn_at__isnull=True)
    if not open_note.update(resolved_by=by, resolved_at=timezone.now()):
        raise Refused("That note is not open.")
    _record(held, "recon.note.resolved", f"{note.organization}, {note.product.upper()}", by, after={"note": note.pk})


@transaction.atomic
def undo(decision: Decision, *, by: User) -> None:
    """Put back what was there before an act, as far as nobody has decided otherwise since. Raises Refused when it is undone already."""
    held = locked(decision.reconciliation, by)
    if not Decision.objects.filter(pk=decision.pk, undone_at__isnull=True).update(undone_at=timezone.now(), undone_by=by):
        raise Refused("That was undone already.")
    if decision.action in _OVERWRITING:
        later = Decision.objects.filter(reconciliation=held, action=decision.action, undone_at__isnull=True, pk__gt=decision.pk)
        if any(_overlap(decision, one) for one in later):
            raise Refused("Somebody decided the same for one of these rows since. Undo that first.")
    keys = _put_back(decision)
    store.show_decisions(held, held.run, keys)
    sentence = audit.SENTENCES[decision.action].partition(" {")[0]
    _record(held, "recon.decision.undone", f"{sentence}, {decision.rows} rows", by, after={"decision": decision.pk})


def _overlap(one: Decision, other: Decision) -> bool:
    return bool({tuple(row[:2]) for row in one.before} & {tuple(row[:2]) for row in other.before})


def _put_back(decision: Decision) -> list[Key]:
    if decision.action == "recon.item.added":
        items = decision.items.all()
        keys = list(items.values_list("organization", "product"))
        items.update(state=ReconcilingItem.State.WITHDRAWN)
        return keys
    if decision.action == "recon.note.added":
        Note.objects.filter(pk__in=decision.before).update(withdrawn_at=timezone.now())
        return []
    if decision.action == "recon.row.rejection_settled":
        decision.settled_rows.all().delete()
        return []
    keys = [(organization, product) for organization, product, _ in decision.before]
    if decision.action == WITHDRAWN:
        again = ReconcilingItem.objects.filter(pk__in=[values["item"] for _, _, values in decision.before])
        again.exclude(decision__undone_at__isnull=False).update(state=ReconcilingItem.State.ACCEPTED)
        return keys
    _write(decision.reconciliation, [(organization, product, values) for organization, product, values in decision.before])
    return keys


def _write(reconciliation: Reconciliation, rows: Sequence[tuple[int, str, dict[str, Any]]]) -> None:
    """Set the same fields of many rows' decisions, each to its own values, named by their columns (``owner_id``)."""
    known = _known(reconciliation, [(organization, product) for organization, product, _ in rows], ["pk"])
    missing, changed = [], defaultdict(list)
    for organization, product, values in rows:
        if found := known.get((organization, product)):
            changed[tuple(values.items())].append(found[0])
        else:
            missing.append((reconciliation.pk, organization, product, *(_NOTHING | values).values()))
    for stated, keys in changed.items():
        for start in range(0, len(keys), _BATCH):
            RowDecision.objects.filter(pk__in=keys[start : start + _BATCH]).update(**dict(stated))
    if missing:
        columns = ["reconciliation_id", "organization_id", "product", *(_NOTHING | rows[0][2])]
        bulk.load(RowDecision, columns, missing)


def _known(reconciliation: Reconciliation, keys: Sequence[Key], names: Sequence[str]) -> dict[Key, list[Any]]:
    """Columns of the decisions that there are."""
    return {
        (organization, product): values
        for organizations in store.in_batches(keys)
        for organization, product, *values in RowDecision.objects.filter(
            reconciliation=reconciliation, organization__in=organizations
        ).values_list("organization_id", "product", *names)
    }


def _set(chosen: Rows, action: str, by: User, values: dict[str, Any], *, after: dict[str, Any]) -> Decision:
    """Write values onto the decisions of rows, keeping what they were."""
    held = chosen.reconciliation
    names = [f"{name}_id" if name in {"owner", "reviewed_by", "rebill_by"} else name for name in values]
    known, blank = _known(held, chosen.keys, names), [getattr(RowDecision(), name) for name in names]
    before = []
    for key in chosen.keys:
        was = dict(zip(names, known.get(key, blank), strict=True))
        before.append([*key, {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in was.items()}])
    decision = _decide(chosen, action, by, before=before, after=after)
    columns = {name: value.pk if isinstance(value, User) else value for name, value in zip(names, values.values(), strict=True)}
    _write(held, [(*key, columns) for key in chosen.keys])
    store.show_decisions(held, held.run, chosen.keys, items=False)
    return decision


def _decide(chosen: Rows, action: str, by: User, *, before: Sequence[Any] = (), after: dict[str, Any]) -> Decision:
    held = chosen.reconciliation
    decision = Decision.objects.create(reconciliation=held, action=action, rows=len(chosen.rows), by=by, before=list(before))
    _record(held, action, chosen.words, by, after=after | {"decision": decision.pk})
    return decision


def _record(reconciliation: Reconciliation, action: str, subject: str, by: User, *, after: dict[str, Any]) -> None:
    cycle = reconciliation.cycle
    audit.record(action, subject, account=cycle.account, actor=by, cycle=cycle, revision=reconciliation.revision, after=after)


def _words(text: str, what: str) -> str:
    text = text.strip()
    if len(text) > 2000:
        raise Refused(f"{what} has at most 2,000 characters; this one has {len(text):,}.")
    return text
