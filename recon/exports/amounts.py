"""What lines come to, exactly. Prices are whole micros (millionths), amounts whole cents; ``accounts.money`` rounds between them."""

from __future__ import annotations

from accounts.money import MICROS_PER_CENT, Whole, round_to_cents


def line_amount(quantity: Whole, unit_price: Whole) -> Whole:
    """What a line comes to, in cents: quantity × price, rounded once, for the line. Neither may be negative.

    The price is taken apart because a billion units at 999,999.99 do not fit into 64 bits of micros.

    >>> line_amount(3, 1_115_000)
    335
    """
    whole_cents, rest = unit_price // MICROS_PER_CENT, unit_price % MICROS_PER_CENT
    return quantity * whole_cents + round_to_cents(quantity * rest)


def cents_text(cents: int) -> str:
    """
    >>> cents_text(-5), cents_text(123_450)
    ('-0.05', '1234.50')
    """
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def price_text(micros: int) -> str:
    """A unit price with all its decimals, two at least and six at most.

    >>> price_text(6_500_000), price_text(1_234_500)
    ('6.50', '1.2345')
    """
    whole, fraction = divmod(abs(micros), 1_000_000)
    decimals = f"{fraction:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"
