"""A container's inside without an engine: a root directory, and processes that see nothing but it, under the rights that compose gives.

The base image is this machine's own `/usr` and Python, to be read only; everything else under the root came by the Dockerfile's steps.
Linux, root and mount namespaces are needed: :func:`why_not` says what is missing. Network and processes are the machine's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.platform import image
from tests.platform.image import NotUnderstood, Service, Stage, Step

_TOOLS: Final = ("unshare", "setpriv", "mount", "useradd")
_SYSTEM: Final = ("bin", "sbin", "lib", "lib32", "lib64", "usr")
_EMPTY: Final = ("app", "dev", "proc", "root", "run/secrets", "tmp", "var/tmp", "etc")
_FROM_ETC: Final = (
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "nsswitch.conf",
    "ssl",
    "login.defs",
)
_FROM_ETC_TO_BUILD: Final = ("hosts", "pip.conf", "resolv.conf", "xdg")
_USERS: Final = {"passwd": "root:x:0:0:root:/root:/bin/sh\n", "group": "root:x:0:\n", "shadow": "root:*:1::::::\n", "gshadow": "root:*::\n"}
_PATH: Final = f"{sys.base_prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEEP_SECONDS: Final = 14 * 24 * 60 * 60


def why_not() -> str:
    """What keeps this machine from running the image's steps; "" when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "root on Linux is needed"
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        return f"no {missing[0]} on the PATH"
    probe = "mount -t tmpfs none /tmp; echo probe > /proc/sys/kernel/hostname"
    done = subprocess.run(["unshare", "--mount", "--uts", "/bin/sh", "-ec", probe], capture_output=True)
    return "" if done.returncode == 0 else "mount namespaces are refused here"


@dataclass
class Room:
    """A root directory, what is mounted into it, and what its processes are given."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    directory: str = "/"
    user: str = "root"
    command: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    read: dict[str, Path] = field(default_factory=dict)
    write: dict[str, Path] = field(default_factory=dict)
    tmpfs: dict[str, str] = field(default_factory=dict)
    is_read_only: bool = False
    has_no_rights: bool = False
    hostname: str = "build"

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command that runs ``command`` inside. It becomes that process: a signal reaches it as it would a container's first."""
        return ["unshare", "--mount", "--uts", "/bin/sh", "-ec", "\n".join(self._script(command))]

    def run(self, command: Sequence[str], timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.enter(command), env=self.environment | more, capture_output=True, text=True, timeout=timeout)

    def _script(self, command: Sequence[str]) -> Iterator[str]:
        at = str(self.root)
        yield f"echo {self.hostname} > /proc/sys/kernel/hostname"
        yield f"mount --bind {at} {at}"
        yield f"cd {at}"  # the mount, not what lies under it
        for inside, outside in self.read.items():
            yield f"mount --rbind {outside} {at}{inside}"
            yield f"mount -o remount,bind,ro {at}{inside}"
        for inside, outside in ({"/dev": Path("/dev"), "/proc": Path("/proc")} | self.write).items():
            yield f"mount --rbind {outside} {at}{inside}"
        for inside, options in self.tmpfs.items():
            yield f"mount -t tmpfs -o {options} tmpfs {at}{inside}"
        if self.is_read_only:
            yield f"mount -o remount,bind,ro {at}"
        as_whom = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        if self.has_no_rights:
            as_whom += ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        inner = f"cd {self.directory}; exec {shlex.join([*as_whom, '--', *command])}"
        yield f"exec chroot {at} /bin/sh -ec {shlex.quote(inner)}"

    def for_service(self, service: Service, volumes: Mapping[str, Path], secrets: Mapping[str, Path]) -> Room:
        """The same image as compose starts it: its environment, volumes, secrets and rights."""
        mounted = {place: name for name, _, place in (mount.partition(":") for mount in service.mounts)}
        if set(mounted) != set(self.volumes):
            raise NotUnderstood(f"{service.name} mounts {sorted(mounted)}, and the image declares {sorted(self.volumes)}.")
        return Room(
            root=self.root,
            environment=self.environment | dict(service.environment),
            directory=self.directory,
            user=self.user,
            command=service.command or self.command,
            read=self.read | {f"/run/secrets/{name}": secrets[name] for name in service.secrets},
            write={place: volumes[name] for place, name in mounted.items()},
            tmpfs={
                place: f"mode=1777,noexec,nosuid,nodev,{options}" for place, _, options in (one.partition(":") for one in service.tmpfs)
            },
            is_read_only=service.is_read_only,
            has_no_rights=service.has_no_rights,
            hostname=f"{service.name}-1",
        )


# --- the Dockerfile's steps -------------------------------------------------------------------------------------------------------


def built(stages: Sequence[Stage], files: Mapping[str, Path], root: Path, cache: Path) -> Room:
    """Do every step. A stage that another copies from is kept in the cache, under the SHA-256 of all that goes into it."""
    before: dict[str, Path] = {}
    for stage in stages[:-1]:
        before[stage.name] = _kept(stage, files, cache)
    return _follow(stages[-1], files, root, before)


