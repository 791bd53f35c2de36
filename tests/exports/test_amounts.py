from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.money import round_to_cents
from recon.exports.amounts import cents_text, line_amount, price_text
from recon.exports.lines import rebill_lines
from recon.exports.sheet import rows_frame

QUANTITIES = st.integers(0, 1_000_000_000)
PRICES = st.integers(0, 999_999_999_999)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "organization": st.sampled_from(["Alder", "Birch", "=Cedar", "Émile"]),
            "product": st.sampled_from(["edr", "itdr", "siem"]),
            "billed": st.none() | QUANTITIES,
            "rebilled": st.none() | QUANTITIES,
            "sell": st.none() | PRICES,
        }
    ),
    max_size=30,
)


def as_decimal(micros: int) -> Decimal:
    return Decimal(micros) / 1_000_000


@given(QUANTITIES, PRICES)
def test_a_line_is_its_exact_product_rounded_half_up_to_the_cent(quantity, price):
    exact = quantity * as_decimal(price)
    assert line_amount(quantity, price) == int(exact.quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)


@given(st.integers(-(10**15), 10**15))
def test_rounding_works_on_the_magnitude(micros):
    assert round_to_cents(-micros) == -round_to_cents(micros)
    assert Decimal(round_to_cents(micros)) / 100 == as_decimal(micros).quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(st.lists(st.tuples(QUANTITIES, PRICES)))
def test_columns_are_rounded_as_single_values_are(pairs):
    quantities, prices = (pd.Series([pair[i] for pair in pairs], dtype="Int64") for i in (0, 1))
    assert line_amount(quantities, prices).tolist() == [line_amount(*pair) for pair in pairs]


@given(PRICES)
def test_a_price_is_written_with_all_its_decimals_and_two_at_least(micros):
    text = price_text(micros)
    assert Decimal(text) == as_decimal(micros)
    assert len(text.partition(".")[2]) >= 2


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (-5, "-0.05"), (123_456, "1234.56"), (-100, "-1.00")])
def test_an_amount_is_written_to_the_cent(cents, text):
    assert cents_text(cents) == text


@given(ROWS)
def test_quantities_and_amounts_are_conserved(rows):
    frame = rows_frame(rows)
    lines = rebill_lines(frame)
    assert lines["new_quantity"].sum() == frame["billed"].sum()
    both = lines[lines["change_in_amount"].notna()]
    assert both["change_in_amount"].sum() == both["new_amount"].sum() - both["old_amount"].sum()
    assert both["difference"].sum() == both["new_quantity"].sum() - both["old_quantity"].sum()
    assert len(lines) == frame["billed"].notna().sum()


@given(ROWS)
def test_a_blank_leg_is_never_charged_as_a_zero(rows):
    lines = rebill_lines(rows_frame(rows))
    assert lines[lines["old_quantity"].isna()][["difference", "old_amount", "change_in_amount"]].isna().all(axis=None)
    assert lines[lines["unit_price"].isna()][["old_amount", "new_amount", "change_in_amount"]].isna().all(axis=None)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(rebill_lines(rows_frame(rows)), rebill_lines(rows_frame(shuffled)))
