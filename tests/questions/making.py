"""Months as detection takes them, made of a few words: who is in this bill, who was in the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from recon.engine.suspicion import PARTIES, UNITS, Months, Suspicion
from recon.engine.suspicions import detect

CYCLE = "2026-10-14"


@dataclass(frozen=True)
class Who:
    """One customer: its EDR units now and before (None: that bill does not name it), and what identifies it."""

    name: str
    now: int | None = None
    before: int | None = None
    key: str = ""
    id: str = ""
    was: str = ""
    named: bool = False
    seen: bool = False
    unsure: bool = False
    more: Mapping[tuple[str, str], int] | None = None


def months(*people: Who, **said: Any) -> Months:
    """Their numbers are their places, from 1."""
    rows, units = [], []
    for pk, one in enumerate(people, start=1):
        billed, previous = one.now is not None, one.before is not None
        is_new = not (previous or one.seen)
        rows.append(
            (
                pk,
                one.name,
                one.id,
                one.key,
                billed,
                previous,
                is_new,
                one.named,
                one.unsure,
                one.name if billed else "",
                one.was or one.name,
            )
        )
        units += [(pk, leg, "edr", count) for leg, count in (("billed", one.now), ("previous", one.before)) if count is not None]
        units += [(pk, leg, product, count) for (leg, product), count in (one.more or {}).items()]
    frame = pd.DataFrame(rows, columns=list(PARTIES))
    texts = dict.fromkeys(("name", "huntress_id", "key", "name_now", "name_before"), "str")
    return Months(frame.astype(texts), pd.DataFrame(units, columns=list(UNITS)), CYCLE, **said)


def found(*people: Who, **said: Any) -> dict[str, Suspicion]:
    """What is suspected, by the subject's name."""
    return {people[one.subject - 1].name: one for one in detect(months(*people, **said))}


def told(*people: Who, **said: Any) -> dict[str, tuple[str, str]]:
    """Kind and the other one's name, by the subject's name."""
    return {name: (one.kind, people[one.candidate - 1].name if one.candidate else "") for name, one in found(*people, **said).items()}
