"""Making several Organizations one customer, and taking that back exactly.

Lines stay with the Organization that their file names; they count under its root. What people decided of the members' rows moves to the
root's in months that are not signed. Every function gives what undoing it needs, as plain JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import QuerySet

from accounts.models import Account, BillingCycle, CustomerShare, FormerName, Organization
from accounts.names import normalise
from accounts.roots import roots_of
from accounts.services import Refused
from ingest.models import UsageLine
from recon.models import Note, Reconciliation, ReconcilingItem, RowDecision, Variance
from recon.services.months import cycles_served

Undo = dict[str, Any]
_REBILL: Final = (
    "pk", "organization_id", "reconciliation_id", "product", "rebill_quantity", "rebill_reason", "rebill_note", "rebill_by_id",
)  # fmt: skip
_KEPT: Final = (
    "pk", "reconciliation_id", "organization_id", "product", "owner_id", "reviewed_by_id", "reviewed_at",
    "rebill_quantity", "rebill_reason", "rebill_note", "rebill_by_id",
)  # fmt: skip


def merge(root: Organization, members: Sequence[Organization], *, name: str = "", until: date | None = None) -> Undo:
    """Let members count under a root. ``name``: what the root is called from now on, its old name ending on ``until``.

    In the caller's transaction, which holds the account. Raises Refused where one customer would be rebilled in two ways.
    """
    _refuse_two_ways(root, members)
    done: Undo = {"root": root.pk, "members": [member.pk for member in members]}
    Organization.objects.filter(pk__in=done["members"]).update(merged_into=root)
    if name and name != root.name and until:
        former, is_new = FormerName.objects.get_or_create(organization=root, name=root.name, defaults={"until": until})
        done["name"] = {"before": root.name, "after": name, "former": former.pk if is_new else None}
        Organization.objects.filter(pk=root.pk).update(name=name, name_key=normalise(name)[:500])
    return done | {"moved": gather(Reconciliation.objects.filter(cycle__account=root.account_id), dict.fromkeys(done["members"], root.pk))}


def _refuse_two_ways(root: Organization, members: Sequence[Organization]) -> None:
    """What is said of a member counts no more: a split that was stated, or that nobody is rebilled, would be lost without a word."""
    shared = CustomerShare.objects.filter(organization__in=members, ended_at__isnull=True).select_related("organization").first()
    if shared is not None:
        raise Refused(f"{shared.organization} is shared out between customers. End that first, and share {root} out instead.")
    for member in members:
        if member.standing != root.standing:
            said = [f"{one} is {one.get_standing_display().lower()}" for one in (member, root)]
            raise Refused(f"{', and '.join(said)}. Say the same of both first.")


def gather(revisions: QuerySet[Reconciliation], roots: Mapping[int, int]) -> Undo:
    """Move what was decided of members' rows to their roots', in the given revisions that are not signed.

    Where a row of the root is decided already, that stands, and the member's decision is kept for undoing. So is what was decided to
    rebill where several of them are billed: it was said of one row, and is not what both come to.
    """
    unsigned = revisions.exclude(state=Reconciliation.State.SIGNED)
    items = ReconcilingItem.objects.filter(reconciliation__in=unsigned, organization__in=roots)
    notes = _movable_notes(Note.objects.filter(organization__in=roots, cycle__reconciliations__in=unsigned))
    done: Undo = {
        "items": list(map(list, items.values_list("pk", "organization_id"))),
        "notes": sorted(map(list, set(notes.values_list("pk", "organization_id").order_by()))),
    }
    for model, pairs in ((ReconcilingItem, done["items"]), (Note, done["notes"])):
        for root in sorted(set(roots.values())):
            moved = [pk for pk, member in pairs if roots[member] == root]
            model._default_manager.filter(pk__in=moved).update(organization=root)
    return done | _gather_decisions(unsigned, roots)


def _gather_decisions(unsigned: QuerySet[Reconciliation], roots: Mapping[int, int]) -> Undo:
    known = RowDecision.objects.filter(reconciliation__in=unsigned)
    several = _billed_together(unsigned, roots)
    of_roots = known.filter(organization__in=set(roots.values())).values_list("reconciliation_id", "organization_id", "product")
    taken, moved, kept = set(of_roots), [], []
    for one in known.filter(organization__in=roots).order_by("organization", "pk"):
        place = (one.reconciliation_id, roots[one.organization_id], one.product)
        if place in taken:
            values = {field: getattr(one, field) for field in _KEPT}
            kept.append({name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()})
        else:
            moved.append([one.pk, one.organization_id])
        taken.add(place)
    RowDecision.objects.filter(pk__in=[one["pk"] for one in kept]).delete()
    quantities = known.filter(rebill_quantity__isnull=False, organization__in={*roots, *roots.values()}).values_list(*_REBILL)
    cycle_of = dict(unsigned.values_list("pk", "cycle"))
    cleared = [
        [pk, member, *said]
        for pk, member, revision, product, *said in quantities
        if (cycle_of[revision], roots.get(member, member), product) in several
    ]
    RowDecision.objects.filter(pk__in=[pk for pk, *_ in cleared]).update(
        rebill_quantity=None, rebill_reason="", rebill_note="", rebill_by=None
    )
    for pk, member in moved:
        RowDecision.objects.filter(pk=pk).update(organization=roots[member])
    return {"decisions": moved, "kept": kept, "cleared": cleared}


def _billed_together(revisions: QuerySet[Reconciliation], roots: Mapping[int, int]) -> set[tuple[int, int, str]]:
    """Cycle, root and product where more than one of a root's family is billed, as any revision of the cycle has it."""
    rows = Variance.objects.filter(reconciliation__cycle__in=revisions.values("cycle"), organization__in={*roots, *roots.values()})
    billed: dict[tuple[int, int, str], set[int]] = defaultdict(set)
    for cycle, pk, product in rows.exclude(billed=0).order_by().values_list("reconciliation__cycle", "organization", "product").distinct():
        billed[cycle, roots.get(pk, pk), product].add(pk)
    return {place for place, pks in billed.items() if len(pks) > 1}


