"""What goes wrong when it is told to: each fault at one kind of call, for so many calls, after so many good ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

Kind = Literal[
    "status", "cut", "drip", "drip_headers", "silence", "malformed", "html", "shape", "repeated_token", "repeated_page", "redirect", "huge",
    "revoke", "act",
]  # fmt: skip


@dataclass
class Fault:
    """``at`` is the last part of a path, such as "agents", or "" for every call; ``times`` 0 is for ever, after ``after`` good calls.

    ``status`` and ``retry_after`` (seconds as text, or a date) are what a "status" fault answers; ``body`` its style of error; ``to``
    is where a redirect leads; ``act`` is called before the answer is made, which may change what there is.
    """

    kind: Kind
    at: str = ""
    times: int = 1
    after: int = 0
    status: int = 500
    retry_after: str = ""
    body: Literal["message", "error", "errors"] = "message"
    to: str = ""
    seconds: float = 0.05
    act: Callable[[], None] | None = None


@dataclass
class Script:
    """The faults still to come."""

    faults: list[Fault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self.faults.append(fault)

    def next_for(self, path: str) -> Fault | None:
        """The fault that strikes this call, if one does; each that fits is counted on."""
        last = path.rstrip("/").rpartition("/")[2]
        with self._lock:
            for fault in self.faults:
                if fault.at not in ("", last):
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                if fault.times == 1:
                    self.faults.remove(fault)
                elif fault.times:
                    fault.times -= 1
                return fault
        return None
