"""The loaded rows as lines, one an Organization's product, and the rejected rows as what they leave unknown."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from accounts.products import CODES
from ingest.sources.body import IDENTITIES, Body
from ingest.sources.columns import OWNERS
from ingest.sources.grid import Ints, Mask, Texts, nonblank
from ingest.sources.numbers import Fault
from ingest.sources.reading import LINE_COLUMNS, REJECTED_COLUMNS
from ingest.sources.remarks import Remarks, Said
from ingest.sources.sorting import Sorting

_CODES = pa.array([*CODES, ""], pa.string())


@dataclass(frozen=True, eq=False)
class Flat:
    """Lines before they have their texts: rows of the body, product (an index into ``CODES``, -1: unknown), quantity, price in micros
    (-1: none).
    """

    rows: Ints
    products: Ints
    quantities: Ints
    prices: Ints


def build_lines(body: Body, sorting: Sorting, remarks: Remarks) -> tuple[pd.DataFrame, Mask]:
    """``Reading.lines`` in the file's order, and which rows are merged with an earlier one."""
    flat = _flatten(body, sorting.loaded)
    into = _first_of_its_kind(body, flat)
    again = into >= 0
    merged = np.zeros(body.height, dtype=np.bool_)
    merged[flat.rows[again]] = True
    _say_merged(body, flat, into, remarks)
    everything = len(flat.rows) == body.height and bool((flat.rows == np.arange(body.height)).all())
    texts = {name: column if everything else column.take(pa.array(flat.rows)) for name, column in body.owners.items()}
    frame = {
        "line": pd.Series(body.lines[flat.rows]),
        **{name: _text_series(texts[name]) for name in OWNERS},
        "product": _text_series(_CODES.take(pa.array(flat.products % len(_CODES)))),
        "product_name": _text_series(_own_words(body, flat)),
        "quantity": pd.Series(flat.quantities),
        "unit_price": _optional(flat.prices, flat.prices < 0),
        "merged_into": _optional(np.where(again, body.lines[flat.rows[into]] if len(into) else into, 0), ~again),
    }
    return pd.DataFrame(frame, columns=list(LINE_COLUMNS), copy=False), merged


def _own_words(body: Body, flat: Flat) -> Texts:
    """The product cells of lines whose product the registry does not know, "" elsewhere."""
    blank = pa.scalar("", pa.string())
    unknown = flat.products < 0
    if not unknown.any():
        return pa.repeat(blank, len(flat.rows))
    cells = body.text(body.columns.product or 0).take(pa.array(flat.rows))
    return pc.if_else(pa.array(unknown), cells, blank)


def _text_series(column: Texts) -> pd.Series:
    return pd.Series(pd.array(column, dtype="str"))


def _optional(values: Ints, missing: Mask) -> pd.Series:
    return pd.Series(pd.arrays.IntegerArray(np.asarray(values, dtype=np.int64), missing))


def _flatten(body: Body, loaded: Mask) -> Flat:
    parts = []
    for entry, numbers, costs in zip(body.columns.entries, body.quantities, body.prices, strict=True):
        rows = np.flatnonzero(loaded & (numbers.faults == Fault.OK.value))
        products = body.products[rows] if entry.product is None else np.full(len(rows), CODES.index(entry.product))
        given = None if costs is None else np.where(costs.faults == Fault.OK.value, costs.values, -1)[rows]
        parts.append((rows, products, numbers.values[rows], np.full(len(rows), -1) if given is None else given))
    rows, products, amounts, prices = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if len(parts) == 1:
        return Flat(rows, products, amounts, prices)
    order = np.argsort(rows, kind="stable")
    return Flat(rows[order], products[order], amounts[order], prices[order])