def _movable_notes(notes: QuerySet[Note]) -> QuerySet[Note]:
    """What a signature has seen of a note never changes."""
    return notes.exclude(cycle__reconciliations__state=Reconciliation.State.SIGNED)


def take_apart(done: Undo) -> None:
    """Undo a merge. What was signed since stays as it was signed."""
    Organization.objects.filter(pk__in=done["members"], merged_into=done["root"]).update(merged_into=None)
    if name := done.get("name"):
        called = Organization.objects.filter(pk=done["root"], name=name["after"])
        if called.update(name=name["before"], name_key=normalise(name["before"])[:500]) and name["former"]:
            FormerName.objects.filter(pk=name["former"]).delete()
    for moved in (done["moved"], *done.get("moved_later", ())):
        scatter(moved)


def scatter(done: Undo) -> None:
    """Put back what ``gather`` moved, where it is not signed meanwhile."""
    signed = Reconciliation.State.SIGNED
    for pk, member in done["items"]:
        ReconcilingItem.objects.filter(pk=pk).exclude(reconciliation__state=signed).update(organization=member)
    for pk, member in done["notes"]:
        _movable_notes(Note.objects.filter(pk=pk)).update(organization=member)
    for pk, member in done["decisions"]:
        RowDecision.objects.filter(pk=pk).exclude(reconciliation__state=signed).update(organization=member)
    for pk, _, quantity, reason, note, by in done.get("cleared", ()):
        still = RowDecision.objects.filter(pk=pk, rebill_quantity__isnull=True).exclude(reconciliation__state=signed)
        still.update(rebill_quantity=quantity, rebill_reason=reason, rebill_note=note, rebill_by=by)
    working = set(Reconciliation.objects.exclude(state=signed).values_list("pk", flat=True)) if done["kept"] else set()
    RowDecision.objects.bulk_create(
        [RowDecision(**one) for one in done["kept"] if one["reconciliation_id"] in working], ignore_conflicts=True
    )


def gather_after_reopening(following: Reconciliation) -> Undo:
    """A reopened revision begins with decisions as they were signed: what members have of them goes to their roots."""
    roots = roots_of(following.cycle.account_id)
    return gather(Reconciliation.objects.filter(pk=following.pk), roots) if roots else {}


def cycles_that_name(account: Account, organizations: Iterable[int]) -> list[BillingCycle]:
    """The cycles with a list, in use, that has a line of any of these Organizations; oldest first."""
    files = UsageLine.objects.filter(organization__in=set(organizations)).values("source_file")
    return cycles_served(account, files)
