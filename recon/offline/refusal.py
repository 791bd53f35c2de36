from __future__ import annotations


class Refusal(Exception):
    """The run is refused. ``reasons`` say file, line and what is wrong, one a line."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = [on_one_line(reason) for reason in reasons]
        super().__init__("\n".join(self.reasons))


def place(path: str, line: int | None) -> str:
    """
    >>> place("billed.csv", 17)
    'billed.csv, line 17'
    """
    return path if line is None else f"{path}, line {line}"


def on_one_line(text: str) -> str:
    """A text that came from a file, for a terminal: line breaks and control characters are spaces.

    >>> on_one_line("Contoso\\r\\nDental")
    'Contoso Dental'
    """
    return text if text.isprintable() else " ".join("".join(c if c.isprintable() else " " for c in text).split())
