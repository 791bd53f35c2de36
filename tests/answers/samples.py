"""Writes the sample archives of ``tests/sources/samples`` anew, from some customers of the invented Huntress.

Run: ``python -m tests.answers.samples``, and ``python -m tests.sources.test_golden`` after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from recon.demo.huntress.estate import Table
from recon.demo.huntress.story import Story
from tests.answers.making import ENDED, asked

SAMPLES: Final = Path(__file__).parents[1] / "sources" / "samples"
#: A leaver with a licence, a mailbox that was made a shared one, agents that went quiet, and nothing but agents.
_SOME: Final = frozenset({41_001, 41_009, 41_024, 41_108})
_EACH: Final = 6


class Few(Story):
    """Some customers of the story, and of each no more than a few identities."""

    def table(self, name: str, scope: int | None) -> Table | None:
        found = super().table(name, scope)
        if found is None or name not in ("organizations", "agents", "identities"):
            return found
        counts: dict[int, int] = {}

        def keep(record: dict[str, Any]) -> bool:
            owner = record["id"] if name == "organizations" else record.get("organization_id") or record["organization"]["id"]
            counts[owner] = counts.get(owner, 0) + 1
            return owner in _SOME and (counts[owner] <= _EACH or record["id"] % 1_000 >= 900)

        return found.where(keep)


def main() -> None:
    for kind in ("agents", "live", "identities", "invoices"):
        folder = SAMPLES / kind
        folder.mkdir(exist_ok=True)
        (folder / f"{kind} of the invented huntress.zip").write_bytes(asked(Few(now=ENDED), kind, lacks=_LACKS.get(kind, ())))


_LACKS: Final = {"agents": ["Page 2 of the list of agents did not come."]}

if __name__ == "__main__":
    main()
