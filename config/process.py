"""How a process of `make run` ends with the one that started it."""

import ctypes
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
#: In the environment of every process under the supervisor.
SUPERVISED: Final = "RECON_SUPERVISED"


def die_with_parent(how: signal.Signals) -> None:
    """Ask Linux to signal this process when its parent dies, also of a SIGKILL; elsewhere nothing is done."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how)
