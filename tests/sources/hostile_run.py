"""``python -m tests.sources.hostile_run``: every hostile file is read in this process, under a limit of memory, one after another.

Prints a line of JSON for each: what came of it, how long it took, and how far the process' memory has grown by then.
"""

import json
import resource
import time
from typing import Any

from ingest.sources import Limits, Unreadable, read, recognise
from tests.sources import hostile

MEMORY_MB = 1024


def outcome(data: bytes, kind: str) -> dict[str, Any]:
    """As a worker does: what it is, and then its rows."""
    try:
        recognise(data, name="list.csv")
        result = read(data, name="list.csv", kind=kind, limits=Limits(max_memory=(MEMORY_MB - 256) << 20))
    except Unreadable as error:
        return {"code": error.issues[0].code, "message": error.issues[0].message}
    return {"code": "", "counts": result.counts.to_json(), "issues": [issue.code for issue in result.issues]}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
    made = {name: make for name, (make, *_) in hostile.REFUSED.items()} | {name: make for name, (make, _) in hostile.READ.items()}
    for name, make in made.items():
        data = make()
        for kind in ("billed", "agents", "prices"):
            started = time.monotonic()
            said = outcome(data, kind)
            said |= {"name": name, "kind": kind, "seconds": time.monotonic() - started}
            said |= {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
