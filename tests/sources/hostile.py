"""Files that want to hurt whoever reads them, and odd ones that only look so. Each is made here, small, from its recipe."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import xlsxwriter

REPORT: Final = [["Organization", "EDR"], ["Tarn Vale Dental", 12.0], ["Marrick Town Trust", 8.0]]
SAMPLES: Final = Path(__file__).parent / "samples"
_ODF: Final = "urn:oasis:names:tc:opendocument:xmlns"
_CONTENT: Final = (
    f'<?xml version="1.0"?><office:document-content xmlns:office="{_ODF}:office:1.0" xmlns:table="{_ODF}:table:1.0" '
    f'xmlns:text="{_ODF}:text:1.0" xmlns:style="{_ODF}:style:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"><office:automatic-styles>'
    '<style:style style:name="hid" style:family="table"><style:table-properties table:display="false"/></style:style>'
    "</office:automatic-styles><office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"
)


def plain() -> bytes:
    """A report with a table of shared texts, as Excel writes it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(REPORT):
            sheet.write_row(row, 0, cells)
    return out.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)
        for name, content in (more or {}).items():
            new.writestr(name, content)
    return out.getvalue()


def with_part(part: str, old: bytes, new: bytes) -> bytes:
    return repacked(plain(), lambda name, content: content.replace(old, new) if part in name else content)


def ods(tables: str, manifest: str = "<manifest/>") -> bytes:
    """A spreadsheet of these ``table:table`` elements."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", _CONTENT.format(tables))
        archive.writestr("META-INF/manifest.xml", manifest)
    return out.getvalue()


def ods_table(*rows: str, name: str = "Sheet1", more: str = "") -> str:
    return f'<table:table table:name="{name}" {more}>{"".join(rows)}</table:table>'


def ods_row(*cells: str | float, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(map(ods_cell, cells))}</table:table-row>"


def ods_cell(value: str | float) -> str:
    """A text, a number, or an element as it is."""
    if isinstance(value, str) and value.startswith("<"):
        return value
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value:,.2f}</text:p></table:table-cell>'


def page(*tables: str, head: str = "", encoding: str = "utf-8") -> bytes:
    return f"<html><head>{head}</head><body>{''.join(tables)}</body></html>".encode(encoding)


# --- what wants to hurt -----------------------------------------------------------------------------------------------------------


def zip_bomb() -> bytes:
    """A sheet that unpacks to a thousand times its size."""
    return repacked(plain(), lambda name, content: b" " * 80_000_000 if "sheet1" in name else content)


def lying_bomb() -> bytes:
    """The same, with a directory that states a small size."""
    return _understated(repacked(plain(), lambda name, content: b" " * 40_000_000 if "sheet1" in name else content), 40_000_000, 1000)


def _understated(data: bytes, size: int, stated: int) -> bytes:
    return data.replace(struct.pack("<I", size), struct.pack("<I", stated))


def nested_bomb() -> bytes:
    """Ten thousand parts that are one and the same stretch of the archive."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(b"<a/>" * 250_000) + body.flush()
    crc, name = zlib.crc32(b"<a/>" * 250_000), b"xl/workbook.xml"
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), 1_000_000, len(name), 0) + name + packed
    directory = b""
    for number in range(10_000):
        entry = name if not number else b"[Content_Types].xml" if number == 1 else b"xl/%d.xml" % number
        directory += (
            struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(packed), 1_000_000, len(entry), 0, 0, 0, 0, 0, 0)
            + entry
        )
    return local + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 10_000, 10_000, len(directory), len(local), 0)


def million_columns() -> bytes:
    return with_part("sheet1", b'r="B2"', b'r="BDWGN2"')


def far_corner() -> bytes:
    return with_part("sheet1", b'r="B3"', b'r="XFD1048576"')


def claimed_dimension() -> bytes:
    """A claim alone: no cell stands out there, so the rest is read."""
    return with_part("sheet1", b'ref="A1:B3"', b'ref="A1:XFD1048576"')


def claimed_strings() -> bytes:
    """Texts of which there are said to be four thousand million."""
    return with_part("sharedStrings", b'uniqueCount="4"', b'uniqueCount="4294967295"')


def claimed_counts() -> bytes:
    """The same of everything that is counted."""
    return repacked(plain(), lambda name, content: re.sub(rb'([cC]ount=)"\d+"', rb'\1"4294967295"', content))


