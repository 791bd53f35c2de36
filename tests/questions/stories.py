"""Two months of an account, through the models: October's bill and lists, signed, then November's, compared."""

from __future__ import annotations

from accounts.models import Organization
from recon.models import Question, Variance
from recon.services import questions
from tests.review.making import NOVEMBER, OCTOBER, Rows, World, row, work

STEADY: Rows = {("Cobble Lane Florists", "edr"): 8}
GLASS: Rows = {("Garrowby Glass", "edr"): 18, ("Garrowby Glass", "siem"): 2}
GLAZING: Rows = {("Garrowby Glazing", "edr"): 18, ("Garrowby Glazing", "siem"): 2}


def known(world: World, name: str, **said: str) -> Organization:
    """An Organization that lists then name."""
    return Organization.objects.create(account=world.account, name=name, **said)


def org(world: World, name: str) -> Organization:
    return Organization.objects.get(account=world.account, name=name)


def two_months(world: World, before: Rows, now: Rows, *, rebilled: Rows | None = None) -> None:
    """October in agreement, signed; November's bill, and the lists that still say what October's did."""
    world.quiet(OCTOBER, {**STEADY, **before})
    world.signed(OCTOBER)
    world.month(NOVEMBER, {**STEADY, **now}, {**STEADY, **before}, {**STEADY, **(before if rebilled is None else rebilled)})


def renamed(world: World) -> Question:
    """Garrowby Glass has gone, Garrowby Glazing has come; the MSP's lists still have the old name."""
    two_months(world, GLASS, GLAZING)
    return the(world, "renamed")


def mistyped(world: World) -> Question:
    two_months(world, {("Hexmoor School", "edr"): 64}, {("Hexmoor School", "edr"): 64, ("Hexmoor Schol", "edr"): 41})
    return the(world, "mistyped")


def the(world: World, kind: str) -> Question:
    """The one open question of a kind."""
    (one,) = [entry.question for entry in questions.queue(world.account) if entry.question.kind == kind]
    return one


def kinds(world: World) -> list[str]:
    return sorted(entry.question.kind for entry in questions.queue(world.account))


def legs(world: World, name: str, product: str = "edr") -> tuple[int | None, ...]:
    one: Variance = row(world.of(NOVEMBER), name, product)
    return one.billed, one.expected, one.rebilled, one.previous


def names(world: World) -> list[str]:
    work()
    month = world.of(NOVEMBER)
    return sorted(set(Variance.objects.filter(reconciliation=month, run=month.run).values_list("name", flat=True)))
