"""The partners of 5,000 names among 5,000 others, against bare WRatio over all pairs; memory at 50,000 × 50,000; and how often it is right.

Run: ``python -m tests.benchmarks.bench_likeness``. To reach: under 5 s on two cores, and memory that does not grow with the pairs
(50,000 × 50,000 scores of a byte each would be 2.3 GiB); of true pairs the partner first in at least 95%, and of what is marked very
likely at most 1 in 200 wrong, on half b of the labelled set.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from accounts.likeness import partners
from tests.likeness.making import strangers
from tests.likeness.measure import measure

ROWS, MANY, ROUNDS = 5_000, 50_000, 3


def ours(gone: list[str], come: list[str]) -> None:
    partners(gone, come)


def bare(gone: list[str], come: list[str]) -> None:
    process.cdist(gone, come, scorer=fuzz.WRatio, dtype=np.uint8, workers=2)


def names(gone: list[str], come: list[str]) -> None:
    """The names alone: what the process weighs before anything is compared."""


HOW: dict[str, Callable[[list[str], list[str]], None]] = {"ours": ours, "bare": bare, "names": names}


def child(how: str, rows: int) -> None:
    gone, come = strangers(rows, but=(), seed=1), strangers(rows, but=(), seed=2)
    started, worked = time.perf_counter(), time.process_time()
    HOW[how](gone, come)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    peak = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    print(json.dumps([seconds, processor, peak]))


def run(how: str, rows: int) -> list[float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_likeness", how, str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: list[float] = json.loads(done.stdout)
    return figures


def main() -> None:
    rounds = [(run("ours", ROWS), run("bare", ROWS)) for _ in range(ROUNDS)]
    mine, theirs = ([statistics.median(column) for column in zip(*figures, strict=True)] for figures in zip(*rounds, strict=True))
    for name, (seconds, processor, peak) in (("partners", mine), ("WRatio", theirs)):
        print(f"{ROWS:,} × {ROWS:,} {name:9} {seconds:6.2f} s {processor:6.2f} s of processor {peak:6.0f} MiB")
    print(f"{ROWS:,} × {ROWS:,} ratio {mine[0] / theirs[0]:.2f}, of processor {mine[1] / theirs[1]:.2f} (at most 5 s)")
    (seconds, _, peak), (_, _, before) = run("ours", MANY), run("names", MANY)
    print(f"{MANY:,} × {MANY:,} {seconds:.0f} s, {peak:.0f} MiB at most, {before:.0f} MiB of it the names themselves")
    for half in "ab":
        print(f"labelled half {half}", *measure(half).lines(), sep="\n  ")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(sys.argv[1], int(sys.argv[2]))
    else:
        main()
