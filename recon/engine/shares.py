"""One quantity for several customers, by fixed parts: whole units that add up exactly to the whole."""

from __future__ import annotations

from collections.abc import Mapping


def split(whole: int, parts: Mapping[str, int]) -> dict[str, int]:
    """Share out by largest remainder. Where remainders are equal, the first name by code point takes the unit, so no order matters.

    Raises ValueError for a negative whole, and for parts that are not all positive.

    >>> split(10, {"north": 1, "south": 1, "west": 1})
    {'north': 4, 'south': 3, 'west': 3}
    >>> split(0, {"north": 3, "south": 1})
    {'north': 0, 'south': 0}
    """
    if whole < 0 or not parts or min(parts.values()) < 1:
        raise ValueError("A whole from 0 up is shared out by parts from 1 up.")
    of = sum(parts.values())
    found = {name: whole * part // of for name, part in parts.items()}
    by_rest = sorted(parts, key=lambda name: (-(whole * parts[name] % of), name))
    for name in by_rest[: whole - sum(found.values())]:
        found[name] += 1
    return found


def percent(parts: int, of: int) -> str:
    """A part in percent, to a hundredth at most.

    >>> percent(1, 3), percent(2, 2), percent(1, 8)
    ('33.33', '100', '12.5')
    """
    hundredths = (parts * 20_000 + of) // (2 * of)
    return f"{hundredths // 100}.{hundredths % 100:02}".rstrip("0").rstrip(".")
