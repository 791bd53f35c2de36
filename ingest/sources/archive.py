"""The zip archive around a workbook, opened with care: sizes first, then only what a reader needs, then what it would not tell us.

The parts are inflated here, once, under a limit, and handed on in a fresh archive without compression. So an archive that lies
about its sizes is never inflated by anybody else, and the sheets' XML can be looked at on the way:

- a cell far out makes the workbook reader reserve the whole rectangle up to it: refused before it is asked;
- an error cell (``#REF!``) and a formula without a stored result come out of the reader as blanks, and a blank is not a fault:
  such cells are turned into texts that start with ``FAULT``.
"""

import io
import re
import zipfile
import zlib
from typing import Final, Literal, NamedTuple

from ingest.sources.grid import check_size
from ingest.sources.limits import Limits
from ingest.sources.reading import Issue, Unreadable
from ingest.sources.refusals import refusal
from ingest.sources.sheet_xml import Looked, look_through

#: Private-use characters that no real cell starts with.
FAULT: Final = "\ue0fa\ue0fb"
MACROS: Final = Issue(None, "info", "macros_not_run", "The workbook has macros in it: they were not run, and only its cells are read.")
LINKS: Final = Issue(
    None,
    "info",
    "links_not_followed",
    "The workbook takes values from elsewhere: nothing was fetched, and what it last stored is read.",
)

_MARK: Final = FAULT.encode()
_MAX_PARTS: Final = 10_000
_MEMORY_OF_A_BYTE: Final = 6  # of unpacked XML: itself, twice again while it is handed on, and its cells
_RATIO_FROM: Final = 64 * 2**20
# Bounded, and never past the next tag: no text makes these expressions look at the same stretch again and again.
_SPACE: Final = rb"\s{0,64}"
_FORMULA: Final = rb"<(?:\w{1,32}:)?f\b[^<>]*(?:/>|>([^<]*)</(?:\w{1,32}:)?f>)"
_ERROR_CELL: Final = re.compile(
    rb"(<(?:\w{1,32}:)?c\b[^<>]*?\st\s{0,64}=\s{0,64})([\"'])e\2"
    rb"([^<>]*>" + _SPACE + rb"(?:" + _FORMULA.replace(rb"([^<]*)", rb"[^<]*") + rb")?" + _SPACE + rb"<(?:\w{1,32}:)?v\b[^<>/]*>)"
)
_FORMULA_CELL: Final = re.compile(
    rb"<((?:\w{1,32}:)?)c\b([^<>]*)>"
    + _SPACE
    + _FORMULA
    + _SPACE
    + rb"(?:<(?:\w{1,32}:)?v\s{0,64}/>|<(?:\w{1,32}:)?v>\s{0,64}</(?:\w{1,32}:)?v>)?"
    + _SPACE
    + rb"</(?:\w{1,32}:)?c>"
)
#: A reader makes room for as many texts as the table says it has.
_TEXTS: Final = re.compile(rb"sst\b[^<>]*>")
_COUNT: Final = re.compile(rb"\s(?:uniqueCount|count)\s{0,64}=\s{0,64}(?:\"[^\"<>]*\"|'[^'<>]*')")
_TYPE: Final = re.compile(rb"\st\s{0,64}=\s{0,64}[\"'](\w*)[\"']")
_PLACE: Final = re.compile(rb"\br\s{0,99}=\s{0,99}[\"']([A-Za-z]*)([0-9]+)[\"']")
_PLACELESS: Final = rb"<(?:\w{1,32}:)?%b(?=[\s/>])(?![^<>]*\sr\s{0,64}=)"
_ROW_END: Final = re.compile(rb"</(?:\w{1,32}:)?row")
_BARE_ROW: Final = re.compile(_PLACELESS % b"row")
_BARE_CELL: Final = re.compile(_PLACELESS % b"c")
_LAST_ROW: Final = 1_048_576


class Opened(NamedTuple):
    """A workbook's archive, opened: of an XLSX its XML parts without compression, of an ODS the XML of its cells.

    ``has_faults``: some cell was turned into a fault. ``notes`` are what to say of what the archive holds beside cells.
    """

    format: Literal["xlsx", "ods"]
    content: bytes
    has_faults: bool
    notes: list[Issue]


