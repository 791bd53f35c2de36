"""`Dockerfile`, `.dockerignore` and the compose files as the tests read them. What is not understood here is refused, never passed over."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

_WORDS: Final = frozenset({"ARG", "FROM", "ENV", "RUN", "COPY", "WORKDIR", "USER", "VOLUME", "EXPOSE", "CMD"})
_SERVICE_KEYS: Final = frozenset(
    [
        "build",
        "cap_drop",
        "command",
        "depends_on",
        "environment",
        "healthcheck",
        "image",
        "init",
        "logging",
        "ports",
        "read_only",
        "restart",
        "secrets",
        "security_opt",
        "shm_size",
        "stop_grace_period",
        "tmpfs",
        "volumes",
    ]
)
_FILE_KEYS: Final = frozenset({"name", "services", "volumes", "secrets"})
_CHECK_KEYS: Final = frozenset({"test", "interval", "timeout", "retries", "start_period"})
_VARIABLE: Final = re.compile(r"\$(?:(\$)|\{([A-Z_]+)(?:(:?[-?])([^{}$]*))?\})")


class NotUnderstood(ValueError):
    """Something stands in one of the files that these tests would not do as an engine does."""


@dataclass(frozen=True)
class Step:
    """One instruction: ``RUN``, and what is to be run."""

    word: str
    text: str


@dataclass(frozen=True)
class Stage:
    name: str
    base: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Check:
    command: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class Service:
    """What compose starts, and with what rights. ``needs`` has the condition for each service that comes first."""

    name: str
    image: str
    is_ours: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    needs: Mapping[str, str]
    check: Check | None
    grace: float
    is_read_only: bool
    has_no_rights: bool
    mounts: tuple[str, ...]
    tmpfs: tuple[str, ...]
    secrets: tuple[str, ...]
    raw: Mapping[str, Any]


# --- the Dockerfile ---------------------------------------------------------------------------------------------------------------


def stages(dockerfile: str, arguments: Mapping[str, str] | None = None) -> tuple[Stage, ...]:
    """The stages in their order. ``ARG`` is taken before the first ``FROM`` alone, where it has a default."""
    stated = dict(arguments or {})
    known: dict[str, str] = {}
    found: list[tuple[str, str, list[Step]]] = []
    for step in _steps(dockerfile):
        if step.word == "ARG" and not found:
            name, equals, default = step.text.partition("=")
            if not equals:
                raise NotUnderstood(f"ARG {step.text}: it has no default.")
            known[name] = stated.get(name, default)
        elif step.word == "FROM":
            match = re.fullmatch(r"(\S+)(?: AS (\w+))?", step.text)
            if match is None:
                raise NotUnderstood(f"FROM {step.text}")
            found.append((match[2] or "", _expand(match[1], known), []))
        elif step.word == "ARG" or not found:
            raise NotUnderstood(f"{step.word} {step.text}: not at this place.")
        else:
            found[-1][2].append(step)
    return tuple(Stage(name, base, tuple(steps)) for name, base, steps in found)


def _steps(dockerfile: str) -> Iterator[Step]:
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for text in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = text.partition(" ")
        if word not in _WORDS or (word == "COPY" and re.match(r"\s*--(?!from=)", rest)) or "<<" in rest:
            raise NotUnderstood(f"Dockerfile: {text}")
        yield Step(word, rest.strip())


def _expand(text: str, known: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in known:
            raise NotUnderstood(f"{text}: ${name} is not known here.")
        return known[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)


def variables(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """What an ``ENV`` states: ``NAME=value`` pairs, without quotes or spaces in them."""
    pairs = [word.partition("=") for word in text.split()]
    if any(not equals or "'" in value or '"' in value for _, equals, value in pairs):
        raise NotUnderstood(f"ENV {text}")
    return {name: _expand(value, known) for name, _, value in pairs}


def words(text: str) -> tuple[str, ...]:
    """The words of a ``CMD``, as a list in brackets: a shell would swallow the signals."""
    if not text.startswith("["):
        raise NotUnderstood(f"CMD {text}: not a list.")
    return tuple(json.loads(text))


# --- the build context ------------------------------------------------------------------------------------------------------------


def context(directory: Path) -> dict[str, Path]:
    """The files that `.dockerignore` lets through to the build, by their path within the directory."""
    rules = [line.strip() for line in (directory / ".dockerignore").read_text().splitlines() if line.strip() and line[0] != "#"]
    wanted = {rule[1:].partition("/")[0] for rule in rules if rule.startswith("!")}
    files: dict[str, Path] = {}
    for top in sorted(wanted):
        start = directory / top
        under = [start] if start.is_file() else (Path(where) / name for where, _, names in os.walk(start) for name in names)
        files |= {name: path for path in under if is_sent(name := path.relative_to(directory).as_posix(), rules)}
    return files


def is_sent(name: str, rules: Sequence[str]) -> bool:
    """Whether a path is in the context: the last rule that names it, or a directory above it, decides."""
    parts = name.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    sent = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        if pattern.startswith("**/") and "/" not in pattern[3:]:
            hit = any(fnmatchcase(part, pattern[3:]) for part in parts)
        elif pattern == "*" or not re.search(r"[*?\[\\]", pattern):
            hit = pattern == "*" or pattern in above
        else:
            raise NotUnderstood(f".dockerignore: {rule}")
        sent = rule.startswith("!") if hit else sent
    return sent


# --- compose ----------------------------------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML as compose takes it: the same key twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if len(names) != len(set(names)) and not getattr(node, "is_merged", False):
            raise NotUnderstood(f"{node.start_mark}: a key stands there twice.")
        node.is_merged = True  # type: ignore[attr-defined]  # `<<` puts what it brings in front of what stands there, as further pairs
        return super().construct_mapping(node, deep)


def services(texts: Sequence[str], environment: Mapping[str, str]) -> dict[str, Service]:
    """The services of compose files laid over one another, their variables filled in."""
    whole: dict[str, Any] = {}
    for text in texts:
        whole = _laid_over(whole, _filled(yaml.load(text, _Loader), environment), "")
    if unknown := [key for key in whole if key not in _FILE_KEYS and not key.startswith("x-")]:
        raise NotUnderstood(f"compose: {unknown}")
    found = {name: _service(name, stated) for name, stated in whole["services"].items()}
    for one in found.values():
        declared = set(whole.get("secrets", {})), {f"{name}:" for name in whole.get("volumes", {})}
        if not set(one.secrets) <= declared[0] or not all(mount.startswith(tuple(declared[1])) for mount in one.mounts):
            raise NotUnderstood(f"{one.name}: a secret or a volume that nothing declares.")
        if not set(one.needs) <= set(found):
            raise NotUnderstood(f"{one.name} depends on a service that is not there.")
    return found


def in_order(found: Mapping[str, Service]) -> list[str]:
    """The services so that each comes after all it depends on."""
    order: list[str] = []
    while len(order) < len(found):
        ready = [name for name, one in found.items() if name not in order and set(one.needs) <= set(order)]
        if not ready:
            raise NotUnderstood("depends_on goes in a circle.")
        order += sorted(ready)
    return order


def _service(name: str, stated: Mapping[str, Any]) -> Service:
    check = stated.get("healthcheck", {})
    if unknown := sorted((stated.keys() - _SERVICE_KEYS) | (check.keys() - _CHECK_KEYS)):
        raise NotUnderstood(f"compose, {name}: {unknown}")
    if not isinstance(stated.get("command", []), list):
        raise NotUnderstood(f"compose, {name}: a command that is not a list goes through a shell.")
    return Service(
        name=name,
        image=stated["image"],
        is_ours="build" in stated,
        command=tuple(stated.get("command", ())),
        environment={key: str(value) for key, value in stated.get("environment", {}).items()},
        needs={other: how["condition"] for other, how in stated.get("depends_on", {}).items()},
        check=Check(_check_command(name, check["test"]), seconds(check["timeout"])) if check else None,
        grace=seconds(stated.get("stop_grace_period", "10s")),
        is_read_only=stated.get("read_only", False),
        has_no_rights=stated.get("cap_drop") == ["ALL"] and stated.get("security_opt") == ["no-new-privileges:true"],
        mounts=tuple(stated.get("volumes", ())),
        tmpfs=tuple(stated.get("tmpfs", ())),
        secrets=tuple(stated.get("secrets", ())),
        raw=stated,
    )


def _check_command(name: str, test: Sequence[str]) -> tuple[str, ...]:
    match list(test):
        case ["CMD", *command]:
            return tuple(command)
        case ["CMD-SHELL", command]:
            return ("/bin/sh", "-c", command)
    raise NotUnderstood(f"compose, {name}: a health check of {test}")


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)([sm])", text)
    if found is None:
        raise NotUnderstood(f"a duration of {text}")
    return int(found[1]) * {"s": 1, "m": 60}[found[2]]


def fill(text: str, environment: Mapping[str, str]) -> str:
    """Put values in the place of ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?why}``, as compose does; ``$$`` is a dollar."""

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        name, how, rest = found[2], found[3] or "", found[4] or ""
        is_there = bool(environment.get(name)) if how.startswith(":") else name in environment
        if not is_there and how.endswith("?"):
            raise LookupError(f"{name}: {rest}")
        return environment.get(name, "") if is_there or not how else rest

    if "$" in _VARIABLE.sub("", text):
        raise NotUnderstood(f"compose: {text}")
    return _VARIABLE.sub(value, text)


def _filled(node: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, environment) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, environment) for value in node]
    return fill(node, environment) if isinstance(node, str) else node


def _laid_over(under: Any, over: Any, where: str) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        return under | {key: _laid_over(under[key], value, f"{where}/{key}") if key in under else value for key, value in over.items()}
    if isinstance(under, list) and isinstance(over, list) and under != over:
        raise NotUnderstood(f"compose, {where}: two lists, which compose joins by rules of their own.")
    return over
