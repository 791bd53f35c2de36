"""What some bytes are, told from the bytes alone, and text brought to UTF-8 with one kind of line end."""

import codecs
import re
from typing import Final, NamedTuple

from ingest.sources.refusals import refusal

_ASK: Final = "Ask for the CSV or XLSX, and drop that."
_ZIPPED: Final = "Unpack it, and drop the CSV or XLSX that is inside."
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: First bytes, and what to say.
_SIGNATURES: Final = (
    (b"%PDF", "A PDF has no rows to read. " + _ASK),
    (b"\x89PNG", "This is a picture (PNG): it has no rows to read. " + _ASK),
    (b"\xff\xd8\xff", "This is a picture (JPEG): it has no rows to read. " + _ASK),
    (b"GIF8", "This is a picture (GIF): it has no rows to read. " + _ASK),
    (b"II*\x00", "This is a picture (TIFF): it has no rows to read. " + _ASK),
    (b"MM\x00*", "This is a picture (TIFF): it has no rows to read. " + _ASK),
    (b"RIFF", "This is a picture, a sound or a film: it has no rows to read. " + _ASK),
    (b"\x1f\x8b", "This is a compressed file (gzip). " + _ZIPPED),
    (b"7z\xbc\xaf", "This is a compressed file (7-Zip). " + _ZIPPED),
    (b"Rar!", "This is a compressed file (RAR). " + _ZIPPED),
    (b"{\\rtf", "This is a formatted text (RTF). " + _ASK),
    (b"SQLite format 3", "This is a database (SQLite). " + _ASK),
    (b"PAR1", "This is a Parquet file. " + _ASK),
    (b"MIME-Version:", "This is a web archive or a mail (MHTML). Open it, save it as CSV or XLSX, and drop that."),
)
_TAGS: Final = rb"!doctype\s+html|html|head|body|table|meta|style|title|link|script|div|span|center|font|form|p|br|h[1-6]"
_MARKUP: Final = re.compile(rb"\s*(?:<!--.{0,900}?-->\s*)*<(?:" + _TAGS + rb")(?=[\s/>:])", re.I | re.S)
_XML: Final = re.compile(rb"\s*<(\?xml|!DOCTYPE|!--|Workbook)\b|\s*<!--", re.I)
_XHTML: Final = re.compile(rb"<html[\s>]", re.I)
_JSON: Final = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[{])')
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHUNK: Final = 1 << 20
_START: Final = 2048
#: Encodings that a text's bytes show or that are taken where they show nothing; and those that a person may state beside them.
SHOWN_BY_BYTES: Final = ("utf-8", "cp1252")
STATED_ENCODINGS: Final = ("utf-16", "cp1252", "cp1250", "mac-roman")
_NOTHING: Final = b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"


class Text(NamedTuple):
    """UTF-8 without a byte order mark, every line end a line feed; and the encoding it came in: utf-8 or one of ``STATED_ENCODINGS``."""

    data: bytes
    encoding: str


def is_zip(data: bytes) -> bool:
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def is_ole(data: bytes) -> bool:
    return data.startswith(_OLE)


def is_web_page(data: bytes) -> bool:
    """Whether it begins as HTML does, whatever its name says."""
    start = data[:_START]
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            start = start[len(bom) :].decode(encoding, "ignore").encode()
    return bool(_MARKUP.match(start) or (_XML.match(start) and _XHTML.search(start)))


def has_sheets(data: bytes) -> bool:
    """Whether it is one piece, and no text whose first lines tell something already; the start of the bytes is enough to see it."""
    return is_zip(data) or is_ole(data) or is_web_page(data)


def refuse_foreign(data: bytes) -> None:
    """Raises Unreadable for what is neither text nor has sheets, saying what it is and what to do."""
    if not data[:4096].strip(_NOTHING) and not data.strip(_NOTHING):
        raise refusal("empty", "The file is empty: there are no rows to read. " + _ASK)
    for signature, message in _SIGNATURES:
        if data.lstrip(codecs.BOM_UTF8).startswith(signature):
            raise refusal("not_a_table", message)
    start = data[:1024].removeprefix(codecs.BOM_UTF8)
    if _XML.match(start):
        raise refusal("not_a_table", "An XML file is not read. Open it, save it as CSV or XLSX, and drop that.")
    if _JSON.match(start):
        raise refusal("not_a_table", "This is JSON, which is not read. " + _ASK)


def to_utf8(data: bytes, wanted: str = "utf-8") -> Text:
    """The text of a file: UTF-8 with or without a byte order mark, UTF-16 with one, else code page 1252.

    ``wanted`` is a person's choice; it gives way to a byte order mark. Raises Unreadable where the bytes are no text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return Text(_lines(_transcoded(data[len(bom) :], encoding)), encoding[:6].rstrip("-"))
    if wanted in STATED_ENCODINGS:
        return Text(_lines(_transcoded(data, wanted)), wanted)
    if is_utf8(data):
        return Text(_lines(data), "utf-8")
    return Text(_lines(_transcoded(data, "cp1252")), "cp1252")


def is_utf8(data: bytes) -> bool:
    """Piece by piece: the whole text in memory at once could take four times the file's size."""
    if data.isascii():
        return True
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(data)
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(bytes(view[start : start + _CHUNK]), start + _CHUNK >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _transcoded(data: bytes, encoding: str) -> bytes:
    try:
        if encoding == "utf-8" and is_utf8(data):
            return data
        return data.decode(encoding).encode()
    except UnicodeError:
        message = f"The bytes are no text in {encoding.upper()}. Save the file as CSV in UTF-8, or as XLSX, and drop that."
        raise refusal("encoding", message) from None


def _lines(data: bytes) -> bytes:
    if b"\0" in data:
        message = (
            "There are NUL bytes in it, so it is no text (or UTF-16 without its mark). Save it as CSV in UTF-8, or as XLSX, and drop that."
        )
        raise refusal("not_a_table", message)
    if not data or data.isspace():
        raise refusal("empty", "The file is empty: there are no rows to read. " + _ASK)
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
