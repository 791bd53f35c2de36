"""The engine against the same arithmetic done naively, cell by cell."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recon.engine import reconcile, totals
from tests.engine import oracle
from tests.engine.making import ORGANIZATIONS, judged, months, statements, tables, tolerance, whole
from tests.engine.oracle import GivenLeg, Line, Stated


@settings(max_examples=60)
@given(months(), statements())
@example({}, [])
@example({"billed": GivenLeg(())}, [])
@example({"billed": GivenLeg((), ((None, None),)), "rebilled": GivenLeg((Line(0, "edr", 1),))}, [])
def test_every_cell_is_what_the_words_of_the_specification_give(legs: dict[str, GivenLeg], stated: list[Stated]) -> None:
    rows = reconcile(tables(legs), ORGANIZATIONS, [tolerance(one) for one in stated])
    expected = oracle.month(legs, stated)
    assert judged(rows) == expected
    assert list(judged(rows)) == sorted(expected, key=lambda cell: (cell[0], oracle.PRODUCTS.index(cell[1])))


@settings(max_examples=30)
@given(months())
def test_totals_are_what_each_list_has(legs: dict[str, GivenLeg]) -> None:
    given_tables = tables(legs)
    found = totals(reconcile(given_tables, ORGANIZATIONS), given_tables)
    as_words = {str(row["product"]): {leg: whole(row[leg]) for leg in oracle.LEGS} for row in found.to_dict("records")}
    assert as_words == oracle.totals(legs, oracle.month(legs, []))
    assert list(as_words) == sorted(as_words)


@settings(max_examples=40)
@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**12), statements())
@example(10**15, 1, 999_999_999_999, [])
@example(2 * 10**13, 10**13, 1, [])
def test_numbers_beyond_64_bits_are_judged_and_priced_exactly(billed: int, other: int, price: int, stated: list[Stated]) -> None:
    legs = {name: GivenLeg((Line(0, "edr", units, price),)) for name, units in (("billed", billed), ("expected", other))}
    assert judged(reconcile(tables(legs), ORGANIZATIONS, [tolerance(one) for one in stated])) == oracle.month(legs, stated)


def test_many_lines_of_one_cell_add_up_exactly() -> None:
    legs = {"billed": GivenLeg(tuple(Line(0, "edr", 10**9 - 1) for _ in range(20_000)))}
    [row] = judged(reconcile(tables(legs), 1)).values()
    assert row.quantities["billed"] == 20_000 * (10**9 - 1)
