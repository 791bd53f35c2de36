"""An invoice's status in words, and what it means for the tie-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Status:
    """``tone`` and ``icon`` as pages show it. ``stands_out``: somebody has to look."""

    code: str
    label: str
    meaning: str
    tone: str = "match"
    icon: str = "match"
    is_charged: bool = True
    stands_out: bool = False


#: Huntress's words (``domain/huntress.md`` §3).
_KNOWN: Final = {
    one.code: one
    for one in (
        Status("draft", "Draft", "Not issued yet: it charges nothing and does not count.", "blind", "pen", is_charged=False),
        Status("open", "Open", "Issued and not paid yet: it is held against the report.", "running", "running"),
        Status("processing", "Processing", "The payment is under way: it is held against the report.", "running", "running"),
        Status("paid", "Paid", "Paid: it is held against the report."),
        Status(
            "failed", "Payment failed", "The payment failed. What is charged stands; the payment is to be settled with Huntress.",
            "escalate", "escalate", stands_out=True,
        ),
        Status(
            "partial_refund", "Partly refunded", "A part was paid back. Whether the amount is that before it or after it is not known: "
            "name the refund if the report differs by it.", "investigate", "undo", stands_out=True,
        ),
        Status(
            "full_refund", "Refunded", "All of it was paid back. Whether the amount is that before it or after it is not known: "
            "name the refund if the report differs by it.", "investigate", "undo", stands_out=True,
        ),
        Status(
            "voided", "Voided", "Taken back: it charges nothing and does not count.", "escalate", "blocked",
            is_charged=False, stands_out=True,
        ),
    )
}  # fmt: skip
_OTHER_WORDS: Final = {"void": "voided", "partially refunded": "partial_refund", "refunded": "full_refund"}


def status_of(said: str) -> Status:
    """Of the word that a file or Huntress has. One that is not known is taken as charged, and shown as it came.

    >>> status_of("Voided").is_charged, status_of("settled").meaning
    (False, 'A status that is not known here: it is held against the report.')
    """
    word = said.strip().casefold()
    code = _OTHER_WORDS.get(word, word.replace(" ", "_"))
    if code in _KNOWN:
        return _KNOWN[code]
    if not word:
        return Status("", "", "")
    return Status(code, said, "A status that is not known here: it is held against the report.", "unchecked", "unchecked")
