"""How a unit's cost looks on a page."""

from __future__ import annotations

from django import template

from recon.contract_words import exact as exactly

register = template.Library()


@register.filter
def exact(micros: int | None, currency: str = "") -> str:
    """A price with all the decimals it has: ``2.905``."""
    return exactly(micros, currency)
