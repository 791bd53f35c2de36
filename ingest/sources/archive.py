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

#: Private-use characters that no real cell starts with.
FAULT: Final = "\ue0fa\ue0fb"

_MARK: Final = FAULT.encode()
_MAX_PARTS: Final = 10_000
_RATIO_FROM: Final = 64 * 2**20
_OPTIONAL_FORMULA: Final = rb"(?:<(?:\w+:)?f\b[^>]*/>|<(?:\w+:)?f\b[^>]*>[^<]*</(?:\w+:)?f>)?"
_ERROR_CELL: Final = re.compile(rb"(<(?:\w+:)?c\b[^>]*?\st\s*=\s*)([\"'])e\2([^>]*>\s*" + _OPTIONAL_FORMULA + rb"\s*<(?:\w+:)?v\b[^>/]*>)")
_FORMULA_CELL: Final = re.compile(
    rb"<((?:\w+:)?)c\b([^>]*)>\s*(?:<(?:\w+:)?f\b[^>]*/>|<(?:\w+:)?f\b[^>]*>([^<]*)</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_TYPE: Final = re.compile(rb"\st\s*=\s*[\"'](\w*)[\"']")
_PLACE: Final = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{2,}|[A-Za-z]?)([0-9]{7,})?")
_MANY_LETTERS: Final = re.compile(rb"r\s{0,8}=\s{0,8}[\"'][A-Za-z]{2}")
_FAR_ROW: Final = re.compile(rb"r\s{0,8}=\s{0,8}[\"'][A-Za-z]{0,3}(?:1(?:0[5-9]|[1-9]\d)\d{4}|[2-9]\d{6}|\d{8})")


def opened_up(data: bytes, limits: Limits) -> bytes:
    """The archive's XML parts without compression. Raises Unreadable: not a workbook, protected, damaged, or too large inflated."""
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


def _repacked(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], limits: Limits) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as clean:
        for part in parts:
            # The archive's own reader stops at the size that the directory states, whatever follows.
            with archive.open(part) as source:
                content = source.read()
            if b"sheetData" in content:
                _check_extent(content, limits)
                content = _with_faults(content)
            clean.writestr(zipfile.ZipInfo(part.filename), content)
    return target.getvalue()


def _check_extent(xml: bytes, limits: Limits) -> None:
    """Raises Unreadable where the rectangle from A1 to the furthest cell is larger than is read."""
    if _FAR_ROW.search(xml):
        check_size(limits, 1_048_577 if limits.max_rows < 1_048_577 else limits.max_rows + 1, 1, limits.max_workbook_cells)
    if not _MANY_LETTERS.search(xml):
        return
    columns = max((_column(letters.upper()) for letters in {m[1] for m in _PLACE.finditer(xml)}), default=0)
    rows = max(map(int, re.findall(rb"\sr\s*=\s*[\"'][A-Za-z]*([0-9]+)", xml)), default=0)
    check_size(limits, rows, columns, limits.max_workbook_cells)


def _column(letters: bytes) -> int:
    number = 0
    for code in letters:
        number = number * 26 + code - 64
    return number


def _with_faults(xml: bytes) -> bytes:
    """The sheet with its error cells, and its formulas without a result, as texts that start with ``FAULT``."""
    if b'"e"' in xml or b"'e'" in xml:
        xml = _ERROR_CELL.sub(rb'\1"str"\3' + _MARK, xml)
    if re.search(rb"<(?:\w+:)?f[\s>/]", xml):
        xml = _FORMULA_CELL.sub(_without_result, xml)
    return xml


def _without_result(match: re.Match[bytes]) -> bytes:
    prefix, attributes, formula = match[1], match[2], match[3] or b""
    kind = _TYPE.search(attributes)
    if kind and kind[1] == b"str":  # a formula whose result is an empty text: a blank indeed
        return match[0]
    kept = _TYPE.sub(b"", attributes)
    return b'<%bc%b t="str"><%bv>%b=%b</%bv></%bc>' % (prefix, kept, prefix, _MARK, formula, prefix, prefix)
