"""honcho's Manager, with three rules of ours: the queue stops last, nothing outlives us, and the one that died first is named."""

import os
import signal
from collections.abc import Callable
from functools import partial
from subprocess import DEVNULL
from threading import Thread
from typing import Any, Final

from honcho.compat import ProcessManager
from honcho.manager import Manager
from honcho.process import Popen, Process

from config.process import die_with_parent

LAST: Final = "redis"


def _start_child(command: str, **options: Any) -> Popen:
    """Start a process that stops when we are gone, and that leaves nothing behind in its group."""
    child = Popen(command, stdin=DEVNULL, preexec_fn=partial(die_with_parent, signal.SIGTERM), **options)
    Thread(target=_clear_group, args=(child,), daemon=True).start()
    return child


def _clear_group(child: Popen) -> None:
    """Without this, a child of the child that holds its output open would hide that it died."""
    child.wait()
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


class _Child(Process):
    """One process of ours. honcho forks a process that relays its lines; that one dies with us, and the child with that one."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        die_with_parent(signal.SIGKILL)
        self._child_ctor = _start_child
        super().run(events, ignore_signals)


class _Leaders(ProcessManager):
    """A polite stop goes to the process we started, which knows how to stop its own; a hard one to the whole group."""

    def terminate(self, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return


class Supervisor(Manager):
    """Runs processes until one ends or we are told to stop. ``when_started`` runs in a thread of its own after the start."""

    def __init__(self, when_started: Callable[[], None]) -> None:
        super().__init__()
        self._terminating: bool = False
        self._process_ctor, self._procmgr = _Child, _Leaders()
        self._when_started = when_started
        self.ended_first: str | None = None

    def _start(self) -> None:
        super()._start()
        Thread(target=self._when_started, daemon=True).start()

    def terminate(self) -> None:
        if self._terminating:
            return
        self._terminating = True
        ended = [name for name, one in self._processes.items() if one.get("returncode") is not None]
        self.ended_first = ended[0] if ended else None
        for name, one in self._processes.items():
            if name != LAST and "returncode" not in one and one.get("pid"):
                self._procmgr.terminate(one["pid"])

    def _all_stopped(self) -> bool:
        others = all(one.get("returncode") is not None for name, one in self._processes.items() if name != LAST)
        last = self._processes.get(LAST, {})
        if self._terminating and others and last.get("pid") and not last.get("told"):
            last["told"] = True
            self._procmgr.terminate(last["pid"])
        return bool(super()._all_stopped())

    def run(self) -> int:
        """Returns 0 when we were told to stop, 1 when a process ended by itself."""
        self.loop()
        return 1 if self.ended_first else 0
