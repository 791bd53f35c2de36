"""The issues of one document, gathered up to a limit, past which they are counted and not kept."""

from collections.abc import Callable
from typing import Final, NamedTuple

from ingest.sources.grid import Ints
from ingest.sources.reading import Issue, Level

_WORST: Final[tuple[Level, ...]] = ("error", "warning", "info")


class Said(NamedTuple):
    """What is said of one row: the sentence, the column's header as written, and the cell."""

    message: str
    column: str = ""
    value: str = ""


class Remarks:
    """Collects issues. ``limit`` is how many rows are named one by one."""

    def __init__(self, limit: int) -> None:
        self._issues: list[Issue] = []
        self._limit = limit
        self._uncounted: dict[Level, int] = {}

    def add(self, *issues: Issue) -> None:
        self._issues.extend(issues)

    def say(self, level: Level, code: str, lines: Ints, rows: Ints, sentence: Callable[[int], Said]) -> None:
        """One issue for each of ``rows``, which are indices into ``lines``."""
        room = max(self._limit - len(self._issues), 0)
        for row in rows[:room].tolist():
            said = sentence(row)
            self._issues.append(Issue(int(lines[row]), level, code, said.message, said.column.strip(), said.value[:200]))
        if len(rows) > room:
            self._uncounted[level] = self._uncounted.get(level, 0) + len(rows) - room

    def codes(self) -> dict[int, str]:
        """By line, the code of its first error, or else of its first warning."""
        found: dict[int, str] = {}
        for level in reversed(_WORST):
            found |= {issue.line: issue.code for issue in reversed(self._issues) if issue.line and issue.level == level}
        return found

    def all(self) -> list[Issue]:
        """By line, those of the whole document first."""
        issues = sorted(self._issues, key=lambda issue: issue.line or 0)
        for level in _WORST:
            if more := self._uncounted.get(level):
                issues.append(Issue(None, level, "more", f"{more:,} more rows have something wrong that is not listed here."))
        return issues