def far_text() -> bytes:
    """A cell whose text is the four thousand millionth."""
    return with_part("sheet1", b'<c r="A2" t="s"><v>2</v>', b'<c r="A2" t="s"><v>4294967295</v>')


def laughs() -> bytes:
    """Entities that grow to thousands of millions of characters."""
    entities = b"".join(b'<!ENTITY l%d "%b">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(10))
    return repacked(
        plain(),
        lambda name, content: (
            b"<!DOCTYPE sst [" + entities + b"]>" + content.replace(b"Tarn Vale Dental", b"&l9;") if "sharedStrings" in name else content
        ),
    )


def outside_entity() -> bytes:
    return repacked(
        plain(),
        lambda name, content: (
            b'<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + content.replace(b"Tarn Vale Dental", b"&x;")
            if "sharedStrings" in name
            else content
        ),
    )


def utf16_sheet() -> bytes:
    """A sheet in an encoding in which a search for its tags finds nothing."""
    return repacked(
        plain(),
        lambda name, content: (
            content.replace(b'r="B3"', b'r="XFD1048576"').decode().replace("UTF-8", "UTF-16").encode("utf-16")
            if "sheet1" in name
            else content
        ),
    )


def deep_xml() -> bytes:
    return with_part("sheet1", b"<sheetData>", b"<sheetData>" + b"<row>" * 3_000_000)


def long_cell() -> bytes:
    return with_part("sharedStrings", b"Tarn Vale Dental", b"x" * 10_000_000)


def path_tricks() -> bytes:
    """Parts whose names lead out of the archive; the rest is a plain report."""
    return repacked(
        plain(),
        lambda name, content: content,
        {"../../../../tmp/recon-was-here.xml": b"<a/>", "/tmp/recon-was-here.xml": b"<a/>", "..\\..\\recon-was-here.xml": b"<a/>"},
    )


def with_macros() -> bytes:
    return repacked(plain(), lambda name, content: content, {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 Sub AutoOpen()"})


def with_links() -> bytes:
    """A DDE link that would start a program, in a workbook whose cell has the last result."""
    link = b'<externalLink><ddeLink ddeService="cmd" ddeTopic="/c touch /tmp/recon-was-here"/></externalLink>'
    linked = with_part("sheet1", b"<v>12</v>", b"<f>cmd|'/c touch /tmp/recon-was-here'!A0</f><v>12</v>")
    return repacked(linked, lambda name, content: content, {"xl/externalLinks/externalLink1.xml": link})


def encrypted_xlsx() -> bytes:
    """The container in which Excel keeps a workbook with a password; what is in it is noise."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1016 + "EncryptionInfo\0EncryptedPackage\0".encode("utf-16-le") + b"\7" * 4096


def old_workbook(name: str = "old-billed.xls") -> bytes:
    return (SAMPLES / "billed" / name).read_bytes()


def encrypted_old_workbook() -> bytes:
    """The sample with its second record turned into the one that announces a password."""
    data = bytearray(old_workbook())
    at = data.find(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20
    data[at : at + 2] = b"\x2f\x00"
    return bytes(data)


def looping_old_workbook() -> bytes:
    """A chain of sectors that leads back to its beginning."""
    data = bytearray(old_workbook())
    table = 512 * (1 + struct.unpack_from("<I", data, 76)[0])
    first = struct.unpack_from("<I", data, table)[0]
    for sector in range(0, 120, 2):
        struct.pack_into("<I", data, table + 4 * sector, 0 if first else 2)
    return bytes(data)


def huge_ods() -> bytes:
    """One number, said to stand in every cell of a sheet without end."""
    cell = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{}"/>'
    return ods(ods_table(ods_row("Organization", "EDR"), ods_row(cell.format(1_000), more='table:number-rows-repeated="1048576"')))


def wide_ods() -> bytes:
    cell = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="999999999"/>'
    return ods(ods_table(ods_row("Organization", "EDR"), ods_row(cell)))


def laughing_ods() -> bytes:
    whole = ods(ods_table(ods_row("Organization", "EDR"), ods_row("&l;", 1.0)))
    entity = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY k "hahahahaha"><!ENTITY l "&k;&k;&k;&k;">]>'
    return repacked(whole, lambda name, content: content.replace(b'<?xml version="1.0"?>', entity) if name == "content.xml" else content)


def protected_ods() -> bytes:
    return ods(ods_table(ods_row("Organization", "EDR")), "<manifest:encryption-data/>")


def wide_page() -> bytes:
    return page("<table><tr>" + "<td colspan=999999999>x</td>" * 3000 + "</tr></table>")


def tall_page() -> bytes:
    return page("<table>" + "<tr><td rowspan=65534 colspan=900>x</td>" * 60_000 + "</table>")


def deep_page() -> bytes:
    return page("<table><tr><td>" * 200_000)


def sign_in_page() -> bytes:
    return page('<form action="https://psa.example/login"><input name="user"><script>steal()</script></form>')


def picture_called_csv() -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 500


def nul_bytes() -> bytes:
    return b"Organization,EDR\nTarn Vale\0 Dental,12\n"


def long_text_cell() -> bytes:
    return b"Organization,EDR\nTarn Vale Dental" + b"x" * 10_000_000 + b",12\n"


def lost_quote() -> bytes:
    return b'Organization,EDR\n"Tarn Vale Dental,12\n' + b"Marrick Town Trust,8\n" * 500_000


def million_commas() -> bytes:
    return b"Organization,EDR" + b"," * 1_000_000 + b"\nTarn Vale Dental,12\n"


def only_quotes() -> bytes:
    return b"Organization,EDR\n" + b'"' * 10_000_000


def binary_workbook() -> bytes:
    return repacked(plain(), lambda name, content: content, {"xl/workbook.bin": b"\0"})


#: What is refused: the code, and words of the sentence.
REFUSED: Final[dict[str, tuple[Callable[[], bytes], str, str]]] = {
    "zip bomb": (zip_bomb, "too_big", "unpacks to"),
    "zip bomb with a lying directory": (lying_bomb, "damaged", "damaged"),
    "one stretch as ten thousand parts": (nested_bomb, "too_big", "unpacks to"),
    "a million columns": (million_columns, "too_many_columns", "columns"),
    "a cell in the far corner": (far_corner, "too_many_columns", "columns"),
    "a far corner in UTF-16": (utf16_sheet, "damaged", "damaged"),
    "entities that grow": (laughs, "entities", "definitions of its own"),
    "entities from outside": (outside_entity, "entities", "definitions of its own"),
    "three million elements deep": (deep_xml, "", ""),
    "a text that is not there": (far_text, "damaged", "damaged"),
    "a cell of 10 MB in a workbook": (long_cell, "cell_too_long", "longer than"),
    "an encrypted workbook": (encrypted_xlsx, "protected", "password"),
    "an encrypted old workbook": (encrypted_old_workbook, "protected", "password"),
    "an old workbook that loops": (looping_old_workbook, "damaged", "damaged"),
    "a binary workbook": (binary_workbook, "not_a_table", "xlsb"),
    "a spreadsheet without end": (huge_ods, "too_many", "than is read"),
    "a spreadsheet of endless columns": (wide_ods, "too_many_columns", "columns"),
    "a spreadsheet with entities": (laughing_ods, "entities", "definitions of its own"),
    "an encrypted spreadsheet": (protected_ods, "protected", "password"),
    "a page of endless columns": (wide_page, "too_many_columns", "columns"),
    "a page whose cells reach down": (tall_page, "too_many", ""),
    "a page of tables in tables": (deep_page, "", ""),
    "a page that asks to sign in": (sign_in_page, "not_a_table", "sign in"),
    "a picture called CSV": (picture_called_csv, "not_a_table", "picture"),
    "NUL bytes": (nul_bytes, "not_a_table", "NUL"),
    "a cell of 10 MB": (long_text_cell, "cell_too_long", "line 2"),
    "a lost quotation mark": (lost_quote, "", "line 2"),
    "a million commas": (million_commas, "too_many_columns", "columns"),
    "nothing but quotation marks": (only_quotes, "", ""),
}
#: What is read all the same, because what would hurt in it is left alone: the notes that are made.
READ: Final[dict[str, tuple[Callable[[], bytes], list[str]]]] = {
    "a claim of all cells there are": (claimed_dimension, []),
    "a claim of four thousand million texts": (claimed_strings, []),
    "a claim of four thousand million of everything": (claimed_counts, []),
    "paths that lead out of the archive": (path_tricks, []),
    "macros": (with_macros, ["macros_not_run"]),
    "links that start a program": (with_links, ["links_not_followed"]),
}
