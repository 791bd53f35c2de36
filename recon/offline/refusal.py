from __future__ import annotations


class Refusal(Exception):
    """The run is refused. ``reasons`` say file, line and what is wrong, one a line."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


def place(path: str, line: int | None) -> str:
    """
    >>> place("billed.csv", 17)
    'billed.csv, line 17'
    """
    return path if line is None else f"{path}, line {line}"
