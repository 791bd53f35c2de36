"""``python -m recon.demo.microsoft``: the invented Microsoft by itself, until Ctrl-C. Its first line says where it listens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from recon.demo.microsoft.estate import Crowd, Estate
from recon.demo.microsoft.server import FakeMicrosoft
from recon.demo.microsoft.story import Story


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m recon.demo.microsoft", description="A Microsoft that is not Microsoft, on this machine."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--tenants", type=int, default=0, help="instead of the demonstration's customers, so many that are all alike")
    parser.add_argument("--users", type=int, default=200, help="of each")
    parser.add_argument("--snapshot", type=int, choices=(0, 1), default=1, help="0 is the demonstration's month before, 1 is now")
    given = parser.parse_args(argv)
    estate: Estate = Crowd(tenants=given.tenants, users=given.users) if given.tenants else Story(given.snapshot)
    fake = FakeMicrosoft(estate, port=given.port)
    sys.stdout.write(f"Ready: {fake.base}\n")
    sys.stdout.flush()
    try:
        fake.serve()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
