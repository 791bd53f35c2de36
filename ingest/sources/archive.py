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
from typing import Final

from ingest.sources.grid import check_size
from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal
from ingest.sources.sheet_xml import Looked, look_through

#: Private-use characters that no real cell starts with.
FAULT: Final = "\ue0fa\ue0fb"

_MARK: Final = FAULT.encode()
_MAX_PARTS: Final = 10_000
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
_TYPE: Final = re.compile(rb"\st\s{0,64}=\s{0,64}[\"'](\w*)[\"']")
_PLACE: Final = re.compile(rb"\br\s{0,99}=\s{0,99}[\"']([A-Za-z]*)([0-9]+)[\"']")
_PLACELESS: Final = rb"<(?:\w{1,32}:)?%b(?=[\s/>])(?![^<>]*\sr\s{0,64}=)"
_ROW_END: Final = re.compile(rb"</(?:\w{1,32}:)?row")
_BARE_ROW: Final = re.compile(_PLACELESS % b"row")
_BARE_CELL: Final = re.compile(_PLACELESS % b"c")
_LAST_ROW: Final = 1_048_576


def opened_up(data: bytes, limits: Limits) -> tuple[bytes, bool]:
    """The archive's XML parts without compression, and whether any cell was turned into a fault.

    Raises Unreadable: not a workbook, protected, damaged, or too large when unpacked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {info.filename: info for info in archive.infolist() if _is_wanted(info.filename)}
            _check_parts(archive, list(parts.values()), limits)
            return _repacked(archive, list(parts.values()), limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        message = "The workbook is damaged: its archive cannot be unpacked. Open it, save it as XLSX again, and drop that."
        raise refusal("damaged", message) from error


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _check_parts(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = {info.filename.lower().replace("\\", "/").lstrip("/") for info in archive.infolist()}
    if any(info.flag_bits & 1 for info in parts):
        raise refusal("protected", "The archive is protected with a password. Remove the password, save it, and drop that.")
    if any(name.endswith("workbook.bin") for name in names):
        raise refusal("not_a_table", "This is a binary workbook (.xlsb), which is not read. Save it as XLSX or CSV, and drop that.")
    if "[content_types].xml" not in names or not any(name.endswith("workbook.xml") for name in names):
        raise refusal("not_a_table", "This is a zip archive or another document, not an XLSX workbook. Drop the CSV or XLSX itself.")
    unpacked, packed = sum(info.file_size for info in parts), sum(info.compress_size for info in parts)
    ratio = unpacked / max(packed, 1)
    if unpacked > limits.max_workbook_bytes or len(parts) > _MAX_PARTS or (unpacked > _RATIO_FROM and ratio > limits.max_workbook_ratio):
        message = (
            f"The workbook unpacks to {unpacked / 2**20:,.0f} MiB, which is more than is read. Save the one sheet as CSV, and drop that."
        )
        raise refusal("too_big", message)


def _repacked(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], limits: Limits) -> tuple[bytes, bool]:
    target, has_faults = io.BytesIO(), False
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as clean:
        for part in parts:
            # The archive's own reader stops at the size that the directory states, whatever follows.
            with archive.open(part) as source:
                content = source.read()
            if b"sheetData" in content:
                looked = look_through(content)
                if looked.is_wide:
                    _check_extent(content, limits)
                has_faults |= looked.has_errors or looked.has_formulas
                content = _with_faults(content, looked)
            clean.writestr(zipfile.ZipInfo(part.filename), content)
    return target.getvalue(), has_faults


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
    check_size(limits, rows, columns, limits.max_workbook_cells)


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
