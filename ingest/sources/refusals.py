"""Saying no to a whole document, in one sentence that a person understands and can act on."""

from ingest.sources.reading import Issue, Unreadable


def refusal(code: str, message: str, *, line: int | None = None, column: str = "", value: str = "") -> Unreadable:
    """An ``Unreadable`` of one error, ready to raise."""
    return Unreadable(Issue(line, "error", code, message, column, value[:200]))
