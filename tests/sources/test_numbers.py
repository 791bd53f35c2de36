"""Quantities and prices: read where there is one way to read them, a named fault where not."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.numbers import Fault, evident_sign, parse_price, parse_quantity, prices, quantities


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("1,234", 1234), ("12.0", 12), ("12.00", 12), (" 7 ", 7), ("\u00a07\u2009", 7), ("1234.000", 1234),
     ("12,345,678", 12345678),
     ("0", 0), ("007", 7), ("0.000", 0), ("1,234.0", 1234), ("1000000000", 10**9), ("1,000", 1000)],
)  # fmt: skip
def test_it_reads_a_whole_number(text: str, value: int) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [("12.5", Fault.NOT_WHOLE), ("-3", Fault.NEGATIVE), ("(5)", Fault.NEGATIVE), ("+5", Fault.UNREADABLE), ("1e3", Fault.UNREADABLE),
     ("abc", Fault.UNREADABLE), ("-", Fault.UNREADABLE), ("2026-10-14", Fault.UNREADABLE), ("1,23", Fault.UNREADABLE),
     ("1 234", Fault.UNREADABLE),
     ("1.000", Fault.AMBIGUOUS), ("12.500", Fault.AMBIGUOUS), ("1.000.000", Fault.AMBIGUOUS), ("1000000001", Fault.TOO_LARGE),
     ("", Fault.BLANK),
     ("1,2345", Fault.UNREADABLE), ("12.", Fault.UNREADABLE), (".0", Fault.UNREADABLE), ("٣", Fault.UNREADABLE),
     ("1_000", Fault.UNREADABLE),
     ("0x10", Fault.UNREADABLE), ("TRUE", Fault.UNREADABLE), ("$5", Fault.UNREADABLE), ("5%", Fault.UNREADABLE),
     ("0,123", Fault.UNREADABLE),
     ("9" * 5000, Fault.UNREADABLE)],
)  # fmt: skip
def test_it_says_why_a_quantity_is_none(text: str, fault: Fault) -> None:
    assert parse_quantity(text) == fault


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [("1.000", ".", 1), ("1.234", ".", Fault.NOT_WHOLE), ("1,234", ".", 1234), ("1.000", ",", 1000), ("12,0", ",", 12),
     ("1,234", ",", Fault.NOT_WHOLE), ("1.234,00", ",", 1234), ("12.5", ",", Fault.UNREADABLE)],
)  # fmt: skip
def test_a_stated_decimal_sign_decides(text: str, decimal: str, value: int | Fault) -> None:
    assert parse_quantity(text, decimal) == value  # type: ignore[arg-type]


def oracle(text: str) -> int | None:
    """The rule again, as plainly as it can be said: None is anything that is not read."""
    text = text.strip()
    whole, point, decimals = text.partition(".")
    groups = whole.split(",")
    digits = set("0123456789")
    if not text or not all(group and set(group) <= digits for group in groups) or (point and not decimals) or set(decimals) - {"0"}:
        return None
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or groups[0][0] == "0" or any(len(group) != 3 for group in groups[1:])):
        return None
    if len(groups) == 1 and len(decimals) == 3 and len(whole) <= 3 and whole[0] != "0":
        return None
    value = int("".join(groups))
    return value if value <= 10**9 else None


@given(st.one_of(st.text("0123456789.,", max_size=12), st.text("01., -+()e", max_size=8), st.integers(0, 10**10).map(lambda n: f"{n:,}")))
@settings(max_examples=600, deadline=None)
def test_quantities_are_what_a_plain_reading_says(text: str) -> None:
    value = parse_quantity(text)
    assert (None if isinstance(value, Fault) else value) == oracle(text)


@given(
    st.lists(st.sampled_from(["1", "12", " 7", "", "1.000", "x", "99999999999", "1,234", "000000000012"]), max_size=20),
    st.sampled_from(["", ".", ","]),
)
def test_a_column_is_its_cells(texts: list[str], decimal: str) -> None:
    column = quantities(pa.array(texts, pa.string()).dictionary_encode(), decimal)  # type: ignore[arg-type]
    each = [parse_quantity(text, decimal) for text in texts]  # type: ignore[arg-type]
    assert column.values.tolist() == [0 if isinstance(value, Fault) else value for value in each]
    assert column.faults.tolist() == [value.value if isinstance(value, Fault) else 0 for value in each]


@pytest.mark.parametrize(
    ("text", "micros"),
    [("6.50", 6_500_000), ("$6.50", 6_500_000), ("1,234.56", 1_234_560_000), ("€ 6,50", 6_500_000), ("6,50 €", 6_500_000),
     ("USD 6.50", 6_500_000),
     ("6", 6_000_000), ("0.000001", 1), ("0.125", 125_000), ("1.234,56", 1_234_560_000), ("US$19.99", 19_990_000),
     ("1,234,567.8", Fault.TOO_LARGE),
     ("0.0000001", Fault.UNREADABLE), ("1000000", Fault.TOO_LARGE), ("999999.999999", 999_999_999_999), ("-1", Fault.NEGATIVE),
     ("($5)", Fault.UNREADABLE),
     ("free", Fault.UNREADABLE), ("1.000", Fault.AMBIGUOUS), ("1,000", Fault.AMBIGUOUS), ("$", Fault.UNREADABLE), ("", Fault.BLANK),
     ("6.5.5", Fault.UNREADABLE)],
)  # fmt: skip
def test_it_reads_a_price_exactly(text: str, micros: int | Fault) -> None:
    assert parse_price(text) == micros


@given(st.decimals(0, 999_999, places=6, allow_nan=False))
def test_no_price_loses_a_millionth(price: Decimal) -> None:
    assert parse_price(f"{price:f}", ".") == int(price * 1_000_000)


@pytest.mark.parametrize(
    ("texts", "sign"), [(["6.50", "1.000"], "."), (["6,50", "1.000"], ","), (["1.000", "12"], ""), (["6.50", "6,50", "1.000"], "")]
)
def test_a_column_shows_its_decimal_sign(texts: list[str], sign: str) -> None:
    assert evident_sign(texts) == sign
    column = prices(pa.array(texts, pa.string()).dictionary_encode())
    wanted = {".": 1_000_000, ",": 1_000_000_000}
    place = texts.index("1.000")
    assert column.values[place] == wanted.get(sign, 0)
    assert (column.faults[place] == Fault.AMBIGUOUS.value) == (not sign)


def test_a_workbooks_own_number_is_never_ambiguous() -> None:
    cells = pa.array(["1.234", "1.234", "12.5"], pa.string()).dictionary_encode()
    column = quantities(cells, ",", np.asarray([True, False, True]))
    assert [Fault(code) for code in column.faults] == [Fault.NOT_WHOLE, Fault.OK, Fault.NOT_WHOLE]
    assert prices(cells, "", np.asarray([True, False, True])).values.tolist() == [1_234_000, 0, 12_500_000]