def _kept(stage: Stage, files: Mapping[str, Path], cache: Path) -> Path:
    said = hashlib.sha256(f"{sys.version} {sys.base_prefix} {stage}".encode())
    for step in stage.steps:
        for name in step.text.split()[:-1] if step.word == "COPY" else ():
            said.update(files[name].read_bytes())
    place = cache / said.hexdigest()[:20]
    with _one_at_a_time(cache):
        if not (place / "whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            for old in cache.glob("*/whole"):
                if time.time() - old.stat().st_mtime > _KEEP_SECONDS:
                    shutil.rmtree(old.parent)
            _follow(stage, files, place / "root", {}, reaches_packages=True)
        (place / "whole").touch()
    return place / "root"


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _follow(stage: Stage, files: Mapping[str, Path], root: Path, before: Mapping[str, Path], *, reaches_packages: bool = False) -> Room:
    room = Room(_base(root))
    for name in _SYSTEM:
        if (Path("/") / name).is_dir() and not (Path("/") / name).is_symlink():
            _mount(room, f"/{name}", Path("/") / name)
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        _mount(room, sys.base_prefix, Path(sys.base_prefix))
    if reaches_packages:
        _open_to_packages(room)
    for step in stage.steps:
        _do(step, room, files, before)
    return room


def _do(step: Step, room: Room, files: Mapping[str, Path], before: Mapping[str, Path]) -> None:
    match step.word:
        case "RUN":
            done = room.run(["/bin/sh", "-c", step.text])
            assert done.returncode == 0, f"RUN {step.text}\n{done.stdout}{done.stderr}"
        case "COPY":
            _copy(step.text, room, files, before)
        case "ENV":
            room.environment |= image.variables(step.text, room.environment)
        case "WORKDIR":
            room.directory = step.text
            (room.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "USER":
            room.user = step.text
            home = next(
                line.split(":")[5] for line in (room.root / "etc/passwd").read_text().splitlines() if line.startswith(f"{step.text}:")
            )
            room.environment["HOME"] = home
        case "VOLUME":
            room.volumes += (step.text,)
        case "CMD":
            room.command = image.words(step.text)
        case "EXPOSE":
            pass
        case _:
            raise NotUnderstood(f"{step.word} {step.text}")


def _copy(text: str, room: Room, files: Mapping[str, Path], before: Mapping[str, Path]) -> None:
    *sources, target = text.split()
    place = str(Path(room.directory) / target)
    if sources[0].startswith("--from="):
        _mount(room, place, before[sources[0].removeprefix("--from=")] / sources[1].lstrip("/"))  # half a gigabyte is not copied again
        return
    for source in sources:
        found = {name: path for name, path in files.items() if name == source or name.startswith(f"{source}/")}
        if not found:
            raise FileNotFoundError(f"COPY {text}: the context has no {source}.")
        for name, path in found.items():
            inside = name.removeprefix(source).lstrip("/") or (Path(name).name if target.endswith("/") else "")
            _put(path, room.root / place.lstrip("/") / inside)


def _put(path: Path, target: Path) -> None:
    """As from a checkout that is its owner's alone: the image has to make it readable by itself."""
    missing = [directory for directory in (target.parent, *target.parent.parents) if not directory.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    for directory in missing:
        directory.chmod(0o700)
    shutil.copyfile(path, target)
    target.chmod(0o600)


def _base(root: Path) -> Path:
    """What the base image would be: the machine's system directories, a root user, and nothing of ours."""
    for name in _EMPTY:
        (root / name).mkdir(parents=True)
        (root / name).chmod(0o755)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    for name in _SYSTEM:
        if (Path("/") / name).is_symlink():
            (root / name).symlink_to((Path("/") / name).readlink())
    for name in _FROM_ETC:
        _take_from_etc(root, name)
    for name, text in _USERS.items():
        (root / "etc" / name).write_text(text)
    root.chmod(0o755)
    return root


def _take_from_etc(root: Path, name: str) -> None:
    here = Path("/etc") / name
    if here.is_dir():
        shutil.copytree(here, root / "etc" / name, symlinks=True)
    elif here.exists():
        shutil.copy(here, root / "etc" / name)


def _mount(room: Room, inside: str, outside: Path) -> None:
    (room.root / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
    room.read[inside] = outside


def _open_to_packages(room: Room) -> None:
    """Packages come from wherever this machine's pip has them: its configuration, its environment, and the directories that they name."""
    for name in _FROM_ETC_TO_BUILD:
        _take_from_etc(room.root, name)
    prefixes = ("PIP_", "SSL_", "REQUESTS_", "HTTP", "http", "no_proxy", "NO_PROXY")
    room.environment |= {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    tops = [path for path in Path("/").iterdir() if path.is_dir() and not path.is_symlink() and path.name != "opt"]
    for path in [*tops, *(Path("/opt").iterdir() if Path("/opt").is_dir() else ())]:
        if path.is_dir() and not (room.root / str(path).lstrip("/")).exists():
            _mount(room, str(path), path)


def with_secret_mounts(room: Room, names: Sequence[str]) -> None:
    """Places for the files that compose mounts: an engine makes them as it starts a container."""
    for name in names:
        (room.root / "run/secrets" / name).touch()
