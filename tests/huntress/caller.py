"""A process that makes calls through the shared limiter and says when each began: ``python -m tests.huntress.caller redis ADDRESS …``."""

from __future__ import annotations

import os
import sys
import time
from typing import Any


def main(kind: str, address: str, limit: str, seconds: str, calls: str) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from ingest.huntress.limiter import Rules, SharedLimiter
    from ingest.huntress.stores import DatabaseStore, RedisStore

    store: Any = RedisStore(address, "quillmere") if kind == "redis" else DatabaseStore("quillmere")
    limiter = SharedLimiter(store, Rules(limit=int(limit), seconds=float(seconds), for_others=0))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(calls)):
        ticket = limiter.enter(lambda: None)
        print(time.monotonic(), flush=True)
        limiter.settle(ticket)


if __name__ == "__main__":
    main(*sys.argv[1:])
