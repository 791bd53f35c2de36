"""Archives of answers that want to hurt whoever reads them, or that lie. Each is made here, small, from its recipe."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any, Final

from ingest.sources.answers import MANIFEST
from tests.answers.making import agent, agents, archive, packed


def changed(data: bytes, change: Callable[[dict[str, Any]], None] = lambda said: None, more: dict[str, bytes] | None = None) -> bytes:
    """Another manifest, or other parts (in place of those of the same name), under the same clothes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        said = json.loads(old.read(MANIFEST))
        change(said)
        new.writestr(MANIFEST, json.dumps(said))
        for name in [name for name in old.namelist() if name != MANIFEST and name not in (more or {})]:
            new.writestr(name, old.read(name))
        for name, content in (more or {}).items():
            if content:
                new.writestr(name, content)
    return out.getvalue()


def _plain() -> bytes:
    return archive("agents", agents(agent(1)), agents(agent(2)))


def _bomb() -> bytes:
    """Little that unpacks to much: an honest size, and a list that is nearly only blanks."""
    body = b'{"agents": []' + b" " * (63 * 2**20) + b"}"
    return packed("agents", [("agents", body, 200)] * 3)


def _first(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda said: said["answers"][0].update({name: value})


def _said(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda said: said.update({name: value})


#: What it is → its bytes, and a word of why it is refused.
ARCHIVES: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "a bomb in its answers": (_bomb, "more than is read"),
    "an answer of a gigabyte": (lambda: changed(_plain(), _first("size", 2**30)), "damaged"),
    "another SHA-256": (lambda: changed(_plain(), _first("sha256", "0" * 64)), "another one"),
    "another answer": (lambda: changed(_plain(), more={"00001.json": b'{"agents": [{"id": 9}]}'}), "damaged"),
    "an answer of the same size": (
        lambda: changed(_plain(), more={"00002.json": json.dumps({"agents": [agent(3)], "pagination": {}}).encode()}), "another one",
    ),
    "a missing answer": (lambda: changed(_plain(), more={"00002.json": b""}), "damaged"),
    "an answer left out of the list": (lambda: changed(_plain(), lambda said: said["answers"].pop()), "damaged"),
    "a part more": (lambda: changed(_plain(), more={"../../etc/passwd": b"x"}), "damaged"),
    "numbers that jump": (lambda: changed(_plain(), _first("number", 7)), "damaged"),
    "a size that is true": (lambda: changed(_plain(), _first("size", True)), "damaged"),
    "a number of records below zero": (lambda: changed(_plain(), _first("records", -1)), "damaged"),
    "a format of later": (lambda: changed(_plain(), _said("format", "recon-answers/2")), "damaged"),
    "an end before its beginning": (lambda: changed(_plain(), _said("ended_at", "2020-01-01T00:00:00+00:00")), "damaged"),
    "an end that is no time": (lambda: changed(_plain(), _said("ended_at", "soon")), "damaged"),
    "a year of another age": (lambda: changed(_plain(), _said("ended_at", "9999-01-01T00:00:00+00:00")), "damaged"),
    "lacks that are no sentences": (lambda: changed(_plain(), _said("lacks", [{}])), "damaged"),
    "no list of answers": (lambda: changed(_plain(), _said("answers", None)), "damaged"),
    "another kind's answers": (lambda: changed(_plain(), _first("endpoint", "organizations")), "belong to none"),
    "an endpoint of nowhere": (lambda: changed(_plain(), _first("endpoint", "../secrets")), "belong to none"),
    "a kind that it is not": (lambda: changed(_plain(), _said("kind", "live")), "not an agent list"),
    "deep JSON": (lambda: archive("agents", ("agents", b'{"agents": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")), "no JSON"),
    "a number of many digits": (lambda: archive("agents", ("agents", b'{"agents": [{"id": ' + b"9" * 9_000 + b"}]}")), "no JSON"),
    "no number at all": (lambda: archive("agents", ("agents", b'{"agents": [{"id": NaN}]}')), "no JSON"),
    "a web page": (lambda: archive("agents", ("agents", b"<!doctype html>")), "no JSON"),
    "half an answer": (lambda: archive("agents", ("agents", b'{"agents": [{"id"')), "no JSON"),
    "no list in an answer": (lambda: archive("agents", ("agents", {"message": "no"})), "no list"),
    "an answer that is a list": (lambda: archive("agents", ("agents", b"[]")), "should be an object"),
    "half an archive": (lambda: _plain()[:-30], "damaged"),
    "a start alone": (lambda: _plain()[:60], "damaged"),
}  # fmt: skip
