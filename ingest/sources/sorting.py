"""Every row into one bucket, with the reason: this is where a row is loaded, set aside or rejected."""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from ingest.sources.body import Body
from ingest.sources.grid import Ints, Mask, nonblank
from ingest.sources.reading import Leg, Level
from ingest.sources.remarks import Remarks, Said
from ingest.sources.sentences import (
    fault_sentence,
    id_sentence,
    mark_sentence,
    price_sentence,
    product_sentence,
    quantity_sentence,
    total_sentence,
    waiting_sentence,
)  # fmt: skip
from ingest.sources.totals import Totals, check_totals, labelled

#: A row's reason is an index into this; "" is a loaded row.
REASONS: Final = ("", "title", "blank", "header", "total", "no quantity", "footer", "unknown product", "does not count", "rejected")
TITLE, BLANK, HEADER, TOTAL, NO_QUANTITY, FOOTER, UNKNOWN, MARKED, REJECTED = range(1, len(REASONS))


@dataclass
class Sorting:
    """``reasons`` has one entry a row below the header. ``unowned`` are rejected rows whose Organization could not be read at all."""

    reasons: Ints
    unowned: Mask
    totals: Totals = field(default_factory=Totals)

    @property
    def loaded(self) -> Mask:
        return np.equal(self.reasons, 0)

    @property
    def rejected(self) -> Mask:
        return np.equal(self.reasons, REJECTED)


def sort_rows(body: Body, leg: Leg, remarks: Remarks, *, only_known: bool = False) -> Sorting:
    """Raises nothing: what is wrong with a row is said in ``remarks``. For ``only_known`` see ``Asked``."""
    sorting = Sorting(np.zeros(body.height, dtype=np.int64), np.zeros(body.height, dtype=np.bool_))
    sorting.reasons[body.blank] = BLANK
    sorting.reasons[body.repeated_header & sorting.loaded] = HEADER
    totals = labelled(body, sorting.loaded)
    sorting.reasons[totals] = TOTAL
    _reject_extra(body, sorting, remarks)
    rest = sorting.loaded & ~body.counted
    sorting.reasons[rest] = np.where(body.named[rest], NO_QUANTITY, FOOTER)
    _set_marked_aside(body, sorting, remarks)
    if body.columns.is_long:
        _sort_unknown_products(body, leg, sorting, remarks, only_known)
    faulty = [_owner_faults(body, sorting, remarks), _number_faults(body, sorting, remarks)]
    sorting.reasons[np.logical_or.reduce(faulty)] = REJECTED
    _sort_totals(body, totals, sorting, remarks)
    return sorting


def _reject_extra(body: Body, sorting: Sorting, remarks: Remarks) -> None:
    extra = sorting.loaded & body.extra
    message = (
        f"The row has more cells than the header's {len(body.header)}, so none of them can be trusted. "
        "A text with the delimiter in it needs quotation marks around it."
    )
    remarks.say("error", "extra_cells", body.lines, np.flatnonzero(extra), lambda row: Said(message))
    sorting.reasons[extra] = REJECTED
    sorting.unowned |= extra


def _set_marked_aside(body: Body, sorting: Sorting, remarks: Remarks) -> None:
    """Rows that say themselves that they are not charged."""
    for mark, index in body.columns.marks:
        marked = sorting.loaded & body.says(index, mark.cells)
        remarks.say("info", mark.reason, body.lines, np.flatnonzero(marked), partial(mark_sentence, body, index))
        sorting.reasons[marked] = MARKED


