"""What each answer does to Organizations, names and rows, and how it is put back. In a transaction that holds the account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from accounts.models import Account, FormerName, Organization, User
from accounts.roots import roots_of
from accounts.services import Refused
from ingest.models import LegInput, UsageLine
from recon.models import Question
from recon.services import merging, naming
from recon.services.pairs import Answer, Kind

STANDING: Final = {Answer.INTERNAL.value: Organization.Standing.INTERNAL, Answer.NOT_OURS.value: Organization.Standing.NOT_OURS}


def act(held: Question, said: str, other: Organization | None, reason: str, by: User) -> dict[str, Any]:
    """Do what the answer means; what undoing it needs."""
    if held.kind == Kind.AMBIGUOUS:
        return _name(held, said, other, reason, by)
    subject = held.subject
    if subject is None:
        raise Refused("The Organization of this question is not known any more.")
    if said in STANDING:
        return _stand(_root(subject), said, reason)
    if held.kind == Kind.RENAMED and held.subject_id == held.candidate_id:
        return _accept_rename(held, subject, said, by)
    if said == Answer.DIFFERENT or held.kind == Kind.SWAPPED:
        return {"touched": []}
    if other is None:
        raise Refused("Choose the Organization that it is the same as.")
    return _merge(held, subject, other)


def _name(held: Question, said: str, other: Organization | None, reason: str, by: User) -> dict[str, Any]:
    """Whose the waiting rows of a name are: one that is known, or one of its own."""
    spellings = naming.spellings_of(held.account, held.name_key)
    if not spellings:
        raise Refused("That name no longer waits to be matched.")
    made = held.undo.get("made")
    if said == Answer.SAME and other is not None:
        organization = other
    elif made:
        organization = Organization.objects.get(pk=made)
    else:
        organization = Organization.objects.create(account=held.account, name=spellings[0])
        made = organization.pk
    done = naming.give(held.account, held.name_key, organization)
    done |= {"alias": naming.confirm(held.account, spellings[0], organization, by=by), "made": made, "touched": [organization.pk]}
    if said in STANDING:
        done["standing"] = _stand(organization, said, reason)["standing"]
    return {"named": done, "made": made, "touched": [organization.pk], "organization": organization.pk}


def _accept_rename(held: Question, subject: Organization, said: str, by: User) -> dict[str, Any]:
    before = str(held.evidence.get("before", ""))
    taken = Organization.objects.filter(account=held.account, name_key=held.name_key).exclude(pk=subject.pk).exists()
    if said == Answer.SAME:
        alias = {} if taken or not before else naming.confirm(held.account, before, subject, by=by)
        return {"rename": alias, "touched": [subject.pk]}
    former = FormerName.objects.filter(organization=subject, name=before).first()
    if former is None:
        return {"touched": [subject.pk]}
    kept = {"organization_id": former.organization_id, "name": former.name, "until": former.until.isoformat()}
    former.delete()
    return {"former": kept, "touched": [subject.pk]}


def _stand(organization: Organization, said: str, reason: str) -> dict[str, Any]:
    before = [organization.pk, organization.standing, organization.standing_reason]
    Organization.objects.filter(pk=organization.pk).update(standing=STANDING[said], standing_reason=reason)
    return {"standing": before, "touched": [organization.pk]}


def _merge(held: Question, subject: Organization, other: Organization) -> dict[str, Any]:
    """Make one customer of the two, or of all parts. The one billed first is the root, and takes the name that the bill uses now."""
    suggested = other.pk == held.candidate_id
    parts = held.evidence.get("parts", []) if suggested else []
    wanted = {subject.pk, other.pk, *parts}
    roots = roots_of(held.account_id)
    found = list(Organization.objects.select_for_update().filter(pk__in={roots.get(pk, pk) for pk in wanted}).order_by("pk"))
    if len(found) < 2:
        raise Refused("They are one customer already.")
    first = _first_billed(found)
    root, *members = sorted(found, key=lambda one: (first.get(one.pk, "9999"), one.pk))
    names = [root, *members]
    current = newest_bill(held.account)
    done = merging.merge(root, members, name=_present_name(held, names, current), until=current.cycle.start if current else None)
    if given := _settle_what_fits_now(held.account, root, members):
        done["given"] = given
    return {"merge": done, "touched": [one.pk for one in names]}


def newest_bill(account: Account) -> LegInput | None:
    bills = LegInput.objects.filter(cycle__account=account, leg="billed", ended_at__isnull=True)
    return bills.select_related("cycle").order_by("-cycle__start").first()


def _first_billed(organizations: Sequence[Organization]) -> dict[int, str]:
    bills = LegInput.objects.filter(leg="billed", ended_at__isnull=True, cycle__account=organizations[0].account_id)
    starts = dict(bills.values_list("source_file", "cycle__start"))
    lines = UsageLine.objects.filter(organization__in=organizations, source_file__in=starts)
    first: dict[int, str] = {}
    for organization, file in lines.values_list("organization", "source_file").distinct().order_by():
        first[organization] = min(first.get(organization, "9999"), starts[file].isoformat())
    return first


def _present_name(held: Question, names: Sequence[Organization], current: LegInput | None) -> str:
    """The name that the newest bill uses, where it does not use the root's: of a split customer it is the whole's."""
    if current is None or held.kind == Kind.SPLIT:
        return ""
    billed = UsageLine.objects.filter(source_file=current.source_file_id, organization__in=names)
    now = set(billed.values_list("organization", flat=True).distinct().order_by())
    if names[0].pk in now:
        return ""
    return next((one.name for one in names if one.pk in now), "")


def _settle_what_fits_now(account: Account, root: Organization, members: Sequence[Organization]) -> list[dict[str, Any]]:
    """Names that fitted several of these alone fit one customer now: their rows wait no longer."""
    family = {root.pk, *(one.pk for one in members)}
    given = []
    for name_key in sorted({one.name_key for one in (root, *members)}):
        fits = Organization.objects.filter(account=account, name_key=name_key)
        fitting = {root.pk if pk in family else into for pk, into in fits.values_list("pk", "merged_into")}
        if fits.count() > 1 and fitting == {root.pk}:
            one = naming.give(account, name_key, root)
            if one["spellings"]:
                given.append(one | {"name_key": name_key})
    return given


def put_back(held: Question, since: Any) -> None:
    done = held.undo
    if named := done.get("named"):
        naming.revoke(named["alias"])
        naming.take_back(held.account, held.name_key, named, since=since)
    if merge := done.get("merge"):
        merging.take_apart(merge)
        for one in merge.get("given", ()):
            naming.take_back(held.account, one["name_key"], one)
    if rename := done.get("rename"):
        naming.revoke(rename)
    if former := done.get("former"):
        FormerName.objects.get_or_create(
            organization_id=former["organization_id"], name=former["name"], defaults={"until": former["until"]}
        )
    for standing in filter(None, (done.get("standing"), done.get("named", {}).get("standing"))):
        pk, before, reason = standing
        its = Organization.objects.filter(pk=pk, standing=STANDING[held.answer])  # unless somebody said otherwise by hand since
        its.update(standing=before, standing_reason=reason)


def _root(organization: Organization) -> Organization:
    root = roots_of(organization.account_id).get(organization.pk)
    return Organization.objects.get(pk=root) if root else organization
