"""The invented Huntress' own count of calls: so many in any stretch of so many seconds, for all keys of an account together."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Window:
    limit: int
    seconds: float
    refused: int = 0
    _calls: deque[float] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def take(self) -> tuple[bool, int, float]:
        """Whether the call may be made, how many are left then, and when the oldest is forgotten. A refusal costs nothing."""
        with self._lock:
            now = time.monotonic()
            while self._calls and self._calls[0] <= now - self.seconds:
                self._calls.popleft()
            if len(self._calls) >= self.limit:
                self.refused += 1
                return False, 0, self._calls[0] + self.seconds - now
            self._calls.append(now)
            return True, self.limit - len(self._calls), 0.0
