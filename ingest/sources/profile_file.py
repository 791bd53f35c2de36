"""Column mappings as a file: what settings export, and what settings and ``reconcile --mapping`` take. Documented in docs/mappings.md."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from string import ascii_uppercase
from typing import Any, Final

from ingest.sources.csv_text import DELIMITERS
from ingest.sources.grid import letter
from ingest.sources.profiles import Profile
from ingest.sources.reading import Mapping as ColumnMapping
from ingest.sources.sniff import SHOWN_BY_BYTES, STATED_ENCODINGS

FORMAT: Final = "recon column mappings"
VERSION: Final = 1
MAX_BYTES: Final = 4 * 2**20
_LONGEST_NAME: Final = 200
_MOST_COLUMNS: Final = 1_000
_LONGEST_CELL: Final = 32_767
#: What a mapping may say beside its columns, and what each may be (None: any text or number of its type).
_CHOICES: Final[dict[str, Sequence[str] | None]] = {
    "sheet": None,
    "delimiter": DELIMITERS,
    "encoding": tuple(dict.fromkeys((*SHOWN_BY_BYTES, *STATED_ENCODINGS))),
    "decimal": ("", ".", ","),
    "dates": ("", "day", "month"),
}
_SETTINGS: Final = tuple(one.name for one in fields(ColumnMapping) if one.name != "columns")


class BadMappings(ValueError):
    """A file of mappings that cannot be used. ``reasons`` has a sentence for each thing that is wrong, with its place."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def written(profiles: Iterable[Profile]) -> str:
    """Profiles as the file's text."""
    whole = {"format": FORMAT, "version": VERSION, "mappings": [_entry(one) for one in profiles]}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _entry(profile: Profile) -> dict[str, Any]:
    mapping = profile.mapping.to_json()
    columns = {letter(index): name for index, name in sorted(profile.mapping.columns.items())}
    settings = {name: mapping[name] for name in _SETTINGS}
    return {"kind": profile.kind, "name": profile.name, "header": list(profile.header), "columns": columns, **settings}


def parsed(data: bytes, kinds: Mapping[str, Collection[str]]) -> list[Profile]:
    """The profiles of a file. ``kinds`` has the fields that each kind knows. Raises BadMappings with everything that is wrong."""
    entries = _entries(data)
    reasons: list[str] = []
    profiles: list[Profile] = []
    places: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        try:
            profile = _profile(entry, kinds)
        except BadMappings as error:
            reasons += [f"Mapping {number}{_called(entry)}: {reason}" for reason in error.reasons]
            continue
        first = places.setdefault(profile.fingerprint, number)
        if first != number:
            reasons.append(f"Mapping {number}{_called(entry)}: mapping {first} is of the same kind and header. Keep one of them.")
        profiles.append(profile)
    if reasons:
        raise BadMappings(*reasons)
    return profiles


def _entries(data: bytes) -> list[Any]:
    if len(data) > MAX_BYTES:
        raise BadMappings(f"The file has more than {MAX_BYTES // 2**20} MiB, which no export of mappings has.")
    try:
        whole = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadMappings("The file is no text in UTF-8. It should be an export of column mappings, which is JSON.") from None
    except json.JSONDecodeError as error:
        raise BadMappings(f"Line {error.lineno}, column {error.colno}: this is no JSON ({error.msg}).") from None
    except RecursionError:
        raise BadMappings("The file is nested deeper than any export of mappings.") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise BadMappings(f'This is no export of column mappings: it should begin with "format": "{FORMAT}".')
    if whole.get("version") != VERSION or isinstance(whole["version"], bool):
        raise BadMappings(f"It is of version {_shown(whole.get('version'))} of the format; version {VERSION} is read here.")
    entries = whole.get("mappings")
    if not isinstance(entries, list) or not entries:
        raise BadMappings("It has no mappings: “mappings” should be a list of at least one.")
    return entries


