"""Bytes and tables that nobody would make, out of those that somebody did."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from html import escape
from typing import Final

import xlsxwriter
from hypothesis import strategies as st

from tests.sources import hostile
from tests.sources.test_golden import FILES

#: How many times the usual number of examples; `make fuzz` states it.
TIMES: Final = max(int(os.environ.get("RECON_FUZZ", "1")), 1)
SAMPLES: Final = (
    *(path.read_bytes() for path in FILES),
    b'Hostname,Organization,Serial,Last Seen,Platform\nws-1,Contoso,A1,03/04/2026 10:00,Windows\n"ws\n2",Fabrikam,,31/12/2026,macOS\n',
    hostile.plain(),
    hostile.ods(hostile.ods_table(hostile.ods_row("Organization", "EDR"), hostile.ods_row("Contoso", 3.0))),
    hostile.page("<table><tr><th>Organization<th>EDR<tr><td>Contoso<td rowspan=2>3<tr><td>Fabrikam</table>"),
)
ARCHIVES: Final = tuple(data for data in SAMPLES if data[:2] == b"PK")

_PIECES: Final = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b'"', b"\n", b"\r", b",", b";", b"\t", b"\0", b"\xff\xfe", b"<", b">", b"&", b'r="XFD9"', b'count="99999999"', b"<td colspan=999>",
         b"</table>", b"<table>", b"\xff\xff\xff\xff", b"PK\1\2", b"PK\3\4", b"-1", b"9" * 20, b"NaN", b"1e308", b"\xe2\x80\xa8"]
    ),
)  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes with a few of them put in, taken out, turned over, doubled or cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 40))
        how = draw(st.sampled_from(["flip", "put", "replace", "cut", "double", "end"]))
        if how == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "put":
            data[at:at] = draw(_PIECES)
        elif how == "replace":
            data[at : at + length] = draw(_PIECES)
        elif how == "cut":
            del data[at : at + length]
        elif how == "double":
            data[at:at] = data[at : at + length] * draw(st.integers(1, 3))
        elif draw(st.booleans()):
            del data[at:]
    return bytes(data)


@st.composite
def spoiled_parts(draw: st.DrawFn) -> bytes:
    """An archive whose directory is whole, and one of whose parts is not."""
    with zipfile.ZipFile(io.BytesIO(draw(st.sampled_from(ARCHIVES)))) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    wanted = [name for name in parts if "sheet" in name or "content" in name or "haredStr" in name or name.endswith(".json")]
    name = draw(st.sampled_from(sorted(wanted)))
    parts[name] = draw(spoiled(parts[name]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


_HEADERS: Final = st.sampled_from(
    ["Organization", "Company Name", "Customer", "Org ID", "Organization Key", "Product", "Quantity", "Qty", "EDR", "ITDR", "Unit Price",
     "EDR price", "Hostname", "Last Seen", "Platform", "Serial Number", "SKU", "Price", "Amount", "Currency", "Invoice", "Date",
     "From", "To", "Bill", "Agreement Status", "Reason", "Notes", ""]
)  # fmt: skip
CELLS: Final = st.one_of(
    st.sampled_from(
        ["", " ", "Contoso", "Tarn Vale Dental", "Total", "Grand total:", "EDR", "edr", "Hours", "12", "0", "-3", "1,234", "1.234,5",
         "12.5", "$6.50", "(4.00)", "2026-10-14", "03/04/2026", "31/12/2026 10:00",
         "Windows", "x" * 300, "#REF!", "TRUE", "007", "A-1", "a\nb",
         'say "hi"', "1e9", "99999999999999999999", "\u00a0", "\ue0fa\ue0fb", "Organization", "=1+1"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)  # fmt: skip
_BODY: Final = st.lists(st.lists(CELLS, max_size=8), max_size=12)
ROWS: Final = st.tuples(st.lists(st.lists(CELLS, max_size=3), max_size=2), st.lists(_HEADERS, min_size=1, max_size=7), _BODY).map(
    lambda parts: [*parts[0], parts[1], *parts[2]]
)


def xlsx(rows: Sequence[Sequence[str]], types: bool) -> bytes:
    """With ``types``, what looks like a number or a formula is one."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"strings_to_numbers": types, "strings_to_formulas": types, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                sheet.write(row, column, cell)
    return out.getvalue()


def html(rows: Sequence[Sequence[str]]) -> bytes:
    return hostile.page("<table>" + "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) for cells in rows) + "</table>")


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    clean = [["".join(char for char in cell if char.isprintable()) for cell in cells] for cells in rows]
    return hostile.ods(hostile.ods_table(*(hostile.ods_row(*(escape(cell) for cell in cells)) for cells in clean)))
