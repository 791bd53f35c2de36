"""What a product name that nobody decided probably counts as: suggestions with a reason, never applied by themselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

from accounts.products import PRODUCTS, folded

_ALIKE: Final = 82
_MOST_FACTOR: Final = 1_000
#: "10 pack", "5-user", "pack of 25", "x 3": how many units one of it may hold.
_HOLDS: Final = re.compile(
    r"\b(?:(?:pack|bundle|box|set) of|x) ?(\d{1,4})\b|\b(\d{1,4})[ -]?(?:x|er|pack|pk|seats?|users?|agents?|units?|licen[cs]es?)\b", re.I
)
_WORDS: Final = re.compile(r"[^\W_]+")
_ALIASES: Final = {folded(alias): (product.code, alias) for product in PRODUCTS for alias in (product.label, *product.aliases)}


@dataclass(frozen=True, slots=True)
class Hint:
    """``factor`` is 1 where the name does not say how many units it holds."""

    product: str
    factor: int
    reason: str


def hints_for(name: str, decided: Iterable[tuple[str, str, tuple[tuple[str, int], ...]]] = ()) -> list[Hint]:
    """What a name probably counts as, best first: words of it that mean a product, else the most alike name that was decided.

    ``decided`` has names with their spelling and what they hold (product, factor). A bundle that names several products gives a hint
    for each.

    >>> [(hint.product, hint.factor, hint.reason) for hint in hints_for("Workstation Care incl. EDR (5 seats)")]
    [('edr', 5, 'contains “EDR”; one holds 5, it says')]
    """
    factor = _factor(name)
    says = f"; one holds {factor}, it says" if factor > 1 else ""
    named = [Hint(code, factor, f"contains “{words}”{says}") for code, words in _contained(name).items()]
    return named or _like(name, decided) or _slip(name, factor, says)


def _contained(name: str) -> dict[str, str]:
    """The products that words of the name mean, each with those words; the longest alias speaks for a product."""
    words = _WORDS.findall(name)
    found: dict[str, str] = {}
    taken: set[int] = set()
    for length in range(min(4, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            place = set(range(start, start + length))
            meant = _ALIASES.get(folded("".join(words[start : start + length])))
            if meant and not place & taken and meant[0] not in found:
                found[meant[0]] = " ".join(words[start : start + length])
                taken |= place
    return {product.code: found[product.code] for product in PRODUCTS if product.code in found}


def _factor(name: str) -> int:
    said = {int(one or other) for one, other in _HOLDS.findall(name)}
    only = said.pop() if len(said) == 1 else 1
    return only if 1 < only <= _MOST_FACTOR else 1


def _like(name: str, decided: Iterable[tuple[str, str, tuple[tuple[str, int], ...]]]) -> list[Hint]:
    known = {key: (spelling, holds) for key, spelling, holds in decided if holds}
    best = process.extractOne(folded(name), list(known), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    if best is None:
        return []
    spelling, holds = known[best[0]]
    return [Hint(product, factor, f"like “{spelling}”, which was decided") for product, factor in holds]


def _slip(name: str, factor: int, says: str) -> list[Hint]:
    """A product's own name with a slip in it. Short names are no evidence: too many are alike."""
    aliases = [alias for alias in _ALIASES if len(alias) > 4]
    best = process.extractOne(folded(name).removeprefix("huntress"), aliases, scorer=fuzz.ratio, score_cutoff=_ALIKE)
    if best is None:
        return []
    code, alias = _ALIASES[best[0]]
    return [Hint(code, factor, f"nearly “{alias}”{says}")]