def _sort_unknown_products(body: Body, leg: Leg, sorting: Sorting, remarks: Remarks, only_known: bool) -> None:
    """A product that the registry does not know stays a line under the file's own words, for a person to say what it counts for.

    Without words, or with a quantity that no rule could count (hours, say), a row is refused of a bill and set aside elsewhere.
    """
    index = body.columns.product or 0
    fault = sorting.loaded & body.fault(index)
    unknown = sorting.loaded & (body.products < 0) & ~fault
    kept = body.none if only_known or not unknown.any() else unknown & nonblank(body.text(index))
    if leg != "billed":
        kept = kept & ~body.unreadable_number
    waits, lost = np.flatnonzero(kept), np.flatnonzero(unknown & ~kept)
    remarks.say("warning", "unknown_product", body.lines, waits, partial(waiting_sentence, body, index))
    level: Level = "error" if leg == "billed" else "warning"
    remarks.say(level, "unknown_product", body.lines, lost, partial(product_sentence, body, index, leg))
    remarks.say("error", "unreadable_cell", body.lines, np.flatnonzero(fault), partial(fault_sentence, body, index))
    if leg != "billed":
        sorting.reasons[lost] = UNKNOWN
    # Rejected rows stay among the loaded until every check has looked at them.
    sorting.reasons[fault | (unknown & ~kept & (leg == "billed"))] = REJECTED


def _owner_faults(body: Body, sorting: Sorting, remarks: Remarks) -> Mask:
    """Rows whose Organization is missing or cannot be read."""
    looked_at = sorting.loaded | sorting.rejected & ~body.extra
    nobody = looked_at & ~body.named
    message = "There is a quantity and no Organization. Where the name's cell is merged with the one above, fill the name in on each row."
    remarks.say("error", "no_organization", body.lines, np.flatnonzero(nobody), lambda row: Said(message))
    long = looked_at & body.long_ids
    remarks.say("error", "unreadable_id", body.lines, np.flatnonzero(long), partial(id_sentence, body))
    faulty, readable = nobody | long, np.zeros(body.height, dtype=np.bool_)
    for name, index in body.columns.owners.items():
        fault = looked_at & body.fault(index)
        remarks.say("error", "unreadable_cell", body.lines, np.flatnonzero(fault), partial(fault_sentence, body, index))
        faulty |= fault
        readable |= nonblank(body.owners[name]) & ~fault & ~(body.long_ids if name == "organization_id" else body.none)
    sorting.unowned |= faulty & ~readable
    return faulty


def _number_faults(body: Body, sorting: Sorting, remarks: Remarks) -> Mask:
    """Rows with a quantity, or beside a quantity a unit price, that cannot be read."""
    looked_at = sorting.loaded | sorting.rejected & ~body.extra
    faulty = np.zeros(body.height, dtype=np.bool_)
    for entry, numbers, costs in zip(body.columns.entries, body.quantities, body.prices, strict=True):
        bad = looked_at & numbers.bad
        remarks.say(
            "error", "unreadable_quantity", body.lines, np.flatnonzero(bad), partial(quantity_sentence, body, entry.quantity, numbers)
        )
        faulty |= bad
        if costs is not None and entry.unit_price is not None:
            bad = looked_at & costs.bad & numbers.given
            sentence = partial(price_sentence, body, entry.unit_price, costs)
            remarks.say("error", "unreadable_price", body.lines, np.flatnonzero(bad), sentence)
            faulty |= bad
    return faulty


def _sort_totals(body: Body, rows: Ints, sorting: Sorting, remarks: Remarks) -> None:
    summed = sorting.loaded | (sorting.reasons == UNKNOWN) & ~body.quantities[0].bad
    spoiled = sorting.rejected | (sorting.reasons == UNKNOWN) & body.quantities[0].bad
    totals = sorting.totals = check_totals(body, rows, summed, spoiled)
    marked = sorting.reasons == MARKED
    if totals.differing and marked.any():  # a list may add up what it does not charge
        totals.tie_by(check_totals(body, rows, summed | marked, spoiled | marked & body.unreadable_number))
    unproved = np.asarray(totals.unproved, dtype=np.int64)
    message = "This total cannot be checked: a row above it could not be read."
    remarks.say("warning", "total_not_checked", body.lines, unproved, lambda row: Said(message))
    differing = np.asarray(list(totals.differing), dtype=np.int64)
    remarks.say("error", "total_does_not_tie", body.lines, differing, lambda row: total_sentence(totals.sentences[row]))
    sorting.reasons[differing] = REJECTED
    sorting.unowned[differing] = True
