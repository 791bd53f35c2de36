"""What preparer and reviewer certify is kept with the revision, word for word, and what is certified later changes none of it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, AuditEvent
from accounts.models.account import USUAL_STATEMENT
from recon import seal, triggers
from recon.models import Certification, Reconciliation
from recon.services import review
from tests.review.making import World, refusal, work

OURS = ["The bill is as it was read.", "Nobody who left is charged for."]


def say(world: World, *statements: str) -> None:
    Account.objects.filter(pk=world.account.pk).update(statements="\n".join(statements))


def kept(month: Reconciliation) -> dict[str, tuple[list[str], str]]:
    return {one.part: (one.lines, one.by.name) for one in Certification.objects.filter(reconciliation=month).select_related("by")}


def test_an_account_that_says_nothing_certifies_the_usual_one(world: World) -> None:
    world.quiet()
    month = world.signed()
    assert kept(month) == {"preparer": ([USUAL_STATEMENT], "Mara"), "reviewer": ([USUAL_STATEMENT], "Jonah")}


def test_each_of_several_is_kept_with_who_and_when(world: World) -> None:
    say(world, *OURS)
    world.quiet()
    month = world.signed()
    assert kept(month) == {"preparer": (OURS, "Mara"), "reviewer": (OURS, "Jonah")}
    times = dict(Certification.objects.filter(reconciliation=month).values_list("part", "at"))
    month.refresh_from_db()
    assert times == {"preparer": month.submitted_at, "reviewer": month.signed_at}
    said = AuditEvent.objects.filter(action__in=["recon.reconciliation.submitted", "recon.reconciliation.signed_off"])
    assert [event.after["statements"] for event in said] == [OURS, OURS]


def test_what_is_certified_later_changes_no_signed_month(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    say(world, *OURS)
    world.quiet()
    month = world.signed()
    say(world, "Another.")
    monkeypatch.setattr("accounts.models.account.USUAL_STATEMENT", "Another usual one.")
    month = Reconciliation.objects.get(pk=month.pk)
    assert review.statements_of(month) == OURS
    assert seal.digest(month) == month.digest


def test_the_reviewer_certifies_what_the_preparer_did(world: World) -> None:
    """A statement that is changed while a month is in review is not smuggled under the signature."""
    say(world, *OURS)
    world.quiet()
    month = world.submitted()
    say(world, "Another.")
    assert "changed since you read it" in refusal(lambda: review.sign(month, by=world.jonah, certified=["Another."]))
    signed = review.sign(month, by=world.jonah, certified=OURS)
    assert kept(signed)["reviewer"] == (OURS, "Jonah")


def test_what_was_not_read_is_not_certified(world: World) -> None:
    say(world, *OURS)
    month = world.quiet()
    assert "tick that you certify" in refusal(lambda: review.submit(month, by=world.mara, certified=[]))
    for read in (OURS[:1], [USUAL_STATEMENT], [*OURS, "More."]):
        assert "changed since you read it" in refusal(lambda read=read: review.submit(month, by=world.mara, certified=read))  # type: ignore[misc]
    month.refresh_from_db()
    assert (month.is_working, kept(month)) == (True, {})


def test_a_month_that_was_returned_is_certified_anew(world: World) -> None:
    say(world, *OURS)
    world.quiet()
    month = world.submitted()
    review.send_back(month, by=world.jonah, reason="Look again.")
    say(world, "Another.")
    review.submit(month, by=world.ines, certified=["Another."])
    assert kept(month) == {"preparer": (["Another."], "Ines")}


def test_the_next_revision_is_certified_by_itself(world: World) -> None:
    say(world, *OURS)
    world.quiet()
    first = world.signed()
    say(world, "Another.")
    following = review.reopen(first, by=world.ines, reason="other", words="Once more.")
    work()
    assert kept(following) == {}
    second = world.signed()
    assert [kept(one)["preparer"][0] for one in (first, second)] == [OURS, ["Another."]]


def test_the_words_and_who_certified_them_are_a_part_of_the_digest(world: World) -> None:
    world.quiet()
    month = world.signed()
    triggers.remove(connection)
    for change in ({"statements": "Another."}, {"statements": f"{USUAL_STATEMENT}\nMore."}, {"by": world.jonah}):
        with transaction.atomic():
            Certification.objects.filter(reconciliation=month, part="preparer").update(**change)
            assert seal.digest(month) != month.digest, change
            transaction.set_rollback(True)
    assert seal.digest(month) == month.digest


def test_a_month_in_review_without_kept_words_is_returned_first(world: World) -> None:
    """As a version that kept none has left it."""
    world.quiet()
    month = world.submitted()
    Certification.objects.all().delete()
    assert review.statements_of(month) == []
    assert "Return the month" in refusal(lambda: review.sign(month, by=world.jonah))
    review.send_back(month, by=world.jonah, reason="To be certified.")
    assert review.sign(review.submit(month, by=world.mara), by=world.jonah).digest


def test_no_signed_words_are_added_changed_or_taken(world: World) -> None:
    world.quiet()
    month = world.signed()
    of = Certification.objects.filter(reconciliation=month)
    for act in (lambda: of.update(statements="Another."), of.delete):
        with pytest.raises(DatabaseError, match="sealed_certification_"), transaction.atomic():
            act()