def _identities(body: Body) -> Ints:
    """A number for each row's Organization in this file: the same id, else the same key, else the same spelling."""
    found = np.full(body.height, -1, dtype=np.int64)
    for place, name in enumerate(IDENTITIES):
        open_rows = found < 0
        if name in body.columns.owners and open_rows.any():
            column = body.owners[name]
            codes = body.encoded(body.columns.owners[name]).indices.to_numpy(zero_copy_only=False).astype(np.int64)
            found = np.where(open_rows & nonblank(column), codes * len(OWNERS) + place, found)
    return found


def _first_of_its_kind(body: Body, flat: Flat) -> Ints:
    """For each line, the place among the lines of the first with the same Organization and product; -1 for the first itself."""
    keys = _identities(body)[flat.rows] * len(CODES) + flat.products
    unknown = flat.products < 0
    if unknown.any():
        numbers, names = body.unknown_products
        products = np.where(unknown, numbers[flat.rows], flat.products + names)
        keys = _identities(body)[flat.rows] * (names + len(CODES)) + products
    if int(np.bincount(keys).max(initial=0)) <= 1:
        return np.full(len(keys), -1, dtype=np.int64)
    again = pd.Series(keys).duplicated().to_numpy()
    codes, _ = pd.factorize(keys)
    first = np.flatnonzero(~again)
    return np.where(again, first[codes], -1)


def _say_merged(body: Body, flat: Flat, into: Ints, remarks: Remarks) -> None:
    again = np.flatnonzero(into >= 0)

    def sentence(place: int) -> Said:
        row = int(flat.rows[place])
        name = next((text for owner in OWNERS if (text := body.owners[owner][row].as_py())), "")
        target = int(body.lines[flat.rows[into[place]]])
        product = CODES[int(flat.products[place])].upper() if flat.products[place] >= 0 else body.cell(body.columns.product or 0, row)[:80]
        return Said(f"{name}, {product}: added to line {target:,}.", value=name)

    remarks.say("warning", "merged", body.lines[flat.rows], again, sentence)


def build_rejected(body: Body, sorting: Sorting) -> pd.DataFrame:
    """``Reading.rejected``: who and what each rejected row leaves unknown."""
    rows, products = _unknown_products(body, sorting)
    frame = {"line": pd.Series(body.lines[rows], dtype="int64")}
    for name in OWNERS:
        readable = ~sorting.unowned[rows] & ~_unreadable(body, name)[rows]
        texts = body.owners[name].take(pa.array(rows))
        frame[name] = _text_series(pc.if_else(pa.array(readable), texts, ""))
    frame["product"] = _text_series(_CODES.take(pa.array(products)))
    return pd.DataFrame(frame, columns=list(REJECTED_COLUMNS))


def _unreadable(body: Body, name: str) -> Mask:
    index = body.columns.owners.get(name)
    if index is None:
        return body.none
    return body.fault(index) | (body.long_ids if name == "organization_id" else body.none)


def _unknown_products(body: Body, sorting: Sorting) -> tuple[Ints, Ints]:
    """Pairs of row and product (an index into ``CODES``, -1 for any), in the file's order."""
    pairs: list[tuple[Ints, Ints]] = []
    differing = sorting.totals.differing
    plain = sorting.rejected.copy()
    plain[list(differing)] = False
    extra = np.flatnonzero(plain & body.extra)
    pairs.append((extra, np.full(len(extra), -1)))
    rows = np.flatnonzero(plain & ~body.extra)
    pairs += [
        (rows, body.products[rows] if entry.product is None else np.full(len(rows), CODES.index(entry.product)))
        for entry in body.columns.entries
    ]
    stated = [(row, CODES.index(code) if code else -1) for row, codes in differing.items() for code in codes]
    if stated:
        pairs.append((np.asarray([row for row, _ in stated]), np.asarray([code for _, code in stated])))
    found, products = (np.concatenate(columns).astype(np.int64) for columns in zip(*pairs, strict=True))
    order = np.argsort(found, kind="stable")
    return found[order], products[order] % len(_CODES)
