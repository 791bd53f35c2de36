"""`make bench`: every benchmark of this folder, each in a process of its own, so that none warms or fills another's memory."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run those that are named, or all; returns how many failed."""
    here = Path(__file__).parent
    names = sys.argv[1:] or sorted(path.stem for path in here.glob("bench_*.py"))
    failed = 0
    for name in names:
        print(f"--- {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], cwd=here.parent.parent, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
