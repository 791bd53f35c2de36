"""Reading big lists into checked tables, against the bare libraries reading the same bytes, each in a process of its own.

Run: ``python -m tests.benchmarks.bench_reading``. To reach: CSV of 1,000,000 rows × 12 columns at most 3 times pandas with pyarrow
reading it as text, and under 1.5 GiB; XLSX of 100,000 rows × 12 columns at most 2 times python-calamine alone.
"""

from __future__ import annotations

import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter
from python_calamine import CalamineWorkbook

from ingest.sources import read

CSV_ROWS, XLSX_ROWS, ROUNDS = 1_000_000, 100_000, 3
PRODUCTS = ["EDR", "ITDR", "SAT", "SIEM", "ISPM"]


def made(rows: int) -> pd.DataFrame:
    """Long, invented: 12 columns, each Organization with each product once."""
    random = np.random.default_rng(11)
    owner = np.arange(rows) // len(PRODUCTS)
    columns = {
        "Organization": np.char.add("Customer number ", owner.astype(str)),
        "Organization ID": (owner + 100_000).astype(str),
        "Organization Key": np.char.add("key-", owner.astype(str)),
        "Product": np.tile(PRODUCTS, rows // len(PRODUCTS)),
        "Quantity": random.integers(0, 3_000, rows).astype(str),
        "Unit Price": np.char.add(random.integers(1, 20, rows).astype(str), ".50"),
        "Amount": np.char.add(random.integers(0, 90_000, rows).astype(str), ".00"),
        "Currency": np.full(rows, "USD"),
        "Period": np.full(rows, "2026-10-14 to 2026-11-14"),
        "Status": random.choice(["active", "trial"], rows),
        "Invoice": np.full(rows, "INV-2026-11"),
        "Notes": np.char.add("note ", random.integers(0, 10_000, rows).astype(str)),
    }
    return pd.DataFrame(columns)


def write_files(folder: Path) -> None:
    made(CSV_ROWS).to_csv(folder / "long.csv", index=False)
    frame = made(XLSX_ROWS)
    with xlsxwriter.Workbook(folder / "long.xlsx", {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Report")
        for place, row in enumerate([tuple(frame.columns), *frame.itertuples(index=False)]):
            for column, cell in enumerate(row):
                sheet.write(place, column, float(cell) if place and column in (4, 5, 6) else cell)


def read_ours(data: bytes) -> None:
    result = read(data, name="long", kind="billed")
    assert result.counts.rows_in == result.counts.loaded + 1


def read_pandas(data: bytes) -> None:
    pd.read_csv(io.BytesIO(data), engine="pyarrow", dtype=str, keep_default_na=False)


def read_calamine(data: bytes) -> None:
    CalamineWorkbook.from_object(io.BytesIO(data)).get_sheet_by_index(0).to_python()


READERS: dict[str, Callable[[bytes], None]] = {"ours": read_ours, "pandas": read_pandas, "calamine": read_calamine}


def measure(how: str, path: str) -> None:
    """In the child process: seconds by the clock and of the processor, and the most memory in GiB, as JSON.

    The first reading warms the process; the median of the next three counts, for the baseline and for ours alike.
    """
    data = Path(path).read_bytes()
    READERS[how](data)
    taken = []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        READERS[how](data)
        taken.append((time.perf_counter() - started, time.process_time() - worked))
    seconds, processor = (statistics.median(column) for column in zip(*taken, strict=True))
    peak = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 2**20
    print(json.dumps([seconds, processor, peak]))


def measured(how: str, path: Path) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_reading", how, str(path)], check=True, capture_output=True, text=True
    )
    figures: list[float] = json.loads(done.stdout)
    return figures


def compare(path: Path, baseline: str, most: int) -> None:
    """Turn by turn, so that whatever else the machine does slows both alike; medians."""
    rounds = [(measured(baseline, path), measured("ours", path)) for _ in range(ROUNDS)]
    theirs, ours = ([statistics.median(column) for column in zip(*figures, strict=True)] for figures in zip(*rounds, strict=True))
    for name, (seconds, processor, peak) in ((baseline, theirs), ("checked", ours)):
        print(f"{path.name:10} {name:9} {seconds:6.2f} s {processor:6.2f} s of processor {peak:5.2f} GiB")
    print(f"{path.name:10} ratio {ours[0] / theirs[0]:.2f} (at most {most}), of processor {ours[1] / theirs[1]:.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder))
        compare(Path(folder) / "long.csv", "pandas", 3)
        compare(Path(folder) / "long.xlsx", "calamine", 2)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], sys.argv[2])
    else:
        main()