def _called(entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f" (“{name[:60]}”)" if isinstance(name, str) and name.strip() else ""


def _profile(entry: Any, kinds: Mapping[str, Collection[str]]) -> Profile:
    if not isinstance(entry, dict):
        raise BadMappings(f"{_shown(entry)} is no mapping; it should be an object with kind, header and columns.")
    known = ("kind", "name", "header", "columns", *_SETTINGS)
    reasons = [f"“{str(key)[:60]}” is not known. A mapping has {', '.join(known)}." for key in entry if key not in known]
    kind, header = entry.get("kind"), entry.get("header")
    if kind not in tuple(kinds):
        reasons.append(f"kind is {_shown(kind)}; it should be one of {', '.join(kinds)}.")
        kind = None
    if not _is_header(header):
        reasons.append(f"header is {_shown(header)}; it should be the list of the header's cells as texts, not all of them blank.")
        header = None
    columns = _columns(entry.get("columns"), header, kinds[kind] if kind else None, reasons)
    settings = {name: _setting(name, entry[name], reasons) for name in _SETTINGS if name in entry}
    name = entry.get("name", "")
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        reasons.append(f"name is {_shown(name)}; it should be a text of at most {_LONGEST_NAME} characters.")
    if reasons or header is None or kind is None:
        raise BadMappings(*reasons)
    return Profile(kind, name.strip() or name_of(header), tuple(header), ColumnMapping(columns, **settings))


def name_of(header: Sequence[str]) -> str:
    """What a mapping is called that nobody named: its first columns.

    >>> name_of(["Customer", "Service", "", "Qty", "Rate", "Notes"])
    'Customer, Service, Qty, Rate …'
    """
    titles = [cell.strip() for cell in header if cell.strip()]
    return (", ".join(titles[:4]) + (" …" if len(titles) > 4 else ""))[:_LONGEST_NAME] or "Without a header"


def _is_header(header: Any) -> bool:
    is_list = isinstance(header, list) and 0 < len(header) <= _MOST_COLUMNS
    return is_list and all(isinstance(cell, str) and len(cell) <= _LONGEST_CELL for cell in header) and any(cell.strip() for cell in header)


def _columns(given: Any, header: Any, allowed: Collection[str] | None, reasons: list[str]) -> dict[int, str]:
    if not isinstance(given, dict) or not given:
        reasons.append(f'columns is {_shown(given)}; it should say the field of at least one column, such as {{"A": "organization"}}.')
        return {}
    columns: dict[int, str] = {}
    for key, name in given.items():
        index = column_index(key)
        if index is None:
            reasons.append(f"columns: “{key[:20]}” is no column; columns are named by letters, such as A or AB.")
        elif header is not None and index >= len(header):
            reasons.append(f"columns: {key.upper()} is beyond the header, whose last column is {letter(len(header) - 1)}.")
        elif allowed is not None and (not isinstance(name, str) or name not in allowed):
            reasons.append(f"columns: {key.upper()} is {_shown(name)}, which is no field of this kind. Known: {', '.join(allowed)}.")
        elif name in columns.values():
            reasons.append(f"columns: {_shown(name)} is given to more than one column.")
        elif isinstance(name, str):
            columns[index] = name
    return columns


def column_index(text: str) -> int | None:
    """A column's place from 0, from its letters.

    >>> column_index("A"), column_index("ab"), column_index("7")
    (0, 27, None)
    """
    if not 0 < len(text) <= 3 or not set(text.upper()) <= set(ascii_uppercase):
        return None
    place = 0
    for char in text.upper():
        place = place * 26 + ascii_uppercase.index(char) + 1
    return place - 1


def _setting(name: str, value: Any, reasons: list[str]) -> Any:
    if name == "header_line":
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 5_000_000:
            reasons.append(f"header_line is {_shown(value)}; it should be a line's number, or 0 to have it found.")
        return value
    choices = _CHOICES.get(name)
    if not isinstance(value, str) or (choices is not None and value not in choices) or len(value) > _LONGEST_NAME:
        what = "one of " + ", ".join(json.dumps(one) for one in choices) if choices else f"a text of at most {_LONGEST_NAME} characters"
        reasons.append(f"{name} is {_shown(value)}; it should be {what}.")
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
