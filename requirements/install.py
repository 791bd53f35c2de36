"""Make ``.venv`` with everything pinned by hash: ``python3.11 requirements/install.py run|dev``.

Standard library only, and readable by older Pythons, so that a wrong one is told so in a sentence. Does nothing when the environment
already holds what the lock file says (a stamp in it keeps the lock file's SHA-256).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
PYTHON = VENV / "bin" / "python"
PIP_INSTALL = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes", "--requirement"]


def main(what):
    """Install the lock file ``run`` (what the product needs) or ``dev`` (that, and what tests need); returns the exit status."""
    if sys.version_info[:2] != (3, 11):
        return refuse("Python 3.11 is needed and this is {}.{}.".format(*sys.version_info[:2]), "make setup PYTHON=/path/to/python3.11")
    if is_current("dev") or (what == "run" and is_current("run")):
        return 0
    if not works(PYTHON):
        print("Making .venv ...", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        try:
            venv.create(VENV, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return refuse("The environment could not be made ({}).".format(error), "install Python's venv module (Debian: python3.11-venv)")
    for stamp in VENV.glob(".lock-*"):
        stamp.unlink()
    print("Installing pinned packages ...", flush=True)
    done = subprocess.run(
        [str(PYTHON), *PIP_INSTALL, str(lock(what))],
        env=dict(os.environ, PIP_REQUIRE_VIRTUALENV="1"),
        stdout=sys.stderr,
    )
    if done.returncode:
        return refuse(
            "Installing {} failed; pip says why above.".format(lock(what).name), "see that packages can be reached, and run it again"
        )
    stamp_path(what).write_text(digest(what))
    return 0


def lock(what):
    return HERE / "{}.txt".format(what)


def digest(what):
    return hashlib.sha256(lock(what).read_bytes()).hexdigest()


def stamp_path(what):
    return VENV / ".lock-{}".format(what)


def is_current(what):
    return works(PYTHON) and stamp_path(what).exists() and stamp_path(what).read_text() == digest(what)


def works(python):
    """Whether the environment's interpreter is there, is 3.11, and has pip: a moved or half-made one is made again."""
    probe = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))"
    try:
        return subprocess.run([str(python), "-c", probe], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def refuse(wrong, remedy):
    print("{} Remedy: {}".format(wrong, remedy), file=sys.stderr)
    return 1


if __name__ == "__main__":
    with Path(__file__).open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        sys.exit(main(sys.argv[1]))
