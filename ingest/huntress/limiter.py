"""A sliding window of calls, shared by all who call for one account: at most so many in any minute, first come, first served.

Huntress allows 60 calls a minute for a whole account, whoever makes them, in a sliding window. We use a part of it and leave the rest to
the account's other integrations. What is known of the window is one small *State*; a *Store* keeps it where all workers see it, and
changes it as one. Nobody holds anything while waiting: a worker that dies leaves at most its place in the queue, which lapses by itself.

A call counts from when it ended, not from when it began: Huntress saw it before that, so a slot never comes free here before it does there.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Final, Protocol, TypeVar

from ingest.http.patience import pause
from ingest.huntress.errors import LimiterLost

T = TypeVar("T")
#: Between two askings nobody waits longer than this part of the window, and a place in the queue lapses not long after.
_ASK_AGAIN: Final = 1 / 12
_GRACE: Final = 1 / 30
_LEAST_GRACE: Final = 0.25
_LEAST_WAIT: Final = 0.001
_SLICE: Final = 0.25
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Rules:
    """So many calls in so many seconds, of which a part, in percent, is left to others."""

    limit: int = 60
    seconds: float = 60.0
    for_others: int = 15

    def ours(self, limit: int) -> int:
        """Our part of a limit, at least one call.

        >>> Rules().ours(60), Rules(for_others=99).ours(10)
        (51, 1)
        """
        return max(1, limit - math.ceil(limit * self.for_others / 100))


@dataclass(slots=True)
class State:
    """What is known of a window. Times are the store's own clock, in seconds.

    ``taken`` are our calls by ticket; ``queue`` who waits, each until when; ``closed_until`` because of a 429; ``limit`` as the answers say
    it, 0 before one did; ``elsewhere`` the calls that others made, believed until ``elsewhere_until``.
    """

    taken: dict[str, float] = field(default_factory=dict)
    queue: list[tuple[str, float]] = field(default_factory=list)
    closed_until: float = 0.0
    limit: int = 0
    elsewhere: int = 0
    elsewhere_until: float = 0.0

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> State:
        fields = json.loads(text)
        return cls(**fields | {"queue": [(str(ticket), float(until)) for ticket, until in fields["queue"]]})


def ask(state: State, now: float, ticket: str, rules: Rules) -> float:
    """Take a slot, and answer 0; or stand in the queue, and answer after how many seconds to ask again."""
    _forget(state, now, rules)
    if ticket in state.taken:  # taken before, by an asking whose answer was lost
        return 0.0
    waiting = [one for one, _ in state.queue]
    place = waiting.index(ticket) if ticket in waiting else len(waiting)
    wait = max(state.closed_until - now, _until_free(state, now, place, rules))
    if wait <= 0:
        state.queue = [one for one in state.queue if one[0] != ticket]
        state.taken[ticket] = now
        return 0.0
    wait = max(_LEAST_WAIT, min(wait, rules.seconds * _ASK_AGAIN))
    mine = (ticket, now + wait + max(_LEAST_GRACE, rules.seconds * _GRACE))
    state.queue[place : place + 1] = [mine]
    return wait


def _until_free(state: State, now: float, place: int, rules: Rules) -> float:
    """Seconds until the window has a slot for who stands at this place of the queue."""
    limit = state.limit or rules.limit
    capacity = max(0, min(rules.ours(limit), limit - state.elsewhere))
    missing = len(state.taken) + place + 1 - capacity
    if missing <= 0:
        return 0.0
    ended = sorted(state.taken.values())
    return ended[missing - 1] + rules.seconds - now if missing <= len(ended) else rules.seconds


def settle(state: State, now: float, ticket: str, rules: Rules, *, limit: int | None, remaining: int | None) -> None:
    """The call has ended: it counts from now. What the answer says of the window is believed for as long as the window is."""
    state.taken[ticket] = now
    _forget(state, now, rules)
    if limit is not None and limit > 0:
        state.limit = limit
    if remaining is not None:
        used = max(0, (state.limit or rules.limit) - remaining)
        state.elsewhere, state.elsewhere_until = max(0, used - len(state.taken)), now + rules.seconds


def close(state: State, now: float, seconds: float) -> None:
    """Nobody calls before so many seconds have passed."""
    state.closed_until = max(state.closed_until, now + seconds)


def leave(state: State, ticket: str) -> None:
    """Give up a place in the queue."""
    state.queue = [one for one in state.queue if one[0] != ticket]


def _forget(state: State, now: float, rules: Rules) -> None:
    """Drop what has passed; and what lies too far ahead, which only a clock that was set back can have written."""
    state.taken = {one: at for one, at in state.taken.items() if now - rules.seconds < at <= now + rules.seconds}
    state.queue = [one for one in state.queue if now < one[1] <= now + rules.seconds + _LEAST_GRACE]
    if state.elsewhere_until <= now:
        state.elsewhere = 0


class StoreUnavailable(Exception):
    """The store does not answer just now."""


class Store(Protocol):
    """Where a state is kept."""

    def change(self, act: Callable[[State, float], T]) -> T:
        """Let a function change the state, given the time, as if nobody else did. Raises StoreUnavailable."""


class OwnStore:
    """A store for the threads of one process."""

    def __init__(self) -> None:
        self._lock, self._state = Lock(), State()

    def change(self, act: Callable[[State, float], T]) -> T:
        with self._lock:
            return act(self._state, time.monotonic())


class Limiter(Protocol):
    """What the client asks before and tells after each call."""

    def enter(self, while_waiting: Callable[[], None]) -> str:
        """Wait for a slot; returns its ticket. ``while_waiting`` is called meanwhile, and may raise. Raises LimiterLost."""

    def settle(self, ticket: str, *, limit: int | None = None, remaining: int | None = None) -> None:
        """The call has ended, and its answer said this of the window."""

    def close(self, seconds: float) -> None:
        """Let nobody in for a while."""


class Unlimited:
    """No limit at all."""

    def enter(self, while_waiting: Callable[[], None]) -> str:
        while_waiting()
        return ""

    def settle(self, ticket: str, *, limit: int | None = None, remaining: int | None = None) -> None:
        pass

    def close(self, seconds: float) -> None:
        pass


class SharedLimiter:
    """The limiter over a store. Safe to use from many threads and processes."""

    def __init__(self, store: Store, rules: Rules = Rules(), patience: float = _PATIENCE) -> None:
        self.store, self.rules, self.patience = store, rules, patience

    def enter(self, while_waiting: Callable[[], None]) -> str:
        ticket = secrets.token_hex(6)
        lost_since: float | None = None
        try:
            while True:
                while_waiting()
                try:
                    wait = self.store.change(lambda state, now: ask(state, now, ticket, self.rules))
                    lost_since = None
                except StoreUnavailable as error:
                    lost_since = time.monotonic() if lost_since is None else lost_since
                    if time.monotonic() - lost_since >= self.patience:
                        message = "The count of calls that is kept for all workers cannot be reached, so Huntress is not asked."
                        raise LimiterLost(f"{message} Is Redis running?") from error
                    wait = _SLICE
                if wait <= 0:
                    return ticket
                pause(wait, while_waiting)
        except BaseException:
            self._quietly(lambda state, now: leave(state, ticket))
            raise

    def settle(self, ticket: str, *, limit: int | None = None, remaining: int | None = None) -> None:
        self._quietly(lambda state, now: settle(state, now, ticket, self.rules, limit=limit, remaining=remaining))

    def close(self, seconds: float) -> None:
        self._quietly(lambda state, now: close(state, now, seconds))

    def _quietly(self, act: Callable[[State, float], None]) -> None:
        """What is only told is not worth failing for: the next asking waits for the store anyway."""
        try:
            self.store.change(act)
        except StoreUnavailable:
            return
