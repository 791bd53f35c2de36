"""``python -m recon.demo.huntress``: the invented Huntress by itself, until Ctrl-C. Its first line says where it listens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from recon.demo.huntress.estate import Crowd, Estate
from recon.demo.huntress.server import FakeHuntress
from recon.demo.huntress.story import Story


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recon.demo.huntress", description="A Huntress that is not Huntress, on this machine.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--agents", type=int, default=0, help="instead of the demonstration's MSP, so many agents that are all alike")
    parser.add_argument("--organizations", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=0, help="of the reseller")
    parser.add_argument("--limit", type=int, default=60, help="calls in its window; 0 is no limit")
    parser.add_argument("--seconds", type=float, default=60.0, help="of its window")
    given = parser.parse_args(argv)
    is_crowd = given.agents or given.accounts
    estate: Estate = Crowd(agents=given.agents, organizations=given.organizations, accounts=given.accounts) if is_crowd else Story()
    fake = FakeHuntress(estate, limit=given.limit, seconds=given.seconds, port=given.port)
    sys.stdout.write(f"Ready: {fake.base}\n")
    sys.stdout.flush()
    try:
        fake.serve()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
