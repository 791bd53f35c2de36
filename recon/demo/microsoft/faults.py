"""What goes wrong when it is told to: each fault at one kind of call, for so many calls, after so many good ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

Kind = Literal[
    "status", "refuse", "html", "malformed", "shape", "huge", "cut", "drip", "silence", "redirect", "empty_page", "foreign_link",
    "repeated_link", "repeated_page", "revoke", "act",
]  # fmt: skip


@dataclass
class Fault:
    """``at`` is the last part of a path, such as "users", "token" or "userPurpose" (within a batch), or "" for every call; ``tenant`` is
    the one that it strikes, or "" for all. ``times`` 0 is for ever, after ``after`` good calls.

    ``status``, ``code`` and ``retry_after`` are what a "status" fault answers; ``aadsts`` the code of a "refuse" at the sign-in; ``to`` is
    where a redirect or a foreign link leads; ``act`` is called before the answer is made, which may change what there is.
    """

    kind: Kind
    at: str = ""
    times: int = 1
    after: int = 0
    tenant: str = ""
    status: int = 500
    code: str = "generalException"
    retry_after: str = ""
    aadsts: int = 65001
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

    def next_for(self, path: str, tenant: str) -> Fault | None:
        """The fault that strikes this call, if one does; each that fits is counted on."""
        if not self.faults:
            return None
        last = path.rstrip("/").rpartition("/")[2]
        with self._lock:
            for fault in self.faults:
                if fault.at not in ("", last) or fault.tenant not in ("", tenant):
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
