"""The sentence of a check tells the tolerance that judged it."""

from decimal import Decimal

import pytest

from accounts.models import Organization
from recon.models import Severity, Variance
from recon.policies import Scope, default_scope, scope_for
from recon.words import why


def row(billed: int, expected: int, severity: Severity, money: int | None = None) -> Variance:
    return Variance(
        billed=billed, expected=expected, expected_difference=billed - expected, expected_severity=severity, expected_money=money
    )


LOOSE = Scope(None, "", Decimal("12.5"), Decimal(2), Decimal(30), Decimal(5), floor=25_000_000)


@pytest.mark.parametrize(
    ("given", "scope", "said"),
    [
        (row(120, 100, Severity.ESCALATE), None, "+20 is more than 10% of 100 and more than 1 unit."),
        (row(107, 100, Severity.INVESTIGATE), None, "+7 is more than 5% of 100."),
        (row(97, 100, Severity.WITHIN), None, "−3 is within 5% of 100."),
        (row(140, 100, Severity.ESCALATE), LOOSE, "+40 is more than 30% of 100 and more than 5 units."),
        (row(120, 100, Severity.INVESTIGATE), LOOSE, "+20 is more than 12.5% of 100 and more than 2 units."),
        (row(110, 100, Severity.WITHIN), LOOSE, "+10 is within 12.5% of 100."),
        (row(6, 4, Severity.WITHIN), LOOSE, "+2 is within 2 units."),
        (
            row(120, 100, Severity.WITHIN, 20_000_000),
            LOOSE,
            "+20 is more than 12.5% of 100 and more than 2 units, but $20.00 is below the floor of $25.00.",
        ),
        (row(3, 0, Severity.INVESTIGATE), LOOSE, "+3: some against none is always looked at."),
    ],
)
def test_why(given: Variance, scope: Scope | None, said: str) -> None:
    assert why("expected", given, scope, "USD") == said


def test_the_most_specific_scope_is_the_row_s() -> None:
    def stated(organization: Organization | None, product: str) -> Scope:
        return Scope(organization, product, Decimal(1), Decimal(1), Decimal(1), Decimal(1))

    ours, other = Organization(pk=1, name="Ours"), Organization(pk=2, name="Other")
    everything = [stated(None, ""), stated(None, "edr"), stated(ours, ""), stated(ours, "edr"), stated(other, "edr")]
    assert scope_for(everything, 1, "edr") is everything[3]
    assert scope_for(everything, 1, "sat") is everything[2]
    assert scope_for(everything, 3, "edr") is everything[1]
    assert scope_for(everything, 3, "sat") is everything[0]
    assert scope_for([], 3, "sat") == default_scope()
