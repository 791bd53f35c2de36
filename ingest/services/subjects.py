"""What parts of pulls are called, whoever is asked: Huntress' subjects, and the one of a customer's tenant at Microsoft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ingest.huntress.subjects import SUBJECTS

TENANT: Final = "tenant"


@dataclass(frozen=True, slots=True)
class Named:
    """``kind`` is the kind of document that it becomes, "" for none of an account; ``whence`` is who answers."""

    label: str
    kind: str
    whence: str = "Huntress"


NAMED: Final = {one.name: Named(one.label, one.kind) for one in SUBJECTS.values()} | {
    TENANT: Named("Users and licences", "directory", "Microsoft")
}
