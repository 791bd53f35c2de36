"""What keeps a month from being whole: what is missing, what follows from it, and where to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from accounts.models import Account
from accounts.templatetags.recon_ui import plural
from recon.words import LEG_WORDS

_WITHOUT: Final = {
    "billed": "Nothing can be compared, and nothing rebilled.",
    "expected": "Whether the bill is right cannot be checked.",
    "rebilled": "Whether customers are charged for it cannot be checked.",
}
#: Of the blockers (``recon.services.review``) those that leave rows out: tone, what is counted, what follows, the page that mends it.
HINDERING: Final = {
    "waiting": ("todo", "name", " to match", "Their rows count nowhere until you say whose they are.", "recon:matches", "Match"),
    "products": (
        "todo", "product name", " to decide", "Their rows count nowhere; on the bill they leave the Organization unchecked.",
        "recon:products", "Decide",
    ),
    "rejected": ("rejected", "rejected row", "", "What they concern is unchecked, and is never rebilled.", "ingest:files", "See files"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that keeps the month from being whole: what, what follows from it, and where to mend it."""

    tone: str
    what: str
    more: str
    url: str
    action: str

    @property
    def symbol(self) -> str:
        return "escalate" if self.tone == "rejected" else self.tone


def missing_of(account: Account, absent: Sequence[str], counts: Mapping[str, int], uncovered: Sequence[str]) -> list[Missing]:
    """``absent`` are legs without a file, ``counts`` those of HINDERING, ``uncovered`` products that the expected list leaves out."""
    files = reverse("ingest:files", args=[account.slug])
    found = [Missing("missing", f"No {LEG_WORDS[leg]}", _WITHOUT[leg], files, "Add files") for leg in absent]
    for code, (tone, noun, rest, more, page, action) in HINDERING.items():
        if count := counts[code]:
            found.append(Missing(tone, plural(count, noun) + rest, more, reverse(page, args=[account.slug]), action))
    if uncovered:
        what = f"No expected quantity of {', '.join(uncovered)}"
        more = "The expected list has none, so billed against expected is unchecked there."
        found.append(Missing("blind", what, more, files, "Add files"))
    return found
