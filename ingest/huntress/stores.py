"""Where the window of an account is kept for all workers: in Redis (services mode), or in the database (embedded)."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final, TypeVar

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest.huntress.limiter import Rules, SharedLimiter, State, StoreUnavailable
from ingest.models import CallWindow

T = TypeVar("T")
_PREFIX: Final = "recon:huntress:window:"
#: A window that nobody touches for so long says nothing any more.
_KEPT: Final = timedelta(hours=1)


def limiter(account: str, rules: Rules = Rules()) -> SharedLimiter:  # noqa: B008 (frozen)
    """The limiter of whoever shares a window, named by a text: one for each account at Huntress, whatever its keys."""
    return SharedLimiter(RedisStore(settings.REDIS_URL, account) if settings.SERVICES else DatabaseStore(account), rules)


class RedisStore:
    """One key for each window, changed under WATCH: who was overtaken does it again. The clock is the server's, for all machines.

    A Redis that was restarted has forgotten the window. What this process last saw of it is then put back, and what is still missing is
    learnt from the next answer's own count.
    """

    def __init__(self, address: str, account: str) -> None:
        self._key = f"{_PREFIX}{account}"
        once_more = Retry(NoBackoff(), 1)  # for a stale connection; waiting longer is the limiter's, which can be stopped
        self._redis = redis.Redis.from_url(address, socket_timeout=5, socket_connect_timeout=5, retry=once_more)
        self._last_seen: State | None = None

    def change(self, act: Callable[[State, float], T]) -> T:
        result: list[T] = []

        def attempt(pipe: Any) -> None:
            text, (seconds, micros) = pipe.get(self._key), pipe.time()
            state = State.load(text) if text else deepcopy(self._last_seen) or State()
            result[:] = [act(state, seconds + micros / 1e6)]
            pipe.multi()
            pipe.set(self._key, state.dump(), ex=int(_KEPT.total_seconds()))
            self._last_seen = state

        try:
            self._redis.transaction(attempt, self._key)
        except redis.RedisError as error:
            raise StoreUnavailable(str(error)) from error
        return result[0]


class DatabaseStore:
    """One row for each window, changed in a transaction of its own that lasts as long as the arithmetic."""

    def __init__(self, account: str) -> None:
        self._account = account

    def change(self, act: Callable[[State, float], T]) -> T:
        try:
            with transaction.atomic(durable=True):
                text = self._locked()
                state = State.load(text) if text else State()
                result = act(state, time.time())
                CallWindow.objects.filter(account=self._account).update(state=state.dump(), changed_at=timezone.now())
        except DatabaseError as error:
            raise StoreUnavailable(str(error)) from error
        return result

    def _locked(self) -> str:
        """The state as it is kept, for this transaction alone; the row is made where there is none yet."""
        rows = CallWindow.objects.select_for_update().filter(account=self._account).values_list("state", flat=True)
        text = rows.first()
        if text is None:
            CallWindow.objects.bulk_create([CallWindow(account=self._account)], ignore_conflicts=True)
            text = rows.get()
        return text