def opened_up(data: bytes, limits: Limits) -> Opened:
    """Raises Unreadable: not a workbook, protected, damaged, or too large when unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {info.filename.lower().replace("\\", "/").lstrip("/") for info in archive.infolist()}
            parts = {info.filename: info for info in archive.infolist() if _is_wanted(info.filename)}
            is_ods = "content.xml" in names and "meta-inf/manifest.xml" in names
            _check_kind(names, list(parts.values()), is_ods)
            _check_sizes(list(parts.values()), limits)
            if is_ods:
                return Opened("ods", _spreadsheet(archive, list(parts.values())), True, _notes(names))
            clean, has_faults = _repacked(archive, list(parts.values()), limits)
            return Opened("xlsx", clean, has_faults, _notes(names))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise damaged("XLSX") from error


def damaged(extension: str) -> Unreadable:
    return refusal("damaged", f"The workbook is damaged: it cannot be unpacked. Open it, save it as {extension} again, and drop that.")


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _check_kind(names: set[str], parts: list[zipfile.ZipInfo], is_ods: bool) -> None:
    if any(info.flag_bits & 1 for info in parts):
        raise refusal("protected", "The archive is protected with a password. Remove the password, save it, and drop that.")
    if any(name.endswith("workbook.bin") for name in names):
        raise refusal("not_a_table", "This is a binary workbook (.xlsb), which is not read. Save it as XLSX or CSV, and drop that.")
    if not is_ods and ("[content_types].xml" not in names or not any(name.endswith("workbook.xml") for name in names)):
        raise refusal("not_a_table", "This is a zip archive or another document, not an XLSX workbook. Drop the CSV or XLSX itself.")


def _check_sizes(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    unpacked, packed = sum(info.file_size for info in parts), sum(info.compress_size for info in parts)
    ratio = unpacked / max(packed, 1)
    most = min(limits.max_workbook_bytes, limits.max_memory // _MEMORY_OF_A_BYTE if limits.max_memory else limits.max_workbook_bytes)
    if unpacked > most or len(parts) > _MAX_PARTS or (unpacked > _RATIO_FROM and ratio > limits.max_workbook_ratio):
        message = (
            f"The workbook unpacks to {unpacked / 2**20:,.0f} MiB, which is more than is read. Save the one sheet as CSV, and drop that."
        )
        raise refusal("too_big", message)


def _notes(names: set[str]) -> list[Issue]:
    has_macros = any(name.endswith("vbaproject.bin") or name.startswith(("basic/", "scripts/")) for name in names)
    has_links = any("externallinks/" in name for name in names)
    return [*([MACROS] if has_macros else []), *([LINKS] if has_links else [])]


def _content(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """A part's XML. The archive's own reader stops at the size that the directory states, whatever follows."""
    with archive.open(part) as source:
        content = source.read()
    if b"\0" in content:
        raise damaged("XLSX")
    if b"<!" in content and (b"<!DOCTYPE" in content or b"<!ENTITY" in content):
        message = (
            f"The workbook's part {part.filename[:80]} brings definitions of its own (a DOCTYPE), as no workbook does: they can be made "
            "to fill the memory, or to read other files. Open it, save it as XLSX again, and drop that."
        )
        raise refusal("entities", message)
    return content


def _spreadsheet(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> bytes:
    by_name = {part.filename.lower(): part for part in parts}
    if b"encryption-data" in _manifest(archive, by_name["meta-inf/manifest.xml"]):
        raise refusal("protected", "The workbook is protected with a password. Open it, remove the password, save it, and drop that.")
    content = _content(archive, by_name["content.xml"])
    if b"spreadsheet" not in content:
        raise refusal("not_a_table", "This is an OpenDocument file, and not a spreadsheet. Ask for the CSV or XLSX, and drop that.")
    return content


def _manifest(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Some programs give it a DOCTYPE; it is looked through, and not parsed."""
    with archive.open(part) as source:
        return source.read()


def _repacked(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], limits: Limits) -> tuple[bytes, bool]:
    target, has_faults = io.BytesIO(), False
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as clean:
        for part in parts:
            content = _content(archive, part)
            if b"sst" in content:
                content = _TEXTS.sub(_uncounted, content)
            if b"sheetData" in content:
                looked = look_through(content)
                if looked.is_wide or limits.is_tight:
                    _check_extent(content, limits)
                has_faults |= looked.has_errors or looked.has_formulas
                content = _with_faults(content, looked)
            clean.writestr(zipfile.ZipInfo(part.filename), content)
    return target.getvalue(), has_faults


def _uncounted(match: re.Match[bytes]) -> bytes:
    return _COUNT.sub(b"", match[0])


def _check_extent(xml: bytes, limits: Limits) -> None:
    """Raises Unreadable where the rectangle from A1 to the furthest cell is larger than is read."""
    places = {(match[1].upper(), len(match[2]), match[2][:3]) for match in _PLACE.finditer(xml)}
    columns = max((_column(letters) for letters, _, _ in places), default=0)
    rows = max((int(start) * 10 ** (size - len(start)) for _, size, start in places), default=0)
    # Those that do not say where they stand follow the one before.
    rows += sum(1 for _ in _BARE_ROW.finditer(xml))
    columns += max(len(_BARE_CELL.findall(row)) for row in _ROW_END.split(xml))
    if rows > _LAST_ROW:
        raise refusal("too_many_rows", "A cell stands below the last row that a workbook can have. Save the sheet as CSV, and drop that.")
    check_size(limits, rows, columns, limits.cells_in_memory)


def _column(letters: bytes) -> int:
    number = 0
    for code in letters:
        number = number * 26 + code - 64
    return number


def _with_faults(xml: bytes, looked: Looked) -> bytes:
    """The sheet with its error cells, and its formulas without a result, as texts that start with ``FAULT``."""
    if looked.has_errors:
        xml = _ERROR_CELL.sub(rb'\1"str"\3' + _MARK, xml)
    if looked.has_formulas:
        xml = _FORMULA_CELL.sub(_without_result, xml)
    return xml


def _without_result(match: re.Match[bytes]) -> bytes:
    prefix, attributes, formula = match[1], match[2], match[3] or b""
    kind = _TYPE.search(attributes)
    if kind and kind[1] == b"str":  # a formula whose result is an empty text: a blank indeed
        return match[0]
    kept = _TYPE.sub(b"", attributes)
    return b'<%bc%b t="str"><%bv>%b=%b</%bv></%bc>' % (prefix, kept, prefix, _MARK, formula, prefix, prefix)
